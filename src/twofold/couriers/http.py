"""How drivers speak HTTP: no proxy from the environment, no redirect followed, no answer longer than we would read."""

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

_MOST_BYTES = 16 * 1024  # of an answer
_CONNECT_WITHIN = 2.5  # seconds; who cannot be reached has not taken anything
_LINGER = 1.0  # seconds for the body of an answer whose status says all


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and the beginning of the body."""

    status: int
    body: bytes

    @property
    def taken(self) -> bool:
        """Whether the other side took what it was sent."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15.3

    @property
    def busy(self) -> bool:
        """Whether it asks for a later try."""
        return self.status in {408, 425, 429, 503}

    @property
    def told(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class HttpDriver(Driver):
    """A courier that speaks HTTP: what an answer means is the same for all, but for what a subclass says."""

    ours: ClassVar[frozenset[int]] = frozenset()  # statuses for which our account is at fault, and not the message

    def __init__(self, ca: str | None) -> None:
        self._client = Client(ca)

    async def hand_over(self, method: str, url: str, **sent: Any) -> None:  # noqa: ANN401 - as `Client.send` takes it
        """Send a message. Raises Refused, Failed, Doubtful by the status of the answer (RFC 9110 15)."""
        answer = await self._client.send(method, url, **sent)
        said = f"it answered {answer.status}"
        if answer.taken:
            return
        if answer.busy or answer.status in self.ours:
            raise Failed(said)
        if 400 <= answer.status < 500:  # noqa: PLR2004 - RFC 9110 15.5
            more, reason = self.why(answer)
            raise Refused(said + more, reason)
        if not self.repeatable:
            raise Doubtful(said)
        raise Failed(said, alive=answer.status == 500)  # noqa: PLR2004 - it failed over this one message (15.6.1)

    def why(self, _answer: Answer) -> tuple[str, Reason | None]:
        """Read out of a refusal what the log should say more of it, and its reason."""
        return "", None

    async def ask(self, method: str, url: str, **sent: Any) -> Answer:  # noqa: ANN401 - as `Client.send` takes it
        """Send what is no message. Raises Failed when no answer comes."""
        try:
            return await self._client.send(method, url, **sent)
        except Doubtful as error:
            raise Failed(str(error)) from None

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()


class Client:
    """A pool of connections, made at its first use: the library costs 0.2 s and 20 MB."""

    def __init__(self, ca: str | None = None) -> None:
        self._ca = ca
        self._made: httpx2.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Send a request. Raises Failed when it cannot have arrived, Doubtful when it may have."""
        client = await self._client()
        import httpx2  # noqa: PLC0415 - loaded by now

        headers = {"Accept-Encoding": "identity", **(headers or {})}
        try:
            async with client.stream(method, url, headers=headers, content=body, auth=auth) as answer:
                return Answer(answer.status_code, await _beginning(answer))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Failed(f"it cannot be reached ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise Doubtful(f"its answer did not come ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            made, self._made = self._made, None
            await made.aclose()

    async def _client(self) -> "httpx2.AsyncClient":
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(_make, self._ca)
            return self._made


def _make(ca: str | None) -> "httpx2.AsyncClient":
    import httpx2  # noqa: PLC0415 - costs 0.2 s, and is needed by those who send through it only

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write whole addresses, secrets and all
    return httpx2.AsyncClient(
        verify=ssl.create_default_context(cafile=ca),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(None, connect=_CONNECT_WITHIN),
        limits=httpx2.Limits(max_connections=8, keepalive_expiry=30),
    )


async def _beginning(answer: "httpx2.Response") -> bytes:
    """Read at most so much of the body; the status has come, so a body that does not is no failure."""
    import httpx2  # noqa: PLC0415 - loaded by now

    read = b""
    try:
        async with asyncio.timeout(_LINGER):
            async for piece in answer.aiter_raw():
                read += piece
                if len(read) > _MOST_BYTES:
                    break
    except (TimeoutError, httpx2.HTTPError):
        return read
    return read[:_MOST_BYTES]
