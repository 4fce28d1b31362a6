"""Setting up an authenticator: starting, verifying once, replacing, and no access for other accounts."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.authenticator import oathtool
from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import HOUR, User, new_user, pass_time, protected


def code_now(service: Service, secret: str) -> str:
    """Return the current code of a secret."""
    return oathtool(secret, at=service.clock())


def test_enrolment_shows_all_that_an_app_needs(moving: Service) -> None:
    """The secret has 160 random bits, and is shown with its key URI and QR code only once."""
    person = new_user(moving)
    begun = person.api.begin_totp(name="My phone").expect(201)
    assert (begun["kind"], begun["name"], begun["status"]) == ("totp", "My phone", "unverified")
    assert len(begun["secret"]) == 32
    uri = urlsplit(begun["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [begun["secret"]]
    assert begun["qr_svg"].startswith("<svg")
    verified = person.api.verify(begun["id"], code_now(moving, begun["secret"])).expect(200)
    for answer in (verified, person.shown(), person.api.events(), person.api.session()):
        assert begun["secret"] not in answer.text
    for path in ("/settings", "/settings/activity"):
        assert begun["secret"] not in person.pages().get(path).expect(200).html
    assert person.pages().get(f"/settings/factors/{begun['id']}").status == 404


def test_every_enrolment_has_a_secret_of_its_own(moving: Service) -> None:
    """Starting again shows another key."""
    person = new_user(moving)
    assert len({person.api.begin_totp().expect(201)["secret"] for _ in range(8)}) == 8


def test_wrong_codes_are_counted_per_enrolment(moving: Service) -> None:
    """After five tries the enrolment has ended, another can start, and the account has lost no attempt."""
    person = protected(moving)
    begun = person.api.begin_totp().expect(201)
    wrong = [person.api.verify(begun["id"], "000000").refused(401, "wrong_code") for _ in range(5)]
    assert [answer["attempts_left"] for answer in wrong] == [4, 3, 2, 1, 0]
    assert "You have 1 attempt left." in wrong[3]["detail"]
    assert "You have no attempts left. Start again." in wrong[4]["detail"]
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).refused(404, "not_found")
    person.enable_totp(name="Second phone")
    assert person.half_open().give_code(person.wrong_code())["attempts_left"] == 4


def test_enrolment_lasts_an_hour(moving: Service) -> None:
    """Afterwards, its code verifies nothing."""
    person = new_user(moving)
    begun = person.api.begin_totp().expect(201)
    pass_time(moving, HOUR)
    person.sign_in()
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).refused(404, "not_found")


def test_factor_is_verified_once(moving: Service) -> None:
    """A second verification is a conflict, and shows no recovery code."""
    person = protected(moving)
    refused = person.api.verify(person.factor_id or "", person.code()).refused(409, "conflict")
    assert "recovery_code" not in refused.body


def test_replaced_app_works_until_the_new_one_is_verified(moving: Service) -> None:
    """The old app works until the new one is verified; then its codes are wrong."""
    person = protected(moving)
    old, old_id = person.authenticator, person.factor_id
    assert old is not None
    begun = person.api.begin_totp(replaces=old_id or "").expect(201)
    person.sign_in(person.another_browser())
    assert [each["id"] for each in person.shown()["factors"]] == [old_id]
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).expect(200)
    assert [each["id"] for each in person.shown()["factors"]] == [begun["id"]]
    pass_time(moving, 60)
    person.half_open().give_code(old.code_of_step(0)).refused(401, "wrong_code")
    person.half_open().give_code(code_now(moving, begun["secret"])).expect(200)


def test_eleventh_method_is_refused(moving: Service) -> None:
    """The eleventh is refused with what to do, and replacing one of ten works."""
    person = new_user(moving)
    for number in range(10):
        person.enable_totp(name=f"Phone {number}")
    person.api.begin_totp(name="One more").refused(409, "conflict")
    person.enable_totp(replaces=person.factor_id or "")
    assert len(person.shown()["factors"]) == 10


def test_factor_names_are_unique(moving: Service) -> None:
    """A name in use gets a number at set-up, and is a conflict when renaming."""
    person = new_user(moving)
    person.enable_totp()
    first = person.factor_id
    person.enable_totp()
    names = {each["id"]: each["name"] for each in person.shown()["factors"]}
    assert sorted(names.values()) == ["Authenticator app", "Authenticator app 2"]
    taken = names[person.factor_id or ""]
    person.api.call("PATCH", f"/factors/{first}", {"name": taken}).refused(409, "conflict")
    renamed = person.api.call("PATCH", f"/factors/{first}", {"name": "  Old   phone "}).expect(200)
    assert renamed["name"] == "Old phone"


def test_replacement_keeps_the_name_and_gets_a_new_label(moving: Service) -> None:
    """The card keeps its name, and each key URI has a label of its own."""
    person, labels = new_user(moving), set()
    person.enable_totp(name="A tablet with a name as long as it goes")
    for _ in range(3):
        begun = person.api.begin_totp(replaces=person.factor_id or "").expect(201)
        labels.add(urlsplit(begun["uri"]).path)
        assert len(begun["name"]) <= 40
        verified = person.api.verify(begun["id"], code_now(moving, begun["secret"])).expect(200)
        assert verified["factor"]["name"] == "A tablet with a name as long as it goes"
        person.factor_id = begun["id"]
        pass_time(moving, 60)
    assert len(labels) == 3
    (left,) = person.shown()["factors"]
    assert left["name"] == "A tablet with a name as long as it goes"
    person.enable_totp(replaces=person.factor_id or "", name="New")
    assert [each["name"] for each in person.shown()["factors"]] == ["New"]


@pytest.mark.parametrize("kind", ["webauthn", "TOTP", "SMS", ""])
def test_method_that_is_not_offered_is_refused(moving: Service, kind: str) -> None:
    """The answer is a 422 on the field, and the page shows the method disabled."""
    person = new_user(moving)
    refused = person.api.call("POST", "/factors", {"kind": kind}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["kind"]


def foreign_calls(theirs: User) -> list[tuple[str, str, object]]:
    """Return calls of one person with the ids of another."""
    pending = theirs.api.begin_totp().expect(201)["id"]
    session = next(each["id"] for each in theirs.api.sessions()["items"])
    computer = theirs.api.trusted_computers()["items"][0]["id"]
    return [
        ("PATCH", f"/factors/{theirs.factor_id}", {"name": "x"}),
        ("DELETE", f"/factors/{theirs.factor_id}", None),
        ("DELETE", f"/factors/{pending}", None),
        ("POST", f"/factors/{pending}/verify", {"code": "123456"}),
        ("POST", "/factors", {"kind": "totp", "replaces": theirs.factor_id}),
        ("DELETE", f"/sessions/{session}", None),
        ("PATCH", f"/trusted-computers/{computer}", {"name": "x"}),
        ("DELETE", f"/trusted-computers/{computer}", None),
    ]


def test_ids_of_other_accounts_are_not_found(moving: Service) -> None:
    """Calls and forms answer ids of other accounts with 404, and nothing changes for their owner."""
    mine, theirs = protected(moving, "once_per_computer"), protected(moving, "once_per_computer")
    theirs.sign_in(trust_this_computer=True)
    calls = foreign_calls(theirs)
    before = (theirs.shown().body, theirs.api.trusted_computers().body, len(theirs.api.sessions()["items"]))
    for method, path, body in calls:
        mine.api.call(method, path, body).refused(404, "not_found")
    refused = mine.api.set_policy("once_per_computer", default_factor_id=theirs.factor_id or "")
    refused.refused(422, "invalid_request")
    browser: FormBrowser = mine.pages()
    for path in ("name", "default", "remove", "verify"):
        shown = browser.post(f"/settings/factors/{theirs.factor_id}/{path}", {"name": "x", "code": "123456"})
        assert shown.status in (404, 422), path
        assert theirs.email not in shown.html
    assert (theirs.shown().body, theirs.api.trusted_computers().body, len(theirs.api.sessions()["items"])) == before


def test_recovery_code_is_renewed_only_while_2fa_is_on(moving: Service) -> None:
    """Without 2FA, it is a conflict that says so."""
    person = new_user(moving)
    person.api.renew_recovery_code().refused(409, "conflict")


def test_recovery_page_shows_the_code_once(moving: Service) -> None:
    """The form's answer shows it, the form sent again says that it was shown, and the code downloads as a file."""
    person = new_user(moving)
    browser = person.pages()
    begun = browser.submit("/settings", "/settings/factors", name="Phone").expect(303).location
    key = browser.get(begun).expect(200).html.partition("secret=")[2][:32]
    verify = f"{begun}/verify"
    shown = browser.submit(begun, verify, code=code_now(moving, key)).expect(200)
    assert shown.form("/settings/recovery-code/saved").fields["return_to"] == "/settings?done=two_factor_on"
    code = shown.recovery_code
    assert shown.headers["cache-control"] == "no-store"
    file = browser.send(shown, "/settings/recovery-code/download").expect(200)
    assert file.headers["content-disposition"].startswith("attachment")
    assert code in file.html
    again = browser.post(verify, {"code": "123456"}).expect(200)
    assert code not in again.html
    assert "shown" in again.words
    browser.send(shown, "/settings/recovery-code/saved").expect(422)
    assert "You have not confirmed" in browser.get("/settings").words
    browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings")
    assert "You have not confirmed" not in browser.get("/settings").words
    shown = browser.submit("/settings", "/settings/recovery-code").expect(200)
    there = browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings").location
    assert "Your recovery code is saved." in browser.get(there).words
