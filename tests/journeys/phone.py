"""A phone with an authenticator app, and the camera that reads a QR code off the screen."""

import subprocess
from pathlib import Path

import pyotp

from tests.authenticator import STEP, Authenticator, oathtool
from tests.parts import need
from tests.service import Service


class Phone(Authenticator):
    """An app beside a service whose clock can be moved: nobody waits for the next code, half a minute is let pass."""

    def __init__(self, secret: str, service: Service) -> None:
        super().__init__(secret, service.clock)
        self.service = service

    def code(self) -> str:
        """A code that was not given before: the one on show, or the next."""
        shown = int(self.clock()) // STEP
        step = max(shown, self.last_step + 1)
        if step > shown + 1:
            self.service.move_clock(self.service.clock_offset + (step - shown - 1) * STEP)
        self.last_step = step
        return oathtool(self.secret, at=step * STEP)


def scan(picture: Path) -> str:
    """What a barcode reader sees in a picture of the whole screen."""
    command = [need("zbarimg"), "--quiet", "--raw", str(picture)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def read_key_uri(uri: str) -> pyotp.TOTP:
    """What another implementation makes of a key URI; a ValueError when it is none."""
    read = pyotp.parse_uri(uri)
    assert isinstance(read, pyotp.TOTP)
    return read
