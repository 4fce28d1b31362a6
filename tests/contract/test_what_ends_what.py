"""What ends what: every act, by every way to do it, affects each kind of thing as the table says.

The service has an additional feature, bookmarks, which subscribes to every column, including those of later kinds.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import DATABASES, new_database
from tests.support.acts import WAYS
from tests.support.extended import source_with
from tests.support.forms import FormBrowser
from tests.support.full_account import FullAccount, Way
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.openapi import CheckedApi
from tests.support.phones import phone_user
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import protected
from twofold.accounts.consequences import CONSEQUENCES, Change, Effect, Item
from twofold.base.database import Transaction, open_database
from twofold.base.ids import token_hash
from twofold.features import FEATURES

BOOKMARKS = Path(__file__).parents[1] / "accounts" / "bookmarks"
# Pages and calls share their actions, so pages are tested on one database.
PLACES = [(kind, way) for kind in DATABASES for way in WAYS if kind == "sqlite" or not way.by.endswith("pages")]
GONE = "0" * 26  # the id of a session that ended long ago


@pytest.fixture(scope="module")
def extended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the service with bookmarks and a movable clock."""
    folder = tmp_path_factory.mktemp("extended")
    database_url = new_database(request.param, request, folder)
    with source_with(BOOKMARKS, folder), ShiftedService(folder / "service", database_url=database_url) as running:
        yield running


def remains(way: Way, item: Item, whose: str) -> bool:
    """Return whether a thing of `this` session, of an `other` or of one that is `gone` remains after an act."""
    effect = CONSEQUENCES[way.change][item]
    if effect is Effect.OTHERS_END:
        return whose == "this" and way.in_session
    if effect is Effect.THOSE_END:
        return whose not in way.ends
    return effect not in (Effect.END, Effect.NEW)


def test_every_act_is_tested() -> None:
    """There is a test for every row of the table."""
    assert {way.change for way in WAYS} == set(Change)


def test_every_existing_kind_has_a_feature_that_ends_it() -> None:
    """Only kinds of later versions have no feature yet."""
    later = {Item.ACCESS_TOKENS, Item.GRANTS, Item.CONSENTS}
    assert {item for item, _ in FEATURES.endings} == set(Item) - later


def test_trust_ends_whenever_things_under_way_end() -> None:
    """Both depend on the account's stamp, so the second cannot end without the first."""
    for change, row in CONSEQUENCES.items():
        assert row[Item.UNDER_WAY] is Effect.STAY or row[Item.COMPUTERS] is Effect.END, change


@dataclass
class Before:
    """The state before an act: the account, its sessions, and one of each thing under way."""

    account: str
    sessions: dict[str, str]
    token: str
    enrolment: str
    link: str
    half_open: CheckedApi | None

    @classmethod
    def of(cls, user: FullAccount) -> "Before":
        """Create a bookmark of every kind in each session, and start one of each thing under way."""
        sessions = {"gone": GONE}
        for whose, api in (("this", user.api), ("other", user.computer)):
            (sessions[whose],) = [each["id"] for each in api.sessions().expect(200)["items"] if each["current"]]
            api.call("POST", "/bookmarks", {}).expect(204)
        user.api.call("POST", "/bookmarks", {"session": GONE}).expect(204)
        begun = user.api.begin_totp(name="Unfinished").expect(201)
        user.person.another_browser().call("POST", "/password-reset", {"email": user.person.email}).expect(202)
        mail = wait_for_mail(user.service, user.person.email, "Choose a new password")
        return cls(
            account=user.api.session().expect(200)["account"]["id"],
            sessions=sessions,
            token=user.api.token or "",
            enrolment=begun["id"],
            link=link_in(mail, "/reset-password/"),
            half_open=None if user.policy == "disabled" else user.person.half_open(),
        )


@pytest.mark.parametrize("extended, way", PLACES, indirect=["extended"], ids=lambda each: getattr(each, "name", each))
def test_act_ends_what_its_row_says(extended: Service, way: Way) -> None:
    """Every cell of the row holds."""
    user = FullAccount(extended, way.policy)
    before = Before.of(user)
    answer = way.act(user)
    shown = answer if isinstance(answer, str) else ""

    check_bookmarks(user, way, before)
    check_sessions(user, way, before)
    check_browsers(user, way)
    witness = sign_in_again(user)
    check_under_way(user, way, before, witness)
    check_computers(user, way, witness)
    check_recovery_code(user, way, shown)


@pytest.mark.parametrize("extended", ["sqlite"], indirect=True)
def test_added_feature_contributes_to_the_export(extended: Service) -> None:
    """The file with a user's data has its section."""
    person = protected(extended)
    person.api.call("POST", "/bookmarks", {}).expect(204)
    sections = person.api.call("GET", "/account/export").expect(200)["data"]
    assert {each["thing"] for each in sections["bookmarks"]} == {item.name for item in Item}
    assert sections["account"]["email"] == person.email


def check_bookmarks(user: FullAccount, way: Way, before: Before) -> None:
    """Check that what the added feature holds stays or ends as its column says."""
    left = user.person.another_browser().call("GET", f"/bookmarks/{before.account}").expect(200)["items"]
    held = {(each["thing"], each["session"]) for each in left}
    expected = {
        (item.name, session) for item in Item for whose, session in before.sessions.items() if remains(way, item, whose)
    }
    assert held == expected


def check_sessions(user: FullAccount, way: Way, before: Before) -> None:
    """Check that sessions continue or end, and lock where the table says so."""
    this = user.person.another_browser()
    this.token = user.api.token if way.in_session else before.token
    for whose, client in (("this", this), ("other", user.computer)):
        session = client.session()
        assert session.status == (200 if remains(way, Item.SESSIONS, whose) else 401), whose
        if session.status == 200:
            locked = session["unlocked_until"] is None
            assert locked == (CONSEQUENCES[way.change][Item.SESSIONS] is Effect.LOCK), whose


def check_browsers(user: FullAccount, way: Way) -> None:
    """Check that known browsers stay known or not, the current one and others."""
    effect = CONSEQUENCES[way.change][Item.BROWSERS]
    own_stays = effect is Effect.STAY or (effect is Effect.OTHERS_END and way.in_browser)
    assert is_known(user.service, user.own) == own_stays
    assert is_known(user.service, user.other) == (effect is Effect.STAY)


def check_under_way(user: FullAccount, way: Way, before: Before, witness: CheckedApi | None) -> None:
    """Check that a mailed link, an enrolment and a half-open sign-in continue or end together."""
    stays = CONSEQUENCES[way.change][Item.UNDER_WAY] is Effect.STAY
    assert FormBrowser(user.service.url).get(before.link).status == (200 if stays else 404)
    if witness is not None:
        witness.verify(before.enrolment, "000000").refused(*((401, "wrong_code") if stays else (404, "not_found")))
    if before.half_open is not None:
        assert before.half_open.give_code(user.person.code()).status == (200 if stays else 410)


def check_computers(user: FullAccount, way: Way, witness: CheckedApi | None) -> None:
    """Check that a computer that is still trusted is listed, and signs in without a code if the policy allows it."""
    stays = CONSEQUENCES[way.change][Item.COMPUTERS] is Effect.STAY
    if witness is None:
        assert not stays
        return
    assert len(witness.trusted_computers()["items"]) == (1 if stays else 0)
    if witness.two_factor()["policy"] == "once_per_computer":
        assert skips_the_code(user) == stays


def check_recovery_code(user: FullAccount, way: Way, shown: str) -> None:
    """Check that the old code works only if it stays, and that a new one is shown and works only if one is created."""
    effect = CONSEQUENCES[way.change][Item.RECOVERY_CODE]
    assert bool(shown) == (effect is Effect.NEW)
    if shown:
        assert signs_in_with(user, shown)
    assert signs_in_with(user, user.old_recovery_code) == (effect is Effect.STAY and way.policy != "disabled")


def is_known(service: Service, browser: FormBrowser) -> bool:
    """Return whether an account knows a browser."""

    async def look() -> bool:
        db = await open_database(service.settings["database_url"], serving=False)
        try:
            return await db.read(has_browser, token_hash(browser.cookies["twofold_browser"]))
        finally:
            await db.close()

    return asyncio.run(look())


async def has_browser(tx: Transaction, browser: bytes) -> bool:
    """Return whether there is a row of this browser."""
    return await tx.one("SELECT 1 AS yes FROM browser WHERE token_hash = :browser", browser=browser) is not None


def sign_in_again(user: FullAccount) -> CheckedApi | None:
    """Return a new session of the user, or None if the account is gone."""
    client = user.person.another_browser()
    answer = client.sign_in(user.person.email, user.person.password).expect(200, 401)
    if answer.status == 401:
        return None
    if answer["status"] == "code_required":
        client.give_code(user.person.code()).expect(200)
    return client


def skips_the_code(user: FullAccount) -> bool:
    """Return whether the computer that was trusted signs in without a code."""
    client = user.person.another_browser()
    client.computer_token = user.computer.computer_token
    return bool(client.sign_in(user.person.email, user.person.password).expect(200)["status"] == "signed_in")


def signs_in_with(user: FullAccount, recovery_code: str) -> bool:
    """Return whether a recovery code finishes a sign-in."""
    client = user.person.another_browser()
    if client.sign_in(user.person.email, user.person.password).get("status") != "code_required":
        return False  # 2FA is off, or the account is gone
    return client.give_recovery_code(recovery_code).expect(200, 401).status == 200


def test_sent_code_ends_with_a_change_of_credentials(moving: Service) -> None:
    """A code sent to unlock this session does not unlock it after a password change."""
    person = phone_user(moving)
    person.api.send_unlock_code(person.phone_id).expect(202)
    code = person.phone.code()
    person.api.change_password("lantern-meadow-cobalt-17").expect(204)
    person.api.unlock("lantern-meadow-cobalt-17", code=code).refused(401, "wrong_code")


def test_computer_is_not_trusted_again_when_its_policy_returns(moving: Service) -> None:
    """Trust ends with the change, so turning 2FA off and on again restores nothing."""
    for detour in ("disabled", "every_log_in"):
        user = FullAccount(moving)
        user.api.set_policy(detour).expect(200)
        user.api.set_policy("once_per_computer").expect(200)
        assert not skips_the_code(user)


def test_account_that_is_disabled_and_enabled_regains_no_trust(moving: Service) -> None:
    """Earlier sessions and trusted computers have ended."""
    user = FullAccount(moving)
    user.command("disable")
    assert user.api.sign_in(user.person.email).status == 401
    user.command("enable")
    assert user.computer.session().status == 401
    assert not skips_the_code(user)


def test_act_ends_nothing_of_other_users(moving: Service) -> None:
    """Another user keeps sessions and trusted computers."""
    neighbour = FullAccount(moving)
    user = FullAccount(moving)
    user.api.set_policy("disabled").expect(200)
    user.command("reset-2fa")
    assert neighbour.computer.session().status == 200
    assert skips_the_code(neighbour)


def test_unchanged_choice_ends_nothing(moving: Service) -> None:
    """A form submitted unchanged ends nothing."""
    user = FullAccount(moving)
    user.submit_setting("/settings/two-factor")
    user.api.set_policy("once_per_computer", default_factor_id=user.first).expect(200)
    assert user.computer.session().status == 200
    assert skips_the_code(user)
