"""What a username may be, and which are tried for an address."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.awkward_names import emails
from twofold.accounts.usernames.reserved import RESERVED
from twofold.accounts.usernames.rules import check_username, username_from, usernames_for
from twofold.base.problems import InvalidRequest

FORM = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def lowest(limit: int) -> int:
    """Stand for chance by the lowest number."""
    assert limit > 0
    return 0


@pytest.mark.parametrize(
    "local, username",
    [
        ("alice", "alice"),
        ("alice.smith_2-x", "alice.smith_2-x"),
        ("o'brien", "obrien"),
        ("alice+news", "alice-news"),
        ("a&&&b", "a-b"),
        ("-alice-", "alice"),
        ("_", "user"),
        ("jörg", "jorg"),
        ("jo\u0308rg", "jorg"),
        ("straße", "strasse"),
        ("øystein", "oystein"),
        ("łukasz", "lukasz"),
        ("ægir", "aegir"),
        ("þór", "thor"),
        ("ışık", "isik"),
        ("ﬁn", "fin"),
        ("漢字", "user"),
        ("漢a字", "a"),
        ("😀", "user"),
        ("x" * 64, "x" * 64),
        ("ß" * 64, "s" * 64),
        ("x" * 63 + ".y", "x" * 63),
        ("42", "42"),
    ],
)
def test_username_is_made_of_the_local_part(local: str, username: str) -> None:
    """Letters outside ASCII become plain ones where there are such, and are left out otherwise."""
    assert username_from(f"{local}@example.org") == username


@given(emails)
def test_every_address_gets_valid_usernames(email: str) -> None:
    """None of the first hundred is reserved or occurs twice in the beginning."""
    tried = list(islice(usernames_for(email, lowest), 100))
    assert all(FORM.fullmatch(each) and each not in RESERVED for each in tried)
    assert len(set(tried[:9])) == 9


def test_number_is_appended_that_grows_with_the_crowd() -> None:
    """A username stays within 64 characters, whatever its number is."""
    tried = list(islice(usernames_for("alice@example.org", lambda limit: limit - 1), 15))
    assert tried == ["alice", *[f"alice{number}" for number in range(2, 10)], *["alice99"] * 3, *["alice999"] * 3]
    assert all(len(each) <= 64 for each in islice(usernames_for("x" * 64 + "@example.org", lowest), 200))


@pytest.mark.parametrize("name", ["admin", "administrator", "root", "owner", "system", "support", "www-data", "git"])
def test_reserved_name_gets_a_number(name: str) -> None:
    """Applications may give rights to an account of that name."""
    assert next(usernames_for(f"{name}@example.org", lowest)) == f"{name}2"


def test_every_reserved_name_is_a_username() -> None:
    """Any other could not occur, and would be a mistake in the list."""
    assert [name for name in RESERVED if not FORM.fullmatch(name)] == []


@given(st.from_regex(FORM, fullmatch=True))
def test_chosen_username_of_the_right_form_is_accepted(text: str) -> None:
    """Administrators may choose a reserved one, too."""
    assert check_username(text) == text


@pytest.mark.parametrize("text", ["", "Alice", "a b", ".a", "-a", "_a", "a@b", "x" * 65, "é", "a\n", "a\u200b", "١"])
def test_chosen_username_of_another_form_is_refused(text: str) -> None:
    """The answer says which form it has to have."""
    with pytest.raises(InvalidRequest) as refused:
        check_username(text)
    assert "begin with a letter or digit" in refused.value.detail
