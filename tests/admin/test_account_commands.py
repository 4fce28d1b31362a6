"""`twofold account` beside a running service: what each command does to those who are signed in at that moment."""

import json
from urllib.parse import urlsplit

import pytest

from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import HOUR, User, pass_time, protected

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def command(service: Service, *arguments: str, stdin: str = "") -> str:
    """Return what a command prints; it must succeed."""
    done = service.command("account", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(service: Service, person: User) -> dict[str, object]:
    """`account show --json`."""
    found: dict[str, object] = json.loads(command(service, "show", person.email, "--json"))
    return found


def test_added_account_can_sign_in_at_once(moving: Service) -> None:
    """Made while the service runs, as administrator."""
    person = User(moving)
    command(moving, "add", person.email, "--admin", "--password-file", "-", stdin=PASSWORD)
    person.sign_in()
    assert person.api.session()["account"]["administrator"] is True


def test_account_list_shows_changes_at_once(moving: Service) -> None:
    """What people change is shown at once: policy, methods, whether 2FA is on."""
    person = protected(moving, "once_per_computer")
    account = shown(moving, person)
    assert (account["policy"], account["active"]) == ("once_per_computer", True)
    assert account["factors"] == [{"id": person.factor_id, "kind": "totp", "name": "Authenticator app"}]
    listed = json.loads(command(moving, "list", "--json"))
    assert account in listed
    assert person.authenticator is not None
    assert person.authenticator.secret not in json.dumps(listed)


def test_disabled_account_is_refused_at_once_until_it_is_enabled(moving: Service) -> None:
    """The next request is refused; a right password is refused like a wrong one; half-open sign-ins end."""
    person = protected(moving)
    half_open = person.half_open()
    command(moving, "disable", person.email)
    person.api.session().refused(401, "not_signed_in")
    half_open.give_code(person.code()).refused(410, "sign_in_expired")
    right = person.another_browser().sign_in(person.email).refused(401, "wrong_credentials")
    wrong = person.another_browser().sign_in(person.email, "wrong").refused(401, "wrong_credentials")
    assert right.body == wrong.body
    command(moving, "enable", person.email)
    person.api.session().refused(401, "not_signed_in")
    assert person.sign_in()["status"] == "signed_in"


def test_sign_out_command_ends_every_session(moving: Service) -> None:
    """2FA, its app and the recovery code stay."""
    person = protected(moving)
    command(moving, "sign-out", person.email)
    person.api.session().refused(401, "not_signed_in")
    person.half_open().give_recovery_code(person.recovery_code or "").expect(200)


def test_resetting_2fa_keeps_the_password(moving: Service) -> None:
    """A person without app and recovery code signs in with the password and sets up 2FA again."""
    person = protected(moving)
    half_open = person.half_open()
    command(moving, "reset-2fa", person.email)
    half_open.give_code(person.code()).refused(410, "sign_in_expired")
    assert person.sign_in()["status"] == "signed_in"
    state = person.shown()
    assert (state["policy"], state["factors"], state["recovery_code"]) == ("disabled", [], None)
    assert person.enable_totp()["recovery_code"]


def test_invitation_is_consumed_by_use_and_not_by_viewing(moving: Service) -> None:
    """Looking does not spend it; who accepts is signed in; a second use, and a link after an hour, find nothing."""
    email = User(moving).email
    path = urlsplit(command(moving, "invite", email).split()[-1]).path
    browser = FormBrowser(moving.url)
    for _ in range(3):
        assert email in browser.get(path).expect(200).html
    browser.submit(path, path, password=PASSWORD).goes_to("/settings")
    assert email in browser.get("/settings").expect(200).words
    FormBrowser(moving.url).post(path, {"password": PASSWORD}).expect(404)
    late = urlsplit(command(moving, "invite", User(moving).email).split()[-1]).path
    pass_time(moving, HOUR)
    browser.get(late).expect(404)
    browser.post(late, {"password": PASSWORD}).expect(404)


def test_newer_link_replaces_the_older_one(moving: Service) -> None:
    """Of two invitations to one address, and of two links for one password, the second works."""
    person, email = protected(moving), User(moving).email
    invitations = [urlsplit(command(moving, "invite", email).split()[-1]).path for _ in range(2)]
    links = [urlsplit(command(moving, "reset-password", person.email).split()[-1]).path for _ in range(2)]
    browser = FormBrowser(moving.url)
    assert [browser.get(path).status for path in (*invitations, *links)] == [404, 200, 404, 200]


def test_reset_link_changes_only_the_password(moving: Service) -> None:
    """It creates no session, keeps 2FA on, works once, and ends the wait after wrong passwords."""
    person = protected(moving)
    for _ in range(6):
        person.another_browser().sign_in(person.email, "wrong")
    path = urlsplit(command(moving, "reset-password", person.email).split()[-1]).path
    browser = FormBrowser(moving.url)
    browser.submit(path, path, new_password=NEW_PASSWORD).expect(200)
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")
    browser.get(path).expect(404)
    browser.post(path, {"new_password": PASSWORD}).expect(404)
    assert person.another_browser().sign_in(person.email, PASSWORD).status == 401
    person.password = NEW_PASSWORD
    person.half_open().give_code(person.code()).expect(200)


@pytest.mark.parametrize("what", ["an hour", "another change", "disabled"])
def test_reset_link_expires_with_time_a_new_password_or_the_account(moving: Service, what: str) -> None:
    """With its hour, with a change of the password by other means, and with the account."""
    person = protected(moving)
    path = urlsplit(command(moving, "reset-password", person.email).split()[-1]).path
    if what == "an hour":
        pass_time(moving, HOUR)
    elif what == "disabled":
        command(moving, "disable", person.email)
    else:
        person.api.change_password(NEW_PASSWORD).expect(204)
    browser = FormBrowser(moving.url)
    browser.get(path).expect(404)
    browser.post(path, {"new_password": "meadow-lantern-umber-99"}).expect(404)


def test_unlock_command_clears_wrong_passwords_wrong_codes_and_future_steps(moving: Service) -> None:
    """After it the right password and the right code are taken at once."""
    person = protected(moving)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(5):
        client.give_code(wrong).expect(401)
    for _ in range(6):
        person.another_browser().sign_in(person.email, "wrong")
    person.another_browser().sign_in(person.email).refused(429, "too_many_attempts")
    command(moving, "unlock", person.email)
    person.half_open().give_code(person.code()).expect(200)
