"""What a journey may ask for: one Chromium for all, a server for each file, and computers with script and without."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.computer import Computer, launch
from tests.parts import need
from tests.phones import FROM_ONE_ADDRESS
from tests.service import Service

Computers = Callable[[], Computer]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    need("chromium")
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real server with a clock that can be moved, forwards only: its file's journeys share it. Use new persons."""
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, movable_clock=True, settings=FROM_ONE_ADDRESS) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Every journey is made twice, with script and without."""
    return bool(request.param)


@pytest.fixture
def computers(browser: Browser, service: Service, *, script: bool) -> Iterator[Computers]:
    """As many computers as a journey needs."""
    opened: list[Computer] = []

    def another() -> Computer:
        opened.append(Computer(browser, service, script=script))
        return opened[-1]

    yield another
    for computer in opened:
        computer.close()


@pytest.fixture
def computer(computers: Computers) -> Computer:
    """The computer of the journey."""
    return computers()
