"""Real authenticators: Debian's oathtool makes the codes, so that Twofold is never checked against itself."""

import subprocess
import time
from collections.abc import Callable

from tests.parts import need

STEP = 30
ON_THE_WAY = 3


def oathtool(secret: str, at: float | None = None) -> str:
    """The six digits that belong to a base32 secret at an epoch second, now by default."""
    return oathtool_run(secret, time.time() if at is None else at, 1)[0]


def oathtool_run(secret: str, at: float, count: int) -> list[str]:
    """The codes of so many steps one after another, the first being the step of an epoch second."""
    command = [need("oathtool"), "--totp", "--base32", f"--now=@{int(at)}", f"--window={count - 1}", "-"]
    made = subprocess.run(command, input=secret, capture_output=True, text=True, check=True)
    return made.stdout.split()


class Authenticator:
    """One app on one phone: it never offers a code twice, and waits where the next code is not yet taken."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self.clock = clock
        self.last_step = 0

    def code(self) -> str:
        """A code that a service which takes one step either side must accept, newer than all given before."""
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
        """The code of a step so many before (negative) or after the present one, whether it was given or not."""
        return oathtool(self.secret, at=self.clock() + offset * STEP)

    def wrong_code(self) -> str:
        """Six digits that belong to none of the steps near now."""
        near = oathtool_run(self.secret, self.clock() - 25 * STEP, 51)
        return next(code for code in map("{:06}".format, range(1_000_000)) if code not in near)
