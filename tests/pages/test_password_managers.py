"""What password managers look for: whose password a form holds, and where it is changed."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.recorder import Recorder
from tests.support.service import Service
from tests.support.users import User, new_user

FORM = re.compile(r"<form.*?</form>", re.DOTALL)
USERNAME = re.compile(r'<input[^>]*autocomplete="username"[^>]*>')


def usernames(html: str) -> list[list[str]]:
    """For each form of a page that has a password: its fields for the user name."""
    return [USERNAME.findall(form) for form in FORM.findall(html) if 'type="password"' in form]


def filled(html: str) -> list[str]:
    """Return what stands in the field for the user name of each form that has a password; each has exactly one."""
    return [re.findall(r'value="([^"]*)"', field)[0] for (field,) in usernames(html)]


def linked(service: Service, *arguments: str) -> str:
    """Return the path of a link that a command prints."""
    return urlsplit(service.command("account", *arguments).stdout.split()[-1]).path


def test_every_password_form_contains_the_email(sqlite_service: Service) -> None:
    """Otherwise a password manager saves the password without a name, or for another account."""
    service, person = sqlite_service, new_user(sqlite_service)
    invited = User(service).email
    pages, stranger = person.pages(), FormBrowser(service.url)
    reset = linked(service, "reset-password", person.email)
    stranger.submit("/forgot-password", "/forgot-password", email=person.email).expect(200)
    mailed = link_in(wait_for_mail(service, person.email, "Choose a new password"), "/reset-password/")
    assert filled(stranger.get(reset).html) == [person.email]
    assert filled(stranger.get(mailed).html) == [person.email]
    assert filled(stranger.post(reset, {"new_password": "short"}).expect(422).html) == [person.email]
    assert filled(stranger.get(linked(service, "invite", invited)).html) == [invited]
    for path in ("/sign-in", "/sign-up", urlsplit(service.first_administrator_link()).path):
        assert filled(stranger.get(path).expect(200).html) == [""]
    assert filled(pages.get("/settings").expect(200).html) == [person.email]
    pages.post("/settings/lock").expect(303)
    assert filled(pages.get("/authenticate").expect(200).html) == [person.email]
    assert filled(new_user(service).pages().get(mailed).html) == [person.email]  # another account is signed in


def test_page_that_completes_a_sign_up_contains_the_email(tmp_path: Path) -> None:
    """The address that the mailed link proves."""
    with Recorder() as recorder, Service(tmp_path, settings={"mail_url": recorder.url}) as service:
        person = User(service)
        person.api.sign_up(person.email).expect(202)
        path, browser = recorder.path_to(person.email), FormBrowser(service.url)
        assert filled(browser.get(path).expect(200).html) == [person.email]
        assert filled(browser.post(path, {"password": "wrong"}).expect(401).html) == [person.email]
        browser.submit(path, path, password=PASSWORD).goes_to("/settings")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_well_known_change_password_url_leads_to_the_form(sqlite_service: Service, method: str) -> None:
    """A signed-out browser signs in first (W3C, A Well-Known URL for Changing Passwords)."""
    url = f"{sqlite_service.url}/.well-known/change-password"
    answer = httpx2.request(method, url, trust_env=False)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/settings#password")
    none = httpx2.get(f"{sqlite_service.url}/.well-known/resource-that-should-not-exist", trust_env=False)
    assert none.status_code == 404
    assert 'id="password"' in new_user(sqlite_service).pages().get("/settings").html


@pytest.mark.parametrize("prefix", ["", "/account"])
async def test_well_known_change_password_url_works_with_a_path_prefix(tmp_path: Path, prefix: str) -> None:
    """The address belongs to the root; a proxy passes it on as it is, or with the prefix of all other pages."""
    async with in_process(tmp_path, base_url="http://127.0.0.1:8000/account") as browser:
        shown = await browser.get(f"{prefix}/.well-known/change-password")
        assert (shown.status, shown.location) == (303, "/account/settings#password")
