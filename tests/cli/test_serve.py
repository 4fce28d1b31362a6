"""`twofold serve`: works at once in an empty folder, ends in good order, and refuses in one sentence."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.run import environment, refusal, twofold
from tests.cluster import Cluster
from tests.service import free_port


@contextmanager
def serving(folder: Path, port: int, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Serve until the end of the block, at the latest."""
    command = [sys.executable, "-m", "twofold", "serve", "--port", str(port), *arguments]
    with subprocess.Popen(
        command, cwd=folder, env=environment(**settings), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_lines(process: subprocess.Popen[str], count: int) -> str:
    """Read what is printed at the start."""
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(count))


def answers(port: int) -> bool:
    """Tell whether the service is healthy."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_empty_folder_is_enough(number: signal.Signals, tmp_path: Path) -> None:
    """Address, data directory and the first administrator's link are printed once it answers; a signal ends it."""
    port = free_port()
    with serving(tmp_path, port) as process:
        printed = first_lines(process, 4)
        assert answers(port)
        process.send_signal(number)
        assert process.wait(15) == 0
    assert f"http://127.0.0.1:{port}/\n" in printed
    assert str(tmp_path / "twofold-data") in printed
    assert re.search(rf"http://127.0.0.1:{port}/setup/\S+\n", printed)
    assert (tmp_path / "twofold-data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "twofold-data" / "secret.keys").stat().st_mode & 0o777 == 0o600


def test_the_administrators_link_is_renewed_at_each_start(tmp_path: Path) -> None:
    """While there is no administrator every start prints another link."""
    links = set()
    for _ in range(2):
        with serving(tmp_path, free_port()) as process:
            links.add(re.sub(r".*/setup/", "", first_lines(process, 4)))
            process.terminate()
            assert process.wait(15) == 0
    assert len(links) == 2


def test_a_signal_while_starting_ends_it_with_0(tmp_path: Path) -> None:
    """Whoever stops a service that is still starting is not answered by a failure."""
    with serving(tmp_path, free_port()) as process:
        deadline = time.monotonic() + 15
        while not (tmp_path / "twofold-data").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.terminate()
        assert process.wait(15) == 0


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    """Nothing is made, and nobody shares the port unknowingly."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refusal(twofold(tmp_path, "serve", "--port", port))
    assert not list(tmp_path.iterdir())


def test_a_host_that_is_not_here_is_one_sentence(tmp_path: Path) -> None:
    """Addresses of other machines and names of nobody are refused."""
    assert "192.0.2.1" in refusal(twofold(tmp_path, "serve", "--host", "192.0.2.1"))
    assert "a..b" in refusal(twofold(tmp_path, "serve", "--host", "a..b"))


def test_several_workers_on_sqlite_are_refused_with_the_reason(tmp_path: Path) -> None:
    """SQLite has one writing process."""
    assert "SQLite" in refusal(twofold(tmp_path, "serve", "--workers", "2"))


def test_several_workers_share_a_port_on_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    """They answer under the address of the port, and one signal ends them all with 0."""
    port = free_port()
    with serving(tmp_path, port, "--workers", "2", DATABASE_URL=cluster.database()) as process:
        assert f"http://127.0.0.1:{port}/\n" in first_lines(process, 4)
        deadline = time.monotonic() + 15
        while not answers(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answers(port)
        process.terminate()
        assert process.wait(20) == 0
    assert not answers(port)


def test_bad_settings_keep_the_service_from_starting(tmp_path: Path) -> None:
    """Plain http off this machine, a mistyped name and a data directory in the way each give their sentence."""
    assert "https://" in refusal(twofold(tmp_path, "serve", BASE_URL="http://login.example.org"))
    assert "TWOFOLD_TRUST?" in refusal(twofold(tmp_path, "serve", TRUSST="1d"))
    (tmp_path / "file").write_text("x", "utf-8")
    assert "file" in refusal(twofold(tmp_path, "serve", "--port", str(free_port()), DATA_DIR="file"))


def test_a_second_service_on_the_same_data_is_one_sentence(tmp_path: Path) -> None:
    """Two writing processes on one SQLite file are refused."""
    with serving(tmp_path, free_port()) as process:
        first_lines(process, 4)
        assert "twofold.db" in refusal(twofold(tmp_path, "serve", "--port", str(free_port())))
        process.terminate()
        assert process.wait(15) == 0
