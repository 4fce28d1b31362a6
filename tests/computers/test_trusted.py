"""Trusted computers: thirty days from the proof, one by one, several people in one browser."""

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.openapi import CheckedApi
from tests.residents import DAY, Resident, pass_time, protected
from tests.service import Service


def trusting(service: Service) -> tuple[Resident, CheckedApi]:
    """Somebody who trusts one computer."""
    person = protected(service, "once_per_computer")
    computer = person.another_browser()
    assert person.sign_in(computer, trust_this_computer=True)["trusted_computer"]["token"]
    return person, computer


def test_a_trusted_computer_is_not_asked_and_proves_nothing(moving: Service) -> None:
    """The password alone signs in; methods say so; settings stay locked."""
    person, computer = trusting(moving)
    answer = computer.sign_in(person.email).must(200)
    assert answer["status"] == "signed_in"
    session = computer.session()
    assert (session["methods"], session["trusted_computer"]) == (["password"], True)
    assert session["unlocked_until"] is None
    computer.renew_recovery_code().refused(403, "locked_settings")
    person.half_open()  # any other computer


def test_trust_ends_thirty_days_after_the_proof_whatever_its_use(moving: Service) -> None:
    """No code at 29 days, 23 hours and 59 minutes; a code two minutes later, however often it was used."""
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


def test_one_of_two_computers_is_forgotten(moving: Service) -> None:
    """That one is asked again, the other is not."""
    person, first = trusting(moving)
    second = person.another_browser()
    person.sign_in(second, trust_this_computer=True)
    person.sign_in()
    listed = person.api.trusted_computers()["items"]
    assert len(listed) == 2
    assert second.sign_in(person.email)["status"] == "signed_in"
    newest = person.api.trusted_computers()["items"][0]["id"]
    person.api.call("DELETE", f"/trusted-computers/{newest}").must(204)
    person.api.call("DELETE", f"/trusted-computers/{newest}").refused(404, "not_found")
    states = [computer.sign_in(person.email)["status"] for computer in (first, second)]
    assert sorted(states) == ["code_required", "signed_in"]


def test_all_computers_are_forgotten_at_once(moving: Service) -> None:
    """The list is empty, and each is asked."""
    person, computer = trusting(moving)
    person.api.call("DELETE", "/trusted-computers").must(204)
    assert person.api.trusted_computers()["items"] == []
    assert computer.sign_in(person.email)["status"] == "code_required"


def test_people_who_share_a_browser_keep_their_own_trust(moving: Service) -> None:
    """One person's mark is worth nothing to the other; both trusted, neither is asked."""
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


def test_somebody_elses_token_is_worth_nothing(moving: Service) -> None:
    """A computer is trusted by an account, not for whoever holds its token."""
    _, computer = trusting(moving)
    victim = protected(moving, "once_per_computer")
    assert computer.sign_in(victim.email)["status"] == "code_required"


@pytest.mark.parametrize("agent, name", [("<script>alert(1)</script>", "Unknown program"), ("curl/8.0", "curl")])
def test_a_computer_is_named_in_our_own_words(moving: Service, agent: str, name: str) -> None:
    """What a client calls itself is never shown."""
    person = protected(moving, "once_per_computer")
    client = CheckedApi(moving.url, headers={"User-Agent": agent})
    person.sign_in(client, trust_this_computer=True)
    assert [each["name"] for each in person.api.trusted_computers()["items"]] == [name]


def test_forms_do_what_the_calls_do(moving: Service) -> None:
    """Rename, forget one, forget all, from the card."""
    person, _ = trusting(moving)
    person.sign_in(person.another_browser(), trust_this_computer=True)
    first, second = (each["id"] for each in person.api.trusted_computers()["items"])
    browser = person.pages()
    browser.submit("/settings", f"/settings/computers/{first}/name", name="Desk").goes_to("/settings")
    assert "Desk" in {each["name"] for each in person.api.trusted_computers()["items"]}
    browser.submit("/settings", "/settings/computers/forget-all").goes_to("/settings")
    assert person.api.trusted_computers()["items"] == []
    assert browser.post(f"/settings/computers/{second}/forget").status == 404
