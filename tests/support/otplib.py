"""The npm package otplib for comparison, in one process for a whole test file."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.programs import need, need_node_module


class Otplib:
    """A running otplib, for `with Otplib() as otplib:`."""

    def __init__(self) -> None:
        folder = need_node_module("otplib")
        need_node_module("@otplib/uri")
        script = Path(__file__).with_suffix(".mjs")
        self.process = subprocess.Popen(
            [need("node"), str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate(timeout=10)

    def code(self, secret: str, at: int) -> str:
        """Return the code for a base32 secret at a time in epoch seconds."""
        code = self._ask({"secret": secret, "epoch": at})
        assert isinstance(code, str)
        return code

    def read(self, uri: str) -> dict[str, Any]:
        """Return the parts of a key URI: type, label and params."""
        read = self._ask({"uri": uri})
        assert isinstance(read, dict)
        return read

    def _ask(self, question: dict[str, Any]) -> object:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer: object = json.loads(self.process.stdout.readline())
        return answer
