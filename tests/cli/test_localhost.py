"""Without settings, `twofold serve` is at `http://localhost:PORT`, on 127.0.0.1 and, if available, on ::1."""

import asyncio
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.command_line import first_lines, refusal, serving, twofold
from tests.support.programs import missing
from tests.support.service import Service, free_port
from twofold import Twofold
from twofold.cli.embedded import Servers
from twofold.cli.output import Failed
from twofold.config import Config

LOOPBACK = {"127.0.0.1": "127.0.0.1", "::1": "[::1]"}
# A network namespace without IPv6, like a machine with `ipv6.disable=1`.
WITHOUT_IPV6 = (
    *("unshare", "--user", "--net", "--map-root-user", "sh", "-c"),
    'ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$@"',
    "sh",
)


@pytest.fixture(autouse=True)
def both() -> None:
    """Skip the test on a machine without both addresses."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        missing("this machine has no ::1")


@pytest.fixture
def without_ipv6() -> tuple[str, ...]:
    """Return a launcher for a process that has no ::1."""
    if subprocess.run([*WITHOUT_IPV6, "true"], capture_output=True, check=False).returncode:
        missing("this machine makes no network namespaces, or lacks ip (Debian package iproute2)")
    return WITHOUT_IPV6


@pytest.fixture(params=LOOPBACK)
def other_program(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Yield a program that listens on one of the two addresses."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, free_port()), family=family) as listening:
        yield listening


def status(address: str, port: int, path: str = "/healthz") -> int | None:
    """Return the status of a response, or None if no program listens."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK[address]}:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return None


def test_service_without_settings_listens_on_both_addresses_of_localhost(tmp_path: Path) -> None:
    """Links name `localhost`, pages requested at an address redirect there, and nothing else is redirected."""
    port = free_port()
    with serving(tmp_path, port) as process:
        printed = first_lines(process, 4)
        assert f"Twofold listens on http://127.0.0.1:{port} and http://[::1]:{port}\n" in printed
        assert re.search(rf"^Pages: +http://localhost:{port}/$", printed, re.MULTILINE)
        assert f"http://localhost:{port}/setup/" in printed
        for host in LOOPBACK.values():
            for path in ("/healthz", "/readyz", "/api/v1/openapi.json"):
                with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as answer:
                    assert (answer.status, answer.url) == (200, f"http://{host}:{port}{path}")
            with urllib.request.urlopen(f"http://{host}:{port}/settings?done=x", timeout=10) as answer:
                assert answer.url == f"http://localhost:{port}/sign-in?return_to=%2Fsettings%3Fdone%3Dx"
        process.terminate()
        assert process.wait(15) == 0
    assert [status(address, port) for address in LOOPBACK] == [None, None]


@pytest.mark.parametrize("arguments", [[], ["--workers", "2"]], ids=["one process", "workers"])
def test_program_on_either_address_is_reported_and_nothing_is_served(
    arguments: Sequence[str], other_program: socket.socket, cluster: Cluster, tmp_path: Path
) -> None:
    """The other program would get some of the requests for localhost, including passwords."""
    address, port = other_program.getsockname()[:2]
    settings = {"DATABASE_URL": cluster.database()} if arguments else {}
    said = refusal(twofold(tmp_path, "serve", "--port", str(port), *arguments, **settings))
    assert said.startswith(f"Cannot listen on {address}, port {port}: another program uses this port. ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", LOOPBACK)
def test_service_on_one_address_does_not_share_the_name_with_another_program(
    host: str, other_program: socket.socket, tmp_path: Path
) -> None:
    """The default base URL needs both addresses; a configured one needs only its own."""
    address, port = other_program.getsockname()[:2]
    said = refusal(twofold(tmp_path, "serve", "--host", host, "--port", str(port)))
    assert f"Cannot listen on {address}, port {port}:" in said
    if host != address:
        url = f"http://{LOOPBACK[host]}:{port}"
        with serving(tmp_path, port, "--host", host, BASE_URL=url) as process:
            assert f"Twofold listens on {url}\n" in first_lines(process, 4)


@pytest.mark.parametrize(
    "host, listening, warned",
    [
        ("localhost", {"127.0.0.1", "::1"}, False),
        ("127.0.0.1", {"127.0.0.1"}, False),
        ("::1", {"::1"}, False),
        ("0.0.0.0", {"127.0.0.1"}, False),  # noqa: S104 - as in containers
        ("127.0.0.2", set(), True),
    ],
)
def test_service_listens_only_on_the_named_host(
    host: str, listening: set[str], *, warned: bool, tmp_path: Path
) -> None:
    """If the host is not localhost and no base URL is set, a warning is printed."""
    service = Service(tmp_path, default_address=True, arguments=["--host", host]).start(wait=False)
    try:
        service.wait_for_output(re.compile("Data directory"), within=20)
        assert {address for address in LOOPBACK if status(address, service.port) == 200} == listening
        assert service.stop() == 0
        assert ("Set TWOFOLD_BASE_URL" in service.output()) is warned
    finally:
        service.kill()


async def test_address_that_is_taken_after_the_check_ends_all_servers(other_program: socket.socket) -> None:
    """The service does not continue with one of the two addresses."""
    address, port = other_program.getsockname()[:2]
    with pytest.raises(Failed, match=f"Cannot listen on {address}, port {port}"):
        await asyncio.wait_for(Servers(Twofold(Config.from_env({})), LOOPBACK, port).serve(), 10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((next(each for each in LOOPBACK if each != address), port), timeout=5)


def test_machine_without_ipv6_is_served_on_ipv4(without_ipv6: tuple[str, ...], tmp_path: Path) -> None:
    """The missing ::1 causes no warning."""
    service = Service(tmp_path, default_address=True, launcher=list(without_ipv6))
    service.start(wait=False)
    try:
        said = service.wait_for_output(re.compile(r"Twofold listens on .*\n"), within=20)
        assert said == f"Twofold listens on http://127.0.0.1:{service.port}\n"
        assert service.stop() == 0
    finally:
        service.kill()
