"""A recovery code is 125 bits that people can copy by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.problems import InvalidRequest
from twofold.factors.recovery.rules import ALPHABET, LENGTH, check_form, normal_form, written

numbers = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=LENGTH, max_size=LENGTH)
CODE = "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2"
SIGNS = CODE.replace("-", "")


def test_code_has_125_bits() -> None:
    """The alphabet has 32 different characters, and every position is random."""
    assert len(set(ALPHABET)) == 32
    assert LENGTH * math.log2(len(set(ALPHABET))) == 125


def test_alphabet_has_no_ambiguous_characters() -> None:
    """Neither 0 and O nor 1 and I occur."""
    assert not set("01OIl") & set(ALPHABET)


@given(numbers=numbers)
def test_written_code_is_read_back(numbers: list[int]) -> None:
    """A code is written in groups of five and read back to the same bits."""
    code = written(numbers)
    assert [len(group) for group in code.split("-")] == [5] * 5
    signs = normal_form(code)
    assert signs is not None
    assert [ALPHABET.index(sign) for sign in signs] == numbers


@given(numbers=numbers, breaks=st.lists(st.sampled_from([*" -\n\t\u00a0–—\ufeff\u2068\u200e\ufe0f", ""]), min_size=26))
def test_case_spaces_dashes_and_invisible_marks_do_not_matter(numbers: list[int], breaks: list[str]) -> None:
    """A code is accepted however it was copied, pasted, dictated or autocorrected."""
    signs = normal_form(written(numbers)) or ""
    typed = "".join(gap + sign for gap, sign in zip(breaks, signs.lower(), strict=False)) + breaks[-1]
    assert normal_form(typed) == signs


def test_full_width_letters_are_read() -> None:
    """An input method may produce them."""
    assert normal_form("".join(chr(ord(sign) + 0xFEE0) for sign in SIGNS)) == SIGNS


def test_digits_of_other_scripts_are_read() -> None:
    """The same holds for six-digit codes."""
    assert normal_form(f"{SIGNS[:-2]}٢۹") == f"{SIGNS[:-2]}29"


@pytest.mark.parametrize("text", ["", "ABCDE", SIGNS[:-1], SIGNS + "A", SIGNS[:-1] + "0", SIGNS[:-1] + "é", "💾" * 25])
def test_impossible_code_is_refused(text: str) -> None:
    """It is refused before any look-up."""
    assert normal_form(text) is None


@given(text=st.text(max_size=60))
def test_any_text_is_normalised_or_refused(text: str) -> None:
    """Normalising is idempotent, and yields only characters of the alphabet."""
    code = normal_form(text)
    assert code is None or (set(code) <= set(ALPHABET) and normal_form(code) == code)


@pytest.mark.parametrize("text", ["", " - ", CODE[:-1], CODE + "A", CODE.replace("A", "0")])
def test_error_for_an_impossible_code_names_the_field(text: str) -> None:
    """The error names the field if a code is missing, too short, too long or has an invalid character."""
    with pytest.raises(InvalidRequest) as refused:
        check_form(text)
    assert [error.field for error in refused.value.errors] == ["recovery_code"]
    check_form(CODE.lower())
