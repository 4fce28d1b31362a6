"""The table of what ends what: every act that changes credentials, through the API and through its form."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.authenticator import Authenticator
from tests.clients import PASSWORD, Answer
from tests.forms import FormBrowser
from tests.mailbox import link_in, wait_for_mail
from tests.openapi import CheckedApi
from tests.phones import Phone
from tests.residents import Resident, protected, resident
from tests.service import Service

NEW_PASSWORD = "lantern-meadow-cobalt-17"
STAY, END, NEW, DIES, ALL_END = "stay", "end", "new", "dies", "all end"


class Home:
    """Somebody with 2FA on, a second authenticator, a trusted computer, and a session open on it too."""

    def __init__(self, service: Service, policy: str = "once_per_computer") -> None:
        self.service = service
        self.person = protected(service, "once_per_computer")
        self.first = self.person.factor_id or ""
        self.old_recovery_code = self.person.recovery_code or ""
        self.person.enable_totp(name="Second phone")
        self.second = self.person.factor_id or ""
        self.computer: CheckedApi = self.person.another_browser()
        self.person.sign_in(self.computer, trust_this_computer=True)
        self.policy = policy
        if policy == "disabled":
            self.person.api.set_policy(policy).must(200)
            self.person.sign_in(self.computer)

    @property
    def api(self) -> CheckedApi:
        """The session in which the act is done."""
        return self.person.api

    @property
    def pages(self) -> FormBrowser:
        """The same session, in a browser."""
        return self.person.pages()

    def settle(self, action: str, **fields: str) -> str:
        """Sends a form of the settings page; gives the recovery code if the answer shows one."""
        shown = self.pages.submit("/settings", action, **fields).must(200, 303)
        return shown.recovery_code if shown.status == 200 else ""

    def command(self, *arguments: str) -> str:
        """Runs a command of `twofold account` for this person; gives the link it prints."""
        done = self.service.command("account", *arguments, self.person.email, "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout).get("link", ""))


Act = Callable[[Home], object]  # a text is the recovery code that was shown


@dataclass(frozen=True)
class Row:
    """One row of the table, and one way to do the act."""

    name: str
    act: Act
    computers: str
    others: str
    recovery_code: str
    policy: str = "once_per_computer"


# ------------------------------------------------------------------ the acts


def code_of(answer: Answer) -> str:
    """The recovery code that an answer shows."""
    return str(answer["recovery_code"])


def add_through_api(home: Home) -> None:
    """One more authenticator."""
    home.person.enable_totp(name="Third phone")


def add_through_pages(home: Home) -> None:
    """One more authenticator."""
    begun = home.pages.submit("/settings", "/settings/factors", name="Third phone").must(303)
    verify_on(home, begun.location)


def replace_through_api(home: Home) -> None:
    """A new authenticator in the place of the first."""
    home.person.enable_totp(replaces=home.first)


def replace_through_pages(home: Home) -> None:
    """A new authenticator in the place of the first."""
    begun = home.pages.post("/settings/factors", {"kind": "totp", "replaces": home.first}).must(303)
    verify_on(home, begun.location)


def verify_on(home: Home, page: str) -> None:
    """Reads the key on an enrolment page and verifies it with the first code."""
    browser, path = home.pages, urlsplit(page).path
    key = browser.get(path).must(200).html.partition("secret=")[2][:32]
    home.person.authenticator = Authenticator(key, home.service.clock)
    browser.submit(path, f"{path}/verify", code=home.person.code()).goes_to("/settings")


def bind_through_api(home: Home) -> str:
    """A phone number beside the authenticators."""
    phone = Phone(home.service.url)
    begun = home.api.begin_phone("sms", phone.number).must(201)["id"]
    return code_of(home.api.verify(begun, phone.code()).must(200))


def bind_through_pages(home: Home) -> str:
    """A phone number in the place of the first authenticator."""
    phone, number_page = Phone(home.service.url), f"/settings/factors/new?kind=voice&replaces={home.first}"
    code_page = home.pages.submit(number_page, "/settings/factors/new", phone=phone.number).must(303).location
    return home.pages.submit(code_page, f"{code_page}/verify", code=phone.code()).must(200).recovery_code


def reset_through_api(home: Home) -> None:
    """A password reset by the link that an administrator handed on."""
    token = home.command("reset-password").rpartition("/")[2]
    body = {"token": token, "new_password": NEW_PASSWORD}
    home.person.another_browser().call("POST", "/password-reset/complete", body).must(204)
    home.person.password = NEW_PASSWORD


def reset_through_pages(home: Home) -> None:
    """A password reset by the link that an administrator handed on."""
    path = urlsplit(home.command("reset-password")).path
    FormBrowser(home.service.url).submit(path, path, new_password=NEW_PASSWORD).must(200)
    home.person.password = NEW_PASSWORD


def change_through_api(home: Home) -> None:
    """A change of password by the old one."""
    home.api.change_password(NEW_PASSWORD).must(204)
    home.person.password = NEW_PASSWORD


def change_through_pages(home: Home) -> None:
    """A change of password by the old one."""
    home.settle("/settings/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    home.person.password = NEW_PASSWORD


def change_email_through_api(home: Home) -> None:
    """Another address, by the link that is mailed there."""
    home.api.call("PUT", "/account/email", {"email": f"new-{home.person.email}"}).must(202)
    token = email_link(home).rpartition("/")[2]
    home.api.call("POST", "/account/email/complete", {"token": token}).must(204)
    home.person.email = f"new-{home.person.email}"


def change_email_through_pages(home: Home) -> None:
    """Another address, by the link that is mailed there."""
    home.settle("/settings/email", email=f"new-{home.person.email}")
    path = email_link(home)
    home.pages.submit(path, path).goes_to("/settings")
    home.person.email = f"new-{home.person.email}"


def email_link(home: Home) -> str:
    """The path of the link in the new mailbox."""
    return link_in(wait_for_mail(home.service, f"new-{home.person.email}", "Confirm your new email"), "/change-email/")


def use_code_to_unlock_through_api(home: Home) -> str:
    """The recovery code in the place of a code, to unlock settings."""
    return code_of(home.api.unlock(recovery_code=home.old_recovery_code).must(200))


def use_code_to_unlock_through_pages(home: Home) -> str:
    """The recovery code in the place of a code, to unlock settings."""
    browser = home.pages
    fields = {"password": PASSWORD, "recovery_code": home.old_recovery_code}
    shown = browser.submit("/authenticate?with=recovery_code", "/authenticate", **fields).must(200)
    home.api.token = browser.cookies["twofold_session"]
    return shown.recovery_code


def use_code_to_sign_in_through_api(home: Home) -> str:
    """The recovery code at the door, from a browser that becomes the person's own."""
    answer = home.person.half_open(home.api).give_recovery_code(home.old_recovery_code).must(200)
    return code_of(answer)


def use_code_to_sign_in_through_pages(home: Home) -> str:
    """The recovery code at the door, from a browser that becomes the person's own."""
    browser = FormBrowser(home.service.url)
    browser.sign_in(home.person.email, PASSWORD).goes_to("/sign-in/code")
    path = "/sign-in/recovery-code"
    shown = browser.submit(path, path, recovery_code=home.old_recovery_code).must(200)
    home.api.token = browser.cookies["twofold_session"]
    return shown.recovery_code


def rename_through_api(home: Home) -> None:
    """New names for an authenticator and a computer."""
    home.api.call("PATCH", f"/factors/{home.first}", {"name": "Old phone"}).must(200)
    (computer,) = home.api.trusted_computers()["items"]
    home.api.call("PATCH", f"/trusted-computers/{computer['id']}", {"name": "Desk"}).must(200)


def rename_through_pages(home: Home) -> None:
    """New names for an authenticator and a computer."""
    home.settle(f"/settings/factors/{home.first}/name", name="Old phone")
    (computer,) = home.api.trusted_computers()["items"]
    home.settle(f"/settings/computers/{computer['id']}/name", name="Desk")


def act(name: str) -> Act:
    """A command of the command line as an act."""

    def run(home: Home) -> None:
        home.command(name)

    return run


ROWS = [
    Row(
        "2FA becomes active, api",
        lambda home: code_of(home.api.set_policy("every_log_in").must(200)),
        END,
        END,
        NEW,
        "disabled",
    ),
    Row(
        "2FA becomes active, pages",
        lambda home: home.settle("/settings/two-factor", policy="once_per_computer"),
        END,
        END,
        NEW,
        "disabled",
    ),
    Row("disabled, api", lambda home: home.api.set_policy("disabled").must(200), END, END, DIES),
    Row("disabled, pages", lambda home: home.settle("/settings/two-factor", policy="disabled"), END, END, DIES),
    Row("factor added, api", add_through_api, END, END, STAY),
    Row("factor added, pages", add_through_pages, END, END, STAY),
    Row("factor replaced, api", replace_through_api, END, END, STAY),
    Row("factor replaced, pages", replace_through_pages, END, END, STAY),
    Row("phone number bound, api", bind_through_api, END, END, NEW),
    Row("phone number bound, pages", bind_through_pages, END, END, NEW),
    Row("factor removed, api", lambda home: home.api.remove_factor(home.first).must(204), END, END, STAY),
    Row(
        "factor removed, pages",
        lambda home: home.pages.submit(
            f"/settings/factors/{home.first}/remove", f"/settings/factors/{home.first}/remove"
        ).goes_to("/settings"),
        END,
        END,
        STAY,
    ),
    Row(
        "default factor changed, api",
        lambda home: home.api.set_policy("once_per_computer", default_factor_id=home.second).must(200),
        END,
        END,
        STAY,
    ),
    Row(
        "default factor changed, pages",
        lambda home: home.settle(f"/settings/factors/{home.second}/default"),
        END,
        END,
        STAY,
    ),
    Row("frequency changed, api", lambda home: home.api.set_policy("every_log_in").must(200), END, STAY, STAY),
    Row(
        "frequency changed, pages",
        lambda home: home.settle("/settings/two-factor", policy="every_log_in"),
        END,
        STAY,
        STAY,
    ),
    Row("password changed, api", change_through_api, END, END, STAY),
    Row("password changed, pages", change_through_pages, END, END, STAY),
    Row("password reset, api", reset_through_api, END, ALL_END, STAY),
    Row("password reset, pages", reset_through_pages, END, ALL_END, STAY),
    Row("address changed, api", change_email_through_api, END, END, STAY),
    Row("address changed, pages", change_email_through_pages, END, END, STAY),
    Row("recovery code used to unlock, api", use_code_to_unlock_through_api, END, END, NEW),
    Row("recovery code used to unlock, pages", use_code_to_unlock_through_pages, END, END, NEW),
    Row("recovery code used to sign in, api", use_code_to_sign_in_through_api, END, END, NEW),
    Row("recovery code used to sign in, pages", use_code_to_sign_in_through_pages, END, END, NEW),
    Row("recovery code renewed, api", lambda home: code_of(home.api.renew_recovery_code().must(201)), STAY, STAY, NEW),
    Row("recovery code renewed, pages", lambda home: home.settle("/settings/recovery-code"), STAY, STAY, NEW),
    Row("reset by command", act("reset-2fa"), END, ALL_END, DIES),
    Row(
        "disabled and enabled by command", lambda home: (act("disable")(home), act("enable")(home)), END, ALL_END, STAY
    ),
    Row("signed out by command", act("sign-out"), END, ALL_END, STAY),
    Row("renamed, api", rename_through_api, STAY, STAY, STAY),
    Row("renamed, pages", rename_through_pages, STAY, STAY, STAY),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_act_ends_what_the_table_says(moving: Service, row: Row) -> None:
    """Trusted computers, other sessions and the recovery code live on or end, act by act."""
    home = Home(moving, row.policy)
    told = row.act(home)
    shown = told if isinstance(told, str) else ""

    assert home.api.session().status == (401 if row.others == ALL_END else 200)
    assert home.computer.session().status == (200 if row.others == STAY else 401)
    assert trusted_still(home) == (row.computers == STAY)
    assert bool(shown) == (row.recovery_code == NEW)
    if row.recovery_code == NEW:
        assert signs_in_with(home, shown)
    assert signs_in_with(home, home.old_recovery_code) == (row.recovery_code == STAY and row.policy != "disabled")


def trusted_still(home: Home) -> bool:
    """Whether the trusted computer gets in without a code, under the policy that trusts computers."""
    person = home.person
    listed = 0
    if home.api.session().status == 200:
        listed = len(home.api.trusted_computers()["items"])
    else:
        person.sign_in()
    if person.shown()["policy"] != "once_per_computer":
        assert listed == 0
        return False  # no policy that could look; the list says that there is none
    apart = CheckedApi(home.service.url)
    apart.computer_token = home.computer.computer_token
    trusted = bool(apart.sign_in(person.email, person.password).must(200)["status"] == "signed_in")
    assert not listed or trusted
    return trusted


def signs_in_with(home: Home, recovery_code: str) -> bool:
    """Whether a recovery code opens the door."""
    client = home.person.another_browser()
    answer = client.sign_in(home.person.email, home.person.password).must(200)
    if answer["status"] == "signed_in":
        return False  # 2FA is off: there is no such door
    return client.give_recovery_code(recovery_code).must(200, 401).status == 200


def test_a_computer_trusted_once_is_not_trusted_again_when_its_policy_returns(moving: Service) -> None:
    """The mark dies with the act, not with the policy: switching off and on again revives nothing."""
    for detour in ("disabled", "every_log_in"):
        home = Home(moving)
        home.api.set_policy(detour).must(200)
        home.api.set_policy("once_per_computer").must(200)
        assert not trusted_still(home)


def test_an_account_disabled_and_enabled_revives_no_trust(moving: Service) -> None:
    """Sessions and computers of the time before stay dead."""
    home = Home(moving)
    home.command("disable")
    assert home.api.sign_in(home.person.email).status == 401
    home.command("enable")
    assert home.computer.session().status == 401
    assert not trusted_still(home)


def test_other_people_keep_everything(moving: Service) -> None:
    """What one person ends touches nobody else."""
    neighbour = Home(moving)
    home = Home(moving)
    home.api.set_policy("disabled").must(200)
    home.command("reset-2fa")
    assert neighbour.computer.session().status == 200
    assert trusted_still(neighbour)


# ------------------------------------------------------------------ when 2FA is on


def test_a_new_account_has_2fa_off(moving: Service) -> None:
    """Policy, factors and recovery code of somebody who has just signed up."""
    shown = resident(moving).shown()
    assert shown.body == {
        "policy": "disabled",
        "active": False,
        "required": False,
        "factors": [],
        "default_factor_id": None,
        "recovery_code": None,
    }


def test_verifying_the_first_factor_turns_2fa_on_for_every_log_in(moving: Service) -> None:
    """Whoever sets up an app wants it used; the answer has the recovery code, and other sessions end."""
    person = resident(moving)
    elsewhere = person.another_browser()
    person.sign_in(elsewhere)
    verified = person.enable_totp()
    assert len(verified["recovery_code"]) == 29
    shown = person.shown()
    assert (shown["policy"], shown["active"]) == ("every_log_in", True)
    assert set(shown["recovery_code"]) == {"created_at"}
    elsewhere.session().refused(401, "not_signed_in")


@pytest.mark.parametrize("policy", ["once_per_computer", "every_log_in"])
def test_a_policy_chosen_before_the_first_factor_waits_for_it(moving: Service, policy: str) -> None:
    """A policy alone protects nothing and shows no recovery code; the first factor activates what was chosen."""
    person = resident(moving)
    chosen = person.api.set_policy(policy).must(200)
    assert (chosen["active"], chosen["recovery_code"]) == (False, None)
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
    assert person.enable_totp()["recovery_code"]
    assert person.shown()["policy"] == policy


def test_turning_2fa_off_keeps_the_factors_for_next_time(moving: Service) -> None:
    """The password alone signs in; switched on again, the same app is asked for, under a new recovery code."""
    person = protected(moving)
    off = person.api.set_policy("disabled").must(200)
    assert (off["active"], off["recovery_code"], [each["id"] for each in off["factors"]]) == (
        False,
        None,
        [person.factor_id],
    )
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
    again = person.api.set_policy("every_log_in").must(200)
    assert again["recovery_code"] != person.recovery_code
    assert person.sign_in()["status"] == "signed_in"


def test_removing_the_last_factor_turns_2fa_off(moving: Service) -> None:
    """Nobody is left with a policy that no app can answer; the recovery code dies, other sessions end."""
    person = protected(moving, "once_per_computer")
    elsewhere = person.another_browser()
    person.sign_in(elsewhere, trust_this_computer=True)
    person.api.remove_factor(person.factor_id or "").must(204)
    shown = person.shown()
    assert (shown["policy"], shown["active"], shown["factors"], shown["recovery_code"]) == ("disabled", False, [], None)
    assert shown["default_factor_id"] is None
    elsewhere.session().refused(401, "not_signed_in")
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"


def test_the_default_moves_on_when_its_factor_goes(moving: Service) -> None:
    """A replaced default is followed by what replaced it, a removed one by the oldest that is left."""
    person = protected(moving)
    first = person.factor_id or ""
    person.enable_totp(name="Second")
    second = person.factor_id or ""
    assert person.shown()["default_factor_id"] == first
    person.enable_totp(replaces=first)
    third = person.factor_id or ""
    assert person.shown()["default_factor_id"] == third
    person.api.remove_factor(third).must(204)
    assert person.shown()["default_factor_id"] == second


def test_nothing_ends_by_choosing_what_is_chosen(moving: Service) -> None:
    """A form sent unchanged changes nothing."""
    home = Home(moving)
    home.settle("/settings/two-factor")
    home.api.set_policy("once_per_computer", default_factor_id=home.first).must(200)
    assert home.computer.session().status == 200
    assert trusted_still(home)


def test_an_enrolment_that_is_not_finished_changes_nothing(moving: Service) -> None:
    """2FA is off until the first code is proved; beginning, wrong codes and giving up end nothing."""
    person: Resident = resident(moving)
    elsewhere = person.another_browser()
    person.sign_in(elsewhere)
    begun = person.api.begin_totp().must(201)
    person.api.verify(begun["id"], "000000").must(401)
    person.api.remove_factor(begun["id"]).must(204)
    assert person.shown()["recovery_code"] is None
    assert elsewhere.session().status == 200
    assert person.another_browser().sign_in(person.email)["status"] == "signed_in"
