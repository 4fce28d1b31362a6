"""Run a Twofold command with a clock that a file shifts: `python shifted_clock.py FILE python -m twofold serve ...`.

Password hashes cost almost nothing here if the settings have the lowest cost that they allow.
"""

import os
import sys

WIDTH = 20
FLOOR = {"memory_kib": 19_456, "passes": 2, "lanes": 1}  # the setting of tests that are not about hashing
LEAST = {"memory_kib": 8, "passes": 1, "lanes": 1}


def run_shifted(shift_file: str, arguments: list[str]) -> None:
    """Replace the clock before other modules import it; the file contains the seconds, padded to `WIDTH`."""
    from twofold.base import clock  # noqa: PLC0415 - before the other modules

    descriptor, true_now = os.open(shift_file, os.O_RDONLY), clock.now
    clock.now = lambda: true_now() + int(os.pread(descriptor, WIDTH, 0))
    hash_cheaply()
    from twofold.cli import main  # noqa: PLC0415 - after the clock

    sys.argv = ["twofold", *arguments]
    main()


def hash_cheaply() -> None:
    """Replace the lowest allowed cost with the lowest that argon2 accepts."""
    from twofold.base.passwords import PasswordPool  # noqa: PLC0415 - after the clock

    make = PasswordPool.__init__

    def make_cheap(pool: PasswordPool, **settings: object) -> None:
        cost = {name: settings[name] for name in FLOOR}
        make(pool, **{**settings, **(LEAST if cost == FLOOR else {})})  # type: ignore[arg-type]  # what it was given

    PasswordPool.__init__ = make_cheap  # type: ignore[method-assign, assignment]  # in this process only


if __name__ == "__main__":
    del sys.path[0]  # modules of this folder must not hide others
    run_shifted(sys.argv[1], sys.argv[5:])
