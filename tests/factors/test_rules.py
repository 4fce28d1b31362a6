"""The forms of codes and names, the refusals of codes, and which change ends what."""

import itertools
import re
import string
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.invisible import BLANK, IGNORED, LONE_MARKS
from twofold.accounts.consequences import CONSEQUENCES, Change, Effect, Item
from twofold.base.problems import InvalidRequest
from twofold.base.texts import JOINERS
from twofold.factors.contract import Factor
from twofold.factors.rules import (
    Policy,
    TwoFactor,
    change_of,
    normal_code,
    normal_name,
    unique_name,
)

GAPS = [" ", "-", "\t", "\n", "\u00a0", "\u2009", "\u2010", "\u2013", "\u2014", "\u2212", "\u3000"]


def factor(name: str) -> Factor:
    """Return a verified factor with this name as its id."""
    return Factor(name, "alice", "totp", name, b"", -1, 0, None, 0, None, 1, None)


# ------------------------------------------------------------------ codes


@given(digits=st.from_regex(r"[0-9]{6}", fullmatch=True), gaps=st.lists(st.sampled_from(["", *GAPS]), min_size=7))
def test_code_with_spaces_and_dashes_is_accepted(digits: str, gaps: list[str]) -> None:
    """Apps show codes with spaces, and phones autocorrect them."""
    typed = "".join(gap + digit for gap, digit in zip(gaps, digits, strict=False)) + gaps[-1]
    assert normal_code(typed) == digits


DIGITS = [sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign) == "Nd"]
MARKS = [sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign) == "Cf"]


@given(signs=st.lists(st.sampled_from(DIGITS), min_size=6, max_size=6))
def test_digits_of_every_script_are_accepted(signs: list[str]) -> None:
    """Arabic, Persian, Hindi and full-width digits are accepted, and a used code is used in every script."""
    assert normal_code("".join(signs)) == "".join(str(unicodedata.decimal(sign)) for sign in signs)


@given(
    digits=st.from_regex(r"[0-9]{6}", fullmatch=True),
    marks=st.lists(st.sampled_from([*MARKS, *"\ufe0e\ufe0f\U000e0100\u034f\u3164\u2800"]), min_size=7, max_size=7),
)
def test_invisible_marks_around_a_code_are_dropped(digits: str, marks: list[str]) -> None:
    """Messengers wrap copied text in direction marks, of which the user sees nothing."""
    assert normal_code("".join(mark + digit for mark, digit in zip(marks, digits, strict=False)) + marks[6]) == digits


@pytest.mark.parametrize(
    "text",
    [
        *["12345", "1234567", "0123456", "+123456", "-12345", "12345a", "1_2_3_4_5_6", "0x1234", "1e5000", "123.456"],
        *["123456\x00", "123456;", "½½½½½½", "一二三四五六", "ⅠⅡⅢⅣⅤⅥ", "1e٥٥٥٥", "१२३४५", "1234567٨"],
    ],
)
def test_code_that_is_not_six_digits_is_refused(text: str) -> None:
    """The error names the field and what to do; Python would read some of these as numbers."""
    with pytest.raises(InvalidRequest) as refused:
        normal_code(text)
    assert [(error.field, error.text) for error in refused.value.errors] == [
        ("code", "Enter the 6 digits of the code.")
    ]


@pytest.mark.parametrize("text", ["", " ", "---", "\n"])
def test_missing_code_is_requested(text: str) -> None:
    """An empty field is not a wrong code."""
    with pytest.raises(InvalidRequest) as refused:
        normal_code(text)
    assert refused.value.errors[0].text == "Enter the code."


@given(text=st.text(max_size=20) | st.text(string.digits + "".join(GAPS), max_size=12))
def test_any_text_is_six_plain_digits_or_refused(text: str) -> None:
    """Only six digits reach the comparison."""
    try:
        code = normal_code(text)
    except InvalidRequest:
        return
    assert len(code) == 6
    assert set(code) <= set(string.digits)
    assert normal_code(code) == code


# ------------------------------------------------------------------ names


@given(text=st.text(max_size=60))
def test_any_name_is_normalised_or_refused(text: str) -> None:
    """Names are composed, with single spaces, at most 40 characters, and nothing invisible or bidirectional."""
    try:
        name = normal_name(text)
    except InvalidRequest:
        return
    assert normal_name(name) == name
    assert 1 <= len(name) <= 40
    assert name == " ".join(name.split())
    assert not any(
        unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for sign in name if sign not in JOINERS
    )
    assert not re.search(rf"(^|[{JOINERS} ])[{JOINERS}]|[{JOINERS}]($| )", name)


@pytest.mark.parametrize(
    "text", ["", "   ", "a" * 41, "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\u2028b", "\ud800", "a\u00adb", "a\ufeff"]
)
def test_empty_long_and_invisible_names_are_refused(text: str) -> None:
    """Names appear on pages and in apps beside other text."""
    with pytest.raises(InvalidRequest):
        normal_name(text)


@pytest.mark.parametrize("sign", [*IGNORED, *BLANK])
def test_name_with_invisible_characters_is_refused(sign: str) -> None:
    """Such a name would look empty, or the same as another."""
    for text in (sign, sign * 3, f"a{sign}", f"{sign}a", f"a{sign}b", f"a {sign}b", f"\u200d{sign}"):
        with pytest.raises(InvalidRequest):
            normal_name(text)


@pytest.mark.parametrize("sign", LONE_MARKS)
def test_mark_without_a_letter_is_refused_in_names(sign: str) -> None:
    """The mark would combine with the text before the name."""
    for text in (sign, f"{sign}a", f"a {sign}b", f"a\u00a0{sign}"):
        with pytest.raises(InvalidRequest):
            normal_name(text)


@pytest.mark.parametrize(
    "name", ["☎\ufe0f", "1\ufe0f\u20e3 one", "👁\ufe0f\u200d🗨\ufe0f", "🏋🏽\u200d♀\ufe0f gym", "e\u0323\u0301"]
)
def test_marks_on_an_emoji_or_letter_are_kept_in_names(name: str) -> None:
    """U+FE0F after an emoji and accents on letters are kept."""
    assert normal_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("other", ["a\u200db", "a\u200cb"])
def test_names_that_look_alike_get_a_number(other: str) -> None:
    """Users must be able to tell two entries apart."""
    assert unique_name("ab", [other]) == "ab 2"
    assert unique_name(other, ["ab"]) == f"{other} 2"
    assert unique_name("☎", ["☎\ufe0f"]) == "☎ 2"


@pytest.mark.parametrize("name", ["آی\u200cفون من", "👩\u200d💻 work", "❤\ufe0f\u200d🔥", "क्\u200dष", "📱 phone"])
def test_joiners_that_scripts_need_are_kept_in_names(name: str) -> None:
    """Persian, Hindi and composed emoji need joiners."""
    assert normal_name(name) == name


@pytest.mark.parametrize(
    "text", ["\u200ca", "a\u200d", "a\u200c\u200cb", "a\u200c\u200db", "a \u200cb", "a\u200d b", "\u200d", "a\u200d\n"]
)
def test_joiners_without_effect_are_refused_in_names(text: str) -> None:
    """A joiner at either end, doubled or beside a space joins nothing."""
    with pytest.raises(InvalidRequest):
        normal_name(text)


def test_shortened_names_do_not_end_in_a_joiner() -> None:
    """A name that we shorten must be valid as input."""
    wanted = f"{'a' * 37}\u200cbc"
    assert normal_name(unique_name(wanted, [wanted])) == f"{'a' * 37} 2"


def test_spaces_in_a_name_are_collapsed() -> None:
    """Otherwise, two names could look the same but differ."""
    assert normal_name("  my   old\u00a0phone ") == "my old phone"


@given(wanted=st.text(string.ascii_letters, min_size=1, max_size=40), count=st.integers(1, 12))
def test_names_given_one_after_another_all_differ_and_fit(wanted: str, count: int) -> None:
    """The first is unchanged; the others get a number and remain valid as input."""
    taken: list[str] = []
    for _ in range(count):
        taken.append(unique_name(wanted, taken))
    assert taken[0] == wanted
    assert len(set(taken)) == count
    assert all(normal_name(name) == name for name in taken)


@given(wanted=st.sampled_from(["a", "a 2", "b"]), taken=st.lists(st.sampled_from(["a", "a 2", "a 3", "b", "a 2 2"])))
def test_free_name_is_never_a_taken_one(wanted: str, taken: list[str]) -> None:
    """This holds for any existing names in any order."""
    assert unique_name(wanted, taken) not in taken


# ------------------------------------------------------------------ what a change is


SETS = [(), ("a",), ("b",), ("a", "b")]
STATES = [
    TwoFactor(policy, tuple(map(factor, names)), default)
    for policy in Policy
    for names in SETS
    for default in (None, *names)
]


def consequences(before: TwoFactor, after: TwoFactor) -> tuple[bool, bool, Effect]:
    """Return what the contract's table says about two states of 2FA, computed independently of the code."""
    computers = sessions = False
    code = Effect.STAY
    added_or_gone = {factor.id for factor in before.factors} != {factor.id for factor in after.factors}
    first_choice = (before.default and before.default.id, after.default and after.default.id)
    other_default = None not in first_choice and first_choice[0] != first_choice[1]
    if before.policy is not after.policy:
        computers = True
    if added_or_gone or other_default:
        computers = sessions = True
    if after.policy is Policy.DISABLED and before.policy is not Policy.DISABLED:
        computers = sessions = True
        code = Effect.END
    if after.active and not before.active:
        computers = sessions = True
        code = Effect.NEW
    return computers, sessions, code


@pytest.mark.parametrize("before", STATES, ids=str)
def test_every_change_of_2fa_ends_what_the_contract_says(before: TwoFactor) -> None:
    """All pairs of small states are checked: two factors, three policies, every default."""
    for after in STATES:
        change = change_of(before, after)
        found = CONSEQUENCES[change] if change else CONSEQUENCES[Change.RENAMED]
        computers, sessions = (found[item] is not Effect.STAY for item in (Item.COMPUTERS, Item.SESSIONS))
        ended = (computers, sessions, found[Item.RECOVERY_CODE])
        assert ended == consequences(before, after), (before, after, change)


def test_recovery_code_exists_exactly_while_2fa_is_active() -> None:
    """No sequence of changes leaves a recovery code without 2FA, or active 2FA without one."""
    reached = {False: False}
    for before, after in itertools.product(STATES, STATES):
        if not is_possible(before) or not is_possible(after):
            continue
        change = change_of(before, after)
        kept = CONSEQUENCES[change][Item.RECOVERY_CODE] if change else Effect.STAY
        has_code = {Effect.NEW: True, Effect.END: False, Effect.STAY: before.active}[kept]
        assert has_code is after.active, (before, after, change)
        reached[after.active] = has_code
    assert reached == {False: False, True: True}


def is_possible(state: TwoFactor) -> bool:
    """Return whether the state is possible: removing the last factor sets `disabled`."""
    return bool(state.factors) or state.policy is Policy.DISABLED


def test_saving_the_same_settings_again_changes_nothing() -> None:
    """Pressing a button twice signs no one out."""
    assert all(change_of(state, state) is None for state in STATES)
