"""Connect to PostgreSQL: one server, or several with one primary; directly or through PgBouncer."""

import getpass
import ssl
from functools import partial

import asyncpg  # type: ignore[import-untyped]

from twofold.base.database.postgres_connection import PostgresConnection
from twofold.base.database.postgres_tls import Tls, tls_of
from twofold.config.postgres import PostgresUrl, Server

_SERVER_SETTINGS = ("options", "search_path")
_NAME = {"application_name": "twofold"}
_SETTINGS = {
    "client_connection_check_interval": "2s",  # a long statement ends when its client disconnects
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
_OTHER_TLS = (asyncpg.InvalidAuthorizationSpecificationError, ConnectionError, ssl.SSLError)


class NoUser(Exception):
    """The address names no user, and this process has none either."""


class Servers:
    """The servers of an address. `begin` starts a transaction; `several` says whether there is more than one."""

    def __init__(self, url: PostgresUrl, max_wait: float) -> None:
        """Parse an address; `max_wait` is seconds to connect, for all servers together. Raise NoUser or OSError."""
        pooled = "statement_cache_size" in url.options  # each transaction may use another connection
        self.several = len(url.servers) > 1
        self._attempts = [(server, tls_of(url, server)) for server in url.servers]
        self.begin = f"BEGIN ISOLATION LEVEL READ COMMITTED{_local()}" if pooled else "BEGIN"
        given = {name: url.options[name] for name in _SERVER_SETTINGS if name in url.options}
        # Everything that the driver would look up in the environment or in HOME is set here.
        self._connect = partial(
            asyncpg.connect,
            user=url.user or _user_name(),
            password=url.password,
            database=url.database,
            direct_tls=False,
            target_session_attrs=url.options.get("target_session_attrs", "read-write" if self.several else "any"),
            krbsrvname="postgres",
            gsslib="gssapi",
            timeout=max_wait / sum(len(each) for _, each in self._attempts),
            command_timeout=max_wait + 1,
            statement_cache_size=0 if pooled else 1000,
            max_cached_statement_lifetime=0,
            server_settings=given | _NAME if pooled else given | _NAME | _SETTINGS,
        )

    async def connect(self) -> PostgresConnection:
        """Connect to the first suitable server, beginning with the last one used. Raise the last server's error."""
        for remaining, attempt in zip(reversed(range(len(self._attempts))), tuple(self._attempts), strict=True):
            try:
                connection = await self._connect_to(*attempt)
            except _REFUSALS:  # it is starting, not answering or no longer the primary, so try the next
                if not remaining:
                    raise
            else:
                self._attempts.sort(key=attempt.__ne__)
                return connection
        raise AssertionError

    async def _connect_to(self, server: Server, choices: list[Tls]) -> PostgresConnection:
        for tls in choices:
            try:
                opened = await self._connect(host=server.host, port=server.port, ssl=tls)
                return PostgresConnection(opened)
            except _OTHER_TLS:
                if tls is choices[-1]:
                    raise
        raise AssertionError


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise NoUser from None


def _local() -> str:
    """Return the settings as statements of a transaction, since PgBouncer accepts none for a connection."""
    return "".join(f"; SET LOCAL {name} = '{value}'" for name, value in _SETTINGS.items())
