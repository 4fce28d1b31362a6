"""Instances on one host share its cookies, but keep their sign-ins separate by port and path."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.clients import PASSWORD, Person
from tests.support.cookies import cookie_name
from tests.support.mailbox import subjects_once_sent
from tests.support.service import Service

Pair = tuple[Service, Service]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Yield an instance at the root of its port, and one below a path on another port."""
    one = Service(tmp_path_factory.mktemp("one"))
    other = Service(tmp_path_factory.mktemp("other"))
    other.settings["base_url"] = f"{other.url}/account"
    with one, other:
        yield one, other


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    """Yield a browser with one set of cookies for the host."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


def post(browser: httpx2.Client, service: Service, path: str, **fields: str) -> httpx2.Response:
    """Submit a form as from a page of an instance."""
    headers = {"Origin": service.url, "Content-Type": "application/x-www-form-urlencoded"}
    return browser.post(service.settings["base_url"] + path, data=fields, headers=headers)


def is_signed_in(browser: httpx2.Client, service: Service) -> bool:
    """Return whether a page and the session check both recognise the browser's session."""
    base = service.settings["base_url"]
    answers = {browser.get(f"{base}{path}").status_code for path in ("/settings", "/api/v1/session")}
    assert answers in ({200}, {303, 401}), answers
    return answers == {200}


def test_signing_in_on_one_instance_keeps_the_cookies_of_another(pair: Pair, browser: httpx2.Client) -> None:
    """Sessions, half-open sign-ins, trusted computers and known browsers of both instances stay."""
    people = [Person.with_totp(service.url, policy="once_per_computer") for service in pair]
    for service, person in zip(pair, people, strict=True):
        post(browser, service, "/sign-in", email=person.email, password=PASSWORD)
    for service, person in zip(pair, people, strict=True):
        answer = post(browser, service, "/sign-in/code", code=person.code(), trust_this_computer="yes")
        assert answer.headers.get("location", "").endswith("/settings"), answer.text
    assert all(is_signed_in(browser, service) for service in pair)
    assert post(browser, pair[1], "/sign-out").status_code == 303
    assert [is_signed_in(browser, service) for service in pair] == [True, False]
    again = post(browser, pair[1], "/sign-in", email=people[1].email, password=PASSWORD)
    assert again.headers.get("location", "").endswith("/settings")
    assert all(is_signed_in(browser, service) for service in pair)


def test_browser_used_on_one_instance_stays_known_to_another(pair: Pair, browser: httpx2.Client) -> None:
    """The second sign-in causes no mail about a new computer."""
    one, other = pair
    person, elsewhere = Person.signed_in(one.url), Person.signed_in(other.url)
    for service, who in ((one, person), (other, elsewhere), (one, person)):
        post(browser, service, "/sign-in", email=who.email, password=PASSWORD)
    notices = [subject for subject in subjects_once_sent(one, person.email) if "new computer" in subject]
    assert len(notices) == 1, notices


# ------------------------------------------------------------------ names of earlier versions


def upgraded(browser: httpx2.Client, service: Service, token: str) -> None:
    """Store a session in the browser under its former cookie name."""
    browser.cookies.set("twofold_session", token, domain="127.0.0.1")
    assert cookie_name(service.settings["base_url"]) not in browser.cookies


@pytest.mark.parametrize("path", ["/settings", "/api/v1/session", "/api/v1/sessions"])
@pytest.mark.parametrize("number", [0, 1])
def test_session_under_its_former_cookie_name_survives_an_upgrade(
    pair: Pair, browser: httpx2.Client, path: str, number: int
) -> None:
    """The session continues, and the first response sets its current name."""
    service = pair[number]
    token = Person.signed_in(service.url).api.token or ""
    upgraded(browser, service, token)
    assert browser.get(service.settings["base_url"] + path).status_code == 200
    assert "twofold_session" not in browser.cookies
    assert browser.cookies[cookie_name(service.settings["base_url"])] == token
    assert is_signed_in(browser, service)


def test_session_of_another_instance_keeps_its_former_cookie_name(pair: Pair, browser: httpx2.Client) -> None:
    """The session stays with its own instance, whichever instance is opened first after an upgrade."""
    one, other = pair
    upgraded(browser, one, Person.signed_in(one.url).api.token or "")
    assert not is_signed_in(browser, other)
    person = Person.signed_in(other.url)
    post(browser, other, "/sign-in", email=person.email, password=PASSWORD)
    assert is_signed_in(browser, one)
    assert is_signed_in(browser, other)


def test_signing_out_right_after_an_upgrade_ends_the_session(pair: Pair, browser: httpx2.Client) -> None:
    """The browser's first request is the sign-out."""
    service = pair[0]
    upgraded(browser, service, Person.signed_in(service.url).api.token or "")
    assert post(browser, service, "/sign-out").status_code == 303
    assert not dict(browser.cookies)


NEIGHBOUR = {"twofold_session": "theirs", "twofold_browser": "theirs", "twofold_sign_in": "theirs"}


@pytest.fixture
def neighboured(browser: httpx2.Client) -> httpx2.Client:
    """Return a browser with cookies of another instance on this host that has not been upgraded."""
    for name, value in NEIGHBOUR.items():
        browser.cookies.set(name, value, domain="127.0.0.1")
    return browser


def test_former_cookies_of_another_instance_survive_sign_in_and_sign_out(
    pair: Pair, neighboured: httpx2.Client
) -> None:
    """They do not belong to this instance."""
    service, person = pair[0], Person.with_totp(pair[0].url)
    post(neighboured, service, "/sign-in", email=person.email, password=PASSWORD)
    post(neighboured, service, "/sign-in/cancel")
    post(neighboured, service, "/sign-in", email=person.email, password=PASSWORD)
    post(neighboured, service, "/sign-in/code", code=person.code())
    assert is_signed_in(neighboured, service)
    post(neighboured, service, "/sign-out")
    assert {name: neighboured.cookies.get(name) for name in NEIGHBOUR} == NEIGHBOUR


def test_half_open_sign_in_of_another_instance_does_not_interfere(pair: Pair, browser: httpx2.Client) -> None:
    """The code page redirects a browser that is signed in to this instance."""
    service, person = pair[0], Person.signed_in(pair[0].url)
    post(browser, service, "/sign-in", email=person.email, password=PASSWORD)
    browser.cookies.set("twofold_sign_in", "theirs", domain="127.0.0.1")
    answer = browser.get(f"{service.settings['base_url']}/sign-in/code")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")


def test_cookies_of_another_instance_do_not_hide_that_ours_are_refused(pair: Pair, neighboured: httpx2.Client) -> None:
    """A browser that refuses our cookies sees the explanation."""
    base = pair[0].settings["base_url"]
    marked = neighboured.get(f"{base}/sign-in?return_to=%2Fsettings%3Fsigned_in%3D1")
    assert "did not save" in marked.text
    assert "did not save" in neighboured.get(f"{base}/sign-in/code").text
    person = Person.signed_in(pair[0].url)
    answer = post(neighboured, pair[0], "/sign-in", email=person.email, password=PASSWORD)
    assert answer.headers.get("location", "").endswith("signed_in=1")
