"""A code that nobody carries: one sentence, another way, and never a long wait."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.clients import PASSWORD, Api
from tests.forms import FormBrowser
from tests.phones import FROM_ONE_ADDRESS, Caller, Phone
from tests.residents import pass_time, resident
from tests.service import Service
from tests.shifted import ShiftedService
from twofold.base.database import open_database
from twofold.base.outbox import Reason
from twofold.couriers import store


class Gateway(ThreadingHTTPServer):
    """A gateway that answers as it is told: a status, after so many seconds, with a word on the reason."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.delay, self.reason = 204, 0.0, ""
        self.messages: list[dict[str, str]] = []


class Answering(BaseHTTPRequestHandler):
    """One request to the gateway."""

    server: Gateway

    def do_POST(self) -> None:
        """Takes the message and answers."""
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        time.sleep(self.server.delay)
        body = b'{"reason": "%s"}' % self.server.reason.encode() if self.server.reason else b""
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway for text messages."""
    with Gateway() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def service(gateway: Gateway, tmp_path: Path) -> Iterator[Service]:
    """A service whose calls go to the development mailbox, and whose texts go to the gateway."""
    url = f"webhook+http://127.0.0.1:{gateway.server_port}/"
    with ShiftedService(
        tmp_path, settings={"sms_url": url, "voice_url": "console:", "phone_countries": "US"}
    ) as running:
        yield running


def with_text_and_call(service: Service, gateway: Gateway) -> Caller:
    """Somebody whose codes come by text, as the gateway takes it, or else by call."""
    person = Caller(service)
    person.api.sign_up(person.email).must(201)
    person.sign_in()
    begins(person.api, gateway, "sms")
    person.enable_phone("voice")
    return person


def test_a_number_that_cannot_be_texted_is_told_so_and_called(service: Service, gateway: Gateway) -> None:
    """The gateway refuses: 503 with a sentence; the page says it beside the call, which works."""
    gateway.status, gateway.reason = 422, "cannot_take_texts"
    person, phone = resident(service), Phone(service.url)
    refused = person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert refused["detail"] == "This number cannot take text messages. Choose a voice call or another number."
    pass_time(service, 31)
    person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert len(gateway.messages) == 1, "a number that is known to take no texts was sent one"
    other = Phone(service.url)
    browser = person.pages()
    number_page = "/settings/factors/new?kind=sms"
    location = browser.submit(number_page, "/settings/factors/new", phone=other.number).must(303).location
    shown = browser.get(location).must(200)
    assert "This number cannot take text messages" in shown.words
    begun = location.partition("?")[0]
    again = browser.send(shown, f"{begun}/send", kind="voice")
    assert again.status in (303, 429)


def test_a_number_of_which_a_courier_learns_later_is_not_texted_again(service: Service, gateway: Gateway) -> None:
    """The gateway took the message, and reports minutes later that the number takes no texts: the next is refused."""
    person, phone = resident(service), Phone(service.url)
    begun = person.api.begin_phone("sms", phone.number).must(201)["id"]
    asyncio.run(report(service, gateway.messages[-1]["id"]))
    pass_time(service, 31)
    person.api.send_again(begun).refused(503, "cannot_send")
    assert len(gateway.messages) == 1


async def report(service: Service, message_id: str) -> None:
    """What a courier's hook does when it is told that a number takes no texts."""
    db = await open_database(
        service.settings.get("database_url", f"sqlite:///{service.data_dir}/twofold.db"), serving=False
    )
    try:
        await db.write(store.report, message_id, Reason.CANNOT_TAKE_TEXTS)
    finally:
        await db.close()


def test_a_phone_out_of_reach_is_tried_again(service: Service, gateway: Gateway) -> None:
    """Switched off it is told so; half a minute later a code may be asked for, and comes."""
    gateway.status, gateway.reason = 422, "unreachable"
    person, phone = resident(service), Phone(service.url)
    refused = person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert "cannot be reached" in refused["detail"]
    gateway.status, gateway.reason = 204, ""
    pass_time(service, 31)
    person.api.begin_phone("sms", phone.number).must(201)


def test_a_slow_gateway_keeps_nobody_waiting(service: Service, gateway: Gateway) -> None:
    """The code may still come: 202 before ten seconds are over."""
    gateway.delay = 8
    began = time.monotonic()
    person = resident(service)
    person.api.begin_phone("sms", Phone(service.url).number).must(201, 503)
    assert time.monotonic() - began < 10


WAITING = 16  # more than there are connections to PostgreSQL in a pool, or threads


def test_who_waits_for_a_gateway_holds_nothing_that_others_need(
    gateway: Gateway, database_url: str, tmp_path: Path
) -> None:
    """While many wait for a slow gateway, everybody else is answered at once, reading and writing."""
    settings = {"sms_url": f"webhook+http://127.0.0.1:{gateway.server_port}/", "phone_countries": "US"}
    with Service(tmp_path, database_url=database_url, settings={**settings, **FROM_ONE_ADDRESS}) as service:
        people, other = [resident(service) for _ in range(WAITING)], resident(service)
        gateway.delay = 8
        with ThreadPoolExecutor(WAITING) as side_by_side:
            asked = [side_by_side.submit(person.api.begin_phone, "sms", Phone(service.url).number) for person in people]
            until(lambda: gateway.messages)
            for _ in range(10):
                began = time.monotonic()
                other.api.session().must(200)
                other.api.begin_totp().must(201)
                assert time.monotonic() - began < 1.0
            assert not any(each.done() for each in asked), "nobody waited: this shows nothing"
            for each in asked:
                each.result().must(201, 503)


def until(true: Callable[[], object]) -> None:
    """Waits until something is true."""
    give_up_at = time.monotonic() + 10
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_gateway_that_is_down_is_no_reason_to_say_the_code_is_lost(service: Service, gateway: Gateway) -> None:
    """It is tried again until the code has expired; the person is told that it is on its way."""
    gateway.status = 503
    person = resident(service)
    begun = person.api.begin_phone("sms", Phone(service.url).number).must(201)
    assert begun["resend_after"]


def test_the_door_leads_on_when_nobody_carries_the_code(service: Service, gateway: Gateway) -> None:
    """With texts as default and a gateway that refuses, one reads so and gets in by the call instead."""
    person = with_text_and_call(service, gateway)
    gateway.status = 400
    browser = FormBrowser(service.url)
    began = time.monotonic()
    location = browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).location
    shown = browser.get(location).must(200)
    assert time.monotonic() - began < 10
    assert "We could not send a code just now. Try again in a minute, or use another way." in shown.words
    assert f"Voice call to number ending in {person.phone.number[-2:]}" in shown.words
    browser.send(shown, "/sign-in/code/send", factor_id=person.phone_id).goes_to("/sign-in/code")
    browser.submit("/sign-in/code", "/sign-in/code", code=person.phone.code()).goes_to("/settings")


def test_a_method_that_is_switched_off_is_off_at_once(gateway: Gateway, tmp_path: Path) -> None:
    """Without its gateway no text is sent and no sent code is taken, in the middle of a sign-in too (G06)."""
    url = f"webhook+http://127.0.0.1:{gateway.server_port}/"
    public = {"base_url": "https://login.example.org", "phone_countries": "US"}
    with Service(tmp_path, settings={**public, "sms_url": url, "voice_url": url}) as service:
        person = resident(service)
        text = begins(person.api, gateway, "sms")
        begins(person.api, gateway, "voice")
        api = person.half_open()
        api.send_code(text).must(202)
        code = gateway.messages[-1]["text"][:6]
        del service.settings["sms_url"]
        service.restart()
        api.give_code(code).refused(401, "wrong_code")
        api.send_code(text).refused(422, "invalid_request")
        assert [each["kind"] for each in api.sign_in(person.email)["factors"]] == ["voice"]
        begun = person.api.begin_phone("sms", Phone(service.url).number).refused(422, "invalid_request")
        assert "not set up" in begun["detail"]


def begins(api: Api, gateway: Gateway, kind: str) -> str:
    """A phone that is proven through the gateway."""
    begun = api.begin_phone(kind, Phone(api.url).number).must(201)["id"]
    said = gateway.messages[-1]["text"].replace(", ", "")
    found = re.search(r"[0-9]{6}", said)
    assert found, said
    api.verify(begun, found[0]).must(200)
    return str(begun)
