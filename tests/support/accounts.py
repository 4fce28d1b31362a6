"""Account rows for tests that need no service."""

from twofold.accounts.rules import Account
from twofold.base.visitor import Role


def stored_account(name: str, role: Role = Role.MEMBER, **more: object) -> Account:
    """Return an account whose id, username and local part are `name`."""
    given = {"name": None, "groups": (), "password_hash": "", "stamp": 1, "created_at": 0, "disabled_at": None, **more}
    return Account(id=name, email=f"{name}@example.com", username=name, role=role, **given)  # type: ignore[arg-type]
