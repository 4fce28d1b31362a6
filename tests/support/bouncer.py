"""PgBouncer in transaction mode with its default settings, in front of a test server."""

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.cluster import USER, Cluster, as_nobody
from tests.support.programs import need
from tests.support.service import free_port

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 4
logfile = {log}
"""


class Bouncer:
    """PgBouncer for `with Bouncer(cluster) as bouncer:`, with few connections that transactions switch between."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = need("pgbouncer")
        folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=self.cluster.folder))
        folder.chmod(0o777)
        users, settings = folder / "users", folder / "pgbouncer.ini"
        users.write_text(f'"{USER}" ""\n')
        settings.write_text(SETTINGS.format(server=self.cluster.port, port=self.port, users=users, log=folder / "log"))
        self.process = subprocess.Popen(
            [*as_nobody(), program, "--quiet", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up_at = time.monotonic() + 10
        while not self.answers():
            log = folder / "log"
            assert time.monotonic() < give_up_at, log.read_text() if log.exists() else "pgbouncer does not start"
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        """Return whether nginx accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def through(self, url: str, options: str = "?statement_cache_size=0") -> str:
        """Return the URL of a database through PgBouncer."""
        return url.replace(f":{self.cluster.port}/", f":{self.port}/") + options
