"""The webhook courier against a gateway with a real socket: requests, and the effect of each kind of answer."""

import hmac
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import gateway as behaviours
from tests.support.certificate_authority import Authority
from tests.support.gateway import Behaviour, EndlessAnswer, Gateway, answers, in_turn
from tests.support.outbox_harness import MAIL, NUMBER, TEXT, open_outbox
from twofold.base.outbox import DeliveryStatus, Message, Outcome, Reason

SECRET = "between us two"
DOCS = Path(__file__).parents[2] / "docs"


async def test_webhook_body_matches_the_contract(tmp_path: Path) -> None:
    """The body is JSON with id, channel, number, text and locale; only mail has a subject; the URL keeps its query."""
    with Gateway() as gateway:
        address = f"{gateway.webhook}?team=1"
        async with open_outbox(tmp_path, sms_url=address, voice_url=address, mail_url=address) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.SENT
            assert await at.sent(Message("voice", NUMBER, "1, 2, 3", locale="de")) is Outcome.SENT
            assert await at.sent(MAIL) is Outcome.SENT
    text, call, mail = gateway.received
    assert (text.method, text.path, text.headers["Content-Type"]) == ("POST", "/send?team=1", "application/json")
    assert text.json == {"id": message_id, "channel": "sms", "to": NUMBER, "text": TEXT, "locale": "en"}
    assert (call.json["channel"], call.json["locale"]) == ("voice", "de")
    assert (mail.json["to"], mail.json["subject"], mail.json["text"]) == (MAIL.to, MAIL.subject, MAIL.text)
    assert "Twofold-Signature" not in text.headers


async def test_webhook_is_signed_with_the_secret(tmp_path: Path) -> None:
    """The header has the time and the HMAC of time, dot and body, as in the documentation."""
    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=f"{gateway.webhook}?secret={SECRET.replace(' ', '%20')}") as at:
            assert await at.sent() is Outcome.SENT
            now = at.app.clock.now
    (received,) = gateway.received
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", received.headers["Twofold-Signature"])
    assert found is not None
    assert int(found[1]) == now
    assert found[2] == hmac.new(SECRET.encode(), f"{found[1]}.".encode() + received.body, "sha256").hexdigest()
    assert received.path == "/send"


async def test_documented_recipe_verifies_webhook_signatures(tmp_path: Path) -> None:
    """The code in docs/couriers.md accepts our signature and refuses every alteration."""
    recipe = re.search(r"```python\n(.*?)```", (DOCS / "couriers.md").read_text("utf-8"), re.DOTALL)
    assert recipe is not None
    known: dict[str, Any] = {}
    exec(recipe[1], known)  # noqa: S102 - our own documentation
    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=f"{gateway.webhook}?secret=s3cret") as at:
            at.app.clock.now = int(time.time())
            assert await at.sent() is Outcome.SENT
            at.app.clock.now -= 3600
            assert await at.sent() is Outcome.SENT
    good, old = ((received.headers["Twofold-Signature"], received.body) for received in gateway.received)
    assert known["from_twofold"](*good, "s3cret")
    assert not known["from_twofold"](*old, "s3cret")
    assert not known["from_twofold"](*good, "other")
    assert not known["from_twofold"](good[0], good[1] + b" ", "s3cret")


async def test_webhook_credentials_are_sent_by_basic_authentication(tmp_path: Path) -> None:
    """They are percent-encoded in the URL."""
    with Gateway() as gateway:
        async with open_outbox(tmp_path, sms_url=f"webhook+http://me:p%40ss@127.0.0.1:{gateway.port}/") as at:
            assert await at.sent() is Outcome.SENT
    assert gateway.received[0].headers["Authorization"] == "Basic bWU6cEBzcw=="


async def test_webhook_with_an_unverified_certificate_gets_no_message(tmp_path: Path) -> None:
    """With `ca`, only certificates of that authority are accepted."""
    authority = Authority(tmp_path)
    for names, expected in ((("127.0.0.1",), Outcome.SENT), (("gateway.example.org",), Outcome.WAITING)):
        with Gateway(tls=authority.server(*names)) as gateway:
            address = f"webhook+https://127.0.0.1:{gateway.port}/?ca={authority.ca}"
            async with open_outbox(tmp_path / names[0], sms_url=address) as at:
                assert await at.sent() is expected
            async with open_outbox(tmp_path / f"{names[0]}-unknown", sms_url=address.partition("?")[0]) as at:
                assert await at.sent() is Outcome.WAITING
        assert len(gateway.received) == (expected is Outcome.SENT)


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_message_refused_by_the_webhook_is_wiped_and_not_retried(status: int, tmp_path: Path) -> None:
    """A message that a gateway refuses is wiped and never tried again."""
    with Gateway(answers(status)) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.REFUSED
            assert (await at.row(message_id))["sealed"] is None
            at.pass_time(3600)
            assert await at.sent() is Outcome.REFUSED
    assert gateway.ids.count(message_id) == 1


async def test_webhook_can_state_a_known_reason_for_refusing(tmp_path: Path) -> None:
    """Reasons for which the page has a text are recognised; any other is a plain refusal."""
    body = b'{"reason": "cannot_take_texts"}'
    with Gateway(in_turn(answers(422, body), answers(422, b'{"reason": "sent"}'), answers(422, b"[[["))) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            fates = [await at.settled(await at.post()) for _ in range(3)]
    assert fates[0] == DeliveryStatus(Outcome.REFUSED, Reason.CANNOT_TAKE_TEXTS)
    assert fates[1] == fates[2] == DeliveryStatus(Outcome.REFUSED)


BAD: dict[str, Behaviour] = {
    "500": answers(500),
    "503": answers(503),
    "408": answers(408),
    "425": answers(425),
    "429": answers(429),
    "302": answers(302, Location="http://127.0.0.1:1/"),
    "drops": behaviours.drops,
    "garbage": behaviours.talks_garbage,
}


@pytest.mark.parametrize("name", BAD)
async def test_message_is_retried_after_a_webhook_error(name: str, tmp_path: Path) -> None:
    """The user gets a response after one attempt, and the message is sent later with the same id."""
    with Gateway(in_turn(BAD[name], answers(200))) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id] * 2
    assert gateway.received[0].body == gateway.received[1].body


async def test_message_is_retried_after_the_webhook_was_unreachable(tmp_path: Path) -> None:
    """The user sees the delay at once, and the message is sent when the webhook is back."""
    gateway = Gateway()
    gateway.port = behaviours.closed_port()
    async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
        message_id = await at.post()
        assert await at.outcome(message_id) is Outcome.WAITING
        with gateway:
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id]


async def test_slow_webhook_is_abandoned_after_ten_seconds(tmp_path: Path) -> None:
    """The attempt ends even if the request would wait longer."""
    with Gateway(in_turn(behaviours.is_slow, answers(200))) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            begun = time.monotonic()
            message_id = await at.post()
            assert await at.outcome(message_id, within=60) is Outcome.WAITING
            assert time.monotonic() - begun < 10
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id] * 2


async def test_webhook_success_ignores_the_response_body(tmp_path: Path) -> None:
    """Only the status counts; an endless or missing body is not read."""
    flood = EndlessAnswer(200)
    with Gateway(in_turn(behaviours.takes_and_hangs, flood)) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            assert await at.sent() is Outcome.SENT
            assert await at.sent() is Outcome.SENT
            assert len(gateway.received) == 2
    assert flood.sent < 16 * 2**20


async def test_webhook_refusal_with_an_endless_body_is_a_refusal(tmp_path: Path) -> None:
    """Only the beginning of an endless body is read."""
    flood = EndlessAnswer(422)
    with Gateway(flood) as gateway:
        async with open_outbox(tmp_path, sms_url=gateway.webhook) as at:
            assert await at.sent() is Outcome.REFUSED
    assert flood.sent < 16 * 2**20


async def test_webhook_ignores_redirects_and_proxy_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is sent to the configured address only, not to a redirect target or proxy."""
    with Gateway() as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for status in (301, 302, 303, 307, 308):
            with Gateway(answers(status, Location=f"{elsewhere.url}/send")) as gateway:
                async with open_outbox(tmp_path / str(status), sms_url=gateway.webhook) as at:
                    assert await at.sent() is Outcome.WAITING
                assert len(gateway.received) == 1
        assert elsewhere.received == []


async def test_courier_logs_contain_no_number_text_or_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every failure is logged with courier, channel and id, and without anything from the message or the address."""
    caplog.set_level("DEBUG")
    path = "s3cretpath"
    kinds: list[Behaviour] = [*BAD.values(), answers(400, TEXT.encode()), EndlessAnswer(422)]
    for number, behaviour in enumerate(kinds):
        with Gateway(behaviour) as gateway:
            address = f"webhook+http://me:{SECRET[:7]}@127.0.0.1:{gateway.port}/{path}?secret={SECRET[:7]}"
            async with open_outbox(tmp_path / str(number), sms_url=address) as at:
                assert await at.sent() is not Outcome.SENT
    told = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "webhook+http://127.0.0.1" in told
    for secret in (NUMBER, TEXT[:6], SECRET[:7], path):
        assert secret not in told
