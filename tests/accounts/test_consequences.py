"""The table of what ends what and the caps of an account, against a copy that was made from the contract by hand."""

from twofold.accounts.caps import CAPS, WhenFull
from twofold.accounts.consequences import CONSEQUENCES, Change, Item

# Columns: trusted computers, sessions, recovery code, under way, access tokens, grants, consents, known browsers.
# `.` stays, `x` ends, `o` all others end, `t` those of the act end, `n` a new one, `l` lock, `r` where refused.
CONTRACT = {
    "2FA becomes active": "x o n x . o . .",
    "2FA disabled": "x o x x . o . .",
    "factor added, replaced or removed; default factor changed": "x o . x . o . .",
    "phone number added": "x o n x . o . .",
    "policy changed between the two frequencies": "x . . . . . . .",
    "password changed": "x o . x . o . o",
    "password reset": "x x . x x x . x",
    "address changed": "x o . x . o . .",
    "recovery code used": "x o n x x x . o",
    "recovery code renewed": ". . n . . . . .",
    "one session or all others ended": ". t . . . t . .",
    "2FA reset by an administrator": "x x x x x x . x",
    "account disabled": "x x . x x x x x",
    "signed out by an administrator": "x x . x x x . x",
    "role, groups or username changed": ". l . . . r . .",
    "account deleted": "x x x x x x x x",
    "account enabled again": ". . . . . . . .",
    "factor or computer renamed": ". . . . . . . .",
}
LETTERS = {
    "stay": ".",
    "end": "x",
    "others end": "o",
    "those end": "t",
    "new": "n",
    "stay, but settings lock": "l",
    "end where now refused": "r",
}


def test_consequences_match_the_contract() -> None:
    """Every row has a cell for every column, and each says what the contract says."""
    written = {
        change.value: " ".join(LETTERS[row[item].value] for item in Item) for change, row in CONSEQUENCES.items()
    }
    assert written == CONTRACT


def test_every_change_has_a_row() -> None:
    """A new change cannot be added without its row."""
    assert list(CONSEQUENCES) == list(Change)


def test_caps_match_the_contract() -> None:
    """The oldest ends, except for factors."""
    assert {cap.things: (cap.maximum, cap.when_full is WhenFull.REFUSED) for cap in CAPS} == {
        "known browsers": (10, False),
        "trusted computers": (20, False),
        "sessions": (50, False),
        "pending enrolments": (5, False),
        "factors of a kind": (10, True),
    }
