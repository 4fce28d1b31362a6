"""What codes and names may look like, what a wrong code is told, and which change ends what."""

import itertools
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.accounts.rules import CONSEQUENCES, Change, RecoveryCode, Sessions
from twofold.base.problems import InvalidRequest
from twofold.factors.contract import ClockOff, Factor, Right, Used, Verdict, Wrong
from twofold.factors.rules import (
    CodeAlreadyUsed,
    PhoneClockOff,
    Policy,
    TwoFactor,
    WrongCode,
    best,
    change_of,
    free_name,
    normal_code,
    normal_name,
    refusal,
)

GAPS = [" ", "-", "\t", "\n", "\u00a0", "\u2009", "\u2010", "\u2013", "\u2014", "\u2212", "\u3000"]


def factor(name: str) -> Factor:
    """A verified factor with this name as its id."""
    return Factor(name, "alice", "totp", name, b"", -1, 0, None, 0, None, 1, None)


# ------------------------------------------------------------------ codes


@given(digits=st.from_regex(r"[0-9]{6}", fullmatch=True), gaps=st.lists(st.sampled_from(["", *GAPS]), min_size=7))
def test_a_code_may_be_typed_with_spaces_and_dashes(digits: str, gaps: list[str]) -> None:
    """As apps show it, and as phones autocorrect it."""
    typed = "".join(gap + digit for gap, digit in zip(gaps, digits, strict=False)) + gaps[-1]
    assert normal_code(typed) == digits


def test_full_width_digits_are_digits() -> None:
    """A Japanese keyboard makes them; they become the same code, so that a used one is used in every spelling."""
    assert normal_code("１２３４５６") == "123456"
    assert normal_code("１２３ ４５６") == "123456"


@pytest.mark.parametrize(
    "text",
    [
        *["12345", "1234567", "0123456", "+123456", "-12345", "12345a", "1_2_3_4_5_6", "0x1234", "1e5000", "123.456"],
        *["١٢٣٤٥٦", "१२३४५६", "12345\u0661", "123456\x00", "\u202e123456", "\u200b123456", "123456;", "½½½½½½"],
    ],
)
def test_what_is_not_six_digits_is_refused(text: str) -> None:
    """Python would read some of these as numbers; the field and the remedy are named."""
    with pytest.raises(InvalidRequest) as refused:
        normal_code(text)
    assert [(error.field, error.text) for error in refused.value.errors] == [
        ("code", "Enter the code using only 6 digits.")
    ]


@pytest.mark.parametrize("text", ["", " ", "---", "\n"])
def test_a_code_that_is_missing_is_asked_for(text: str) -> None:
    """Nothing typed is not a wrong code."""
    with pytest.raises(InvalidRequest) as refused:
        normal_code(text)
    assert refused.value.errors[0].text == "Enter the code."


@given(text=st.text(max_size=20) | st.text(string.digits + "".join(GAPS), max_size=12))
def test_any_text_is_six_plain_digits_or_refused(text: str) -> None:
    """Nothing else reaches the comparison."""
    try:
        code = normal_code(text)
    except InvalidRequest:
        return
    assert len(code) == 6
    assert set(code) <= set(string.digits)
    assert normal_code(code) == code


# ------------------------------------------------------------------ names


@given(text=st.text(max_size=60))
def test_any_name_is_taken_in_one_form_or_refused(text: str) -> None:
    """Composed, single spaces, at most 40 characters, nothing that hides or turns the text around it."""
    try:
        name = normal_name(text)
    except InvalidRequest:
        return
    assert normal_name(name) == name
    assert 1 <= len(name) <= 40
    assert name == " ".join(name.split())
    assert not any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for sign in name)


@pytest.mark.parametrize(
    "text", ["", "   ", "a" * 41, "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\u2028b", "\ud800", "a\u00adb", "a\ufeff"]
)
def test_empty_long_and_invisible_names_are_refused(text: str) -> None:
    """A name is shown beside others' texts, on pages and in apps."""
    with pytest.raises(InvalidRequest):
        normal_name(text)


def test_spaces_in_a_name_are_made_single() -> None:
    """Two names must not look alike and differ."""
    assert normal_name("  my   old\u00a0phone ") == "my old phone"


@given(wanted=st.text(string.ascii_letters, min_size=1, max_size=40), count=st.integers(1, 12))
def test_names_given_one_after_another_all_differ_and_fit(wanted: str, count: int) -> None:
    """The first is as wanted; the others get a number, and stay names that may be typed again."""
    taken: list[str] = []
    for _ in range(count):
        taken.append(free_name(wanted, taken))
    assert taken[0] == wanted
    assert len(set(taken)) == count
    assert all(normal_name(name) == name for name in taken)


@given(wanted=st.sampled_from(["a", "a 2", "b"]), taken=st.lists(st.sampled_from(["a", "a 2", "a 3", "b", "a 2 2"])))
def test_a_free_name_is_never_a_taken_one(wanted: str, taken: list[str]) -> None:
    """Whatever is there already, in whatever order."""
    assert free_name(wanted, taken) not in taken


# ------------------------------------------------------------------ verdicts


@given(verdicts=st.permutations([Right(7), Used(), ClockOff(-2), Wrong(), Wrong()]))
def test_of_several_apps_the_one_that_made_the_code_counts(verdicts: list[Verdict]) -> None:
    """A right code wins over a used one, that over a clock that is off, that over nothing; order plays no part."""
    ranked = [Right(7), Used(), ClockOff(-2), Wrong()]
    pairs = [(factor(f"{number}"), verdict) for number, verdict in enumerate(verdicts)]
    while pairs:
        found, verdict = best(pairs)
        assert verdict == next(one for one in ranked if one in [each for _, each in pairs])
        assert (found is None) == (verdict == Wrong())
        if found is None:
            break
        assert (found, verdict) in pairs
        pairs = [pair for pair in pairs if pair[1] != verdict]


def test_no_app_at_all_makes_a_code_wrong() -> None:
    """As when the named factor is not one's own."""
    assert best([]) == (None, Wrong())


@pytest.mark.parametrize(
    "verdict, kind", [(Wrong(), WrongCode), (Used(), CodeAlreadyUsed), (ClockOff(3), PhoneClockOff)]
)
def test_each_wrong_code_is_told_as_what_it_is(verdict: Verdict, kind: type[WrongCode]) -> None:
    """With the tries left, of which the fewer count when this sign-in has fewer."""
    problem = refusal(verdict, 4)
    assert type(problem) is kind
    assert problem.evidence["attempts_left"] == 4
    assert problem.with_attempts_left(2).evidence == {**problem.evidence, "attempts_left": 2}
    assert problem.with_attempts_left(9).evidence["attempts_left"] == 4
    assert problem.errors[0].field == "code"


def test_the_sentence_on_a_wrong_clock_names_direction_and_minutes() -> None:
    """Positive minutes are a phone that is fast (contract, section 3)."""
    assert "3 minutes fast" in refusal(ClockOff(3), 1).detail
    assert "1 minute slow" in refusal(ClockOff(-1), 1).detail


# ------------------------------------------------------------------ what a change is


SETS = [(), ("a",), ("b",), ("a", "b")]
STATES = [
    TwoFactor(policy, tuple(map(factor, names)), default)
    for policy in Policy
    for names in SETS
    for default in (None, *names)
]


def consequences(before: TwoFactor, after: TwoFactor) -> tuple[bool, bool, RecoveryCode]:
    """What the contract's table says of two states of 2FA, row by row and added up, written without the code's help."""
    computers = sessions = False
    code = RecoveryCode.STAYS
    added_or_gone = {factor.id for factor in before.factors} != {factor.id for factor in after.factors}
    first_choice = (before.default and before.default.id, after.default and after.default.id)
    other_default = None not in first_choice and first_choice[0] != first_choice[1]
    if before.policy is not after.policy:
        computers = True
    if added_or_gone or other_default:
        computers = sessions = True
    if after.policy is Policy.DISABLED and before.policy is not Policy.DISABLED:
        computers = sessions = True
        code = RecoveryCode.DIES
    if after.active and not before.active:
        computers = sessions = True
        code = RecoveryCode.NEW
    return computers, sessions, code


@pytest.mark.parametrize("before", STATES, ids=str)
def test_every_change_of_two_factor_ends_what_the_contract_says(before: TwoFactor) -> None:
    """All pairs of small states: two factors, three policies, every default."""
    for after in STATES:
        change = change_of(before, after)
        found = CONSEQUENCES[change] if change else CONSEQUENCES[Change.RENAMED]
        ended = (found.computers_end, found.sessions is not Sessions.STAY, found.recovery_code)
        assert ended == consequences(before, after), (before, after, change)


def test_a_code_lives_exactly_while_two_factor_is_active() -> None:
    """No sequence of changes leaves a recovery code without 2FA, or active 2FA without one."""
    reached = {False: False}
    for before, after in itertools.product(STATES, STATES):
        if not lawful(before) or not lawful(after):
            continue
        change = change_of(before, after)
        kept = CONSEQUENCES[change].recovery_code if change else RecoveryCode.STAYS
        has_code = {RecoveryCode.NEW: True, RecoveryCode.DIES: False, RecoveryCode.STAYS: before.active}[kept]
        assert has_code is after.active, (before, after, change)
        reached[after.active] = has_code
    assert reached == {False: False, True: True}


def lawful(state: TwoFactor) -> bool:
    """Without factors 2FA is off or not yet on: removing the last one sets `disabled`."""
    return bool(state.factors) or state.policy is Policy.DISABLED


def test_saving_the_same_again_changes_nothing() -> None:
    """No one is signed out by pressing a button twice."""
    assert all(change_of(state, state) is None for state in STATES)
