"""Real authenticators: oathtool generates the codes, so that Twofold is not checked against itself."""

import subprocess
import time
from collections.abc import Callable

from tests.support.programs import need

STEP = 30
ON_THE_WAY = 3


def oathtool(secret: str, at: float | None = None) -> str:
    """Return the code for a base32 secret at a time in epoch seconds, which is now by default."""
    return oathtool_run(secret, time.time() if at is None else at, 1)[0]


def oathtool_run(secret: str, at: float, count: int) -> list[str]:
    """Return the codes of `count` consecutive steps, starting with the step of `at` (epoch seconds)."""
    command = [need("oathtool"), "--totp", "--base32", f"--now=@{int(at)}", f"--window={count - 1}", "-"]
    made = subprocess.run(command, input=secret, capture_output=True, text=True, check=True)
    return made.stdout.split()


class Authenticator:
    """An authenticator app that never returns a code twice, and waits until its next code is accepted."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self.clock = clock
        self.last_step = 0

    def code(self) -> str:
        """Return an unused code that a service must accept if it tolerates one step in either direction."""
        now = self.clock()
        oldest = int(now + ON_THE_WAY) // STEP - 1
        newest = int(now) // STEP + 1
        step = max(oldest, self.last_step + 1)
        while step > newest:
            time.sleep(0.2)
            newest = int(self.clock()) // STEP + 1
        self.last_step = step
        return oathtool(self.secret, at=step * STEP)

    def code_of_step(self, offset: int) -> str:
        """Return the code of the step at this offset from the current one, whether or not it was returned before."""
        return oathtool(self.secret, at=self.clock() + offset * STEP)

    def wrong_code(self) -> str:
        """Return six digits that are not the code of any step near the current one."""
        near = oathtool_run(self.secret, self.clock() - 25 * STEP, 51)
        return next(code for code in map("{:06}".format, range(1_000_000)) if code not in near)
