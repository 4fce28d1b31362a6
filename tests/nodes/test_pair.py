"""No node knows anything that the other does not: limits, used codes, trust, sessions and messages hold at both."""

import secrets
from collections import Counter
from itertools import cycle
from pathlib import Path

from tests.clients import PASSWORD, Api, Person
from tests.cluster import Cluster
from tests.couriers.gateway import Gateway, wait_until
from tests.nodes.conftest import Pair, pair_of
from tests.nodes.other_programs import held
from tests.openapi import CheckedApi
from tests.phones import FROM_ONE_ADDRESS
from tests.residents import Resident, pass_time
from tests.sync import json_request, release_at

HALF_AN_HOUR = 1800
WITHIN = 8.0  # seconds that a request may take beside a held row: the promise is ten


class Member(Resident):
    """Somebody who uses both nodes, every time from an address of their own."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(pair.one)
        self.api = client(self.url)

    def another_browser(self) -> CheckedApi:
        """A client that knows nothing of the person yet."""
        return client(self.url)


def member(pair: Pair) -> Member:
    """Somebody with an authenticator, who signed up at the one node."""
    person = Member(pair)
    person.api.sign_up(person.email, PASSWORD).must(201)
    person.sign_in()
    person.enable_totp()
    return person


def client(url: str, source: str | None = None) -> CheckedApi:
    """A client from an address that nobody else has."""
    return CheckedApi(url, headers={"X-Forwarded-For": source} if source else somewhere())


def somewhere() -> dict[str, str]:
    """The header by which the proxy names an address that nobody else has."""
    return {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"}


def half_open(person: Resident, url: str) -> CheckedApi:
    """A client of a node between password and code."""
    api = client(url)
    assert api.sign_in(person.email).must(200)["status"] == "code_required"
    return api


def test_two_nodes_that_start_at_once_share_one_schema(pair: Pair, cluster: Cluster) -> None:
    """Each migration was taken by one of them, and both answer."""
    name = pair.one.settings["database_url"].rpartition("/")[2]
    rows = cluster.sql("SELECT count(*), max(version) FROM schema_version", name).split("|")
    assert rows[0] == rows[1]
    assert all(node.is_healthy("/readyz") for node in pair)


def test_a_code_raced_at_both_nodes_is_taken_once(pair: Pair, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Twenty requests with one code, half of them at each node, held at their last byte and let go together."""
    for _ in range(50 if full else 2):
        person = member(pair)
        sign_ins = [half_open(person, url).sign_in_token for url in pair.urls * 10]
        code = person.code()
        requests = [
            json_request(person.url, "/sign-in/code", {"sign_in": each, "code": code}, headers=somewhere())
            for each in sign_ins
        ]
        answers = release_at(pair.urls * 10, requests)
        # Beyond five refusals the account's limit speaks, which is one for both nodes, too.
        assert [each.status for each in answers].count(200) == 1
        assert {each.status for each in answers} <= {200, 401, 429}


def test_a_sign_in_begun_at_one_node_ends_at_the_other(pair: Pair) -> None:
    """A load balancer may send each request elsewhere."""
    person = member(pair)
    begun, ended = half_open(person, pair.one.url), client(pair.other.url)
    ended.sign_in_token = begun.sign_in_token
    ended.give_code(person.code()).must(200)
    begun.token = ended.token
    begun.session().must(200)


def test_wrong_codes_are_counted_together(pair: Pair) -> None:
    """Five at both nodes are five: the sixth is compared at neither."""
    person = member(pair)
    for _, url in zip(range(5), cycle(pair.urls), strict=False):
        half_open(person, url).give_code(person.wrong_code()).must(401)
    for url in pair.urls:
        half_open(person, url).give_code(person.code()).refused(429, "too_many_attempts")


def test_wrong_passwords_are_counted_together(pair: Pair) -> None:
    """After five at both nodes neither takes the right one."""
    person = member(pair)
    for _, url in zip(range(5), cycle(pair.urls), strict=False):
        client(url).sign_in(person.email, "not the password").refused(401, "wrong_credentials")
    for url in pair.urls:
        client(url).sign_in(person.email).refused(429, "too_many_attempts")


def test_wrong_attempts_of_a_source_are_counted_together(pair: Pair) -> None:
    """Ten from one address at both nodes are ten, whoever they were aimed at."""
    person = member(pair)
    for number, url in zip(range(10), cycle(pair.urls), strict=False):
        client(url, "192.0.2.7").sign_in(f"nobody-{number}@example.com").refused(401, "wrong_credentials")
    for url in pair.urls:
        client(url, "192.0.2.7").sign_in(person.email).refused(429, "too_many_attempts")
        client(url).sign_in(person.email).must(200)


def test_a_session_ended_at_one_node_is_over_at_the_other_at_once(pair: Pair) -> None:
    """Signing out leaves no moment in which the other node still believes."""
    person = member(pair)
    for _ in range(10):
        here, there = client(pair.one.url), client(pair.other.url)
        here.sign_in(person.email)
        person.sign_in(here)
        there.token = here.token
        there.session().must(200)
        here.sign_out().must(204)
        there.session().refused(401, "not_signed_in")


def test_trust_is_known_and_ends_at_both_nodes(pair: Pair) -> None:
    """A computer trusted at the one signs in at the other without a code, until 2FA changes anywhere."""
    person = member(pair)
    person.api.set_policy("once_per_computer").must(200)
    here, there = client(pair.one.url), client(pair.other.url)
    person.sign_in(here, trust_this_computer=True)
    there.computer_token = here.computer_token
    assert there.sign_in(person.email).must(200)["status"] == "signed_in"
    there.unlock(PASSWORD, code=person.code()).must(200)
    there.set_policy("every_log_in").must(200)
    assert here.sign_in(person.email).must(200)["status"] == "code_required"


def test_a_session_used_at_one_node_is_not_idle_at_the_other(pair: Pair) -> None:
    """Last uses are noted in memory and written in batches: at the latest when the node goes, the other knows."""
    person = member(pair)
    there = client(pair.other.url)
    there.token = person.api.token
    pass_time(pair.one, HALF_AN_HOUR)
    there.session().must(200)
    pair.other.restart()
    pass_time(pair.one, HALF_AN_HOUR + 60)
    person.api.session().must(200)


def test_a_held_row_is_a_503_in_bounded_time(pair: Pair) -> None:
    """The request that needs the row gives up by itself; others do not wait for it, and afterwards all is well."""
    person, stranger = Person.signed_in(pair.one.url), Person.signed_in(pair.one.url)
    api = Api(pair.other.url, timeout=WITHIN)
    with held(pair.one.settings["database_url"], person.email):
        api.sign_in(person.email).refused(503, "unavailable")
        stranger.another_browser().sign_in(stranger.email).must(200)
        person.api.session().must(200)
    api.sign_in(person.email).must(200)


def test_messages_are_sent_once_though_two_nodes_look(cluster: Cluster, tmp_path: Path) -> None:
    """Codes asked for at both nodes reach the gateway, each once, also where their clocks are some seconds apart."""
    with Gateway() as gateway:
        settings = {"sms_url": gateway.webhook, "phone_countries": "*", **FROM_ONE_ADDRESS}
        with pair_of(cluster, tmp_path, ahead=5, **settings) as pair:
            for _, url in zip(range(16), cycle(pair.urls), strict=False):
                api, email = client(url), f"{secrets.token_hex(8)}@example.com"
                api.sign_up(email).must(201)
                api.sign_in(email).must(200)
                api.begin_phone("sms", f"+1555{secrets.randbelow(10**7):07}").must(201)
            wait_until(lambda: len(gateway.ids) >= 16)
        assert set(Counter(gateway.ids).values()) == {1}
        assert len(gateway.ids) == 16
