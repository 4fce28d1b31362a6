"""Where PostgreSQL is: one server, or several of which one takes writes; directly, or behind PgBouncer."""

from functools import partial

import asyncpg  # type: ignore[import-untyped]

from twofold.base.database.postgres_pool import Connection

_POOLED = "statement_cache_size=0"  # each transaction may be on another connection, so nothing is left on one
_WANTED = "target_session_attrs="
_NAME = {"application_name": "twofold"}
_SETTINGS = {
    "client_connection_check_interval": "2s",  # a long statement ends with the program that asked for it
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "3s",
    "statement_timeout": "4s",
}
_REFUSALS = (
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class Servers:
    """The servers of an address. `begin` is what a transaction begins with, `several` whether there is another."""

    def __init__(self, url: str, patience: float) -> None:
        """`patience`: seconds for a connection, all servers together."""
        place, _, query = url.partition("?")
        options = [option for option in query.split("&") if option]
        pooled = _POOLED in options
        front, at, hosts = place.rpartition("@")
        if not at:
            front, at, hosts = place.partition("://")
        hosts, name_mark, name = hosts.partition("/")
        self.several = "," in hosts
        if self.several and not any(option.startswith(_WANTED) for option in options):
            options.append(f"{_WANTED}read-write")  # else one that only follows would do
        query = "?" + "&".join(option for option in options if option != _POOLED)
        self._urls = [f"{front}{at}{host}{name_mark}{name}{query}" for host in hosts.split(",")]
        self.begin = f"BEGIN ISOLATION LEVEL READ COMMITTED{_local()}" if pooled else "BEGIN"
        self._connect = partial(
            asyncpg.connect,
            timeout=patience / len(self._urls),
            command_timeout=patience + 1,
            statement_cache_size=0 if pooled else 1000,
            max_cached_statement_lifetime=0,
            server_settings=_NAME if pooled else _NAME | _SETTINGS,
        )

    async def connect(self) -> Connection:
        """Connect to the first that will do; the one that did last time is asked first. Raises what the last said."""
        for left, url in zip(reversed(range(len(self._urls))), tuple(self._urls), strict=True):
            try:
                connection = await self._connect(url)
            except _REFUSALS:  # one that is starting, mute, or no longer the one that writes: the next may do
                if not left:
                    raise
            else:
                self._urls.sort(key=url.__ne__)
                return connection
        raise AssertionError


def _local() -> str:
    """Write the settings for the length of a transaction, since PgBouncer takes none for a connection."""
    return "".join(f"; SET LOCAL {name} = '{value}'" for name, value in _SETTINGS.items())
