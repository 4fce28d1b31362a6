"""The state of the reference model: the contract's numbers, and each person's data. Times are epoch seconds."""

from dataclasses import dataclass, field

OK, CODE_REQUIRED = "ok", "code_required"
WRONG_CREDENTIALS, WRONG_CODE, CODE_USED, CLOCK_OFF = (
    "wrong_credentials",
    "wrong_code",
    "code_already_used",
    "clock_off",
)
TOO_MANY, EXPIRED, COMPLETED = "too_many_attempts", "sign_in_expired", "sign_in_completed"
NOT_SIGNED_IN, LOCKED = "not_signed_in", "locked_settings"
NOT_FOUND, CONFLICT, INVALID = "not_found", "conflict", "invalid_request"

TO_BE_TOLD = "to be told"  # a recovery code that the service has just generated
DISABLED, ONCE, EVERY = "disabled", "once_per_computer", "every_log_in"
POLICIES = (DISABLED, ONCE, EVERY)

MINUTE, HOUR, DAY = 60, 3600, 86400
IDLE, SESSION, UNLOCKED, ATTEMPT, TRUST, LINK, ENROLMENT = HOUR, DAY, 600, 300, 30 * DAY, HOUR, HOUR
TRIES, FREE_PASSWORDS, FIRST_WAIT, LONGEST_WAIT = 5, 5, 30, HOUR
CODES = ((5, 5 * MINUTE), (20, HOUR), (50, DAY))
SOURCE = ((10, 5 * MINUTE), (50, HOUR))
FORGOTTEN, KNOWN = 12 * HOUR, ((25, HOUR),)
IN_A_ROW = 12  # the service has this setting, since 100 in a row do not fit into 50 acts
PENDING, MOST_FACTORS = 5, 10
PASSWORD, RECOVERY_CODE = "password", "recovery_code"
_METHODS: "dict[Factor | str, str]" = {RECOVERY_CODE: RECOVERY_CODE}


@dataclass(eq=False)
class Factor:
    """An authenticator app; `verified_at` is None while it is being set up."""

    id: str
    secret: str
    begun_at: int
    replaces: "Factor | None"
    verified_at: int | None = None
    last_step: int = -1
    wrong: int = 0


@dataclass(eq=False)
class ModelComputer:
    """A trusted computer."""

    until: int
    id: str = ""


@dataclass(eq=False)
class Share:
    """The wrong passwords of one source or known browser, and its wrong codes in a row."""

    run: int = 0
    last_at: int = 0
    wrong_codes: int = 0
    last_code_at: int = 0


@dataclass(eq=False)
class ModelPerson:
    """An account, which does not exist yet if it has no password."""

    email: str
    password: str | None = None
    disabled: bool = False
    policy: str = DISABLED
    factors: list[Factor] = field(default_factory=list)
    pending: list[Factor] = field(default_factory=list)
    chosen: Factor | None = None
    recovery_code: str | None = None
    recovery_code_at: int = 0
    computers: list[ModelComputer] = field(default_factory=list)
    sessions: list["Session"] = field(default_factory=list)
    attempts: list["Attempt"] = field(default_factory=list)
    link: str | None = None
    link_until: int = 0
    strangers: dict["Client", Share] = field(default_factory=dict)
    known: dict["Client", Share] = field(default_factory=dict)
    wrong_of_known: list[int] = field(default_factory=list)
    wrong_codes: list[int] = field(default_factory=list)
    wrong_codes_of_known: list[int] = field(default_factory=list)
    row: dict[Share, int] = field(default_factory=dict)
    row_of_known: dict[Share, int] = field(default_factory=dict)

    def share(self, client: "Client") -> Share:
        """Return the counter of a client's wrong attempts."""
        return self.known.get(client) or self.strangers.setdefault(client, Share())

    def wrong_in_a_row(self, client: "Client") -> int:
        """Return how many wrong codes in a row count for a client.

        Those of known browsers count if it contributed to them.
        """
        if client in self.known:
            return sum(self.row_of_known.values()) if self.known[client].wrong_codes else 0
        return sum(self.row.values())

    def rows_end(self) -> None:
        """Reset the count of wrong codes in a row."""
        self.row.clear()
        self.row_of_known.clear()
        for share in (*self.known.values(), *self.strangers.values()):
            share.wrong_codes = 0

    def browsers_end(self, *, but: "Client | None" = None) -> None:
        """Forget known browsers."""
        self.known = {client: share for client, share in self.known.items() if client is but}

    @property
    def active(self) -> bool:
        """Return whether a sign-in requires a second factor."""
        return self.policy != DISABLED and bool(self.factors)

    @property
    def default(self) -> Factor | None:
        """Return the default factor."""
        return self.chosen if self.chosen in self.factors else next(iter(self.factors), None)


@dataclass(eq=False)
class Session:
    """A signed-in session."""

    person: ModelPerson
    proofs: "dict[Factor | str, int]"  # of the password, each factor and the recovery code, with its time
    on_trust: bool
    begun_at: int
    used_at: int
    unlocked_until: int

    def level(self) -> tuple[str, list[str], list[str], int]:
        """Return level, methods, `amr`, and the time of the oldest proof of the level."""
        password = self.proofs[PASSWORD]
        seconds = [
            (min(at, password), _METHODS.get(source, "totp"))
            for source, at in self.proofs.items()
            if source != PASSWORD
        ]
        if not seconds:
            return "1fa", [PASSWORD], ["pwd"], password
        at, method = max(seconds)
        return "2fa", [PASSWORD, method], ["pwd", "otp", "mfa"], at


@dataclass(eq=False)
class Attempt:
    """A half-open sign-in."""

    person: ModelPerson
    begun_at: int
    wrong: int = 0

    @property
    def until(self) -> int:
        """Return the time at which it expires."""
        return self.begun_at + ATTEMPT


@dataclass(eq=False)
class Client:
    """A browser with cookies, or a program with tokens, with its own IP address."""

    is_browser: bool
    session: Session | None = None
    attempt: Attempt | None = None
    completed_until: int = 0  # until then, the token of its last sign-in is known as completed
    computers: dict[ModelPerson, ModelComputer] = field(default_factory=dict)
    wrong: list[int] = field(default_factory=list)
