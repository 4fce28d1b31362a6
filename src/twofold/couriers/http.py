"""HTTP for drivers: no proxy from the environment, no redirects, and a limit on the length of answers."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from twofold.base.outbox import Reason
from twofold.couriers.contract import Doubtful, Driver, Failed, Refused

if TYPE_CHECKING:
    import httpx2

_MAX_BYTES = 16 * 1024  # of an answer
_CONNECT_WITHIN = 2.5  # seconds; without a connection, no message was accepted
_LINGER = 1.0  # seconds for the body; the status is enough


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the beginning of the body."""

    status: int
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the provider accepted the request."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15.3

    @property
    def busy(self) -> bool:
        """Whether the provider asks to try again later."""
        return self.status in {408, 425, 429, 503}

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is not one."""
        try:
            body = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


class HttpDriver(Driver):
    """A courier that uses HTTP; subclasses may interpret some answers differently."""

    account_statuses: ClassVar[frozenset[int]] = frozenset()  # about our account, not the message

    def __init__(self, ca: str | None) -> None:
        self._client = Client(ca)

    async def deliver(self, method: str, url: str, **sent: Any) -> None:  # noqa: ANN401 - as `Client.send` takes it
        """Send a message. Raise Refused, Failed or Doubtful, depending on the status (RFC 9110 15)."""
        answer = await self._client.send(method, url, **sent)
        text = f"it answered {answer.status}"
        if answer.accepted:
            return
        if answer.busy or answer.status in self.account_statuses:
            raise Failed(text)
        if 400 <= answer.status < 500:  # noqa: PLR2004 - RFC 9110 15.5
            details, reason = self.why(answer)
            raise Refused(text + details, reason)
        if not self.repeatable:
            raise Doubtful(text)
        raise Failed(text, available=answer.status == 500)  # noqa: PLR2004 - only this message failed (15.6.1)

    def why(self, _answer: Answer) -> tuple[str, Reason | None]:
        """Return details of a refusal for the log, and its reason."""
        return "", None

    async def ask(self, method: str, url: str, **sent: Any) -> Answer:  # noqa: ANN401 - as `Client.send` takes it
        """Send a request that is not a message. Raise Failed if no answer arrives."""
        try:
            return await self._client.send(method, url, **sent)
        except Doubtful as error:
            raise Failed(str(error)) from None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


class Client:
    """A connection pool, created at its first use: importing the library takes 0.2 s and 20 MB."""

    def __init__(self, ca: str | None = None) -> None:
        self._ca = ca
        self._httpx: httpx2.AsyncClient | None = None
        self._creating = asyncio.Lock()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Send a request. Raise Failed if it cannot have arrived, Doubtful if it may have."""
        client = await self._client()
        import httpx2  # noqa: PLC0415 - loaded by now

        headers = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            async with client.stream(method, url, headers=headers, content=body, auth=auth) as answer:
                return Answer(answer.status_code, await _read_beginning(answer))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Failed(f"it cannot be reached ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise Doubtful(f"no answer arrived ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close all connections."""
        if self._httpx is not None:
            httpx_client, self._httpx = self._httpx, None
            await httpx_client.aclose()

    async def _client(self) -> "httpx2.AsyncClient":
        async with self._creating:
            if self._httpx is None:
                self._httpx = await asyncio.to_thread(_create, self._ca)
            return self._httpx


def _create(ca: str | None) -> "httpx2.AsyncClient":
    import httpx2  # noqa: PLC0415 - takes 0.2 s, needed only by drivers that use HTTP

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log whole addresses with their secrets
    return httpx2.AsyncClient(
        verify=ssl.create_default_context(cafile=ca),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(None, connect=_CONNECT_WITHIN),
        limits=httpx2.Limits(max_connections=8, keepalive_expiry=30),
    )


async def _read_beginning(answer: "httpx2.Response") -> bytes:
    """Read the first `_MAX_BYTES` of the body. A missing body is not a failure, since the status has arrived."""
    import httpx2  # noqa: PLC0415 - loaded by now

    read = b""
    try:
        async with asyncio.timeout(_LINGER):
            async for piece in answer.aiter_raw():
                read += piece
                if len(read) > _MAX_BYTES:
                    break
    except (TimeoutError, httpx2.HTTPError):
        return read
    return read[:_MAX_BYTES]
