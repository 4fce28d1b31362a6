"""What a person can be called."""

import unicodedata

import pytest

from twofold.base.problems import InvalidRequest
from twofold.profile.rules import normal_name


@pytest.mark.parametrize(
    "text, name",
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Jo\u0308rg", "J\u00f6rg"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("O'Neill, Jr. (née X) <x>", "O'Neill, Jr. (née X) <x>"),
        ("x" * 128, "x" * 128),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
def test_name_is_kept_in_one_spelling(text: str | None, name: str | None) -> None:
    """NFC, without blanks around it or double ones; an empty one is none."""
    assert normal_name(text) == name


@pytest.mark.parametrize("text", ["x" * 129, "x" * 100_000, "a b " * 33])
def test_long_name_is_refused(text: str) -> None:
    """More than 128 characters."""
    with pytest.raises(InvalidRequest) as refused:
        normal_name(text)
    assert "at most 128 characters" in refused.value.detail


@pytest.mark.parametrize(
    "sign", "\x00\x07\x1b\x7f\x85\u200e\u200f\u202a\u202d\u202e\u2066\u2067\u2069\u061c\ufeff\u2028"
)
def test_name_with_control_or_direction_marks_is_refused(sign: str) -> None:
    """They could change how the text around them is read."""
    with pytest.raises(InvalidRequest) as refused:
        normal_name(f"Ada{sign}Lovelace")
    assert "Use only visible letters" in refused.value.detail


@pytest.mark.parametrize("mark", ["\u0301", "\u0323", "\u0301\u0323", "\u0489"])
def test_pile_of_accents_on_one_letter_is_refused(mark: str) -> None:
    """It would cover the lines above or below the name, on pages and in mails to others."""
    for text in (f"Ada{mark * 9}", f"A{mark * 120}"):
        with pytest.raises(InvalidRequest) as refused:
            normal_name(text)
        assert "Use only visible letters" in refused.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "\u0f67\u0f90\u0fb5\u0fa8\u0fb3\u0fba\u0fbc\u0fbb\u0f82",
        "\u05e9\u05c1\u05bc\u05b8\u0591",
        "\u1000\u103b\u103d\u103e\u102d\u102f\u1036",
    ],
)
def test_letters_with_the_marks_of_their_script_are_kept(text: str) -> None:
    """Tibetan stacks, Hebrew points and Burmese syllables."""
    assert normal_name(text) == unicodedata.normalize("NFC", text)
