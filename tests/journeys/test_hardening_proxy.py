"""A proxy that hides the origin of forms, as many hardening recipes do, does not lock users out."""

from collections.abc import Iterator

import pytest

from tests.support.browser_person import BrowserPerson
from tests.support.computer import Computer
from tests.support.nginx import Nginx
from tests.support.service import Service
from twofold.base.sightings import HIDDEN_ORIGIN

NO_REFERRER = "add_header Referrer-Policy no-referrer always;"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Nginx]]:
    """Yield a service with a movable clock behind nginx, which adds the header to every response."""
    folder = tmp_path_factory.mktemp("service")
    service = Service(folder, movable_clock=True, settings={"trusted_proxies": "127.0.0.1"})
    with Nginx(folder, service.url, NO_REFERRER) as proxy:
        service.url = service.settings["base_url"] = proxy.url
        with service:
            yield service, proxy


@pytest.fixture(scope="module")
def service(behind: tuple[Service, Nginx]) -> Service:
    """Return the service at the proxy's address."""
    return behind[0]


def test_all_forms_work_behind_a_proxy_that_hides_their_origin(
    computer: Computer, behind: tuple[Service, Nginx]
) -> None:
    """No form is refused from sign-up to unlock, and the log names the proxy."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.chooses_frequency("Every log-in")
    ada.chooses_method("TOTP authenticator app")
    ada.sets_up_the_app()
    ada.saves_the_recovery_code()
    ada.signs_out()
    ada.signs_in()
    ada.locks_settings()
    ada.authenticates()
    ada.signs_out()
    service, proxy = behind
    forms = [(origin, site, status) for method, origin, site, status in proxy.requests() if method == "POST"]
    assert len(forms) >= 10
    assert {form[:2] for form in forms} == {("null", "same-origin")}
    assert {form[2] for form in forms} <= {"200", "303"}
    assert HIDDEN_ORIGIN in service.output()
