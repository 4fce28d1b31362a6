"""What the reference model knows: the contract's numbers, and who has what. Times are epoch seconds."""

from dataclasses import dataclass, field

OK, CODE_REQUIRED = "ok", "code_required"
WRONG_CREDENTIALS, WRONG_CODE, CODE_USED, CLOCK_OFF = (
    "wrong_credentials",
    "wrong_code",
    "code_already_used",
    "clock_off",
)
TOO_MANY, EXPIRED = "too_many_attempts", "sign_in_expired"
NOT_SIGNED_IN, LOCKED = "not_signed_in", "locked_settings"
NOT_FOUND, CONFLICT, INVALID = "not_found", "conflict", "invalid_request"

TO_BE_TOLD = "to be told"  # a recovery code that the service has chosen just now
DISABLED, ONCE, EVERY = "disabled", "once_per_computer", "every_log_in"
POLICIES = (DISABLED, ONCE, EVERY)

MINUTE, HOUR, DAY = 60, 3600, 86400
IDLE, SESSION, UNLOCKED, ATTEMPT, TRUST, LINK, ENROLMENT = HOUR, DAY, 600, 300, 30 * DAY, HOUR, HOUR
TRIES, FREE_PASSWORDS, FIRST_WAIT, LONGEST_WAIT = 5, 5, 30, HOUR
CODES = ((5, 5 * MINUTE), (20, HOUR), (50, DAY))
SOURCE = ((10, 5 * MINUTE), (50, HOUR))
IN_A_ROW = 12  # the service is given this setting: 100 in a row do not fit into 50 acts
PENDING, MOST_FACTORS = 5, 10


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
class Computer:
    """A trusted computer."""

    until: int
    id: str = ""


@dataclass(eq=False)
class Bucket:
    """Wrong passwords in a row."""

    run: int = 0
    last_at: int = 0


@dataclass(eq=False)
class Person:
    """One account; without a password it has not been made yet."""

    email: str
    password: str | None = None
    disabled: bool = False
    policy: str = DISABLED
    factors: list[Factor] = field(default_factory=list)
    pending: list[Factor] = field(default_factory=list)
    chosen: Factor | None = None
    recovery_code: str | None = None
    recovery_code_at: int = 0
    computers: list[Computer] = field(default_factory=list)
    sessions: list["Session"] = field(default_factory=list)
    attempts: list["Attempt"] = field(default_factory=list)
    link: str | None = None
    link_until: int = 0
    buckets: dict["Client | None", Bucket] = field(default_factory=dict)
    known_browsers: set["Client"] = field(default_factory=set)
    wrong_codes: list[int] = field(default_factory=list)
    wrong_in_a_row: int = 0

    @property
    def active(self) -> bool:
        """Whether a sign-in asks for a second factor."""
        return self.policy != DISABLED and bool(self.factors)

    @property
    def default(self) -> Factor | None:
        """The factor that is asked for first."""
        return self.chosen if self.chosen in self.factors else next(iter(self.factors), None)


@dataclass(eq=False)
class Session:
    """Somebody signed in."""

    person: Person
    methods: list[str]
    on_trust: bool
    begun_at: int
    used_at: int
    unlocked_until: int


@dataclass(eq=False)
class Attempt:
    """Between password and code."""

    person: Person
    until: int
    wrong: int = 0


@dataclass(eq=False)
class Client:
    """A browser with cookies, or a program with tokens, at an address of its own."""

    is_browser: bool
    session: Session | None = None
    attempt: Attempt | None = None
    computers: dict[Person, Computer] = field(default_factory=dict)
    wrong: list[int] = field(default_factory=list)
