"""Fixtures for journeys: Chromium and a server for each file, and computers with and without JavaScript."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.computer import Computer, launch
from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.programs import need
from tests.support.service import Service

Computers = Callable[[], Computer]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield Chromium. It is started for each file, because Playwright's event loop would block those of other files."""
    need("chromium")
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server at its default address, for one file. Its clock only moves forward, so use new accounts."""
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, movable_clock=True, default_address=True, settings=FROM_ONE_ADDRESS) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Run every journey with and without JavaScript."""
    return bool(request.param)


@pytest.fixture
def computers(browser: Browser, service: Service, *, script: bool) -> Iterator[Computers]:
    """Yield a function that returns another computer."""
    opened: list[Computer] = []

    def another() -> Computer:
        opened.append(Computer(browser, service, script=script))
        return opened[-1]

    yield another
    for computer in opened:
        computer.close()


@pytest.fixture
def computer(computers: Computers) -> Computer:
    """Return one computer."""
    return computers()
