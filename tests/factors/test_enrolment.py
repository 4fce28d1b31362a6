"""Setting up an authenticator: begun, verified once, replaced in place, and nobody else's business."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.authenticator import oathtool
from tests.forms import FormBrowser
from tests.residents import HOUR, Resident, pass_time, protected, resident
from tests.service import Service


def code_now(service: Service, secret: str) -> str:
    """The present code of a secret."""
    return oathtool(secret, at=service.clock())


def test_an_enrolment_shows_all_that_an_app_needs(moving: Service) -> None:
    """Secret, key URI and picture of 160 random bits, told now and never again."""
    person = resident(moving)
    begun = person.api.begin_totp(name="My phone").must(201)
    assert (begun["kind"], begun["name"], begun["status"]) == ("totp", "My phone", "unverified")
    assert len(begun["secret"]) == 32
    uri = urlsplit(begun["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [begun["secret"]]
    assert begun["qr_svg"].startswith("<svg")
    verified = person.api.verify(begun["id"], code_now(moving, begun["secret"])).must(200)
    for answer in (verified, person.shown(), person.api.events(), person.api.session()):
        assert begun["secret"] not in answer.text
    for path in ("/settings", "/settings/activity"):
        assert begun["secret"] not in person.pages().get(path).must(200).html
    assert person.pages().get(f"/settings/factors/{begun['id']}").status == 404


def test_every_enrolment_has_a_secret_of_its_own(moving: Service) -> None:
    """Beginning again shows another key."""
    person = resident(moving)
    assert len({person.api.begin_totp().must(201)["secret"] for _ in range(8)}) == 8


def test_wrong_codes_are_counted_per_enrolment(moving: Service) -> None:
    """Five tries, told one by one; then this enrolment is over, another may begin, and the account has lost no try."""
    person = protected(moving)
    begun = person.api.begin_totp().must(201)
    left = [person.api.verify(begun["id"], "000000").refused(401, "wrong_code")["attempts_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).refused(404, "not_found")
    person.enable_totp(name="Second phone")
    assert person.half_open().give_code(person.wrong_code())["attempts_left"] == 4


def test_an_enrolment_lasts_an_hour(moving: Service) -> None:
    """Afterwards its code verifies nothing."""
    person = resident(moving)
    begun = person.api.begin_totp().must(201)
    pass_time(moving, HOUR)
    person.sign_in()
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).refused(404, "not_found")


def test_a_factor_is_verified_once(moving: Service) -> None:
    """A second verification is a conflict, and shows no recovery code."""
    person = protected(moving)
    refused = person.api.verify(person.factor_id or "", person.code()).refused(409, "conflict")
    assert "recovery_code" not in refused.body


def test_what_is_replaced_works_until_the_new_one_is_proved(moving: Service) -> None:
    """Nobody is locked out between the two; afterwards the old app's codes are wrong."""
    person = protected(moving)
    old, old_id = person.authenticator, person.factor_id
    assert old is not None
    begun = person.api.begin_totp(replaces=old_id or "").must(201)
    person.sign_in(person.another_browser())
    assert [each["id"] for each in person.shown()["factors"]] == [old_id]
    person.api.verify(begun["id"], code_now(moving, begun["secret"])).must(200)
    assert [each["id"] for each in person.shown()["factors"]] == [begun["id"]]
    pass_time(moving, 60)
    person.half_open().give_code(old.code_of_step(0)).refused(401, "wrong_code")
    person.half_open().give_code(code_now(moving, begun["secret"])).must(200)


def test_an_account_has_ten_methods_at_most(moving: Service) -> None:
    """The eleventh is refused with the remedy; replacing one of ten goes on."""
    person = resident(moving)
    for number in range(10):
        person.enable_totp(name=f"Phone {number}")
    person.api.begin_totp(name="One more").refused(409, "conflict")
    person.enable_totp(replaces=person.factor_id or "")
    assert len(person.shown()["factors"]) == 10


def test_names_tell_apps_apart(moving: Service) -> None:
    """A name that is taken gets a number at the set-up, and is a conflict when renaming."""
    person = resident(moving)
    person.enable_totp()
    first = person.factor_id
    person.enable_totp()
    names = {each["id"]: each["name"] for each in person.shown()["factors"]}
    assert sorted(names.values()) == ["Authenticator app", "Authenticator app 2"]
    taken = names[person.factor_id or ""]
    person.api.call("PATCH", f"/factors/{first}", {"name": taken}).refused(409, "conflict")
    renamed = person.api.call("PATCH", f"/factors/{first}", {"name": "  Old   phone "}).must(200)
    assert renamed["name"] == "Old phone"


def test_a_replacement_keeps_the_name_and_apps_tell_it_from_the_old_entry(moving: Service) -> None:
    """Without another name the card keeps its own, again and again; no two key URIs have the same label."""
    person, labels = resident(moving), set()
    person.enable_totp(name="A tablet with a name as long as it goes")
    for _ in range(3):
        begun = person.api.begin_totp(replaces=person.factor_id or "").must(201)
        labels.add(urlsplit(begun["uri"]).path)
        assert len(begun["name"]) <= 40
        verified = person.api.verify(begun["id"], code_now(moving, begun["secret"])).must(200)
        assert verified["factor"]["name"] == "A tablet with a name as long as it goes"
        person.factor_id = begun["id"]
        pass_time(moving, 60)
    assert len(labels) == 3
    (left,) = person.shown()["factors"]
    assert left["name"] == "A tablet with a name as long as it goes"
    person.enable_totp(replaces=person.factor_id or "", name="New")
    assert [each["name"] for each in person.shown()["factors"]] == ["New"]


@pytest.mark.parametrize("kind", ["webauthn", "TOTP", "SMS", ""])
def test_a_method_that_is_not_offered_is_refused(moving: Service, kind: str) -> None:
    """422 on the field; the page shows it greyed."""
    person = resident(moving)
    refused = person.api.call("POST", "/factors", {"kind": kind}).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["kind"]


def foreign_calls(theirs: Resident) -> list[tuple[str, str, object]]:
    """Calls of one person with the ids of another."""
    pending = theirs.api.begin_totp().must(201)["id"]
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


def test_nobody_touches_what_belongs_to_others(moving: Service) -> None:
    """Ids of other people are not there, for calls and forms; their owner notices nothing."""
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


def test_the_recovery_code_is_renewed_only_while_2fa_is_on(moving: Service) -> None:
    """Without 2FA there is nothing to recover: a conflict that says so."""
    person = resident(moving)
    person.api.renew_recovery_code().refused(409, "conflict")


def test_the_recovery_page_shows_the_code_once(moving: Service) -> None:
    """The form's own answer shows it; sent again it says that it was shown; the code downloads as a file."""
    person = resident(moving)
    browser = person.pages()
    begun = browser.submit("/settings", "/settings/factors", name="Phone").must(303).location
    key = browser.get(begun).must(200).html.partition("secret=")[2][:32]
    verify = f"{begun}/verify"
    shown = browser.submit(begun, verify, code=code_now(moving, key)).must(200)
    assert shown.form("/settings/recovery-code/saved").fields["return_to"] == "/settings?done=two_factor_on"
    code = shown.recovery_code
    assert shown.headers["cache-control"] == "no-store"
    file = browser.send(shown, "/settings/recovery-code/download").must(200)
    assert file.headers["content-disposition"].startswith("attachment")
    assert code in file.html
    again = browser.post(verify, {"code": "123456"}).must(200)
    assert code not in again.html
    assert "shown" in again.words
    browser.send(shown, "/settings/recovery-code/saved").must(422)
    assert "You have not confirmed" in browser.get("/settings").words
    browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings")
    assert "You have not confirmed" not in browser.get("/settings").words
    shown = browser.submit("/settings", "/settings/recovery-code").must(200)
    there = browser.send(shown, "/settings/recovery-code/saved", saved="yes").goes_to("/settings").location
    assert "Your recovery code is saved." in browser.get(there).words
