"""One address has one form, weak passwords are refused offline, and every change ends what the contract says."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients import PASSWORD
from twofold.accounts.rules import CONSEQUENCES, Change, RecoveryCode, Sessions, check_new_password, normal_email
from twofold.base.problems import InvalidRequest

COMMON = (Path(__file__).parents[1] / "data" / "common-passwords.txt").read_text("utf-8").splitlines()


def accepted(password: str, *, least: int = 8, email: str = "alice@example.org", site_name: str = "My Site") -> bool:
    """True if somebody may choose this password."""
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
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_an_address_is_stored_in_one_form(typed: str, stored: str) -> None:
    """Trimmed, lower case, domain in IDNA (contract, section 2)."""
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
        ],
        *["a" * 65 + "@example.org", "alice@" + "a" * 64 + ".org", "alice@" + "a." * 130 + "org", "alice＠example.org"],
    ],
)
def test_what_cannot_be_an_address_is_refused_with_an_example(text: str) -> None:
    """The field and the remedy are named."""
    with pytest.raises(InvalidRequest) as refused:
        normal_email(text)
    [error] = refused.value.errors
    assert (error.field, "name@example.com" in error.text) == ("email", True)


@given(text=st.text(max_size=80) | st.builds("{}@{}".format, st.text(min_size=1), st.text(min_size=1)))
def test_any_text_is_an_address_in_its_one_form_or_refused(text: str) -> None:
    """Nothing raises anything else, and writing it twice changes nothing."""
    try:
        email = normal_email(text)
    except InvalidRequest:
        return
    assert normal_email(email) == email
    assert re.fullmatch(r"[^\s@]+@[a-z0-9.-]+", email)
    assert email == email.lower()


# ------------------------------------------------------------------ passwords


def test_the_most_common_passwords_are_all_refused() -> None:
    """The three thousand that everybody tries first (ASVS 5.0, 6.2.4)."""
    assert len(COMMON) == 3000
    assert [password for password in COMMON if accepted(password)] == []


@pytest.mark.parametrize(
    "password",
    ["password1!", "Passw0rd!", "P@ssw0rd123", "monkey2026", "qwerty123!", "Iloveyou1!", "123456789!", "aaaaaaaaaaaa"],
)
def test_common_passwords_in_disguise_are_refused(password: str) -> None:
    """What everybody adds to satisfy a rule makes nobody safe."""
    assert not accepted(password)


@pytest.mark.parametrize("text", ["password123456", "p4ssw0rd123", "qwertyuiop123"])
def test_full_width_letters_hide_no_common_password(text: str) -> None:
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
def test_address_and_site_are_no_passwords(password: str, email: str, site_name: str) -> None:
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
def test_long_and_unusual_passwords_are_taken(password: str) -> None:
    """No rules of composition: words, spaces, any script."""
    assert accepted(password)


@pytest.mark.parametrize("least", [9, 15])
def test_the_least_length_counts_characters_as_they_are_hashed(least: int) -> None:
    """Two code points that make one letter count once; the bound itself is enough."""
    password = "Zb7!kQ2vmX9#pL4wT8"[:least]
    assert accepted(password, least=least)
    assert not accepted(password[:-1], least=least)
    assert not accepted(password[:-2] + "e\u0301", least=least)


def test_256_characters_are_taken_and_257_are_not() -> None:
    """Long enough for any manager, short enough for the hash."""
    sentence = "".join(chr(33 + number * 7 % 90) for number in range(300))
    assert accepted(sentence[:256])
    assert not accepted(sentence[:257])


@given(password=st.text(max_size=300))
def test_any_text_is_taken_or_refused_quickly(password: str) -> None:
    """Nothing raises anything else."""
    accepted(password)


# ------------------------------------------------------------------ what ends what


def test_the_table_of_the_contract_is_the_table_of_the_code() -> None:
    """Contract, section 3, row by row: trusted computers, sessions, recovery code."""
    stay, others, everyone = Sessions.STAY, Sessions.OTHERS_END, Sessions.ALL_END
    stays, new, dies = RecoveryCode.STAYS, RecoveryCode.NEW, RecoveryCode.DIES
    assert {change: (row.computers_end, row.sessions, row.recovery_code) for change, row in CONSEQUENCES.items()} == {
        Change.TWO_FACTOR_ACTIVATED: (True, others, new),
        Change.TWO_FACTOR_DISABLED: (True, others, dies),
        Change.FACTORS_CHANGED: (True, others, stays),
        Change.POLICY_CHANGED: (True, stay, stays),
        Change.PHONE_BOUND: (True, others, new),
        Change.PASSWORD_CHANGED: (True, others, stays),
        Change.PASSWORD_RESET: (True, everyone, stays),
        Change.ADDRESS_CHANGED: (True, others, stays),
        Change.RECOVERY_CODE_USED: (True, others, new),
        Change.RECOVERY_CODE_RENEWED: (False, stay, new),
        Change.RESET_BY_ADMINISTRATOR: (True, everyone, dies),
        Change.ENDED_BY_ADMINISTRATOR: (True, everyone, stays),
        Change.RENAMED: (False, stay, stays),
    }


def test_every_change_has_consequences() -> None:
    """Nobody can add a change and forget its row."""
    assert set(CONSEQUENCES) == set(Change)
