"""A service with a feature that demands more than a sign-in (`tests/unlock/strongroom`), and steps to open it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.extended import source_with
from tests.support.forms import FormBrowser, PageAnswer
from tests.support.service import Service
from tests.support.shifted import ShiftedService

STRONGROOM = Path(__file__).parents[1] / "unlock" / "strongroom"
ODD = "/strongroom?to=%2Fa%2Fb%3Fc%3Dd&scope=openid+profile&state=x%26y"


@contextmanager
def strongroom_service(folder: Path, database_url: str) -> Iterator[Service]:
    """Run the service."""
    with source_with(STRONGROOM, folder), ShiftedService(folder / "service", database_url=database_url) as running:
        yield running


def led_to_authenticate(browser: FormBrowser, address: str) -> PageAnswer:
    """Open an address that redirects to Authenticate, and return that page."""
    return browser.get(browser.get(address).goes_to("/authenticate").location).expect(200)


def opens(browser: FormBrowser, address: str, name: str = "strong room") -> None:
    """Check that an address opens at once."""
    assert f"The {name} is open" in browser.get(address).expect(200).words


def key_of(step_1: PageAnswer) -> str:
    """Return the key on the page of the first step, in groups of four."""
    words = step_1.words
    start = words.index("type this one.")
    groups = words[start:].split("matter.")[1].split()
    return "".join(group for group in groups[:8])


def verify_at(step_1: PageAnswer) -> str:
    """Return the address of the form for the code."""
    return next(form.action for form in step_1.forms if form.action.endswith("/verify") and form.method == "post")
