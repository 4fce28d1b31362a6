"""What a session has proved, and the level of assurance that its proofs reach together."""

from enum import StrEnum

import msgspec

PASSWORD = "password"


class Level(StrEnum):
    """A level of assurance, as in `acr` of OpenID Connect. The values sort from the lowest to the highest."""

    ONE_FACTOR = "1fa"
    TWO_FACTORS = "2fa"
    PHISHING_RESISTANT = "phr"


class Strength(msgspec.Struct, frozen=True, array_like=True):
    """What one answer proves: the level that it reaches together with the password, and its `amr` (RFC 8176).

    `alone` is its `amr` if it reaches the level without the password, because the device has verified the user.
    """

    level: Level
    amr: str
    alone: str = ""


class Proof(msgspec.Struct, frozen=True, array_like=True):
    """A proof; `source` is the id of what made it, and `at` is epoch seconds."""

    method: str
    source: str
    at: int
    strength: Strength


class Assurance(msgspec.Struct, frozen=True, order=True):
    """The level that some proofs reach, how, and the time of the oldest of them (epoch seconds)."""

    authenticated_at: int
    level: Level
    methods: tuple[str, ...]
    amr: str


class Strengths(dict[str, Strength]):
    """The strength of a proof by each method, for sessions that stored the names of their methods only."""
