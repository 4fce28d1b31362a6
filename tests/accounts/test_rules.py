"""One address has one form, and weak passwords are refused offline."""

import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clients import PASSWORD
from tests.support.invisible import BLANK, IGNORED
from twofold.accounts.rules import check_new_password, normal_email
from twofold.base.problems import InvalidRequest

COMMON = (Path(__file__).parents[1] / "data" / "common-passwords.txt").read_text("utf-8").splitlines()


def accepted(password: str, *, least: int = 8, email: str = "alice@example.org", site_name: str = "My Site") -> bool:
    """Return whether this password is accepted."""
    try:
        check_new_password(password, field="new_password", least=least, email=email, site_name=site_name)
    except InvalidRequest as refused:
        [error] = refused.errors
        assert error.field == "new_password"
        return False
    return True


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "typed, stored",
    [
        ("alice@example.org", "alice@example.org"),
        ("  Alice@EXAMPLE.org\n", "alice@example.org"),
        ("alice+news@example.org", "alice+news@example.org"),
        ("a.b-c_d@example.org", "a.b-c_d@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@BÜCHER.example", "alice@xn--bcher-kva.example"),
        ("alice@例え。テスト", "alice@xn--r8jz45g.xn--zckzah"),
        ("jürgen@example.org", "jürgen@example.org"),
        ("root@localhost", "root@localhost"),
        ("cafe\u0301@example.org", "caf\u00e9@example.org"),
        ("CAFE\u0301@example.org", "caf\u00e9@example.org"),
        ("\u212aelvin@example.org", "kelvin@example.org"),
        *[
            (f"{mark}alice@example.org{mark}", "alice@example.org")
            for mark in "\ufeff\u200b\u200e\u2060\u00ad\ufe0f\u3164"
        ],
        ("\u2068 alice@example.org \u2069\n", "alice@example.org"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_email_is_stored_in_one_form(typed: str, stored: str) -> None:
    """Trimmed, NFC, lower case, domain in IDNA."""
    assert normal_email(typed) == stored


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "@",
            "alice",
            "alice@",
            "@example.org",
            "a b@example.org",
            "a@b c.org",
            "a@b@c.org",
            "alice@example..org",
        ],
        *["alice@-example.org", "alice@example-.org", "alice@.example.org", "alice@example.org.", "alice@[127.0.0.1]"],
        *[
            "alice@exa_mple.org",
            "alice@example.org\x00",
            "al\x00ice@example.org",
            "al\nice@example.org",
            "a\u200b@b.org",
        ],
        *[
            *[f"a{sign}b@example.org" for sign in '()<>[]:;,\\"'],
            ".a@example.org",
            "a.@example.org",
            "a..b@example.org",
            '"a b"@example.org',
            "a\u202e@b.org",
            "a\u00ad@b.org",
            "a\u061c@b.org",
            "\ud800@b.org",
            "a\x80@b.org",
            "a@\u202eb.org",
            "a@b\x00.org",
            "a\u037eb@example.org",
            "a\u200cb@example.org",
        ],
        *["a" * 65 + "@example.org", "alice@" + "a" * 64 + ".org", "alice@" + "a." * 130 + "org", "alice＠example.org"],
    ],
)
def test_malformed_email_is_refused_with_an_example(text: str) -> None:
    """The field and the remedy are named."""
    with pytest.raises(InvalidRequest) as refused:
        normal_email(text)
    [error] = refused.value.errors
    assert (error.field, "name@example.com" in error.text) == ("email", True)


@pytest.mark.parametrize("sign", [*IGNORED, *BLANK])
def test_email_with_invisible_characters_is_refused(sign: str) -> None:
    """Between and behind the letters: no two addresses differ by it. In front it is left out, as it was pasted."""
    for local in (f"bo{sign}b", f"bob{sign}", f"a.{sign}b"):
        with pytest.raises(InvalidRequest):
            normal_email(f"{local}@example.org")


@given(
    text=st.text(max_size=80)
    | st.builds("{}@{}".format, st.text(min_size=1), st.text(min_size=1))
    | st.builds("{}@example.org".format, st.text("aEKß\u212a\u0130\u0301\u0323\u0345\u1e9b.", min_size=1, max_size=9))
)
def test_any_text_is_normalized_as_an_email_or_refused(text: str) -> None:
    """Nothing raises anything else, and writing it twice changes nothing."""
    try:
        email = normal_email(text)
    except InvalidRequest:
        return
    assert normal_email(email) == email
    assert re.fullmatch(r"[^\s@]+@[a-z0-9.-]+", email)
    assert email == email.lower() == unicodedata.normalize("NFC", email)


# ------------------------------------------------------------------ passwords


def test_most_common_passwords_are_refused() -> None:
    """The three thousand most common ones are refused (ASVS 5.0, 6.2.4)."""
    assert len(COMMON) == 3000
    assert [password for password in COMMON if accepted(password)] == []


@pytest.mark.parametrize(
    "password",
    ["password1!", "Passw0rd!", "P@ssw0rd123", "monkey2026", "qwerty123!", "Iloveyou1!", "123456789!", "aaaaaaaaaaaa"],
)
def test_common_passwords_with_usual_additions_are_refused(password: str) -> None:
    """Additions that satisfy composition rules make a common password no safer."""
    assert not accepted(password)


@pytest.mark.parametrize(
    "password",
    [
        *["monkey!!2026", "2026monkey", "M0nk3y#1", "MONKEY-monkey", "drowssap1", "dr@g0nm0nkey", "Passw0rd!Passw0rd!"],
        *["abcd1234", "qwertyasdfgh", "1qaz2wsx", "q1w2e3r4", "zaq12wsx", "йцукенгшщ", "azertyuiop", "!@#$%^&*("],
        *["112233445566", "aaaabbbbcccc", "abababababab", "xq7xq7xq7xq7", "passwordpassword", "12.05.1987", "19870512"],
        *["pässwörd2026", "ｐａｓｓｗｏｒｄ１", "alice1987", "example.org!", "My-Site-2026", "twofold2026"],
    ],
)
def test_disguised_and_regular_passwords_are_refused(password: str) -> None:
    """Case, signs for letters, years, suffixes, rows of keys, runs, dates, repetition, and what is public."""
    assert not accepted(password)


@pytest.mark.parametrize(
    "password",
    [
        *[
            "4@8({[<3691!|1|70$5+%2" * 6,
            "ab" * 128,
            "a" * 256,
            "abc" * 85,
            "qwertyuiop" * 25,
            "ﬃ" * 256,
            "ß" * 256,
            "\ufdfa" * 1024,
        ],
        *["password" * 32, "1q2w3e4r5t6y7u8i9o0p" * 12, "10.10.10" * 32, "a\u0301" * 512, "ΐ" * 256, "0o0O" * 64],
    ],
    ids=lambda password: password[:8],
)
def test_checking_any_password_takes_bounded_time(password: str) -> None:
    """Whatever its text: the work is bounded (processor time, so that a busy machine changes nothing)."""
    accepted("the list is loaded now")
    begun = time.thread_time()
    accepted(password, email=f"{'a.' * 31}b@{'ab.' * 83}org", site_name="My Site " * 6)
    assert time.thread_time() - begun < 0.05


@pytest.mark.parametrize("text", ["password123456", "p4ssw0rd123", "qwertyuiop123"])
def test_common_password_in_full_width_letters_is_refused(text: str) -> None:
    """What counts is the form that is hashed (NFKC): the plain spelling would open the account."""
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in text)
    assert not accepted(full_width)


@pytest.mark.parametrize(
    "password, email, site_name",
    [
        ("alicewonderland", "alice.wonderland@example.org", "My Site"),
        ("alice.wonderland@example.org", "alice.wonderland@example.org", "My Site"),
        ("grossmanufaktur1", "info@grossmanufaktur.example", "My Site"),
        ("kalimdorportal", "a@example.org", "Kalimdor Portal"),
        ("twofoldtwofold", "a@example.org", "My Site"),
    ],
)
def test_email_and_site_name_are_refused_as_passwords(password: str, email: str, site_name: str) -> None:
    """A guesser knows both (ASVS 5.0, 6.2.11)."""
    assert not accepted(password, email=email, site_name=site_name)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "correct horse battery staple",
        "Zb7!kQ2vm",
        "ünïcode wörter überall",
        "桜の花が咲く季節になりました",
        "🦉🌋🪕🧭🦔🪴🧶🪁🫖🦩",
    ],
)
def test_long_and_unusual_passwords_are_accepted(password: str) -> None:
    """No rules of composition: words, spaces, any script."""
    assert accepted(password)


@pytest.mark.parametrize("least", [9, 15])
def test_minimum_length_counts_characters_as_they_are_hashed(least: int) -> None:
    """Two code points that make one letter count once; the bound itself is enough."""
    password = "Zb7!kQ2vmX9#pL4wT8"[:least]
    assert accepted(password, least=least)
    assert not accepted(password[:-1], least=least)
    assert not accepted(password[:-2] + "e\u0301", least=least)


def test_password_of_256_characters_is_accepted_and_of_257_is_refused() -> None:
    """Long enough for any manager, short enough for the hash."""
    sentence = "".join(chr(33 + number * 7 % 90) for number in range(300))
    assert accepted(sentence[:256])
    assert not accepted(sentence[:257])


@given(password=st.text(max_size=300))
def test_any_text_is_accepted_or_refused_as_a_password(password: str) -> None:
    """Nothing raises anything else."""
    accepted(password)
