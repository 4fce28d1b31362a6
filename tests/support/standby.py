"""A synchronous standby, made with PostgreSQL's own tools: each commit is on both disks before it returns."""

import time

from tests.support.cluster import USER, Cluster


class Standby(Cluster):
    """A standby of a running server, for `with Standby(primary) as standby:`."""

    def __init__(self, primary: Cluster) -> None:
        super().__init__()
        self._primary = primary

    def follow(self) -> None:
        """Make the primary wait until each commit is on the standby's disk."""
        self._primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._primary.sql("SELECT pg_reload_conf()")
        give_up_at = time.monotonic() + 20
        while self._primary.sql("SELECT sync_state FROM pg_stat_replication") != "sync":
            assert time.monotonic() < give_up_at, "the standby does not follow"
            time.sleep(0.1)

    def promote(self) -> None:
        """Promote the standby, and return once it accepts writes."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    def _make(self) -> None:
        source = f"host=127.0.0.1 port={self._primary.port} user={USER}"
        self._run("pg_basebackup", "-d", source, "-D", str(self._data), "-R", "-X", "stream", "-c", "fast")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {self.port}\n")


def both(primary: Cluster, standby: Standby, name: str) -> str:
    """Return a URL with both servers, the standby first."""
    return f"postgresql://{USER}@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/{name}"
