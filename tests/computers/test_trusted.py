"""Trusted computers: they last thirty days, can be forgotten, and are separate for each account in a browser."""

from pathlib import Path

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.in_process import in_process
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.users import DAY, User, pass_time, protected


def trusting(service: Service) -> tuple[User, CheckedApi]:
    """Return a person who trusts one computer."""
    person = protected(service, "once_per_computer")
    computer = person.another_browser()
    assert person.sign_in(computer, trust_this_computer=True)["trusted_computer"]["token"]
    return person, computer


def test_trusted_computer_skips_the_code_and_leaves_settings_locked(moving: Service) -> None:
    """The password alone signs in, the methods show it, and settings are locked."""
    person, computer = trusting(moving)
    answer = computer.sign_in(person.email).expect(200)
    assert answer["status"] == "signed_in"
    session = computer.session()
    assert (session["methods"], session["trusted_computer"]) == (["password"], True)
    assert session["unlocked_until"] is None
    computer.renew_recovery_code().refused(403, "locked_settings")
    person.half_open()  # any other computer


def test_trust_ends_thirty_days_after_the_code_even_if_used(moving: Service) -> None:
    """A code is needed after 30 days, but not a minute earlier, however often the computer was used."""
    person, computer = trusting(moving)
    person.sign_in()
    ends = person.api.trusted_computers()["items"][0]["expires_at"]
    for days in (10, 10, 9):
        pass_time(moving, days * DAY)
        assert computer.sign_in(person.email)["status"] == "signed_in"
        assert computer.trusted_computers()["items"][0]["expires_at"] == ends
    pass_time(moving, DAY - 120)
    assert computer.sign_in(person.email)["status"] == "signed_in"
    pass_time(moving, 180)
    assert computer.sign_in(person.email)["status"] == "code_required"
    person.sign_in()
    assert person.api.trusted_computers()["items"] == []


def test_forgetting_one_computer_leaves_the_other_trusted(moving: Service) -> None:
    """Only the forgotten computer needs a code again."""
    person, first = trusting(moving)
    second = person.another_browser()
    person.sign_in(second, trust_this_computer=True)
    person.sign_in()
    listed = person.api.trusted_computers()["items"]
    assert len(listed) == 2
    assert second.sign_in(person.email)["status"] == "signed_in"
    newest = person.api.trusted_computers()["items"][0]["id"]
    person.api.call("DELETE", f"/trusted-computers/{newest}").expect(204)
    person.api.call("DELETE", f"/trusted-computers/{newest}").refused(404, "not_found")
    states = [computer.sign_in(person.email)["status"] for computer in (first, second)]
    assert sorted(states) == ["code_required", "signed_in"]


def test_all_computers_can_be_forgotten_at_once(moving: Service) -> None:
    """The list is empty, and each computer needs a code."""
    person, computer = trusting(moving)
    person.api.call("DELETE", "/trusted-computers").expect(204)
    assert person.api.trusted_computers()["items"] == []
    assert computer.sign_in(person.email)["status"] == "code_required"


def test_accounts_sharing_a_browser_have_separate_trust(moving: Service) -> None:
    """Trust in one account does not apply to the other; once both trust the browser, neither needs a code."""
    one, other = protected(moving, "once_per_computer"), protected(moving, "once_per_computer")
    browser = FormBrowser(moving.url)
    browser.sign_in(one.email, PASSWORD, one.code(), trust=True).goes_to("/settings")
    browser.post("/sign-out").goes_to("/signed-out")
    browser.sign_in(other.email, PASSWORD, other.code(), trust=True).goes_to("/settings")
    assert len([name for name in browser.cookies if name.startswith("twofold_computer_")]) == 2
    for person in (one, other, one):
        browser.post("/sign-out").goes_to("/signed-out")
        browser.sign_in(person.email, PASSWORD).goes_to("/settings")
        assert person.email in browser.get("/settings").words


def test_trust_token_of_another_account_is_ignored(moving: Service) -> None:
    """A token is valid only for its account."""
    _, computer = trusting(moving)
    victim = protected(moving, "once_per_computer")
    assert computer.sign_in(victim.email)["status"] == "code_required"


@pytest.mark.parametrize("agent, name", [("<script>alert(1)</script>", "Unknown program"), ("curl/8.0", "curl")])
def test_computer_name_never_quotes_the_user_agent(moving: Service, agent: str, name: str) -> None:
    """The name is always one of our own."""
    person = protected(moving, "once_per_computer")
    client = CheckedApi(moving.url, headers={"User-Agent": agent})
    person.sign_in(client, trust_this_computer=True)
    assert [each["name"] for each in person.api.trusted_computers()["items"]] == [name]


def test_forms_have_the_same_effect_as_calls(moving: Service) -> None:
    """The card in User Settings renames a computer and forgets one or all."""
    person, _ = trusting(moving)
    person.sign_in(person.another_browser(), trust_this_computer=True)
    first, second = (each["id"] for each in person.api.trusted_computers()["items"])
    browser = person.pages()
    browser.submit("/settings", f"/settings/computers/{first}/name", name="Desk").goes_to("/settings")
    assert "Desk" in {each["name"] for each in person.api.trusted_computers()["items"]}
    browser.submit("/settings", "/settings/computers/forget-all").goes_to("/settings")
    assert person.api.trusted_computers()["items"] == []
    assert browser.post(f"/settings/computers/{second}/forget").status == 404


@pytest.mark.parametrize("trust, period", [("1d", "every day"), ("7d", "every 7 days"), ("30d", "every 30 days")])
async def test_settings_page_names_the_configured_period_of_trust(tmp_path: Path, trust: str, period: str) -> None:
    """The hint below "Once per computer" shows TWOFOLD_TRUST."""
    async with in_process(tmp_path, trust=trust) as browser:
        account = {"email": "ada@example.org", "password": PASSWORD}
        await browser.post("/sign-up", account)
        page = await browser.get("/settings")
    assert f"Ask for a code once on each computer, then again {period}." in page.expect(200).words
