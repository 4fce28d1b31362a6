"""A phone with an authenticator app, and a camera that reads QR codes from the screen."""

import subprocess
from pathlib import Path

import pyotp

from tests.support.authenticator import STEP, Authenticator, oathtool
from tests.support.programs import need
from tests.support.service import Service


class AuthenticatorPhone(Authenticator):
    """An authenticator for a service whose clock can be moved, so that no test waits for the next code."""

    def __init__(self, secret: str, service: Service) -> None:
        super().__init__(secret, service.clock)
        self.service = service

    def code(self) -> str:
        """Return a code that was not returned before: the current one or the next."""
        shown = int(self.clock()) // STEP
        step = max(shown, self.last_step + 1)
        if step > shown + 1:
            self.service.move_clock(self.service.clock_offset + (step - shown - 1) * STEP)
        self.last_step = step
        return oathtool(self.secret, at=step * STEP)


def scan(picture: Path) -> str:
    """Return what a barcode reader finds in a screenshot."""
    command = [need("zbarimg"), "--quiet", "--raw", str(picture)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def read_key_uri(uri: str) -> pyotp.TOTP:
    """Return a key URI as pyotp parses it. Raise ValueError if it is malformed."""
    read = pyotp.parse_uri(uri)
    assert isinstance(read, pyotp.TOTP)
    return read
