"""The owner gets a plain notice of every change at once, whatever an intruder does."""

import re
from collections.abc import Callable

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.mailbox import link_in, mails_to, subjects, subjects_once_sent, wait_for_mail, wait_for_mails
from tests.support.service import Service
from tests.support.users import DAY, HOUR, User, new_user, pass_time, protected

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def change_address(person: User, address: str) -> None:
    """Change the email of an account by the link in its mailbox."""
    person.api.call("PUT", "/account/email", {"email": address}).expect(202)
    token = link_in(wait_for_mail(person.service, address, "Confirm your new email"), "/change-email/").split("/")[-1]
    person.api.call("POST", "/account/email/complete", {"token": token}).expect(204)


def by_command(name: str) -> Callable[[User], None]:
    """Return a command of the command line."""

    def act(person: User) -> None:
        done = person.service.command("account", name, person.email)
        assert done.returncode == 0, done.stderr

    return act


def on_a_new_computer(person: User) -> None:
    """Sign in fully in a browser that the account has never seen."""
    browser = FormBrowser(person.url)
    browser.sign_in(person.email, PASSWORD, person.code()).goes_to("/settings")


ACTS = {
    "Your password was changed": lambda person: person.api.change_password(NEW_PASSWORD).expect(204),
    "Your email address was changed": lambda person: change_address(person, f"new-{person.email}"),
    "A change of your email address was requested": lambda person: person.api.call(
        "PUT", "/account/email", {"email": f"new-{person.email}"}
    ).expect(202),
    "Two-factor authentication was turned off": lambda person: person.api.set_policy("disabled").expect(200),
    "Your 2FA frequency was changed": lambda person: person.api.set_policy("once_per_computer").expect(200),
    "A two-factor method was replaced": lambda person: person.enable_totp(replaces=person.factor_id),
    "A two-factor method was removed": lambda person: person.api.remove_factor(person.factor_id).expect(204),
    "A new recovery code was created": lambda person: person.api.renew_recovery_code().expect(201),
    "Your recovery code was used": lambda person: person.api.unlock(recovery_code=person.recovery_code).expect(200),
    "Your account was used on a new computer": on_a_new_computer,
    "Someone with your password entered a wrong code": lambda person: person.half_open().give_code(person.wrong_code()),
    "Your account was deleted": lambda person: person.api.call("DELETE", "/account").expect(204),
    "Two-factor authentication was reset": by_command("reset-2fa"),
    "All your sessions were ended": by_command("sign-out"),
    "Your account was disabled": by_command("disable"),
    "Your account was enabled": by_command("enable"),
}


@pytest.mark.parametrize("subject", ACTS)
def test_owner_gets_one_notice_for_each_security_event(moving: Service, subject: str) -> None:
    """One mail says what, when, from where and what to do, with links to our own pages and no secret."""
    person = protected(moving)
    ACTS[subject](person)
    mail = wait_for_mail(moving, person.email, subject)
    assert subjects(moving, person.email).count(subject) == 1
    assert re.search(r"When: \d+ \w+ \d{4}, \d\d:\d\d UTC\n", mail["text"])
    assert re.search(r"(From: \w[\w ]*, 127\.0\.0\.1|By: an administrator of 127\.0\.0\.1)\n", mail["text"])
    for url in re.findall(r"https?://\S+", mail["text"]):
        assert url in (f"{moving.url}/forgot-password", f"{moving.url}/settings")
    for secret in (PASSWORD, NEW_PASSWORD, person.recovery_code, person.api.token):
        assert str(secret) not in mail["text"]


def test_turning_2fa_on_sends_a_notice(moving: Service) -> None:
    """Adding the first factor sends notices of the factor and of 2FA; signing up and the first sign-in send none."""
    person = new_user(moving)
    assert subjects_once_sent(moving, person.email) == []
    person.enable_totp()
    assert sorted(subjects_once_sent(moving, person.email)) == [
        "A two-factor method was added",
        "Two-factor authentication was turned on",
    ]


def test_changing_the_default_method_sends_a_notice(moving: Service) -> None:
    """The notice is about the method that is asked for first."""
    person = protected(moving)
    person.enable_totp(name="Second")
    person.api.set_policy("every_log_in", default_factor_id=person.factor_id or "").expect(200)
    wait_for_mail(moving, person.email, "Your default two-factor method was changed")


def test_password_reset_sends_a_notice(moving: Service) -> None:
    """An intruder with the mailbox cannot reset the password unseen."""
    person = protected(moving)
    link = moving.command("account", "reset-password", person.email).stdout.split()[-1]
    body = {"token": link.rpartition("/")[2], "new_password": NEW_PASSWORD}
    person.another_browser().call("POST", "/password-reset/complete", body).expect(204)
    assert "with a reset link" in wait_for_mail(moving, person.email, "Your password was changed")["text"]


def test_sign_in_from_a_known_computer_sends_no_notice(moving: Service) -> None:
    """The same browser or program is known, also for a second account."""
    person, other = protected(moving), new_user(moving)
    browser = FormBrowser(moving.url)
    for _ in range(2):
        browser.sign_in(person.email, PASSWORD, person.code()).goes_to("/settings")
        browser.post("/sign-out").expect(303)
        person.sign_in()
    assert subjects_once_sent(moving, person.email).count("Your account was used on a new computer") == 1
    browser.sign_in(other.email, PASSWORD).goes_to("/settings")
    assert subjects_once_sent(moving, other.email) == ["Your account was used on a new computer"]


def test_first_sign_in_after_browsers_expired_sends_a_notice(moving: Service) -> None:
    """Browsers expire after a year, and such a sign-in is not mistaken for that of a new account."""
    person = User(moving)
    person.api.sign_up(person.email).expect(201)
    pass_time(moving, 366 * DAY)
    person.sign_in()
    wait_for_mail(moving, person.email, "Your account was used on a new computer")


def test_wrong_codes_send_one_notice_an_hour(moving: Service) -> None:
    """A mail per attempt would hide the important one; attempts in the next hour send another."""
    person = protected(moving)
    told = "Someone with your password entered a wrong code"
    client = person.half_open()
    for _ in range(3):
        client.give_code(person.wrong_code()).expect(401)
    person.half_open().give_recovery_code("A" * 25).expect(401)
    person.api.unlock(PASSWORD, code=person.wrong_code()).expect(401)
    assert subjects_once_sent(moving, person.email).count(told) == 1
    pass_time(moving, HOUR + 1)
    person.half_open().give_code(person.wrong_code()).expect(401)
    assert subjects_once_sent(moving, person.email).count(told) == 2


def test_limit_of_one_kind_of_notice_does_not_affect_others(moving: Service) -> None:
    """The tenth of a kind in an hour says that it is the last; other kinds are still sent."""
    person = protected(moving)
    for _ in range(15):
        person.api.renew_recovery_code().expect(201)
    person.api.change_password(NEW_PASSWORD).expect(204)
    told = subjects_once_sent(moving, person.email)
    assert told.count("A new recovery code was created") == 10
    assert told.count("Your password was changed") == 1
    renewed = [mail for mail in mails_to(moving, person.email) if mail["subject"].startswith("A new recovery code")]
    assert sum("We will not email you about this again" in mail["text"] for mail in renewed) == 1


def test_old_email_gets_notices_for_a_week_after_a_change(moving: Service) -> None:
    """If an intruder changes the address, the old one still gets all notices for a week."""
    person = protected(moving)
    theirs = f"intruder-{person.email}"
    change_address(person, theirs)
    changed = wait_for_mail(moving, person.email, "Your email address was changed")
    assert "Contact the person who runs" in changed["text"]
    assert theirs not in changed["text"]
    person.api.change_password(NEW_PASSWORD).expect(204)
    person.api.set_policy("disabled").expect(200)
    person.api.call("DELETE", "/account").expect(204)
    for address in (person.email, theirs):
        wait_for_mail(moving, address, "Your account was deleted")
        found = subjects(moving, address)
        for each in (
            "Your email address was changed",
            "Your password was changed",
            "Two-factor authentication was turned off",
        ):
            assert found.count(each) == 1, f"{each} to {address}: {found}"


def test_second_change_of_email_keeps_notifying_the_first_one(moving: Service) -> None:
    """The first email still gets notices after a second change, until a week has passed."""
    person = protected(moving)
    between, last = f"one-{person.email}", f"two-{person.email}"
    change_address(person, between)
    change_address(person, last)
    person.api.renew_recovery_code().expect(201)
    for address in (person.email, between, last):
        wait_for_mail(moving, address, "A new recovery code was created")
    pass_time(moving, 7 * DAY + 1)
    before = [len(mails_to(moving, address)) for address in (person.email, between)]
    person.password, first = PASSWORD, person.email
    person.email = last
    person.sign_in()
    person.api.renew_recovery_code().expect(201)
    wait_for_mails(moving, last, len(mails_to(moving, last)))
    told = subjects_once_sent(moving, last)
    assert told.count("A new recovery code was created") == 2
    assert [len(mails_to(moving, address)) for address in (first, between)] == before


@pytest.mark.parametrize("name", ["<b>http://evil.example</b>", "{{7*7}} =1+1", "evil.example/x?a=b&c", "הטלפון שלי"])
def test_hostile_factor_name_is_harmless_text_in_a_notice(moving: Service, name: str) -> None:
    """Markup, links and formulas in a factor's name become harmless text; letters of all languages are kept."""
    person = protected(moving)
    person.enable_totp(name=name)
    mails = wait_for_mails(moving, person.email, 2, "A two-factor method was added")
    lines = [line for mail in mails for line in mail["text"].split("\n") if line.startswith("Method: ")]
    (line,) = [each for each in lines if each != "Method: Authenticator app"]
    assert not set("<>{}=/.:&?@") & set(line.removeprefix("Method: "))
    assert ("הטלפון" in line) == (name == "הטלפון שלי")


def test_rolled_back_change_sends_no_notice(moving: Service) -> None:
    """A change that is refused or rolled back sends nothing."""
    person = protected(moving)
    before = len(subjects_once_sent(moving, person.email))
    person.api.change_password(NEW_PASSWORD, "wrong").expect(401)
    person.api.change_password("short").expect(422)
    person.api.set_policy("every_log_in", default_factor_id="0" * 26).expect(422)
    assert len(subjects_once_sent(moving, person.email)) == before
