"""The real server with a movable clock: only the product's own clock function is shifted.

Use `movable_clock` where the clock of the whole process must jump; it makes every request about fifteen times
slower, too slow for hundreds of tests.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.service import Service

LAUNCHER = Path(__file__).with_name("shifted_clock.py")
WIDTH = 20  # bytes that the launcher reads


class ShiftedService(Service):
    """`twofold serve` started by `shifted_clock.py`, like the commands that use the same data."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        settings: Mapping[str, str] | None = None,
        launcher: Path = LAUNCHER,
    ) -> None:
        super().__init__(folder, database_url=database_url, settings=settings)
        self.shift_file = folder / "shift"
        self.launcher = [sys.executable, str(launcher), str(self.shift_file)]
        self.move_clock(0)

    def move_clock(self, seconds: int) -> None:
        """Set the service's clock so many seconds ahead of the true time (behind, if negative), while it runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clock_offset = seconds
        descriptor = os.open(self.shift_file, os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(descriptor, f"{seconds:{WIDTH}d}".encode(), 0)
        finally:
            os.close(descriptor)

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command on the same data, with the same clock."""
        command = [*self.launcher, sys.executable, "-m", "twofold", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), input=stdin, capture_output=True, text=True, check=False
        )
