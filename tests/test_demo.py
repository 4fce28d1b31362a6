"""`bin/demo` shows the gate to a newcomer, and leaves nothing behind."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.authenticator import Authenticator
from tests.support.authenticator_phone import read_key_uri
from tests.support.browser_person import SAVED
from tests.support.clients import PASSWORD
from tests.support.computer import MAX_WAIT, launch
from tests.support.doors import block
from tests.support.programs import need
from tests.support.service import free_port
from tests.test_house import tracked_files

HOME = Path(__file__).parents[1]
START_WITHIN = END_WITHIN = 90.0
INSTALL_WITHIN = 600.0


class Demo:
    """`bin/demo` on two free ports, for `with Demo(folder) as demo:`."""

    def __init__(self, folder: Path, *, home: Path = HOME, within: float = START_WITHIN) -> None:
        self.home, self.within = home, within
        self.temporary = (
            folder / "temporary-with-a-name-too-long-for-the-path-of-a-unix-socket-which-has-at-most-107-bytes"
        )
        self.temporary.mkdir()
        self.output_file = folder / "output"
        self.port, self.app_port = free_port(), free_port()
        self.application = f"http://app.localhost:{self.app_port}"

    def start(self, *arguments: str) -> Self:
        """Start the command as from a terminal, which has processes of its own."""
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [self.home / "bin/demo", "--port", str(self.port), "--app-port", str(self.app_port), *arguments],
                env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "TMPDIR": str(self.temporary)},
                cwd=self.temporary,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __enter__(self) -> Self:
        self.start()
        give_up_at = time.monotonic() + self.within
        while "Press Ctrl-C" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < give_up_at, f"the demo does not start:\n{self.output}"
            time.sleep(0.05)
        self.started = descendants(self.process.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self.process.pid, *descendants(self.process.pid), *self.left_behind()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait(END_WITHIN)

    @property
    def output(self) -> str:
        """What the command has printed."""
        return self.output_file.read_text()

    def link(self, path: str) -> str:
        """Return a link that was printed."""
        found = re.search(rf"http://\S+{re.escape(path)}\S*", self.output)
        assert found, self.output
        return found[0]

    def left_behind(self) -> list[int]:
        """Return which of the processes that were started still run."""
        return [process for process in self.started if is_running(process)]


def descendants(process: int) -> list[int]:
    """Return the running processes that a process, or one of these, has started."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_the_name = status.read_text().rpartition(")")[2].split()
            children.setdefault(int(after_the_name[1]), []).append(int(status.parent.name))
    found = children.get(process, [])
    return [*found, *(further for child in found for further in descendants(child))]


def is_running(process: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Yield the running demo. The last test of this file ends it."""
    with Demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    """Yield a page of Chromium in the size of the picture in README."""
    need("chromium")
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        context = chromium.new_context(viewport={"width": 1120, "height": 580}, color_scheme="light")
        context.set_default_timeout(MAX_WAIT)
        yield context.new_page()
        chromium.close()


def test_newcomer_can_follow_what_the_demo_prints(demo: Demo, page: Page) -> None:
    """From the first account to the vault with a second factor, in a browser. PICTURES keeps the picture of README."""
    page.goto(demo.link("/setup/"))
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1, name="User Settings")).to_be_visible()

    page.goto(demo.application)
    expect(page.get_by_text("Hello, ada")).to_be_visible()
    page.get_by_label("Your notice").fill("The printer works again <3")
    page.get_by_role("button", name="Put up").click()
    expect(page.get_by_role("article")).to_have_text("adaThe printer works again <3")
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / "demo.png")

    page.get_by_role("link", name="Vault").click()
    _can_compute_codes_without_a_phone(demo, page)
    _proves_a_second_factor(page)
    expect(page.get_by_role("heading", level=1, name="The vault")).to_be_visible()
    assert page.url == f"{demo.application}/vault"

    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert urlsplit(page.url).netloc == f"localhost:{demo.port}"
    page.goto(f"{demo.application}/public")
    expect(page.get_by_text("You are not signed in")).to_be_visible()


def test_application_sees_no_forged_identity(demo: Demo) -> None:
    """On its open page, as everywhere."""
    asked = {"Host": f"app.localhost:{demo.app_port}", "Remote-User": "mallory", "Remote_Name": "mallory"}
    address = f"http://127.0.0.1:{demo.app_port}"
    for path in ("/public", "/public/headers"):
        assert "mallory" not in httpx2.get(f"{address}{path}", headers=asked, trust_env=False).raise_for_status().text
    assert httpx2.get(f"{address}/vault", headers=asked, trust_env=False).status_code == 401


def test_recipe_of_the_demo_is_that_of_the_document() -> None:
    """But for addresses."""
    addresses = re.compile(r'"?\S*(127\.0\.0\.1:|unix)\S*')
    recipe = addresses.sub("", block("caddy.md", "caddy").partition("route {")[2])
    assert recipe in addresses.sub("", (HOME / "demo/Caddyfile").read_text())


def test_packages_of_the_demo_are_among_those_for_tests() -> None:
    """With the same versions, since `bin/setup --dev` counts them as installed."""
    for line in (HOME / "requirements-demo.txt").read_text().splitlines():
        assert line.rstrip(" \\") in (HOME / "requirements-dev.txt").read_text()


def test_ctrl_c_ends_everything(demo: Demo) -> None:
    """All processes, ports and files, quietly."""
    assert len(demo.started) >= 2
    os.kill(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(END_WITHIN) == 0, demo.output
    assert demo.output.endswith("The demo has ended.\n")
    assert demo.left_behind() == []
    assert list(demo.temporary.iterdir()) == []
    for port in (demo.port, demo.app_port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def test_demo_ends_when_one_of_its_programs_does(tmp_path: Path) -> None:
    """With the name of the program, and without the others."""
    with Demo(tmp_path) as demo:
        caddy = next(each for each in demo.started if "caddy" in Path(f"/proc/{each}/cmdline").read_text())
        os.kill(caddy, signal.SIGKILL)
        assert demo.process.wait(END_WITHIN) == 1
        assert "Caddy ended." in demo.output
        assert demo.left_behind() == []
        assert list(demo.temporary.iterdir()) == []


@pytest.mark.parametrize("program", ["Twofold", "Caddy"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "closed terminal"])
def test_demo_can_be_ended_while_it_starts(tmp_path: Path, program: str, number: signal.Signals) -> None:
    """Also when the program has only just been started."""
    demo = Demo(tmp_path).start()
    give_up_at = time.monotonic() + START_WITHIN
    while not list(demo.temporary.glob(f"*/{program}.log")):
        assert time.monotonic() < give_up_at, demo.output
        time.sleep(0.005)
    demo.started = descendants(demo.process.pid)
    os.kill(demo.process.pid, number)
    assert demo.process.wait(END_WITHIN) == 0, demo.output
    assert demo.left_behind() == []
    assert list(demo.temporary.iterdir()) == []


def test_port_in_use_is_reported_before_anything_starts(tmp_path: Path) -> None:
    """With the option that chooses another one."""
    demo = Demo(tmp_path)
    with socket.create_server(("127.0.0.1", demo.app_port)):
        assert demo.start().process.wait(END_WITHIN) == 1
    assert demo.output == f"Port {demo.app_port} is in use or reserved. Choose another with --app-port.\n"
    assert list(demo.temporary.iterdir()) == []


def test_demo_works_in_an_empty_clone(tmp_path: Path, *, full: bool) -> None:
    """With nothing but Python: it installs what it needs. This downloads 30 MB, so only a full run does it."""
    if not full:
        pytest.skip("downloads packages: bin/test --full does it")
    clone = tmp_path / "clone"
    for path in tracked_files():
        copy = clone / path.relative_to(HOME)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    with Demo(tmp_path, home=clone, within=INSTALL_WITHIN) as demo:
        asked = {"Host": f"app.localhost:{demo.app_port}"}
        assert httpx2.get(f"http://127.0.0.1:{demo.app_port}/public", headers=asked, trust_env=False).status_code == 200
        os.kill(demo.process.pid, signal.SIGTERM)
        assert demo.process.wait(END_WITHIN) == 0
        assert demo.left_behind() == []


def _proves_a_second_factor(page: Page) -> None:
    """Set up an authenticator where Twofold leads, and continue to where the user wanted to go."""
    page.get_by_role("button", name="Add authenticator").click()
    uri = page.get_by_role("link", name="Open in your authenticator app").get_attribute("href") or ""
    authenticator = Authenticator(read_key_uri(uri).secret)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Verification code").fill(authenticator.code())
    page.get_by_role("button", name="Verify").click()
    page.get_by_label(SAVED).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Verification code").fill(authenticator.code())
    page.get_by_role("button", name="Authenticate").click()


def _can_compute_codes_without_a_phone(demo: Demo, page: Page) -> None:
    """Open the authenticator of the demo, as it says."""
    with page.context.new_page() as other:
        other.goto(demo.link("/dev?key="))
        other.goto(f"http://localhost:{demo.port}/dev/authenticator")
        expect(other.get_by_role("heading", level=1)).to_have_text("Development authenticator")
