"""The proofs of a session: what adds them, how old they are, and what removes them."""

from tests.support.clients import PASSWORD, Api
from tests.support.forms import FormBrowser
from tests.support.phones import phone_user
from tests.support.service import Service
from tests.support.session_level import account_of, level_of, proof_age, run_as_earlier_version
from tests.support.users import HOUR, User, new_user, pass_time, protected

LIKE_AN_EARLIER_VERSION = "UPDATE session SET proofs = '', stamp = NULL WHERE account_id = :account_id"
CHANGED_BY_AN_EARLIER_VERSION = "UPDATE account SET stamp = stamp + 1 WHERE id = :account_id"


# ------------------------------------------------------------------ what proves


def test_enrolling_adds_no_proof_and_the_next_challenge_does(moving: Service) -> None:
    """A verifying code is part of the enrolment; unlocking with a code raises the level to 2fa."""
    person = new_user(moving)
    assert level_of(person.api) == ("1fa", "password", "pwd")
    person.enable_totp()
    assert level_of(person.api) == ("1fa", "password", "pwd")
    person.unlock()
    assert level_of(person.api) == ("2fa", "password totp", "pwd otp mfa")


def test_trusted_computer_proves_nothing(moving: Service) -> None:
    """Only the password counts there, until the session is unlocked with a code."""
    person = protected(moving, "once_per_computer")
    office = person.another_browser()
    person.sign_in(office, trust_this_computer=True)
    assert level_of(office) == ("2fa", "password totp", "pwd otp mfa")
    office.sign_in(person.email).expect(200)
    assert office.session()["trusted_computer"]
    assert level_of(office) == ("1fa", "password", "pwd")
    person.unlock(office)
    assert level_of(office) == ("2fa", "password totp", "pwd otp mfa")


def test_recovery_code_counts_as_a_second_factor(moving: Service) -> None:
    """This holds for sign-in and unlock."""
    person = protected(moving)
    assert level_of(person.api)[0] == "1fa"
    code = person.api.unlock(recovery_code=person.recovery_code or "").expect(200)["recovery_code"]
    assert level_of(person.api) == ("2fa", "password recovery_code", "pwd otp mfa")
    office = person.half_open()
    office.give_recovery_code(code).expect(200)
    assert level_of(office) == ("2fa", "password recovery_code", "pwd otp mfa")


def test_code_to_a_phone_has_its_own_amr(moving: Service) -> None:
    """It is `sms` (RFC 8176)."""
    person = phone_user(moving)
    office = person.another_browser()
    office.sign_in(person.email).expect(200)
    office.send_code(person.phone_id).expect(202)
    office.give_code(person.phone.code()).expect(200)
    assert level_of(office) == ("2fa", "password sms", "pwd sms mfa")


def test_level_is_as_old_as_its_oldest_proof(moving: Service) -> None:
    """The password counts from when it was entered, before the code; unlocking renews both."""
    person = protected(moving)
    office = person.half_open()
    pass_time(moving, 200)
    office.give_code(person.code()).expect(200)
    since = proof_age(moving, office)
    assert 200 <= since <= 240
    pass_time(moving, HOUR // 2)
    assert proof_age(moving, office) >= since + HOUR // 2
    person.unlock(office)
    assert proof_age(moving, office) == 0


def test_session_id_outlives_its_token(moving: Service) -> None:
    """Unlocking replaces the token, but not the id or the entry in the list."""
    person = protected(moving)
    session_id, token = person.api.session()["id"], person.api.token
    person.unlock()
    assert person.api.token != token
    assert person.api.session()["id"] == session_id
    assert [each["id"] for each in person.api.sessions()["items"] if each["current"]] == [session_id]


# ------------------------------------------------------------------ what no longer counts


def test_proof_by_a_removed_or_replaced_factor_no_longer_counts(moving: Service) -> None:
    """Only the password counts in sessions that used the factor; proofs by other authenticators stay."""
    person = protected(moving)
    first = person.factor_id or ""
    person.unlock()
    person.enable_totp(replaces=first)
    assert level_of(person.api)[0] == "1fa"
    person.unlock()
    person.enable_totp(name="tablet")
    assert level_of(person.api)[0] == "2fa"
    person.api.remove_factor(person.factor_id or "").expect(204)
    assert level_of(person.api)[0] == "2fa"
    person.api.remove_factor(person.shown()["factors"][0]["id"]).expect(204)
    assert level_of(person.api) == ("1fa", "password", "pwd")


def test_proof_by_the_recovery_code_ends_with_2fa(moving: Service) -> None:
    """Turning 2FA off revokes the recovery code; authenticators and their proofs stay."""
    person = protected(moving)
    person.api.unlock(recovery_code=person.recovery_code or "").expect(200)
    person.api.set_policy("disabled").expect(200)
    assert level_of(person.api)[0] == "1fa"
    person.api.set_policy("every_log_in").expect(200)
    person.unlock()
    person.api.set_policy("disabled").expect(200)
    assert level_of(person.api) == ("2fa", "password totp", "pwd otp mfa")


def test_new_password_is_a_proof_of_its_own(moving: Service) -> None:
    """In the session that set it, the password counts from then, and the code from before."""
    person = protected(moving)
    person.unlock()
    pass_time(moving, 400)
    person.api.change_password("meadow-lantern-orbit-11").expect(204)
    assert level_of(person.api)[0] == "2fa"
    assert 400 <= proof_age(moving, person.api) <= 440
    simple = new_user(moving)
    pass_time(moving, 400)
    simple.api.change_password("meadow-lantern-orbit-11").expect(204)
    assert proof_age(moving, simple.api) == 0


def test_other_changes_keep_the_proofs(moving: Service) -> None:
    """This covers the policy, the default factor and a second authenticator."""
    person = protected(moving)
    other = person.another_browser()
    person.sign_in(other)
    person.unlock()
    person.api.set_policy("once_per_computer").expect(200)
    assert [level_of(each)[0] for each in (person.api, other)] == ["2fa", "2fa"]
    person.enable_totp(name="tablet")
    person.api.set_policy("once_per_computer", default_factor_id=person.factor_id or "").expect(200)
    assert level_of(person.api)[0] == "2fa"


# ------------------------------------------------------------------ sessions of earlier versions


def test_session_of_an_earlier_version_counts_by_its_methods(moving: Service) -> None:
    """Upgrading signs no one out: the stored methods count from the sign-in, and unlocking adds proofs."""
    person = protected(moving)
    person.sign_in()
    run_as_earlier_version(moving, LIKE_AN_EARLIER_VERSION, **account_of(person))
    session = person.api.session().expect(200)
    assert level_of(person.api) == ("2fa", "password totp", "pwd otp mfa")
    assert session["authenticated_at"] == session["signed_in_at"]
    pass_time(moving, 300)
    person.api.set_policy("once_per_computer").expect(200)
    assert level_of(person.api)[0] == "2fa"
    person.unlock()
    assert proof_age(moving, person.api) == 0


def test_removing_a_factor_leaves_the_password_of_an_earlier_session(moving: Service) -> None:
    """It is unknown which authenticator generated the code, so it may have been the removed one."""
    person = protected(moving)
    person.sign_in()
    person.enable_totp(name="tablet")
    run_as_earlier_version(moving, LIKE_AN_EARLIER_VERSION, **account_of(person))
    person.api.remove_factor(person.factor_id or "").expect(204)
    assert level_of(person.api) == ("1fa", "password", "pwd")


def test_password_alone_counts_after_a_change_by_an_earlier_version(moving: Service) -> None:
    """That version may have removed the factor; the session continues, and the next code counts."""
    person = protected(moving)
    person.sign_in()
    run_as_earlier_version(moving, CHANGED_BY_AN_EARLIER_VERSION, **account_of(person))
    assert level_of(person.api) == ("1fa", "password", "pwd")
    person.api.unlock(PASSWORD, code=person.code()).expect(200)
    assert level_of(person.api) == ("2fa", "password totp", "pwd otp mfa")


def test_session_without_a_proof_that_counts_is_refused(moving: Service) -> None:
    """A code without the password does not sign in, whatever the row contains."""
    person = protected(moving)
    code_alone = '[["totp","someone",1700000000,["2fa","otp",""]]]'
    run_as_earlier_version(
        moving,
        "UPDATE session SET proofs = :proofs WHERE account_id = :account_id",
        proofs=code_alone,
        **account_of(person),
    )
    person.api.session().refused(401, "not_signed_in")


# ------------------------------------------------------------------ signing in again in the same browser


def seen_by(browser: FormBrowser) -> Api:
    """Return a client with the browser's session."""
    client = Api(browser.url)
    client.token = browser.cookies["twofold_session"]
    return client


def sign_in_again(browser: FormBrowser, person: User) -> None:
    """Submit the forms of a tab that was opened before another tab signed in."""
    browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/sign-in/code")
    browser.submit("/sign-in/code", "/sign-in/code", code=person.code()).goes_to("/settings")


def test_sign_in_of_the_same_account_adds_its_proofs_to_the_session(moving: Service) -> None:
    """The session keeps its id and gets a new token; the old token is rejected."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD, person.code())
    before, old = seen_by(browser).session().expect(200), seen_by(browser)
    pass_time(moving, HOUR // 2)
    sign_in_again(browser, person)
    after = seen_by(browser).session().expect(200)
    old.session().refused(401, "not_signed_in")
    assert after["id"] == before["id"]
    assert after["level"] == "2fa"
    for name in ("authenticated_at", "signed_in_at", "expires_at", "unlocked_until"):
        assert after[name] > before[name]
    assert len(person.api.sessions()["items"]) == 2


def test_password_on_a_trusted_computer_keeps_what_the_session_has_proved(moving: Service) -> None:
    """The age of the level does not change, nor does the lock of settings."""
    person = protected(moving, "once_per_computer")
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD, person.code(), trust=True)
    before = seen_by(browser).session().expect(200)
    pass_time(moving, 300)
    browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/settings")
    after = seen_by(browser).session().expect(200)
    assert (after["level"], after["trusted_computer"]) == ("2fa", True)
    assert after["unlocked_until"] == before["unlocked_until"]
    assert 300 <= proof_age(moving, seen_by(browser)) <= 340
    pass_time(moving, 600)
    browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/settings")
    assert seen_by(browser).session()["unlocked_until"] is None


def test_sign_in_of_another_account_ends_the_session(moving: Service) -> None:
    """The previous user's token is rejected."""
    first, second = protected(moving), protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(first.email, PASSWORD, first.code())
    old = seen_by(browser)
    sign_in_again(browser, second)
    old.session().refused(401, "not_signed_in")
    assert seen_by(browser).session()["account"]["email"] == second.email
    assert len(first.api.sessions()["items"]) == 1


def test_sign_in_with_the_recovery_code_keeps_this_browsers_session_alone(moving: Service) -> None:
    """All other sessions of the account end."""
    person = protected(moving)
    browser = FormBrowser(moving.url)
    browser.sign_in(person.email, PASSWORD, person.code())
    before = seen_by(browser).session()["id"]
    pass_time(moving, 30)
    browser.post("/sign-in", {"email": person.email, "password": PASSWORD}).goes_to("/sign-in/code")
    text = person.recovery_code or ""
    pass_time(moving, 30)
    browser.submit("/sign-in/recovery-code", "/sign-in/recovery-code", recovery_code=text).expect(200)
    session = seen_by(browser).session().expect(200)
    assert (session["id"], session["methods"]) == (before, ["password", "recovery_code"])
    person.api.session().refused(401, "not_signed_in")


def test_program_that_signs_in_gets_a_session_of_its_own(moving: Service) -> None:
    """This holds even if its call has the token of a session; only browsers continue theirs."""
    person = protected(moving)
    person.unlock()
    before, token = person.api.session()["id"], person.api.token
    body = {"email": person.email, "password": PASSWORD}
    half_open = person.api.call("POST", "/sign-in", body).expect(200)
    person.api.call("POST", "/sign-in/code", {"sign_in": half_open["sign_in"], "code": person.code()}).expect(200)
    assert person.api.session()["id"] != before
    person.api.token = token
    person.api.session().expect(200)
