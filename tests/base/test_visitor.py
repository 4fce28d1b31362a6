"""The access table: which visitors each level admits, by freshness and role."""

import pytest

from twofold.base.problems import Problem
from twofold.base.visitor import TABLE, Access, Freshness, LockedSettings, NotAllowed, NotSignedIn, Role, Rule

ANONYMOUS, SIGNED_IN, UNLOCKED = Freshness.ANONYMOUS, Freshness.SIGNED_IN, Freshness.UNLOCKED
REFUSALS: dict[Access, dict[Freshness, type[Problem] | None]] = {
    Access.PUBLIC: {ANONYMOUS: None, SIGNED_IN: None, UNLOCKED: None},
    Access.SIGNED_IN: {ANONYMOUS: NotSignedIn, SIGNED_IN: None, UNLOCKED: None},
    Access.UNLOCKED: {ANONYMOUS: NotSignedIn, SIGNED_IN: LockedSettings, UNLOCKED: None},
}
ROLES: dict[Access, frozenset[Role]] = {}  # of the rows that only some roles pass
FOR_ADMINISTRATORS = Rule("", TABLE[Access.UNLOCKED].refused, roles=frozenset({Role.OWNER, Role.ADMIN}))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("access", Access)
def test_every_access_level_refuses_by_freshness_then_role(access: Access, role: Role) -> None:
    """A new row must be added to REFUSALS, and to ROLES if it depends on the role."""
    passing = ROLES.get(access, frozenset(Role))
    by_role = None if role in passing else NotAllowed
    for freshness, expected in REFUSALS[access].items():
        known = None if freshness is ANONYMOUS else role
        assert TABLE[access].refusal(freshness, known) is (expected or (by_role if known else None))
    assert TABLE[access].roles == passing
    by_freshness = {each for each in REFUSALS[access].values() if each}
    assert set(TABLE[access].problems) == by_freshness | (set() if passing == frozenset(Role) else {NotAllowed})


def test_access_for_one_role_checks_freshness_first() -> None:
    """Freshness is checked first, so that a page redirects to the sign-in before it refuses."""
    assert FOR_ADMINISTRATORS.refusal(ANONYMOUS, None) is NotSignedIn
    for role in Role:
        assert FOR_ADMINISTRATORS.refusal(SIGNED_IN, role) is LockedSettings
        allowed = role in {Role.OWNER, Role.ADMIN}
        assert FOR_ADMINISTRATORS.refusal(UNLOCKED, role) is (None if allowed else NotAllowed)
    assert NotAllowed in FOR_ADMINISTRATORS.problems
