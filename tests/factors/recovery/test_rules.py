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


def test_a_code_has_125_bits() -> None:
    """Every sign of the alphabet is a different one, and each place is free."""
    assert len(set(ALPHABET)) == 32
    assert LENGTH * math.log2(len(set(ALPHABET))) == 125


def test_no_sign_looks_like_another() -> None:
    """Neither zero nor the letter like it, neither one nor the letters like it."""
    assert not set("01OIl") & set(ALPHABET)


@given(numbers=numbers)
def test_what_is_written_is_read(numbers: list[int]) -> None:
    """Groups of five, and back to the same numbers: no two codes are written alike."""
    code = written(numbers)
    assert [len(group) for group in code.split("-")] == [5] * 5
    signs = normal_form(code)
    assert signs is not None
    assert [ALPHABET.index(sign) for sign in signs] == numbers


@given(numbers=numbers, breaks=st.lists(st.sampled_from([" ", "-", "\n", "\t", "\u00a0", "–", "—", ""]), min_size=26))
def test_case_spaces_and_dashes_do_not_matter(numbers: list[int], breaks: list[str]) -> None:
    """However it was copied, pasted, dictated or autocorrected."""
    signs = normal_form(written(numbers)) or ""
    typed = "".join(gap + sign for gap, sign in zip(breaks, signs.lower(), strict=False)) + breaks[-1]
    assert normal_form(typed) == signs


def test_full_width_letters_are_read() -> None:
    """An input method may have been left on."""
    assert normal_form("".join(chr(ord(sign) + 0xFEE0) for sign in SIGNS)) == SIGNS


@pytest.mark.parametrize("text", ["", "ABCDE", SIGNS[:-1], SIGNS + "A", SIGNS[:-1] + "0", SIGNS[:-1] + "é", "💾" * 25])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    """It is refused before anything is looked up."""
    assert normal_form(text) is None


@given(text=st.text(max_size=60))
def test_any_text_is_read_to_a_plain_code_or_to_none(text: str) -> None:
    """Reading twice changes nothing, and only signs of the alphabet come out."""
    code = normal_form(text)
    assert code is None or (set(code) <= set(ALPHABET) and normal_form(code) == code)


@pytest.mark.parametrize("text", ["", " - ", CODE[:-1], CODE + "A", CODE.replace("A", "0")])
def test_what_cannot_be_a_code_is_told_by_its_field(text: str) -> None:
    """Nothing, too little, too much, or a sign that no code has."""
    with pytest.raises(InvalidRequest) as refused:
        check_form(text)
    assert [error.field for error in refused.value.errors] == ["recovery_code"]
    check_form(CODE.lower())
