"""Ids are public and tokens are secret: both are random, and tokens are stored as hashes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from twofold.base.ids import is_id, new_id, new_token, sortable_id, token_hash


def test_ids_and_tokens_never_repeat() -> None:
    """Ten thousand of each differ."""
    for make in (new_id, new_token, lambda: sortable_id(1_800_000_000)):
        assert len({make() for _ in range(10_000)}) == 10_000


def test_every_generated_id_is_valid() -> None:
    """Both kinds have the same form: 26 lower-case letters and digits."""
    for made in (new_id(), sortable_id(0), sortable_id(2**40)):
        assert re.fullmatch(r"[0-9a-v]{26}", made)
        assert is_id(made)


def test_token_has_256_bits_and_is_url_safe() -> None:
    """It has 43 characters of base64url."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", new_token())


@given(moments=st.lists(st.integers(0, 2**40), min_size=2))
def test_sortable_ids_sort_by_time_and_creation_order(moments: list[int]) -> None:
    """The newest events can be found by their ids alone."""
    moments.sort()
    made = [sortable_id(moment) for moment in moments]
    assert made == sorted(made)


@given(text=st.text(max_size=40))
def test_any_text_is_recognized_as_an_id_or_not(text: str) -> None:
    """Capitals, digits of other scripts and look-alikes are not ids."""
    assert is_id(text) == bool(re.fullmatch(r"[0-9a-v]{26}", text))


@given(token=st.text(max_size=100))
def test_any_text_can_be_looked_up_as_a_token(token: str) -> None:
    """A client may send invalid text; it finds nothing and raises no error."""
    assert len(token_hash(token)) == 32
    assert token_hash(token) == token_hash(token)
    assert token_hash(token) != token_hash(token + "x")
