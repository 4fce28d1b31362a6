"""Twofold with one part removed, to measure the cost of that part: `python -m bench.served no-hash serve --port 8000`.

no-hash       every password is accepted immediately. The queue, the thread and all other parts of a password step
              stay, so this measures a sign-in without its hash. Subtracting a bare hash of 30 ms from a sign-in
              would leave the noise of the hash, which is larger than the rest.
commit-each   the writer makes each transaction durable separately, as a program without group commit does.
"""

import sys

from argon2 import PasswordHasher

from twofold.base.database import sqlite_writer
from twofold.cli import main


def _no_hash() -> None:
    PasswordHasher.verify = lambda *_: True  # type: ignore[method-assign]


def _commit_each() -> None:
    sqlite_writer.BATCH = 1


_PARTS = {"no-hash": _no_hash, "commit-each": _commit_each}

if __name__ == "__main__":
    _PARTS[sys.argv.pop(1)]()
    main()
