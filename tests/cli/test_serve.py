"""`twofold serve` works in an empty folder, stops cleanly, and fails with one line."""

import re
import signal
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.command_line import first_lines, refusal, serving, twofold
from tests.support.service import Service, free_port
from tests.support.sync import connect, raw_request


def answers(port: int) -> bool:
    """Return whether the service is healthy."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_aborted_requests_log_no_traceback(tmp_path: Path) -> None:
    """An incomplete form times out as documented, with one log line."""
    with Service(tmp_path) as service, ExitStack() as opened:
        for path, kind in (("/sign-in", "application/x-www-form-urlencoded"), ("/api/v1/sign-in", "application/json")):
            request = raw_request(service.url, path, b"x" * 40, headers={"Origin": service.url, "Content-Type": kind})
            opened.enter_context(connect(service.url)).sendall(request[:-20])
        time.sleep(0.5)
        assert service.stop() == 0
        assert "were cut off" in service.output()
        assert "Traceback" not in service.output()
        assert "ERROR" not in service.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_starts_in_an_empty_folder_and_stops_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """It prints its address, data directory and the first administrator's link once it responds."""
    port = free_port()
    with serving(tmp_path, port) as process:
        printed = first_lines(process, 4)
        assert answers(port)
        process.send_signal(number)
        assert process.wait(15) == 0
    assert f"http://localhost:{port}/\n" in printed
    assert str(tmp_path / "twofold-data") in printed
    assert re.search(rf"http://localhost:{port}/setup/\S+\n", printed)
    assert (tmp_path / "twofold-data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "twofold-data" / "secret.keys").stat().st_mode & 0o777 == 0o600


def test_first_administrators_link_is_renewed_at_each_start(tmp_path: Path) -> None:
    """Until there is an administrator, every start prints another link."""
    links = set()
    for _ in range(2):
        with serving(tmp_path, free_port()) as process:
            links.add(re.sub(r".*/setup/", "", first_lines(process, 4)))
            process.terminate()
            assert process.wait(15) == 0
    assert len(links) == 2


def test_signal_during_startup_exits_with_0(tmp_path: Path) -> None:
    """Stopping a service that is still starting is not an error."""
    with serving(tmp_path, free_port()) as process:
        deadline = time.monotonic() + 15
        while not (tmp_path / "twofold-data").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.terminate()
        assert process.wait(15) == 0


def test_unusable_host_is_a_one_line_error(tmp_path: Path) -> None:
    """Addresses of other machines and unknown names are refused."""
    assert "192.0.2.1" in refusal(twofold(tmp_path, "serve", "--host", "192.0.2.1"))
    assert "a..b" in refusal(twofold(tmp_path, "serve", "--host", "a..b"))


@pytest.mark.parametrize(
    "settings, warnings",
    [
        ({"base_url": "https://id.example.org"}, 1),
        ({"base_url": "https://id.example.org", "trusted_proxies": "10.0.0.0/8"}, 0),
        ({"base_url": "http://localhost:8000"}, 0),
    ],
)
def test_serve_with_https_and_no_trusted_proxy_prints_a_warning(
    settings: dict[str, str], warnings: int, tmp_path: Path
) -> None:
    """Otherwise, all clients share the proxy's address and limits."""
    service = Service(tmp_path, settings=settings)
    with service:
        assert service.output().count("TWOFOLD_TRUSTED_PROXIES is not set") == warnings


def test_several_workers_on_sqlite_are_refused(tmp_path: Path) -> None:
    """SQLite allows one writing process."""
    assert "SQLite" in refusal(twofold(tmp_path, "serve", "--workers", "2"))


def test_several_workers_share_a_port_on_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    """All serve one port, and one signal stops them all with exit status 0."""
    port = free_port()
    with serving(tmp_path, port, "--workers", "2", DATABASE_URL=cluster.database()) as process:
        assert f"http://localhost:{port}/\n" in first_lines(process, 4)
        deadline = time.monotonic() + 15
        while not answers(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answers(port)
        process.terminate()
        assert process.wait(20) == 0
    assert not answers(port)


def test_invalid_settings_prevent_startup(tmp_path: Path) -> None:
    """The error is one line for each of plain http to another host, a misspelt name and an unusable data directory."""
    assert "https://" in refusal(twofold(tmp_path, "serve", BASE_URL="http://login.example.org"))
    assert "TWOFOLD_TRUST?" in refusal(twofold(tmp_path, "serve", TRUSST="1d"))
    (tmp_path / "file").write_text("x", "utf-8")
    assert "file" in refusal(twofold(tmp_path, "serve", "--port", str(free_port()), DATA_DIR="file"))


def test_second_service_on_the_same_data_is_a_one_line_error(tmp_path: Path) -> None:
    """One SQLite file allows one writing process."""
    with serving(tmp_path, free_port()) as process:
        first_lines(process, 4)
        assert "twofold.db" in refusal(twofold(tmp_path, "serve", "--port", str(free_port())))
        process.terminate()
        assert process.wait(15) == 0
