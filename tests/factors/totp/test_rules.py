"""Codes of the RFCs, the time window, and key URIs for all authenticator apps."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.factors.rules import CodeAlreadyUsed, PhoneClockOff, WrongCode, unique_name
from twofold.factors.totp.kind import refused
from twofold.factors.totp.rules import (
    SECRET_BYTES,
    STEP,
    ClockOff,
    Match,
    Right,
    Used,
    Wrong,
    best,
    code_at,
    key_uri,
    match,
    text_key,
)

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
    """Return the verdict on the code of the step at this offset from now."""
    return match(secret, code_at(secret, TODAY + offset), NOW, after=after, explain_ahead=explain_ahead)


# ------------------------------------------------------------------ codes


@pytest.mark.parametrize("step, code", list(enumerate(RFC_4226)))
def test_codes_match_rfc_4226(step: int, code: str) -> None:
    """The first ten values of the counter are those of appendix D."""
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
def test_codes_match_rfc_6238(now: int, code: str) -> None:
    """The codes are the last six of the eight digits in appendix B for SHA-1."""
    assert code_at(SECRET, now // STEP) == code[-6:]


@given(secret=secrets, step=st.integers(0, 2**63))
def test_code_has_six_plain_digits(secret: bytes, step: int) -> None:
    """Leading zeros are kept."""
    code = code_at(secret, step)
    assert len(code) == 6
    assert set(code) <= set("0123456789")


# ------------------------------------------------------------------ the window


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_code_is_right_in_its_own_step_and_one_either_side(offset: int) -> None:
    """The verdict names the step, so that it can be consumed."""
    assert judged(offset) == Right(TODAY + offset)


@pytest.mark.parametrize("second", [0, 29])
def test_window_moves_with_the_step(second: int) -> None:
    """The window is the same from the first to the last second of a step."""
    now = TODAY * STEP + second
    verdicts = [
        match(SECRET, code_at(SECRET, TODAY + offset), now, after=NEVER, explain_ahead=False) for offset in range(-2, 3)
    ]
    assert verdicts == [ClockOff(-1), Right(TODAY - 1), Right(TODAY), Right(TODAY + 1), Wrong()]


@given(secret=secrets, now=moments, offset=st.integers(-30, 30), after=st.integers(-1, 2**36), ahead=st.booleans())
def test_no_code_is_right_outside_the_window_or_up_to_the_last_used_step(
    secret: bytes, now: int, offset: int, after: int, *, ahead: bool
) -> None:
    """For every secret, time and last step, at most three steps are accepted, all after the last one."""
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
def test_code_is_right_once(secret: bytes, now: int, offset: int) -> None:
    """The accepted step is remembered, and the same code is refused from then on."""
    code = code_at(secret, now // STEP + offset)
    first = match(secret, code, now, after=NEVER, explain_ahead=False)
    assert isinstance(first, Right)
    for later in range(now, now + 3 * STEP, 5):
        again = match(secret, code, later, after=first.step, explain_ahead=False)
        assert not isinstance(again, Right) or again.step > first.step


def test_code_older_than_the_last_used_one_is_used() -> None:
    """A code observed a step ago is worthless once its owner has signed in."""
    assert judged(-1, after=TODAY) == Used()
    assert judged(0, after=TODAY + 1) == Used()


@pytest.mark.parametrize("ago", range(2, 11))
def test_last_used_code_is_used_however_late_it_is_entered_again(ago: int) -> None:
    """Entering it again some minutes later is not explained as a slow clock."""
    assert judged(-ago, after=TODAY - ago) == Used()
    assert isinstance(judged(-ago, after=NEVER), ClockOff)


def test_code_newer_than_the_last_used_one_is_right() -> None:
    """Two sign-ins within a minute work with two codes."""
    assert judged(1, after=TODAY) == Right(TODAY + 1)


@pytest.mark.parametrize("now", [0, 1, 29, 30, 59, -1, -(10**6)])
def test_clock_before_1970_causes_no_error(now: int) -> None:
    """A machine without a battery starts in 1970 or earlier."""
    verdict = match(SECRET, "000000", now, after=NEVER, explain_ahead=True)
    assert verdict == Wrong()


# ------------------------------------------------------------------ a wrong clock


@pytest.mark.parametrize(
    "offset, minutes",
    [(-2, -1), (-3, -2), (-4, -2), (-9, -5), (-10, -5), (2, 1), (3, 2), (4, 2), (9, 5), (10, 5)],
)
def test_enrolment_reports_how_far_the_phone_is_off(offset: int, minutes: int) -> None:
    """Minutes are rounded up, and positive if the phone is ahead."""
    assert judged(offset) == ClockOff(minutes)


@pytest.mark.parametrize("offset", [-30, -12, -11, 11, 12, 30])
def test_code_more_than_ten_steps_off_is_wrong(offset: int) -> None:
    """With more steps, guesses would look like a wrong clock."""
    assert judged(offset) == Wrong()


@given(secret=secrets, now=moments, code=st.from_regex(r"[0-9]{6}", fullmatch=True), after=st.integers(-1, 2**36))
def test_sign_in_never_explains_a_future_code(secret: bytes, now: int, code: str, after: int) -> None:
    """An attacker must not learn that a code will become valid."""
    verdict = match(secret, code, now, after=after, explain_ahead=False)
    assert not isinstance(verdict, ClockOff) or verdict.minutes < 0


@pytest.mark.parametrize("offset", range(2, 11))
def test_future_code_is_wrong_at_sign_in(offset: int) -> None:
    """This holds for all codes that enrolment would explain."""
    assert judged(offset, explain_ahead=False) == Wrong()


@pytest.mark.parametrize("offset", range(-10, -1))
def test_slow_phone_is_explained_at_sign_in(offset: int) -> None:
    """Past steps reveal nothing to an attacker."""
    verdict = judged(offset, explain_ahead=False)
    assert isinstance(verdict, ClockOff)
    assert -5 <= verdict.minutes <= -1


# ------------------------------------------------------------------ key URIs


def label_of(uri: str) -> str:
    """Return the encoded label of a URI."""
    return urlsplit(uri).path.removeprefix("/")


def test_key_uri_has_the_expected_form() -> None:
    """Form, order and encoding are exact."""
    uri = key_uri(SECRET, issuer="My Site", account="alice+news@example.org", name=None)
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert uri == f"otpauth://totp/My%20Site:alice%2Bnews%40example.org?secret={key}&issuer=My%20Site"


def test_second_app_has_a_label_of_its_own() -> None:
    """Google Authenticator's open source overwrites an entry of the same name without asking."""
    uri = key_uri(SECRET, issuer="a.example", account="alice@example.org", name="tablet")
    assert unquote(label_of(uri)) == "a.example:alice@example.org (tablet)"


@given(secret=secrets, issuer=site_names, account=emails, name=st.none() | names)
def test_every_key_uri_is_short_and_safe_to_decode_twice(
    secret: bytes, issuer: str, account: str, name: str | None
) -> None:
    """These rules of the format hold for all names."""
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
def test_label_of_a_second_app_always_differs_from_the_first(issuer: str, account: str, name: str) -> None:
    """This holds however much of address and name is cut off."""
    first = key_uri(SECRET, issuer=issuer, account=account, name=None)
    second = key_uri(SECRET, issuer=issuer, account=account, name=name)
    assert label_of(first) != label_of(second)


@given(issuer=site_names, account=emails, name=names)
def test_ten_apps_of_one_name_have_ten_labels(issuer: str, account: str, name: str) -> None:
    """Shortening keeps the numbers that distinguish them."""
    taken: list[str] = []
    for _ in range(10):
        taken.append(unique_name(name, taken))
    labels = {label_of(key_uri(SECRET, issuer=issuer, account=account, name=each)) for each in taken}
    assert len(labels) == 10


@given(account=st.from_regex(r"[a-z0-9.+_-]{1,20}@[a-z0-9]{1,20}[.]org", fullmatch=True))
def test_ordinary_address_is_not_shortened(account: str) -> None:
    """What fits is not shortened."""
    uri = key_uri(SECRET, issuer="login.example.org", account=account, name="Authenticator app 2")
    assert unquote(label_of(uri)) == f"login.example.org:{account} (Authenticator app 2)"


# ------------------------------------------------------------------ several apps, and refusals


@given(matches=st.permutations([Right(7), Used(), ClockOff(-2), Wrong(), Wrong()]))
def test_verdict_of_the_app_that_made_the_code_is_used(matches: list[Match]) -> None:
    """A right code precedes a used one, that a wrong clock, and that a wrong code, in any order."""
    ranked = [Right(7), Used(), ClockOff(-2), Wrong()]
    pairs = list(enumerate(matches))
    while pairs:
        found = best(pairs)
        assert found in pairs
        assert found[1] == next(one for one in ranked if one in [each for _, each in pairs])
        pairs = [pair for pair in pairs if pair[1] != found[1]]


@pytest.mark.parametrize("wrong, kind", [(Wrong(), WrongCode), (Used(), CodeAlreadyUsed), (ClockOff(3), PhoneClockOff)])
def test_refusal_names_the_reason_and_the_smaller_number_of_attempts_left(wrong: Match, kind: type[WrongCode]) -> None:
    """The number is the smaller of the account's and the sign-in's."""
    verdict = refused(wrong)
    problem = verdict.problem(attempts_left=4, **verdict.evidence)
    assert isinstance(problem, kind)
    assert problem.code == kind.code
    assert problem.with_attempts_left(2).evidence == {**problem.evidence, "attempts_left": 2}
    assert problem.with_attempts_left(9).evidence["attempts_left"] == 4
    assert problem.errors[0].field == "code"


@pytest.mark.parametrize("minutes, words", [(3, "3 minutes fast"), (-1, "1 minute slow")])
def test_sentence_on_a_wrong_clock_names_direction_and_minutes(minutes: int, words: str) -> None:
    """Positive minutes are a phone that is fast."""
    verdict = refused(ClockOff(minutes))
    assert words in verdict.problem(attempts_left=1, **verdict.evidence).detail
