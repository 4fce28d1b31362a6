"""Texts as users type them: long ones are refused before normalisation can make them longer."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.texts import is_longer, pasted

SIGNS = st.sampled_from("aé\ufdfa\u0301\u0323\uff76\uff9e\u1100\u1161\u11a8\u3392")


@given(text=st.text(SIGNS, max_size=400), most=st.integers(1, 300))
def test_length_limit_applies_to_the_normal_form(text: str, most: int) -> None:
    """This holds for text that grows by compatibility or shrinks by composition."""
    assert is_longer(text, most) == (len(unicodedata.normalize("NFKC", text)) > most)


@pytest.mark.parametrize("text", ["\ufdfa" * 1024, "1" * 129])
def test_text_too_long_for_a_code_is_left_unchanged(text: str) -> None:
    """Each of these characters would become eighteen before the first limit is checked."""
    assert pasted(text) == text
