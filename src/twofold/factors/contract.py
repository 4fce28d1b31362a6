"""The contract of a kind of second factor. Only `features.py` names a kind; all other code uses this contract.

A kind enrols a factor, challenges its owner, checks an answer, and describes a factor for pages. Kinds of one group
check answers together, so that a look-up for several factors takes one query.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from twofold.accounts.consequences import Change
from twofold.base.keys import Keyring
from twofold.base.problems import Problem
from twofold.base.proofs import Strength, Strengths
from twofold.base.site import HasSite
from twofold.base.unit_of_work import Runner, UnitOfWork
from twofold.config import Config
from twofold.factors.recovery.contract import RecoveryCodes


class Factor(msgspec.Struct, frozen=True):
    """An enrolled factor; times are epoch seconds."""

    id: str
    account_id: str
    kind: str
    name: str
    sealed: bytes
    last_step: int  # the latest accepted time step, for time-based codes
    tries: int
    replaces: str | None
    created_at: int
    expires_at: int | None
    verified_at: int | None
    last_used_at: int | None
    notice_day: int | None = None  # for a phone: the day (since 1970) whose budget pays for its removal notice


class Purpose(StrEnum):
    """The purpose of a challenge. An account has one open challenge for each purpose."""

    SIGN_IN = "sign_in"
    UNLOCK = "unlock"
    ENROLMENT = "enrolment"


class Request(msgspec.Struct, frozen=True):
    """A request for an answer, by the sign-in, session or enrolment with this id (ASVS 5.0, 6.6.2)."""

    purpose: Purpose
    id: str


class Challenge(msgspec.Struct, frozen=True):
    """The last challenge sent or created for a request; times are epoch seconds."""

    kind: str
    account_id: str
    factor_id: str
    resend_at: int
    expires_at: int
    is_open: bool = True  # neither answered nor expired
    not_sent: str | None = None  # why the message was not delivered
    options: Mapping[str, Any] | None = None  # what a client needs to create its answer
    reference: str = ""  # for the kind's own use


class Weight(IntEnum):
    """How much a refusal explains; of several refusals, the one that explains most is shown."""

    WRONG = 0
    CHALLENGED = 1  # wrong, and there was an open challenge to answer
    EXPLAINED = 2
    USED = 3


class Accepted(msgspec.Struct, frozen=True):
    """The answer was correct and has been used up."""

    factor: Factor
    strength: Strength | None = None  # if this answer proves something other than its kind usually does


class Refused(msgspec.Struct, frozen=True):
    """The answer was wrong; the problem has the kind's own text and receives `attempts_left` with its evidence."""

    problem: type[Problem]
    weight: Weight = Weight.WRONG
    evidence: Mapping[str, Any] = {}


Verdict = Accepted | Refused
Answers = Mapping[str, Any]  # the submitted answer, as parsed by each group of kinds


@dataclass(frozen=True, slots=True)
class NewFactor:
    """A factor to be enrolled, and the details that its owner entered, as parsed by its kind."""

    id: str
    account_id: str
    email: str
    name: str
    is_first: bool
    details: Any = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new factor's sealed state, and the data its owner needs to set it up, which is never stored or logged."""

    sealed: bytes
    offer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts about a kind for pages, marked for translation."""

    label: str  # in the list of methods
    about: str
    add: str
    full: str
    removal: str
    lost: str  # before the link to the recovery code
    found: str  # before the link back to this kind
    use: str
    icon: str = "phone"


@dataclass(frozen=True, slots=True)
class Description:
    """Texts about one factor for pages, translated; they contain no secret."""

    label: str = ""  # next to its name
    hint: str = ""  # in the API
    sent: str = ""  # for a challenge that has been sent
    again: str = ""


class Kind(ABC):
    """One kind of factor. Members with a default are optional.

    The folder `templates` in its package has these files. Pages load them as `PACKAGE/answer.html`, so no other package
    with templates may have the same name.

    - `enrol.html`: the page that starts an enrolment, unless `details_at` is set.
    - `verify.html`: the page that asks for the first answer. Both pages receive `offer`, `challenge` and
      `action_verify`, the address for their form.
    - `answer.html`: the fields of an answer, inside the forms for signing in and authenticating. It receives `prompt`
      (`prompt.options` are those of the challenge), `answer_main` and `answer_attrs`.
    - `help.html`, optional: list items for users whose answer is refused.
    """

    kind: ClassVar[str]
    group: ClassVar[str]  # shared by kinds that check answers together
    default_name: ClassVar[str]  # for a factor whose owner enters no name
    strength: ClassVar[Strength]  # of a correct answer
    texts: ClassVar[Texts]
    templates: ClassVar[str]  # name of the package that has the folder `templates`
    answer_fields: ClassVar[tuple[str, ...]] = ("code",)  # errors lead to the first
    details: ClassVar[tuple[str, ...]] = ()  # fields of an enrolment besides its name
    details_at: ClassVar[str | None] = None  # address of the page that asks for them
    together: ClassVar[bool] = False  # any factor of the group can answer, so they share one prompt
    sends: ClassVar[bool] = False  # its challenge is a message
    change: ClassVar[Change] = Change.FACTORS_CHANGED  # caused by enrolling one in addition to others
    offered: bool = True  # by this server

    def __init__(self, config: Config, keys: Keyring) -> None:
        self.config = config
        self.keys = keys

    def read_details(self, fields: Mapping[str, str | None]) -> Any:  # noqa: ANN401, ARG002 - each kind has its own
        """Return the details of an enrolment. Raise InvalidRequest for an invalid field."""
        return None

    @abstractmethod
    def enrol(self, new: NewFactor) -> Enrolment:
        """Create the state of a new factor and the data its owner needs to set it up."""

    def offer(self, factor: Factor, *, email: str, is_first: bool) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the set-up data of an unverified factor again. Raise Unavailable if it cannot be opened."""
        return {}

    def render_offer(self, offer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add the parts that are slow to render to an offer; never called inside a transaction."""
        return offer

    async def challenge(self, uow: UnitOfWork, factor: Factor, request: Request) -> Challenge | Problem | None:  # noqa: ARG002
        """Challenge the user; return None if an answer needs no challenge, and the refusal if a limit is reached."""
        return None

    async def last_challenge(
        self,
        uow: UnitOfWork,  # noqa: ARG002
        factors: Sequence[Factor],  # noqa: ARG002
        request: Request,  # noqa: ARG002
    ) -> Challenge | None:
        """Return the last challenge for a request to one of these factors of the group, for its page.

        A kind that has a challenge but sends no message returns it here without being asked for it first.
        """
        return None

    async def deliver(self, runner: Runner, challenge: Challenge) -> None:  # noqa: B027 - most kinds send nothing
        """Wait outside a transaction until a challenge has been sent. Raise CannotSend if it cannot be."""

    @abstractmethod
    def read_answer(self, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - each kind has its own
        """Return an answer in its normal form. Raise InvalidRequest, naming the field, if it is malformed."""

    @abstractmethod
    async def check(self, uow: UnitOfWork, factors: Sequence[Factor], answer: Any, request: Request) -> Verdict:  # noqa: ANN401
        """Check an answer against an account's factors of this group, and use it up if it is correct.

        Raise Unavailable if none of them can be opened.
        """

    @abstractmethod
    def describe(self, factor: Factor) -> Description:
        """Describe one factor."""

    def export(self, factor: Factor) -> Mapping[str, Any]:  # noqa: ARG002 - most kinds store nothing but a secret
        """Return what a user's own export adds about a factor, but never a secret."""
        return {}

    def others(self, kinds: Sequence["Kind"]) -> list["Kind"]:
        """Return the other kinds that can verify the same factor."""
        return [each for each in kinds if each.group == self.group and each is not self]

    async def on_removal(self, uow: UnitOfWork, factor: Factor, remaining: Sequence[Factor]) -> None:  # noqa: B027 - as above
        """Act on the removal of a factor; `remaining` are the account's remaining factors."""

    async def reset_future_state(self, uow: UnitOfWork, account_id: str) -> None:  # noqa: B027 - as above
        """Reset what was recorded while the clock was ahead."""


@dataclass(frozen=True)
class Kinds:
    """The kinds of factors that this server supports, in menu order, and the recovery code."""

    known: tuple[Kind, ...]
    recovery: RecoveryCodes

    @cached_property
    def offered(self) -> tuple[Kind, ...]:
        """Return the kinds that can be used."""
        return tuple(kind for kind in self.known if kind.offered)

    @cached_property
    def _checked_in_order(self) -> tuple[Kind, ...]:
        return tuple(sorted(self.offered, key=lambda kind: kind.sends))

    def get(self, name: str) -> Kind | None:
        """Return the offered kind with this name."""
        return next((kind for kind in self.offered if kind.kind == name), None)

    @property
    def strengths(self) -> Strengths:
        """Return the strength of each kind."""
        return Strengths({kind.kind: kind.strength for kind in self.known})

    def groups(self, factors: Sequence[Factor]) -> list[tuple[Kind, list[Factor]]]:
        """Return the factors by group, each with a kind that checks them; groups that need no message come first."""
        groups: dict[str, tuple[Kind, list[Factor]]] = {}
        for kind in self._checked_in_order:
            if members := [factor for factor in factors if factor.kind == kind.kind]:
                groups.setdefault(kind.group, (kind, []))[1].extend(members)
        return list(groups.values())


def kinds(holder: HasSite) -> Kinds:
    """Return the kinds of factors of a site."""
    return holder.site.part(Kinds)
