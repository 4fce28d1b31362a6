"""Reverse proxies in front of the gate, each started from the recipe in its document."""

import contextlib
import http.client
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.door_recipes import DOCUMENTS, RECIPES, TWOFOLD, Place, adapt, block
from tests.support.programs import need
from tests.support.service import free_port

__all__ = ["DOCUMENTS", "RECIPES", "TWOFOLD", "Door", "adapt", "block"]

START_WITHIN = 20.0
NO_ROUTE = b"404 page not found\n"  # what Traefik answers before it has read its routes


class Door:
    """A proxy for `with Door(name, folder, certificate, ...) as door:`, which listens at `port` on loopback.

    `changes` are made to its recipe: text to replace, and what to put there.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        certificate: Path,
        *,
        twofold: int,
        application: int,
        hosts: Sequence[str],
        changes: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.changes = changes or {}
        self.recipe = RECIPES[name]
        folder = folder / f"{name}-{secrets.token_hex(4)}"
        public = Path(tempfile.gettempdir()) / f"twofold-{folder.name}"
        self.place = Place(folder, public, certificate, free_port(), twofold, application, hosts)
        self.port = self.place.port

    def __enter__(self) -> Self:
        program = need(self.recipe.program)
        self.place.folder.mkdir(parents=True)
        self.place.public.mkdir(mode=0o755)
        settings = self.recipe.write(self.place)
        settings.write_text(adapt(settings.read_text(), self.changes))
        log = (self.place.folder / "log").open("wb")
        self.process = subprocess.Popen(
            self.recipe.command(program, self.place, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(self.place.folder), "XDG_DATA_HOME": str(self.place.folder)},
        )
        log.close()
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + START_WITHIN
        while not self._is_ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < give_up_at, f"{self.name} does not listen:\n{self.log()}"
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the proxy, and delete what it needed outside of its folder."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait(5)
        shutil.rmtree(self.place.public)

    def log(self) -> str:
        """Return what the proxy has written."""
        return (self.place.folder / "log").read_text(errors="replace")

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        return not self.recipe.listens_early or self._knows_its_hosts()

    def _knows_its_hosts(self) -> bool:
        """Return whether the proxy has read its routes and certificates."""
        tls = ssl.create_default_context(cafile=str(self.place.certificate))
        tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # that certificate alone, without its authority
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10)
        try:
            plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            connection.sock = tls.wrap_socket(plain, server_hostname=TWOFOLD)
            connection.request("GET", "/healthz", headers={"Host": TWOFOLD})
            return connection.getresponse().read() != NO_ROUTE
        except OSError:  # it still has a certificate of its own
            return False
        finally:
            connection.close()
