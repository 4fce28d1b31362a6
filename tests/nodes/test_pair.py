"""Limits, used codes, trust, sessions and messages apply on both nodes."""

import secrets
from collections import Counter
from itertools import cycle
from pathlib import Path

from tests.nodes.conftest import Pair, pair_of
from tests.support.clients import PASSWORD, Api, Person
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, wait_until
from tests.support.openapi import CheckedApi
from tests.support.other_programs import row_locked
from tests.support.phones import FROM_ONE_ADDRESS
from tests.support.sync import json_request, release_at
from tests.support.users import User, pass_time

HALF_AN_HOUR = 1800
WITHIN = 8.0  # seconds for a request that waits for a locked row; the documented limit is ten


class PairUser(User):
    """A user of both nodes, with a new IP address for each request."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair.one)
        self.api = client(self.url)

    def another_browser(self) -> CheckedApi:
        """Return a client that the person has not used yet."""
        return client(self.url)


def pair_user(pair: Pair) -> PairUser:
    """Return a user with an authenticator who signed up on the first node."""
    person = PairUser(pair)
    person.api.sign_up(person.email, PASSWORD).expect(201)
    person.sign_in()
    person.enable_totp()
    return person


def client(url: str, source: str | None = None) -> CheckedApi:
    """Return a client with a unique IP address."""
    return CheckedApi(url, headers={"X-Forwarded-For": source} if source else new_source())


def new_source() -> dict[str, str]:
    """Return the proxy header for a unique IP address."""
    return {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"}


def half_open(person: User, url: str) -> CheckedApi:
    """Return a client of a node between password and code."""
    api = client(url)
    assert api.sign_in(person.email).expect(200)["status"] == "code_required"
    return api


def test_nodes_starting_at_once_run_each_migration_once(pair: Pair, cluster: Cluster) -> None:
    """Each migration is run by one of them, and both nodes serve requests."""
    name = pair.one.settings["database_url"].rpartition("/")[2]
    rows = cluster.sql("SELECT count(*), max(version) FROM schema_version", name).split("|")
    assert rows[0] == rows[1]
    assert all(node.is_healthy("/readyz") for node in pair)


def test_code_sent_to_both_nodes_at_once_is_accepted_once(pair: Pair, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Twenty requests with one code, half to each node, become complete at the same moment."""
    for _ in range(50 if full else 2):
        person = pair_user(pair)
        sign_ins = [half_open(person, url).sign_in_token for url in pair.urls * 10]
        code = person.code()
        requests = [
            json_request(person.url, "/sign-in/code", {"sign_in": each, "code": code}, headers=new_source())
            for each in sign_ins
        ]
        answers = release_at(pair.urls * 10, requests)
        # After five refusals, the account's limit applies, which both nodes share, too.
        assert [each.status for each in answers].count(200) == 1
        assert {each.status for each in answers} <= {200, 401, 429}


def test_sign_in_started_on_one_node_can_finish_on_the_other(pair: Pair) -> None:
    """A load balancer may send each request to another node."""
    person = pair_user(pair)
    begun, ended = half_open(person, pair.one.url), client(pair.other.url)
    ended.sign_in_token = begun.sign_in_token
    ended.give_code(person.code()).expect(200)
    begun.token = ended.token
    begun.session().expect(200)


def test_wrong_codes_are_counted_across_nodes(pair: Pair) -> None:
    """After five wrong codes neither node compares the sixth."""
    person = pair_user(pair)
    for _, url in zip(range(5), cycle(pair.urls), strict=False):
        half_open(person, url).give_code(person.wrong_code()).expect(401)
    for url in pair.urls:
        half_open(person, url).give_code(person.code()).refused(429, "too_many_attempts")


def test_wrong_passwords_are_counted_across_nodes(pair: Pair) -> None:
    """After five wrong passwords neither node accepts the right one."""
    person = pair_user(pair)
    for _, url in zip(range(5), cycle(pair.urls), strict=False):
        client(url).sign_in(person.email, "not the password").refused(401, "wrong_credentials")
    for url in pair.urls:
        client(url).sign_in(person.email).refused(429, "too_many_attempts")


def test_wrong_attempts_from_one_address_are_counted_across_nodes(pair: Pair) -> None:
    """Ten attempts from one address count as ten, across nodes and accounts."""
    person = pair_user(pair)
    for number, url in zip(range(10), cycle(pair.urls), strict=False):
        client(url, "192.0.2.7").sign_in(f"nobody-{number}@example.com").refused(401, "wrong_credentials")
    for url in pair.urls:
        client(url, "192.0.2.7").sign_in(person.email).refused(429, "too_many_attempts")
        client(url).sign_in(person.email).expect(200)


def test_session_ended_on_one_node_is_rejected_on_the_other_at_once(pair: Pair) -> None:
    """No node caches sessions."""
    person = pair_user(pair)
    for _ in range(10):
        here, there = client(pair.one.url), client(pair.other.url)
        here.sign_in(person.email)
        person.sign_in(here)
        there.token = here.token
        there.session().expect(200)
        here.sign_out().expect(204)
        there.session().refused(401, "not_signed_in")


def test_computer_trust_starts_and_ends_on_both_nodes(pair: Pair) -> None:
    """A trusted computer needs no code on the other node, until 2FA changes on either."""
    person = pair_user(pair)
    person.api.set_policy("once_per_computer").expect(200)
    here, there = client(pair.one.url), client(pair.other.url)
    person.sign_in(here, trust_this_computer=True)
    there.computer_token = here.computer_token
    assert there.sign_in(person.email).expect(200)["status"] == "signed_in"
    there.unlock(PASSWORD, code=person.code()).expect(200)
    there.set_policy("every_log_in").expect(200)
    assert here.sign_in(person.email).expect(200)["status"] == "code_required"


def test_session_used_on_one_node_is_not_idle_on_the_other(pair: Pair) -> None:
    """The last use is written in batches, and when the node stops."""
    person = pair_user(pair)
    there = client(pair.other.url)
    there.token = person.api.token
    pass_time(pair.one, HALF_AN_HOUR)
    there.session().expect(200)
    pair.other.restart()
    pass_time(pair.one, HALF_AN_HOUR + 60)
    person.api.session().expect(200)


def test_locked_row_answers_503_in_bounded_time(pair: Pair) -> None:
    """The request gives up by itself, does not delay others, and succeeds once the row is free."""
    person, stranger = Person.signed_in(pair.one.url), Person.signed_in(pair.one.url)
    api = Api(pair.other.url, timeout=WITHIN)
    with row_locked(pair.one.settings["database_url"], person.email):
        api.sign_in(person.email).refused(503, "unavailable")
        stranger.another_browser().sign_in(stranger.email).expect(200)
        person.api.session().expect(200)
    api.sign_in(person.email).expect(200)


def test_each_message_is_sent_once_by_two_nodes(cluster: Cluster, tmp_path: Path) -> None:
    """Each code is sent once even if the clocks of the nodes differ by seconds."""
    with Gateway() as gateway:
        settings = {"sms_url": gateway.webhook, "phone_countries": "*", **FROM_ONE_ADDRESS}
        with pair_of(cluster, tmp_path, ahead=5, **settings) as pair:
            for _, url in zip(range(16), cycle(pair.urls), strict=False):
                api, email = client(url), f"{secrets.token_hex(8)}@example.com"
                api.sign_up(email).expect(201)
                api.sign_in(email).expect(200)
                api.begin_phone("sms", f"+1555{secrets.randbelow(10**7):07}").expect(201)
            wait_until(lambda: len(gateway.ids) >= 16)
        assert set(Counter(gateway.ids).values()) == {1}
        assert len(gateway.ids) == 16


def test_deleted_account_is_gone_on_the_other_node_at_once(pair: Pair) -> None:
    """A recently used session, a half-open sign-in and the password end with the account."""
    person = pair_user(pair)
    elsewhere, under_way = client(pair.other.url), half_open(person, pair.other.url)
    person.sign_in(elsewhere)
    elsewhere.session().expect(200)
    person.api.call("DELETE", "/account").expect(204)
    elsewhere.session().refused(401, "not_signed_in")
    elsewhere.unlock(PASSWORD, code=person.code()).refused(401, "not_signed_in")
    under_way.give_code(person.code()).refused(410, "sign_in_expired")
    client(pair.other.url).sign_in(person.email).refused(401, "wrong_credentials")
