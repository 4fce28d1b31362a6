"""`twofold account` beside a running service: what each command does to those who are signed in at that moment."""

import json
from urllib.parse import urlsplit

import pytest

from tests.clients import PASSWORD
from tests.forms import FormBrowser
from tests.residents import HOUR, Resident, pass_time, protected
from tests.service import Service

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def command(service: Service, *arguments: str, stdin: str = "") -> str:
    """What a command prints; it must succeed."""
    done = service.command("account", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(service: Service, person: Resident) -> dict[str, object]:
    """`account show --json`."""
    found: dict[str, object] = json.loads(command(service, "show", person.email, "--json"))
    return found


def test_an_added_account_signs_in_at_once(moving: Service) -> None:
    """Made while the service runs, as administrator."""
    person = Resident(moving)
    command(moving, "add", person.email, "--admin", "--password-file", "-", stdin=PASSWORD)
    person.sign_in()
    assert person.api.session()["account"]["administrator"] is True


def test_the_list_follows_the_service(moving: Service) -> None:
    """What people change is shown at once: policy, methods, whether 2FA is on."""
    person = protected(moving, "once_per_computer")
    account = shown(moving, person)
    assert (account["policy"], account["active"]) == ("once_per_computer", True)
    assert account["factors"] == [{"id": person.factor_id, "kind": "totp", "name": "Authenticator app"}]
    listed = json.loads(command(moving, "list", "--json"))
    assert account in listed
    assert person.authenticator is not None
    assert person.authenticator.secret not in json.dumps(listed)


def test_disabling_keeps_out_at_once_and_enabling_lets_in(moving: Service) -> None:
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


def test_signing_out_ends_every_session(moving: Service) -> None:
    """2FA, its app and the recovery code stay."""
    person = protected(moving)
    command(moving, "sign-out", person.email)
    person.api.session().refused(401, "not_signed_in")
    person.half_open().give_recovery_code(person.recovery_code or "").must(200)


def test_resetting_2fa_leaves_the_password_alone(moving: Service) -> None:
    """Somebody without app and recovery code is let in by the password, and sets up anew."""
    person = protected(moving)
    half_open = person.half_open()
    command(moving, "reset-2fa", person.email)
    half_open.give_code(person.code()).refused(410, "sign_in_expired")
    assert person.sign_in()["status"] == "signed_in"
    state = person.shown()
    assert (state["policy"], state["factors"], state["recovery_code"]) == ("disabled", [], None)
    assert person.enable_totp()["recovery_code"]


def test_an_invitation_makes_an_account_once(moving: Service) -> None:
    """Looking does not spend it; who accepts is signed in; a second use, and a link after an hour, find nothing."""
    email = Resident(moving).email
    path = urlsplit(command(moving, "invite", email).split()[-1]).path
    browser = FormBrowser(moving.url)
    for _ in range(3):
        assert email in browser.get(path).must(200).html
    browser.submit(path, path, password=PASSWORD).goes_to("/settings")
    assert email in browser.get("/settings").must(200).words
    FormBrowser(moving.url).post(path, {"password": PASSWORD}).must(404)
    late = urlsplit(command(moving, "invite", Resident(moving).email).split()[-1]).path
    pass_time(moving, HOUR)
    browser.get(late).must(404)
    browser.post(late, {"password": PASSWORD}).must(404)


def test_a_newer_link_kills_the_older(moving: Service) -> None:
    """Of two invitations to one address, and of two links for one password, the second works."""
    person, email = protected(moving), Resident(moving).email
    invitations = [urlsplit(command(moving, "invite", email).split()[-1]).path for _ in range(2)]
    links = [urlsplit(command(moving, "reset-password", person.email).split()[-1]).path for _ in range(2)]
    browser = FormBrowser(moving.url)
    assert [browser.get(path).status for path in (*invitations, *links)] == [404, 200, 404, 200]


def test_a_reset_link_sets_a_password_and_nothing_else(moving: Service) -> None:
    """It signs nobody in, lifts no 2FA, works once, and lifts the wait after wrong passwords."""
    person = protected(moving)
    for _ in range(6):
        person.another_browser().sign_in(person.email, "wrong")
    path = urlsplit(command(moving, "reset-password", person.email).split()[-1]).path
    browser = FormBrowser(moving.url)
    browser.submit(path, path, new_password=NEW_PASSWORD).must(200)
    assert "twofold_session" not in browser.cookies
    browser.get("/settings").goes_to("/sign-in")
    browser.get(path).must(404)
    browser.post(path, {"new_password": PASSWORD}).must(404)
    assert person.another_browser().sign_in(person.email, PASSWORD).status == 401
    person.password = NEW_PASSWORD
    person.half_open().give_code(person.code()).must(200)


@pytest.mark.parametrize("what", ["an hour", "another change", "disabled"])
def test_a_reset_link_dies(moving: Service, what: str) -> None:
    """With its hour, with a change of the password by other means, and with the account."""
    person = protected(moving)
    path = urlsplit(command(moving, "reset-password", person.email).split()[-1]).path
    if what == "an hour":
        pass_time(moving, HOUR)
    elif what == "disabled":
        command(moving, "disable", person.email)
    else:
        person.api.change_password(NEW_PASSWORD).must(204)
    browser = FormBrowser(moving.url)
    browser.get(path).must(404)
    browser.post(path, {"new_password": "meadow-lantern-umber-99"}).must(404)


def test_unlocking_clears_passwords_codes_and_steps_to_come(moving: Service) -> None:
    """After it the right password and the right code are taken at once."""
    person = protected(moving)
    client, wrong = person.half_open(), person.wrong_code()
    for _ in range(5):
        client.give_code(wrong).must(401)
    for _ in range(6):
        person.another_browser().sign_in(person.email, "wrong")
    person.another_browser().sign_in(person.email).refused(429, "too_many_attempts")
    command(moving, "unlock", person.email)
    person.half_open().give_code(person.code()).must(200)
