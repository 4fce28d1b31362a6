"""How drivers speak HTTP: no proxy from the environment, no redirect followed, no answer longer than we would read."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twofold.couriers.contract import Doubtful, Failed

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
    def stumbled(self) -> bool:
        """Whether it failed over this one message, as far as anybody can tell, and works otherwise."""
        return self.status == 500  # noqa: PLR2004 - RFC 9110 15.6.1

    @property
    def busy(self) -> bool:
        """Whether it asks for a later try."""
        return self.status in {408, 425, 429, 503}


class Client:
    """A pool of connections, made at its first use: the library costs 0.2 s and 20 MB."""

    def __init__(self, ca: str | None = None) -> None:
        self._ca = ca
        self._made: httpx2.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def send(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes = b"", auth: tuple[str, str] | None = None
    ) -> Answer:
        """Send a request. Raises Failed when it cannot have arrived, Doubtful when it may have."""
        client = await self._client()
        import httpx2  # noqa: PLC0415 - loaded by now

        headers = {"Accept-Encoding": "identity", **headers}
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
