"""Known browsers: limits that unknown clients cannot use up, renewal of their tokens, and when they end."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.conftest import DATABASES, new_database
from tests.contract.test_limits import MINUTE, WRONG, addresses, client_elsewhere, newcomer, wait_of
from tests.support.clients import PASSWORD
from tests.support.forms import FormBrowser
from tests.support.mailbox import mails_to, subjects_once_sent
from tests.support.openapi import CheckedApi
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import HOUR, User, pass_time
from twofold.accounts import caps
from twofold.base.database import Transaction, open_database

NEW_PASSWORD = "lantern-meadow-cobalt-17"
NEW_COMPUTER = "Your account was used on a new computer"


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server behind a trusted proxy. Second factors are locked after ten wrong codes in a row."""
    folder = tmp_path_factory.mktemp("known")
    database_url = new_database(request.param, request, folder)
    settings = {
        "trusted_proxies": "127.0.0.1/32",
        "limit_codes": "1000/5m",
        "limit_codes_in_a_row": "10",
        "limit_mails": "1000/1h",
    }
    shifted = ShiftedService(folder, database_url=database_url, settings=settings)
    del shifted.settings["limit_source"], shifted.settings["limit_sign_ups"]
    with shifted as running:
        yield running


def browser_at(service: Service, address: dict[str, str] | None = None, mark: str = "") -> FormBrowser:
    """Return a browser with an address of its own, with an earlier `twofold_browser` cookie."""
    browser = FormBrowser(service.url)
    browser.http.headers.update(address or addresses.next())
    if mark:
        browser.keep("twofold_browser", mark)
    return browser


def known_browser(person: User, address: dict[str, str] | None = None) -> FormBrowser:
    """Return a browser in which the person has signed in, and out."""
    browser = browser_at(person.service, address)
    sign_in(browser, person)
    browser.forget("twofold_session")
    return browser


def sign_in(browser: FormBrowser, person: User) -> None:
    """Sign in by the form, with a code if there is an authenticator."""
    browser.sign_in(person.email, person.password, person.code() if person.authenticator else None).goes_to("/settings")


def protected_newcomer(service: Service) -> User:
    """Return a new person with an authenticator and a new IP address."""
    person = newcomer(service)
    person.enable_totp()
    return person


def count_new_computer_notices(person: User) -> int:
    """Return how many notices of a new computer were sent to the person."""
    subjects_once_sent(person.service, person.email)
    return len(mails_to(person.service, person.email, NEW_COMPUTER))


def reset_password(person: User) -> None:
    """Set a new password with a link, as the owner does after an intrusion."""
    done = person.service.command("account", "reset-password", person.email)
    token = done.stdout.split("/reset-password/")[1].split()[0]
    body = {"token": token, "new_password": NEW_PASSWORD}
    client_elsewhere(person.service).call("POST", "/password-reset/complete", body).expect(204)
    person.password = NEW_PASSWORD


# ------------------------------------------------------------------ how known browsers end


def test_password_reset_forgets_all_known_browsers(service: Service) -> None:
    """Earlier browsers of an intruder share the five attempts of unknown clients, and their return is notified."""
    person = newcomer(service)
    theirs = [known_browser(person) for _ in range(3)]
    reset_password(person)
    answers = [browser.sign_in(person.email, WRONG).status for browser in theirs for _ in range(4)]
    assert answers == [401] * 5 + [429] * 7
    pass_time(service, HOUR)
    before = count_new_computer_notices(person)
    sign_in(theirs[0], person)
    assert count_new_computer_notices(person) == before + 1


def test_password_change_keeps_only_the_browser_that_made_it(service: Service) -> None:
    """That browser causes no notice afterwards, and another one does."""
    person = newcomer(service)
    own, other = browser_at(service), known_browser(person)
    sign_in(own, person)
    fields = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    own.submit("/settings", "/settings/password", **fields).goes_to("/settings")
    person.password = NEW_PASSWORD
    before = count_new_computer_notices(person)
    own.forget("twofold_session")
    sign_in(own, person)
    assert count_new_computer_notices(person) == before
    sign_in(other, person)
    assert count_new_computer_notices(person) == before + 1


def test_eleventh_known_browser_replaces_the_oldest(service: Service) -> None:
    """The eleventh takes the place of the one used longest ago."""
    person = newcomer(service)
    browsers = [known_browser(person) for _ in range(11)]
    assert asyncio.run(rows_of(service, person)) == caps.BROWSERS.maximum
    before = count_new_computer_notices(person)
    sign_in(browsers[10], person)
    assert count_new_computer_notices(person) == before


async def rows_of(service: Service, person: User) -> int:
    """Count the browsers and programs that an account knows."""
    db = await open_database(service.settings["database_url"], serving=False)
    try:
        return await db.read(partial(count_browsers, email=person.email))
    finally:
        await db.close()


async def count_browsers(tx: Transaction, *, email: str) -> int:
    """Count the rows."""
    row = await tx.one(
        "SELECT count(*) AS many FROM browser JOIN account ON account.id = account_id WHERE email = :email", email=email
    )
    return int(row["many"]) if row else 0


# ------------------------------------------------------------------ renewal


def test_browser_token_is_renewed_at_each_sign_in(service: Service) -> None:
    """The browser stays known, and a copy of its earlier token is worthless."""
    person = newcomer(service)
    browser = known_browser(person)
    noted = browser.cookies["twofold_browser"]
    sign_in(browser, person)
    assert browser.cookies["twofold_browser"] != noted
    before = count_new_computer_notices(person)
    browser.forget("twofold_session")
    sign_in(browser, person)
    assert count_new_computer_notices(person) == before
    sign_in(browser_at(service, mark=noted), person)
    assert count_new_computer_notices(person) == before + 1


def test_browser_whose_answer_was_lost_stays_known(service: Service) -> None:
    """It signs in again with the old token, without a notice or a second row, and then with the new one."""
    person = newcomer(service)
    browser = known_browser(person)
    before, noted = count_new_computer_notices(person), browser.cookies["twofold_browser"]
    lost = [browser_at(service, mark=noted) for _ in range(3)]
    for each in lost:
        sign_in(each, person)
    assert len({each.cookies["twofold_browser"] for each in lost}) == 1
    pass_time(service, HOUR)
    sign_in(lost[0], person)
    assert count_new_computer_notices(person) == before
    assert asyncio.run(rows_of(service, person)) == 2  # and the person's program


def test_six_sign_ins_at_once_leave_one_known_browser(service: Service) -> None:
    """Whichever answer comes last, its token is valid."""
    person = newcomer(service)
    noted = known_browser(person).cookies["twofold_browser"]
    before = count_new_computer_notices(person)
    browsers = [browser_at(service, mark=noted) for _ in range(6)]
    with ThreadPoolExecutor(6) as together:
        list(together.map(lambda each: sign_in(each, person), browsers))
    pass_time(service, HOUR)
    assert len({each.cookies["twofold_browser"] for each in browsers}) == 1
    sign_in(browsers[5], person)
    assert count_new_computer_notices(person) == before
    assert asyncio.run(rows_of(service, person)) == 2


@pytest.mark.parametrize("since", ["two minutes", "shown"])
def test_replaced_browser_token_expires_soon(service: Service, since: str) -> None:
    """After two minutes, or once the new one was used, it has no limits of its own and causes a notice."""
    person = newcomer(service)
    browser = known_browser(person)
    noted = browser.cookies["twofold_browser"]
    sign_in(browser, person)
    browser.forget("twofold_session")
    if since == "shown":
        sign_in(browser, person)
        browser.forget("twofold_session")
    else:
        pass_time(service, 2 * MINUTE + 1)
    copy = browser_at(service, mark=noted)
    for _ in range(5):
        client_elsewhere(service).sign_in(person.email, WRONG).refused(401, "wrong_credentials")
    copy.sign_in(person.email, WRONG).expect(429)
    sign_in(browser, person)
    before = count_new_computer_notices(person)
    pass_time(service, HOUR)
    sign_in(copy, person)
    assert count_new_computer_notices(person) == before + 1


def test_replaced_browser_token_gives_no_access_to_another_account(service: Service) -> None:
    """A token that an attacker copied in a shared browser is at most the attacker's own, and so are its successors."""
    attacker, victim = newcomer(service), newcomer(service)
    shared = known_browser(attacker)
    sign_in(shared, victim)
    noted = shared.cookies["twofold_browser"]
    shared.forget("twofold_session")
    sign_in(shared, victim)
    own = browser_at(service, mark=noted)
    sign_in(own, attacker)
    assert own.cookies["twofold_browser"] != shared.cookies["twofold_browser"]
    pass_time(service, 2 * MINUTE + 1)
    before = count_new_computer_notices(victim)
    own.forget("twofold_session")
    sign_in(own, victim)
    assert count_new_computer_notices(victim) == before + 1
    shared.forget("twofold_session")
    sign_in(shared, victim)
    assert count_new_computer_notices(victim) == before + 1


def test_lost_answer_of_one_user_keeps_the_other_known(service: Service) -> None:
    """Two users share a browser; the answer to one is lost, and the other signs in with the old token."""
    one, other = newcomer(service), newcomer(service)
    shared = known_browser(one)
    sign_in(shared, other)
    before = count_new_computer_notices(other)
    sign_in(browser_at(service, mark=shared.cookies["twofold_browser"]), one)
    shared.forget("twofold_session")
    sign_in(shared, other)
    pass_time(service, HOUR)
    shared.forget("twofold_session")
    sign_in(shared, other)
    assert count_new_computer_notices(other) == before


def test_repeated_recovery_sign_in_returns_the_browser_token_again(service: Service) -> None:
    """When the answer with the new recovery code is lost, the repeated one brings the browser's token, too."""
    person = protected_newcomer(service)
    browser = known_browser(person)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    half_open = dict(browser.cookies)
    answers = []
    for _ in range(2):
        again = browser_at(service)
        for name, value in half_open.items():
            again.keep(name, value)
        again.post("/sign-in/recovery-code", {"recovery_code": person.recovery_code or ""}).expect(200)
        answers.append(again.cookies["twofold_browser"])
    assert answers[0] == answers[1] != half_open["twofold_browser"]


def test_browser_token_of_another_account_is_not_adopted(service: Service) -> None:
    """A token that an attacker copied in a shared browser does not make another browser known to the victim."""
    attacker, victim = newcomer(service), newcomer(service)
    shared = known_browser(attacker)
    noted = shared.cookies["twofold_browser"]
    sign_in(shared, victim)
    assert shared.cookies["twofold_browser"] != noted
    before = count_new_computer_notices(victim)
    sign_in(browser_at(service, mark=noted), victim)
    assert count_new_computer_notices(victim) == before + 1


def test_users_who_share_a_browser_stay_known_in_it(service: Service) -> None:
    """When one of them signs in, the token is renewed for both."""
    one, other = newcomer(service), newcomer(service)
    shared = known_browser(one)
    sign_in(shared, other)
    shared.forget("twofold_session")
    before = count_new_computer_notices(one)
    sign_in(shared, one)
    assert count_new_computer_notices(one) == before


# ------------------------------------------------------------------ passwords


def test_sign_in_by_a_program_does_not_clear_wrong_passwords_of_others(service: Service) -> None:
    """Five of forty guesses are compared, whether or not the owner signs in between them."""
    person = newcomer(service)
    statuses = []
    for _ in range(10):
        stranger = client_elsewhere(service)
        statuses += [stranger.sign_in(person.email, WRONG).status for _ in range(4)]
        person.api.sign_in(person.email, PASSWORD).expect(200, 429)
    assert statuses == [401] * 5 + [429] * 35


def test_right_password_clears_wrong_ones_from_the_same_address(service: Service) -> None:
    """After four wrong passwords and a right one, four more are allowed."""
    person = newcomer(service)
    for _ in range(2):
        for _ in range(4):
            person.api.sign_in(person.email, WRONG).refused(401, "wrong_credentials")
        person.api.sign_in(person.email, PASSWORD).expect(200)


def test_known_browsers_together_have_25_attempts_an_hour(service: Service) -> None:
    """This limit is above the five that each has at once; a browser without a wrong try has one more."""
    person = newcomer(service)
    browsers = [known_browser(person) for _ in range(7)]
    statuses = [browser.sign_in(person.email, WRONG).status for browser in browsers for _ in range(5)]
    assert statuses == [401] * 25 + 2 * ([401] + [429] * 4)
    pass_time(service, HOUR)
    sign_in(browsers[6], person)


def test_known_browser_without_wrong_attempts_is_admitted_over_the_joint_limit(service: Service) -> None:
    """When a thief has used up the 25 attempts with stolen tokens, the owner's browser can still sign in."""
    person = newcomer(service)
    own, fresh, *stolen = [known_browser(person) for _ in range(7)]
    answers = [browser.sign_in(person.email, WRONG).status for browser in stolen for _ in range(6)]
    assert answers == ([401] * 5 + [429]) * 5
    sign_in(own, person)
    assert [fresh.sign_in(person.email, WRONG).status for _ in range(3)] == [401, 429, 429]
    pass_time(service, HOUR)
    sign_in(fresh, person)


def test_unknown_clients_at_the_same_address_cannot_lock_out_a_known_browser(service: Service) -> None:
    """The same holds for codes; the browser's own wrong attempts still count against the address."""
    person, here = protected_newcomer(service), addresses.next()
    browser = known_browser(person, here)
    stranger = CheckedApi(service.url, headers=here)
    for _ in range(9):
        stranger.sign_in(User(service).email, WRONG).refused(401, "wrong_credentials")
    browser.sign_in(person.email, WRONG).expect(401)
    wait_of(stranger.sign_in(User(service).email, WRONG))
    wait_of(stranger.sign_in(person.email, PASSWORD))
    sign_in(browser, person)


def test_blocked_address_gets_the_same_answer_for_known_and_unknown_accounts(service: Service) -> None:
    """A browser known to one account learns nothing about others."""
    person, other, here = newcomer(service), newcomer(service), addresses.next()
    browser = known_browser(other, here)
    stranger = CheckedApi(service.url, headers=here)
    for _ in range(10):
        stranger.sign_in(User(service).email, WRONG).refused(401, "wrong_credentials")
    answers = [browser.sign_in(email, WRONG) for email in (person.email, User(service).email)]
    assert [answer.status for answer in answers] == [429, 429]


# ------------------------------------------------------------------ codes


def guess(person: User, client: CheckedApi, number: int) -> list[int]:
    """Enter wrong codes from one address, in as many sign-ins as it takes."""
    statuses: list[int] = []
    for _ in range(number):
        if client.sign_in_token is None or statuses[-1:] == [410]:
            client.sign_in(person.email, person.password).expect(200)
        statuses.append(client.give_code(person.wrong_code()).status)
        pass_time(person.service, MINUTE)
    return [status for status in statuses if status != 410]


def guess_until_closed(person: User) -> int:
    """Enter four wrong codes, let the owner sign in elsewhere, repeat, and return how many were compared."""
    compared = 0
    for _ in range(6):
        statuses = guess(person, person.half_open(client_elsewhere(person.service)), 4)
        compared += statuses.count(401)
        client = person.half_open(client_elsewhere(person.service))
        if client.give_code(person.code()).expect(200, 429).status == 429:
            break
    return compared


def test_sign_in_by_the_owner_does_not_clear_wrong_codes_of_others(service: Service) -> None:
    """After ten in all, the second factor is locked for unknown clients, and the owner's own browser signs in."""
    person = protected_newcomer(service)
    browser = known_browser(person)
    assert guess_until_closed(person) == 10
    refused = person.half_open(client_elsewhere(service)).give_code(person.code()).refused(429, "too_many_attempts")
    assert "recovery code" in refused["detail"]
    sign_in(browser, person)
    person.half_open(client_elsewhere(service)).give_code(person.code()).refused(429, "too_many_attempts")


def test_password_change_unlocks_second_factors(service: Service) -> None:
    """Only someone with the old password could have guessed codes, so the count starts again."""
    person = protected_newcomer(service)
    browser = known_browser(person)
    guess_until_closed(person)
    sign_in(browser, person)
    fields = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    browser.submit("/settings", "/settings/password", **fields).goes_to("/settings")
    person.password = NEW_PASSWORD
    person.half_open(client_elsewhere(service)).give_code(person.code()).expect(200)


def test_known_browser_is_locked_by_its_own_wrong_codes(service: Service) -> None:
    """Its limit is ten in a row, too."""
    person = protected_newcomer(service)
    browser = known_browser(person)
    for _ in range(2):
        browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
        for _ in range(5):
            browser.post("/sign-in/code", {"code": person.wrong_code()}).expect(401, 410)  # the fifth ends the sign-in
    pass_time(service, 5 * MINUTE)
    browser.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    browser.post("/sign-in/code", {"code": person.code()}).expect(429)


def guess_in_known(browser: FormBrowser, person: User, number: int) -> list[int]:
    """Enter wrong codes in a known browser, two per sign-in, so that only the limit on codes in a row applies."""
    statuses: list[int] = []
    for turn in range(number):
        if turn % 2 == 0:
            browser.forget("twofold_session")
            browser.sign_in(person.email, person.password).goes_to("/sign-in/code")
        statuses.append(browser.post("/sign-in/code", {"code": person.wrong_code()}).status)
        pass_time(person.service, MINUTE)
    return statuses


def test_known_browsers_share_one_count_of_wrong_codes_in_a_row(service: Service) -> None:
    """They have ten in all, and one more for each browser without one; the owner's own still signs in."""
    person = protected_newcomer(service)
    owner, *marks = [known_browser(person) for _ in range(5)]
    compared = [guess_in_known(browser, person, 8).count(401) for browser in marks]
    assert compared == [8, 2, 1, 1]
    sign_in(owner, person)
    marks[0].sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    marks[0].post("/sign-in/code", {"code": person.code()}).expect(429)


@pytest.fixture(scope="module", params=DATABASES)
def brief(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with a limit of three wrong codes an hour."""
    folder = tmp_path_factory.mktemp("brief")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings={"limit_codes": "3/1h"}) as running:
        yield running


def test_known_browser_without_wrong_codes_is_admitted_over_the_limit(brief: Service) -> None:
    """A thief of one browser's token does not lock the owner out of another browser."""
    person = protected_newcomer(brief)
    owner, other, stolen = [known_browser(person) for _ in range(3)]
    assert guess_in_known(stolen, person, 4) == [401, 401, 401, 429]
    assert guess_in_known(other, person, 2) == [401, 429]
    sign_in(owner, person)
