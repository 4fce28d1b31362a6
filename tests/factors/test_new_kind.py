"""A factor kind is one folder and one line: pages and API enrol, challenge, check and remove a kind unknown to them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import twofold
from tests.factors.signed.kind import sign
from tests.support.clients import PASSWORD, Answer, Api
from tests.support.forms import PageAnswer
from tests.support.service import Service
from tests.support.users import User, new_user

SOURCE = Path(twofold.__file__).parent
FOLDER = Path(__file__).parent / "signed"
NONSENSE = "0" * 64


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with one folder added, and one import and one line in the list of features."""
    folder = tmp_path_factory.mktemp("signing")
    home = folder / "src" / "twofold"
    shutil.copytree(SOURCE, home, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(FOLDER, home / "factors" / "signed", ignore=shutil.ignore_patterns("__pycache__"))
    listed = home / "features.py"
    text, added = re.subn(r"(?m)^    Totp,$", r"\g<0>\n    Signed,", listed.read_text("utf-8"))
    assert added == 1
    listed.write_text(text.replace("\nfrom ", "\nfrom twofold.factors.signed.kind import Signed\nfrom ", 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(home.parent))
        with Service(folder / "service") as service:
            yield service


def enrolled(service: Service) -> tuple[User, str, str]:
    """Return a person with a signing key, its id, and the key."""
    person = new_user(service)
    begun = person.api.call("POST", "/factors", {"kind": "signed"}).expect(201)
    key, challenge = begun["options"]["key"], begun["options"]["challenge"]
    verify = f"/factors/{begun['id']}/verify"
    wrong = person.api.call("POST", verify, {"signature": NONSENSE}).refused(401, "wrong_code")
    assert wrong["attempts_left"] == 4
    verified = person.api.call("POST", verify, {"signature": sign(key, challenge)}).expect(200)
    assert verified["recovery_code"]
    return person, begun["id"], key


def answered(api: Api, signature: str) -> Answer:
    """Send a signature for the sign-in under way."""
    return api.call("POST", "/sign-in/code", {"sign_in": api.sign_in_token, "signature": signature})


def test_signed_challenge_signs_in_by_the_api_once(signing: Service) -> None:
    """A wrong answer is counted, a malformed one is not, and a right one is accepted only in its own sign-in."""
    person, factor_id, key = enrolled(signing)
    first, second = person.half_open(), person.half_open()
    sent = first.send_code(factor_id).expect(202)["options"]["challenge"]
    other = second.send_code(factor_id).expect(202)["options"]["challenge"]
    assert answered(first, NONSENSE).refused(401, "wrong_code")["attempts_left"] == 4
    assert answered(first, "short").refused(422, "invalid_request")["errors"][0]["field"] == "signature"
    unknown = first.give_code("123456", signature_of="x").refused(422, "invalid_request")
    assert unknown["errors"][0]["field"] == "signature_of"
    assert answered(first, sign(key, other)).refused(401, "wrong_code")["attempts_left"] == 3
    answered(first, sign(key, sent)).expect(200)
    answered(second, sign(key, other)).refused(401, "wrong_code")
    assert first.session().expect(200)["methods"] == ["password", "signed"]


def test_six_digits_are_a_wrong_code_for_an_account_with_a_signing_key_only(signing: Service) -> None:
    """They are counted, since no factor of the account can have made them."""
    person, _, _ = enrolled(signing)
    assert person.half_open().give_code("123456").refused(401, "wrong_code")["attempts_left"] == 4


def test_api_unlocks_and_removes_a_signing_key(signing: Service) -> None:
    """Unlocking needs a signature of this session's challenge. Without its last factor, 2FA is off."""
    person, factor_id, key = enrolled(signing)
    challenge = person.api.send_unlock_code(factor_id).expect(202)["options"]["challenge"]
    person.api.unlock(signature=NONSENSE).refused(401, "wrong_code")
    person.api.unlock(signature=sign(key, challenge)).expect(200)
    person.api.unlock(signature=sign(key, challenge)).refused(401, "wrong_code")
    person.api.remove_factor(factor_id).expect(204)
    assert person.shown()["active"] is False


def test_pages_enrol_challenge_and_remove_a_signing_key(signing: Service) -> None:
    """The method is offered beside the others, and every page shows the templates of its kind."""
    person = new_user(signing)
    browser = person.pages()
    assert "Signing key" in browser.get("/settings").expect(200).html
    at = browser.submit("/settings", "/settings/method", method="signed").location
    shown = browser.get(at).expect(200)
    key = noted(shown, "Key")
    wrong = browser.send(shown, f"{at.partition('?')[0]}/verify", signature=NONSENSE).expect(401)
    done = browser.send(wrong, f"{at.partition('?')[0]}/verify", signature=sign(key, noted(shown, "Challenge")))
    assert done.expect(200).recovery_code
    fresh = person.pages()
    fresh.forget("twofold_session")
    fresh.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    asked = fresh.get("/sign-in/code").expect(200)
    assert "You do not have your key?" in asked.html
    fresh.send(asked, "/sign-in/code", signature=NONSENSE).expect(401)
    asked = fresh.get("/sign-in/code").expect(200)
    fresh.send(asked, "/sign-in/code", signature=sign(key, noted(asked, "Challenge"))).goes_to("/settings")
    locked = fresh.get("/authenticate").expect(200)
    signature = sign(key, noted(locked, "Challenge"))
    fresh.send(locked, "/authenticate", password=PASSWORD, signature=signature).goes_to("/settings")
    factor = person.shown()["factors"][0]["id"]
    page = f"/settings/factors/{factor}/remove"
    assert "The key signs nothing any more." in fresh.get(page).expect(200).html
    fresh.submit(page, page).goes_to("/settings")
    assert "No authenticators yet" in fresh.get("/settings").expect(200).html


def noted(shown: PageAnswer, name: str) -> str:
    """Return the value that a page shows for a name."""
    found = re.search(rf"{name}: <code>([0-9a-z]+)</code>", shown.html, re.IGNORECASE)
    assert found, shown
    return found[1]


def test_error_on_the_code_page_leads_to_the_field_of_the_kind(signing: Service) -> None:
    """A refusal without a field, such as a limit, links to a field that exists."""
    person, _, _ = enrolled(signing)
    browser = person.pages()
    browser.forget("twofold_session")
    browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).goes_to("/sign-in/code")
    asked = browser.get("/sign-in/code").expect(200)
    for _ in range(5):
        other = person.half_open()
        answered(other, NONSENSE)
    shown = browser.send(asked, "/sign-in/code", signature=NONSENSE).expect(429)
    assert 'href="#signature"' in shown.html
    assert 'id="signature"' in shown.html
