"""A site with applications behind nginx, and Chromium, which finds all its hosts."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.computer import Computer, launch
from tests.support.gate_site import APPLICATIONS, AUTH, GatePerson, GateSite, gate_site
from tests.support.programs import need

People = Callable[[], GatePerson]


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateSite]:
    """Yield the site, shared by all files here."""
    need("chromium")
    with gate_site(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Yield Playwright, for each file, because its event loop would block those of other files."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, site: GateSite) -> Iterator[Browser]:
    """Yield Chromium."""
    chromium = launch(playwright, *site.browser_arguments)
    yield chromium
    chromium.close()


@pytest.fixture
def computer(browser: Browser, site: GateSite) -> Iterator[Computer]:
    """Yield a computer with JavaScript."""
    with Computer(browser, site.service, at=AUTH, applications=APPLICATIONS) as opened:
        yield opened


@pytest.fixture
def either_computer(browser: Browser, site: GateSite, *, script: bool) -> Iterator[Computer]:
    """Yield a computer, once with and once without JavaScript."""
    with Computer(browser, site.service, script=script, at=AUTH, applications=APPLICATIONS) as opened:
        yield opened


@pytest.fixture
def ada(computer: Computer) -> GatePerson:
    """Return a person with an account, whose computer has JavaScript."""
    return GatePerson(computer).has_an_account()
