"""Notices: the owner is told of every change, at once and in plain words, whatever an intruder does about it."""

import re
from collections.abc import Callable

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.mailbox import all_are_out, link_in, mails_to, subjects, wait_for_mail, wait_for_mails
from tests.residents import DAY, HOUR, Resident, pass_time, protected, resident
from tests.service import Service

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def change_address(person: Resident, address: str) -> None:
    """Gives a person's account another address, by the link in its mailbox."""
    person.api.call("PUT", "/account/email", {"email": address}).must(202)
    token = link_in(wait_for_mail(person.service, address, "Confirm your new email"), "/change-email/").split("/")[-1]
    person.api.call("POST", "/account/email/complete", {"token": token}).must(204)


def by_command(name: str) -> Callable[[Resident], None]:
    """A command of the command line."""

    def act(person: Resident) -> None:
        done = person.service.command("account", name, person.email)
        assert done.returncode == 0, done.stderr

    return act


def on_a_new_computer(person: Resident) -> None:
    """A full sign-in in a browser that the account has never seen."""
    browser = FormBrowser(person.url)
    browser.sign_in(person.email, PASSWORD, person.code()).goes_to("/settings")


ACTS = {
    "Your password was changed": lambda person: person.api.change_password(NEW_PASSWORD).must(204),
    "Your email was changed": lambda person: change_address(person, f"new-{person.email}"),
    "A change of your email was started": lambda person: person.api.call(
        "PUT", "/account/email", {"email": f"new-{person.email}"}
    ).must(202),
    "Two-factor authentication was turned off": lambda person: person.api.set_policy("disabled").must(200),
    "How often a code is asked for was changed": lambda person: person.api.set_policy("once_per_computer").must(200),
    "A two-factor method was replaced": lambda person: person.enable_totp(replaces=person.factor_id),
    "A two-factor method was removed": lambda person: person.api.remove_factor(person.factor_id).must(204),
    "A new recovery code was made": lambda person: person.api.renew_recovery_code().must(201),
    "Your recovery code was used": lambda person: person.api.unlock(recovery_code=person.recovery_code).must(200),
    "Your account was used on a new computer": on_a_new_computer,
    "Somebody with your password gave a wrong code": lambda person: person.half_open().give_code(person.wrong_code()),
    "Your account was closed": lambda person: person.api.call("DELETE", "/account").must(204),
    "Two-factor authentication was reset": by_command("reset-2fa"),
    "All your sessions were ended": by_command("sign-out"),
    "Your account was disabled": by_command("disable"),
    "Your account was enabled": by_command("enable"),
}


@pytest.mark.parametrize("subject", ACTS)
def test_the_owner_is_told(moving: Service, subject: str) -> None:
    """What, when, from where, and what to do: in one mail, with links to our own pages and no secret."""
    person = protected(moving)
    ACTS[subject](person)
    mail = wait_for_mail(moving, person.email, subject)
    assert subjects(moving, person.email).count(subject) == 1
    assert re.search(r"When: \d+ \w+ \d{4}, \d\d:\d\d UTC\n", mail["text"])
    assert re.search(r"From: (\w[\w ]*, 127\.0\.0\.1|an administrator of the service)\n", mail["text"])
    for url in re.findall(r"https?://\S+", mail["text"]):
        assert url in (f"{moving.url}/forgot-password", f"{moving.url}/settings")
    for secret in (PASSWORD, NEW_PASSWORD, person.recovery_code, person.api.token):
        assert str(secret) not in mail["text"]


def test_turning_2fa_on_is_told(moving: Service) -> None:
    """The first factor and what it turns on; signing up and the first sign-in are no news."""
    person = resident(moving)
    assert all_are_out(moving, person.email) == []
    person.enable_totp()
    assert sorted(all_are_out(moving, person.email)) == [
        "A two-factor method was added",
        "Two-factor authentication was turned on",
    ]


def test_a_default_that_is_changed_is_told(moving: Service) -> None:
    """Which method is asked for first."""
    person = protected(moving)
    person.enable_totp(name="Second")
    person.api.set_policy("every_log_in", default_factor_id=person.factor_id or "").must(200)
    wait_for_mail(moving, person.email, "Your default two-factor method was changed")


def test_a_reset_password_is_told(moving: Service) -> None:
    """Whoever has the mailbox and resets the password does not do it unseen."""
    person = protected(moving)
    link = moving.command("account", "reset-password", person.email).stdout.split()[-1]
    body = {"token": link.rpartition("/")[2], "new_password": NEW_PASSWORD}
    person.another_browser().call("POST", "/password-reset/complete", body).must(204)
    assert "by a link" in wait_for_mail(moving, person.email, "Your password was changed")["text"]


def test_a_computer_that_is_known_is_no_news(moving: Service) -> None:
    """The same browser or program again is not told of; nor is a second account's first sign-in in it."""
    person, other = protected(moving), resident(moving)
    browser = FormBrowser(moving.url)
    for _ in range(2):
        browser.sign_in(person.email, PASSWORD, person.code()).goes_to("/settings")
        browser.post("/sign-out").must(303)
        person.sign_in()
    assert all_are_out(moving, person.email).count("Your account was used on a new computer") == 1
    browser.sign_in(other.email, PASSWORD).goes_to("/settings")
    assert all_are_out(moving, other.email) == ["Your account was used on a new computer"]


def test_the_first_sign_in_of_an_old_account_is_news(moving: Service) -> None:
    """Browsers are forgotten after a year: whoever comes then is not taken for the one who has just signed up."""
    person = Resident(moving)
    person.api.sign_up(person.email).must(201)
    pass_time(moving, 366 * DAY)
    person.sign_in()
    wait_for_mail(moving, person.email, "Your account was used on a new computer")


def test_wrong_codes_are_told_once_an_hour(moving: Service) -> None:
    """A mail per guess would bury the one that matters; the next hour's guesses are told again."""
    person = protected(moving)
    told = "Somebody with your password gave a wrong code"
    client = person.half_open()
    for _ in range(3):
        client.give_code(person.wrong_code()).must(401)
    person.half_open().give_recovery_code("A" * 25).must(401)
    person.api.unlock(PASSWORD, code=person.wrong_code()).must(401)
    assert all_are_out(moving, person.email).count(told) == 1
    pass_time(moving, HOUR + 1)
    person.half_open().give_code(person.wrong_code()).must(401)
    assert all_are_out(moving, person.email).count(told) == 2


def test_many_notices_of_one_kind_hide_none_of_another(moving: Service) -> None:
    """Ten of a kind within an hour, the tenth says that it is the last; another change is told all the same."""
    person = protected(moving)
    for _ in range(15):
        person.api.renew_recovery_code().must(201)
    person.api.change_password(NEW_PASSWORD).must(204)
    told = all_are_out(moving, person.email)
    assert told.count("A new recovery code was made") == 10
    assert told.count("Your password was changed") == 1
    renewed = [mail for mail in mails_to(moving, person.email) if mail["subject"].startswith("A new recovery code")]
    assert sum("no more mails of this kind" in mail["text"] for mail in renewed) == 1


def test_the_old_owner_is_told_even_if_the_address_is_changed_first(moving: Service) -> None:
    """An intruder with every proof changes the address before all else: for a week the old one hears of everything."""
    person = protected(moving)
    theirs = f"intruder-{person.email}"
    change_address(person, theirs)
    changed = wait_for_mail(moving, person.email, "Your email was changed")
    assert "tell the person who runs" in changed["text"]
    assert theirs not in changed["text"]
    person.api.change_password(NEW_PASSWORD).must(204)
    person.api.set_policy("disabled").must(200)
    person.api.call("DELETE", "/account").must(204)
    for address in (person.email, theirs):
        wait_for_mail(moving, address, "Your account was closed")
        found = subjects(moving, address)
        for each in ("Your email was changed", "Your password was changed", "Two-factor authentication was turned off"):
            assert found.count(each) == 1, f"{each} to {address}: {found}"


def test_changing_the_address_twice_shakes_nobody_off(moving: Service) -> None:
    """A second change puts a second address between, and the first is still told; after a week neither is."""
    person = protected(moving)
    between, last = f"one-{person.email}", f"two-{person.email}"
    change_address(person, between)
    change_address(person, last)
    person.api.renew_recovery_code().must(201)
    for address in (person.email, between, last):
        wait_for_mail(moving, address, "A new recovery code was made")
    pass_time(moving, 7 * DAY + 1)
    before = [len(mails_to(moving, address)) for address in (person.email, between)]
    person.password, first = PASSWORD, person.email
    person.email = last
    person.sign_in()
    person.api.renew_recovery_code().must(201)
    wait_for_mails(moving, last, len(mails_to(moving, last)))
    told = all_are_out(moving, last)
    assert told.count("A new recovery code was made") == 2
    assert [len(mails_to(moving, address)) for address in (first, between)] == before


@pytest.mark.parametrize("name", ["<b>http://evil.example</b>", "{{7*7}} =1+1", "evil.example/x?a=b&c", "הטלפון שלי"])
def test_a_hostile_name_is_inert(moving: Service, name: str) -> None:
    """Markup, links and formulas in a factor's name come as harmless text; letters of all languages stay."""
    person = protected(moving)
    person.enable_totp(name=name)
    mails = wait_for_mails(moving, person.email, 2, "A two-factor method was added")
    lines = [line for mail in mails for line in mail["text"].split("\n") if line.startswith("Method: ")]
    (line,) = [each for each in lines if each != "Method: Authenticator app"]
    assert not set("<>{}=/.:&?@") & set(line.removeprefix("Method: "))
    assert ("הטלפון" in line) == (name == "הטלפון שלי")


def test_a_notice_and_its_change_stand_or_fall_together(moving: Service) -> None:
    """A change that is refused, or taken back, leaves no word of itself."""
    person = protected(moving)
    before = len(all_are_out(moving, person.email))
    person.api.change_password(NEW_PASSWORD, "wrong").must(401)
    person.api.change_password("short").must(422)
    person.api.set_policy("every_log_in", default_factor_id="0" * 26).must(422)
    assert len(all_are_out(moving, person.email)) == before
