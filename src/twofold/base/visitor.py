"""Visitors, and the access that routes require: one table, used by the routes, the OpenAPI document and tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import msgspec

from twofold.base.problems import Problem
from twofold.base.proofs import Assurance, Level, Proof
from twofold.base.texts import N_


class Role(StrEnum):
    """What an account may do in addition to managing itself."""

    OWNER = "owner"
    ADMIN = "admin"
    HELP_DESK = "help_desk"
    AUDITOR = "auditor"
    MEMBER = "member"


ROLE_LABELS: Mapping[str, str] = {
    Role.OWNER: N_("Owner"),
    Role.ADMIN: N_("Administrator"),
    Role.HELP_DESK: N_("Help desk"),
    Role.AUDITOR: N_("Auditor"),
    Role.MEMBER: N_("Member"),
}
ADMINISTRATORS = frozenset({Role.OWNER, Role.ADMIN})


class Freshness(Enum):
    """What a visitor has proved, and whether recently enough to change settings."""

    ANONYMOUS = auto()
    SIGNED_IN = auto()
    UNLOCKED = auto()


class Visitor(msgspec.Struct, frozen=True):
    """A signed-in user; `name` is the username if no name is set. Times are epoch seconds."""

    account_id: str
    email: str
    username: str
    name: str
    groups: tuple[str, ...]
    role: Role
    stamp: int
    session_id: str
    session_hash: bytes
    proofs: tuple[Proof, ...]  # that still count
    assurance: Assurance  # of the highest level that they reach
    computer_id: str | None
    signed_in_at: int
    expires_at: int
    unlocked_until: int
    unseen: bool = False  # the answer that created the session may still be repeated
    email_proven_at: int | None = None

    @property
    def email_for_applications(self) -> str:
        """Return the address as applications may see it: empty unless it is proven."""
        return self.email if self.email_proven_at is not None else ""

    @property
    def level(self) -> Level:
        """Return the highest level that the session has proved."""
        return self.assurance.level

    @property
    def authenticated_at(self) -> int:
        """Return the time of the oldest proof on which the level rests."""
        return self.assurance.authenticated_at

    @property
    def administrator(self) -> bool:
        """Return whether the account is an owner's or administrator's."""
        return self.role in ADMINISTRATORS


class NotSignedIn(Problem):
    """There is no session, or it has ended."""

    code, status, resolve_at = "not_signed_in", 401, "/sign-in"
    title = N_("You are not signed in")
    text = N_("Sign in to continue.")


class LockedSettings(Problem):
    """Settings are locked: the visitor has to authenticate again first."""

    code, status, resolve_at = "locked_settings", 403, "/authenticate"
    title = N_("Settings are locked")
    text = N_("Authenticate again to make changes.")


class NotAllowed(Problem):
    """The role of the account does not include this."""

    code, status = "not_allowed", 403
    title = N_("You are not allowed to do this")
    text = N_("Your account has no permission for this. Ask an administrator if you need it.")


class Access(Enum):
    """What a route requires of its visitor; `TABLE` defines each."""

    PUBLIC = auto()
    SIGNED_IN = auto()
    UNLOCKED = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """Permits visitors of every freshness that is not in `refused`, if their role is one of `roles`."""

    text: str  # in the OpenAPI document
    refused: Mapping[Freshness, type[Problem]]
    roles: frozenset[Role] = frozenset(Role)

    def refusal(self, freshness: Freshness, role: Role | None) -> type[Problem] | None:
        """Return the problem that such a visitor gets, or None; `role` is None without a session."""
        if freshness in self.refused:
            return self.refused[freshness]
        return NotAllowed if role is not None and role not in self.roles else None

    @property
    def problems(self) -> tuple[type[Problem], ...]:
        """Return every problem with which this rule refuses a visitor."""
        return (*self.refused.values(), *([NotAllowed] if self.roles != frozenset(Role) else []))


TABLE: Mapping[Access, Rule] = {
    Access.PUBLIC: Rule("No session is needed.", {}),
    Access.SIGNED_IN: Rule("Needs a session.", {Freshness.ANONYMOUS: NotSignedIn}),
    Access.UNLOCKED: Rule(
        "Needs a session with unlocked settings: call `POST /session/unlock` first.",
        {Freshness.ANONYMOUS: NotSignedIn, Freshness.SIGNED_IN: LockedSettings},
    ),
}
