"""Codes that cannot be delivered: one sentence, another method, and never a long wait."""

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

from tests.support.clients import PASSWORD, Api
from tests.support.forms import FormBrowser
from tests.support.phones import FROM_ONE_ADDRESS, Phone, PhoneUser
from tests.support.service import Service
from tests.support.shifted import ShiftedService
from tests.support.users import new_user, pass_time
from twofold.base.database import open_database
from twofold.base.outbox import Reason
from twofold.couriers import store


class Gateway(ThreadingHTTPServer):
    """A gateway that answers with a given status and reason after a given time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.delay, self.reason = 204, 0.0, ""
        self.messages: list[dict[str, str]] = []


class Answering(BaseHTTPRequestHandler):
    """One request to the gateway."""

    server: Gateway

    def do_POST(self) -> None:
        """Take the message and answer."""
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        time.sleep(self.server.delay)
        body = b'{"reason": "%s"}' % self.server.reason.encode() if self.server.reason else b""
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Yield a gateway for text messages."""
    with Gateway() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def service(gateway: Gateway, tmp_path: Path) -> Iterator[Service]:
    """Yield a service whose texts go to the gateway, and whose calls go to the development mailbox."""
    url = f"webhook+http://127.0.0.1:{gateway.server_port}/"
    with ShiftedService(
        tmp_path, settings={"sms_url": url, "voice_url": "console:", "phone_countries": "US"}
    ) as running:
        yield running


def with_text_and_call(service: Service, gateway: Gateway) -> PhoneUser:
    """Return a person who gets codes by text through the gateway, or by call."""
    person = PhoneUser(service)
    person.api.sign_up(person.email).expect(201)
    person.sign_in()
    enrolled_phone(person.api, gateway, "sms")
    person.enable_phone("voice")
    return person


def test_number_that_cannot_receive_texts_is_reported_and_called(service: Service, gateway: Gateway) -> None:
    """The answer is a 503 with a sentence that the page also shows, and the call works."""
    gateway.status, gateway.reason = 422, "cannot_take_texts"
    person, phone = new_user(service), Phone(service.url)
    refused = person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert refused["detail"] == "This number cannot receive text messages. Choose a voice call or use another number."
    pass_time(service, 31)
    person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert len(gateway.messages) == 1, "a number that is known to take no texts was sent one"
    other = Phone(service.url)
    browser = person.pages()
    number_page = "/settings/factors/new?kind=sms"
    location = browser.submit(number_page, "/settings/factors/new", phone=other.number).expect(303).location
    shown = browser.get(location).expect(200)
    assert "This number cannot receive text messages" in shown.words
    begun = location.partition("?")[0]
    again = browser.send(shown, f"{begun}/send", kind="voice")
    assert again.status in (303, 429)


def test_number_reported_later_as_without_texts_gets_no_further_text(service: Service, gateway: Gateway) -> None:
    """The gateway accepts the message and later reports that the number takes no texts; the next is refused."""
    person, phone = new_user(service), Phone(service.url)
    begun = person.api.begin_phone("sms", phone.number).expect(201)["id"]
    asyncio.run(report(service, gateway.messages[-1]["id"]))
    pass_time(service, 31)
    person.api.send_again(begun).refused(503, "cannot_send")
    assert len(gateway.messages) == 1


async def report(service: Service, message_id: str) -> None:
    """Report that a number takes no texts, as a courier's hook does."""
    db = await open_database(
        service.settings.get("database_url", f"sqlite:///{service.data_dir}/twofold.db"), serving=False
    )
    try:
        await db.write(store.report, message_id, Reason.CANNOT_TAKE_TEXTS)
    finally:
        await db.close()


def test_unreachable_phone_is_tried_again(service: Service, gateway: Gateway) -> None:
    """While the phone is off, the answer says so; half a minute later, another code is sent."""
    gateway.status, gateway.reason = 422, "unreachable"
    person, phone = new_user(service), Phone(service.url)
    refused = person.api.begin_phone("sms", phone.number).refused(503, "cannot_send")
    assert "could not reach" in refused["detail"]
    gateway.status, gateway.reason = 204, ""
    pass_time(service, 31)
    person.api.begin_phone("sms", phone.number).expect(201)


def test_slow_gateway_does_not_delay_the_answer(service: Service, gateway: Gateway) -> None:
    """The answer is a 202 within ten seconds, since the code may still arrive."""
    gateway.delay = 8
    began = time.monotonic()
    person = new_user(service)
    person.api.begin_phone("sms", Phone(service.url).number).expect(201, 503)
    assert time.monotonic() - began < 10


WAITING = 16  # more than there are connections to PostgreSQL in a pool, or threads


def test_waiting_for_a_gateway_does_not_block_others(gateway: Gateway, database_url: str, tmp_path: Path) -> None:
    """While many wait for a slow gateway, other requests are answered at once, reading and writing."""
    settings = {"sms_url": f"webhook+http://127.0.0.1:{gateway.server_port}/", "phone_countries": "US"}
    with Service(tmp_path, database_url=database_url, settings={**settings, **FROM_ONE_ADDRESS}) as service:
        people, other = [new_user(service) for _ in range(WAITING)], new_user(service)
        gateway.delay = 8
        with ThreadPoolExecutor(WAITING) as side_by_side:
            asked = [side_by_side.submit(person.api.begin_phone, "sms", Phone(service.url).number) for person in people]
            until(lambda: gateway.messages)
            for _ in range(10):
                began = time.monotonic()
                other.api.session().expect(200)
                other.api.begin_totp().expect(201)
                assert time.monotonic() - began < 1.0
            assert not any(each.done() for each in asked), "nobody waited: this shows nothing"
            for each in asked:
                each.result().expect(201, 503)


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    give_up_at = time.monotonic() + 10
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_code_is_sent_later_when_the_gateway_is_down(service: Service, gateway: Gateway) -> None:
    """Sending is tried again until the code expires, and the answer says that it is on its way."""
    gateway.status = 503
    person = new_user(service)
    begun = person.api.begin_phone("sms", Phone(service.url).number).expect(201)
    assert begun["resend_after"]


def test_sign_in_offers_another_method_when_the_code_cannot_be_sent(service: Service, gateway: Gateway) -> None:
    """If the gateway refuses the default method, the page says so, and a call signs in instead."""
    person = with_text_and_call(service, gateway)
    gateway.status = 400
    browser = FormBrowser(service.url)
    began = time.monotonic()
    location = browser.submit("/sign-in", "/sign-in", email=person.email, password=PASSWORD).location
    shown = browser.get(location).expect(200)
    assert time.monotonic() - began < 10
    assert "We could not send a code. Try again in a minute, or use another method." in shown.words
    assert f"Voice call to number ending in {person.phone.number[-2:]}" in shown.words
    browser.send(shown, "/sign-in/code/send", factor_id=person.phone_id).goes_to("/sign-in/code")
    browser.submit("/sign-in/code", "/sign-in/code", code=person.phone.code()).goes_to("/settings")


def test_disabled_method_stops_at_once(gateway: Gateway, tmp_path: Path) -> None:
    """Without its gateway, no text is sent and no sent code is accepted, even during a sign-in (G06)."""
    url = f"webhook+http://127.0.0.1:{gateway.server_port}/"
    public = {"base_url": "https://login.example.org", "phone_countries": "US"}
    with Service(tmp_path, settings={**public, "sms_url": url, "voice_url": url}) as service:
        person = new_user(service)
        text = enrolled_phone(person.api, gateway, "sms")
        enrolled_phone(person.api, gateway, "voice")
        api = person.half_open()
        api.send_code(text).expect(202)
        code = gateway.messages[-1]["text"][:6]
        del service.settings["sms_url"]
        service.restart()
        api.give_code(code).refused(401, "wrong_code")
        api.send_code(text).refused(422, "invalid_request")
        assert [each["kind"] for each in api.sign_in(person.email)["factors"]] == ["voice"]
        begun = person.api.begin_phone("sms", Phone(service.url).number).refused(422, "invalid_request")
        assert "not available on this server" in begun["detail"]


def enrolled_phone(api: Api, gateway: Gateway, kind: str) -> str:
    """Return a phone that was verified through the gateway."""
    begun = api.begin_phone(kind, Phone(api.url).number).expect(201)["id"]
    said = gateway.messages[-1]["text"].replace(", ", "")
    found = re.search(r"[0-9]{6}", said)
    assert found, said
    api.verify(begun, found[0]).expect(200)
    return str(begun)
