"""The rows of sessions, as they are read and written; times are epoch seconds."""

from typing import Any

import msgspec

from twofold.base.proofs import Proof

_decoder = msgspec.json.Decoder(tuple[Proof, ...])


class SessionRow(msgspec.Struct, frozen=True):
    """A session and its account, in the order in which `store.find` reads them."""

    account_id: str
    email: str
    username: str
    name: str
    group_names: str
    role: str
    stamp: int
    id: str
    methods: str
    computer_id: str | None
    signed_in_at: int
    last_used_at: int
    expires_at: int
    unlocked_until: int
    unseen_until: int
    proofs: str
    proofs_stamp: int | None  # the account's at the time when the proofs counted
    email_proven_at: int | None
    token_hash: bytes


class Proved(msgspec.Struct, frozen=True):
    """The proofs of a session, and the names of the methods, which earlier versions read."""

    proofs: tuple[Proof, ...]
    methods: tuple[str, ...]

    @property
    def columns(self) -> dict[str, str]:
        """Return what is stored."""
        return {"proofs": msgspec.json.encode(self.proofs).decode(), "methods": " ".join(self.methods)}


class SignIn(msgspec.Struct, frozen=True):
    """What a sign-in stores in its session."""

    token_hash: bytes
    account_id: str
    name: str
    source: str
    proved: Proved
    computer_id: str | None
    now: int
    expires_at: int
    unlocked_until: int
    unseen_until: int

    @property
    def columns(self) -> dict[str, Any]:
        """Return the values by column."""
        columns = msgspec.structs.asdict(self)
        del columns["proved"]
        return columns | self.proved.columns


class Session(msgspec.Struct, frozen=True):
    """A signed-in browser or client."""

    id: str
    name: str
    source: str
    signed_in_at: int
    last_used_at: int
    expires_at: int
    token_hash: bytes


def read_proofs(text: str) -> tuple[Proof, ...]:
    """Return the proofs that a session stores."""
    return _decoder.decode(text)
