"""Codes as the RFCs print them, the window around now, and what each authenticator app needs of a key URI."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.factors.contract import ClockOff, Right, Used, Wrong
from twofold.factors.rules import free_name
from twofold.factors.totp.rules import SECRET_BYTES, STEP, code_at, key_uri, match, text_key

SECRET = b"12345678901234567890"
RFC_4226 = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()  # noqa: SIM905 - as printed
NEVER = -1  # the step that a factor remembers before its first code
NOW = 1_800_000_000
TODAY = NOW // STEP

secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
moments = st.integers(0, 2**40)
letters = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"], exclude_characters="@")
emails = st.builds(
    "{}@{}.example".format, st.text(letters, min_size=1, max_size=64), st.from_regex(r"[a-z]{1,60}", fullmatch=True)
)
site_names = st.from_regex(r"[\w.-]([\w. -]{0,62}[\w.-])?", fullmatch=True)
names = st.text(letters | st.just(" "), min_size=1, max_size=40).map(str.strip).filter(bool)


def judged(offset: int, *, after: int = NEVER, explain_ahead: bool = True, secret: bytes = SECRET) -> object:
    """The verdict on the code of a step so many from now."""
    return match(secret, code_at(secret, TODAY + offset), NOW, after=after, explain_ahead=explain_ahead)


# ------------------------------------------------------------------ codes


@pytest.mark.parametrize("step, code", list(enumerate(RFC_4226)))
def test_the_codes_of_rfc_4226_come_out(step: int, code: str) -> None:
    """Appendix D: the first ten values of the counter."""
    assert code_at(SECRET, step) == code


@pytest.mark.parametrize(
    "now, code",
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_of_rfc_6238_come_out(now: int, code: str) -> None:
    """Appendix B, SHA-1: it prints eight digits, of which ours are the last six."""
    assert code_at(SECRET, now // STEP) == code[-6:]


@given(secret=secrets, step=st.integers(0, 2**63))
def test_a_code_has_six_plain_digits(secret: bytes, step: int) -> None:
    """Zeros in front are kept."""
    code = code_at(secret, step)
    assert len(code) == 6
    assert set(code) <= set("0123456789")


# ------------------------------------------------------------------ the window


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_code_is_right_in_its_own_half_minute_and_one_either_side(offset: int) -> None:
    """The verdict names the step, so that it can be spent."""
    assert judged(offset) == Right(TODAY + offset)


@pytest.mark.parametrize("second", [0, 29])
def test_the_window_moves_with_the_half_minute(second: int) -> None:
    """It is the same from the first to the last second of a step."""
    now = TODAY * STEP + second
    verdicts = [
        match(SECRET, code_at(SECRET, TODAY + offset), now, after=NEVER, explain_ahead=False) for offset in range(-2, 3)
    ]
    assert verdicts == [ClockOff(-1), Right(TODAY - 1), Right(TODAY), Right(TODAY + 1), Wrong()]


@given(secret=secrets, now=moments, offset=st.integers(-30, 30), after=st.integers(-1, 2**36), ahead=st.booleans())
def test_nothing_is_ever_right_outside_the_window_or_up_to_the_last_spent_step(
    secret: bytes, now: int, offset: int, after: int, *, ahead: bool
) -> None:
    """Whatever the secret, the time and the memory: three steps, and above the memory."""
    current = now // STEP
    step = max(current + offset, 0)
    verdict = match(secret, code_at(secret, step), now, after=after, explain_ahead=ahead)
    if isinstance(verdict, Right):
        assert verdict.step > after
        assert abs(verdict.step - current) <= 1
        assert code_at(secret, verdict.step) == code_at(secret, step)
    elif abs(step - current) <= 1:
        assert verdict == Used()
        assert after >= step


@given(secret=secrets, now=st.integers(NOW, NOW + 10**8), offset=st.integers(-1, 1))
def test_a_code_is_right_once(secret: bytes, now: int, offset: int) -> None:
    """The step that it was accepted for is remembered, and from then on the same code is refused."""
    code = code_at(secret, now // STEP + offset)
    first = match(secret, code, now, after=NEVER, explain_ahead=False)
    assert isinstance(first, Right)
    for later in range(now, now + 3 * STEP, 5):
        again = match(secret, code, later, after=first.step, explain_ahead=False)
        assert not isinstance(again, Right) or again.step > first.step


def test_an_older_code_than_the_last_spent_one_is_used() -> None:
    """A code that was looked over a shoulder a step ago is worth nothing once its owner has signed in."""
    assert judged(-1, after=TODAY) == Used()
    assert judged(0, after=TODAY + 1) == Used()


@pytest.mark.parametrize("ago", range(2, 11))
def test_the_code_given_last_is_used_however_late_it_comes_again(ago: int) -> None:
    """Whoever gives it again a few minutes later is not told of a slow clock."""
    assert judged(-ago, after=TODAY - ago) == Used()
    assert isinstance(judged(-ago, after=NEVER), ClockOff)


def test_a_newer_code_than_the_last_spent_one_is_right() -> None:
    """Signing in twice within a minute works with two codes."""
    assert judged(1, after=TODAY) == Right(TODAY + 1)


@pytest.mark.parametrize("now", [0, 1, 29, 30, 59, -1, -(10**6)])
def test_a_clock_at_the_beginning_of_time_breaks_nothing(now: int) -> None:
    """A machine without a battery wakes in 1970, or before."""
    verdict = match(SECRET, "000000", now, after=NEVER, explain_ahead=True)
    assert verdict == Wrong()


# ------------------------------------------------------------------ a wrong clock


@pytest.mark.parametrize(
    "offset, minutes",
    [(-2, -1), (-3, -2), (-4, -2), (-9, -5), (-10, -5), (2, 1), (3, 2), (4, 2), (9, 5), (10, 5)],
)
def test_enrolment_tells_by_how_much_the_phone_is_off(offset: int, minutes: int) -> None:
    """Positive when the phone is ahead, in minutes begun."""
    assert judged(offset) == ClockOff(minutes)


@pytest.mark.parametrize("offset", [-30, -12, -11, 11, 12, 30])
def test_further_off_than_ten_steps_is_just_wrong(offset: int) -> None:
    """More steps would make a stranger's guess look like a clock that is off."""
    assert judged(offset) == Wrong()


@given(secret=secrets, now=moments, code=st.from_regex(r"[0-9]{6}", fullmatch=True), after=st.integers(-1, 2**36))
def test_a_sign_in_never_tells_of_a_code_still_to_come(secret: bytes, now: int, code: str, after: int) -> None:
    """A guesser must not learn that six digits will be right in a while."""
    verdict = match(secret, code, now, after=after, explain_ahead=False)
    assert not isinstance(verdict, ClockOff) or verdict.minutes < 0


@pytest.mark.parametrize("offset", range(2, 11))
def test_a_code_of_the_future_is_just_wrong_at_sign_in(offset: int) -> None:
    """All that enrolment would explain."""
    assert judged(offset, explain_ahead=False) == Wrong()


@pytest.mark.parametrize("offset", range(-10, -1))
def test_a_slow_phone_is_explained_at_sign_in(offset: int) -> None:
    """Steps that are over tell a guesser nothing."""
    verdict = judged(offset, explain_ahead=False)
    assert isinstance(verdict, ClockOff)
    assert -5 <= verdict.minutes <= -1


# ------------------------------------------------------------------ key URIs


def label_of(uri: str) -> str:
    """The label as it stands in the URI, encoded."""
    return urlsplit(uri).path.removeprefix("/")


def test_a_key_uri_looks_like_this() -> None:
    """Form, order and encoding, to the letter."""
    uri = key_uri(SECRET, issuer="My Site", account="alice+news@example.org", name=None)
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert uri == f"otpauth://totp/My%20Site:alice%2Bnews%40example.org?secret={key}&issuer=My%20Site"


def test_a_second_app_is_told_from_the_first() -> None:
    """Google's open code overwrites an entry of the same name without asking."""
    uri = key_uri(SECRET, issuer="a.example", account="alice@example.org", name="tablet")
    assert unquote(label_of(uri)) == "a.example:alice@example.org (tablet)"


@given(secret=secrets, issuer=site_names, account=emails, name=st.none() | names)
def test_every_key_uri_is_short_plain_and_safe_to_decode_twice(
    secret: bytes, issuer: str, account: str, name: str | None
) -> None:
    """The rules of the format that hold whatever people are called."""
    uri = key_uri(secret, issuer=issuer, account=account, name=name)
    assert uri.isascii()
    assert len(uri) <= 180
    assert uri.startswith("otpauth://totp/")
    assert label_of(uri).count(":") == 1
    assert "%3A" not in uri
    assert "+" not in uri
    assert uri.endswith(f"?secret={text_key(secret)}&issuer={label_of(uri).partition(':')[0]}")
    assert "=" not in text_key(secret)
    assert len(text_key(secret)) == 32
    assert not set(unquote(label_of(uri)).replace(":", "", 1)) & set("#?%&:/")
    issuer_part, _, account_part = unquote(label_of(uri)).partition(":")
    for part in (issuer_part, account_part):
        assert part
        assert part == part.strip()


@given(issuer=site_names, account=emails, name=names)
def test_the_label_of_a_second_app_always_differs_from_the_first(issuer: str, account: str, name: str) -> None:
    """However much of address and name had to go."""
    first = key_uri(SECRET, issuer=issuer, account=account, name=None)
    second = key_uri(SECRET, issuer=issuer, account=account, name=name)
    assert label_of(first) != label_of(second)


@given(issuer=site_names, account=emails, name=names)
def test_ten_apps_of_one_name_have_ten_labels(issuer: str, account: str, name: str) -> None:
    """The numbers that tell them apart survive the shortening."""
    taken: list[str] = []
    for _ in range(10):
        taken.append(free_name(name, taken))
    labels = {label_of(key_uri(SECRET, issuer=issuer, account=account, name=each)) for each in taken}
    assert len(labels) == 10


@given(account=st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9]{1,20}[.]org", fullmatch=True))
def test_an_ordinary_address_is_written_whole(account: str) -> None:
    """Nothing is shortened that fits."""
    uri = key_uri(SECRET, issuer="login.example.org", account=account, name="Authenticator app 2")
    assert unquote(label_of(uri)) == f"login.example.org:{account} (Authenticator app 2)"
