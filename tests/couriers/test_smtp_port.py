"""When a mail server uses another port or TLS mode than the address says, the error suggests the right one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from twofold.base import clock
from twofold.config import load
from twofold.couriers.contract import DriverContext, Failed
from twofold.couriers.registry import driver
from twofold.features import DRIVERS

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def server(*extensions: str) -> AsyncIterator[int]:
    """Run an unencrypted mail server with these extensions, and yield its port."""
    writers: list[asyncio.StreamWriter] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"220 mail.example.org\r\n")
        while line := await reader.readline():
            offered = ["mail.example.org", *extensions]
            lines = [f"250{'-' if each != offered[-1] else ' '}{each}\r\n" for each in offered]
            writer.write("".join(lines).encode() if line.upper().startswith(b"EHLO") else b"500 what\r\n")

    running = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1]
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@pytest.mark.parametrize(
    "scheme, extensions, told",
    [
        ("smtp", ("AUTH XOAUTH2",), "it does not support sign-in with a user name and password"),
        ("smtp", (), "it does not support sign-in with a user name and password"),
        ("smtps", ("STARTTLS",), "it does not use TLS on this port; for STARTTLS, use smtp:// and port 587"),
    ],
)
async def test_doctor_suggests_the_right_scheme_and_port_for_a_mail_server(
    scheme: str, extensions: tuple[str, ...], told: str
) -> None:
    """`doctor` shows the suggestion."""
    async with server(*extensions) as port:
        around = DriverContext(load({})[0], clock.now)
        made = driver(f"{scheme}://u:p@127.0.0.1:{port}?from=a@example.org", "mail", around, DRIVERS)
        with pytest.raises(Failed, match=told):
            await made.check()
        await made.close()
