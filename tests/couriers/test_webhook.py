"""The webhook courier against a gateway with a real socket: what it is sent, and what each kind of answer does."""

import hmac
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.couriers import gateway as behaviours
from tests.couriers.authority import Authority
from tests.couriers.gateway import Behaviour, Flood, Gateway, answers, in_turn
from tests.couriers.office import MAIL, NUMBER, TEXT, office
from twofold.base.outbox import Fate, Message, Outcome, Reason

SECRET = "between us two"
DOCS = Path(__file__).parents[2] / "docs"


async def test_a_message_goes_out_as_the_contract_says(tmp_path: Path) -> None:
    """JSON with id, channel, number, text and locale; only mail has a subject; the address keeps its own query."""
    with Gateway() as gateway:
        address = f"{gateway.webhook}?team=1"
        async with office(tmp_path, sms_url=address, voice_url=address, mail_url=address) as at:
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


async def test_a_gateway_with_the_secret_can_tell_who_sends(tmp_path: Path) -> None:
    """The header holds the time and the HMAC of time, dot and body, as the recipe in the documentation checks it."""
    with Gateway() as gateway:
        async with office(tmp_path, sms_url=f"{gateway.webhook}?secret={SECRET.replace(' ', '%20')}") as at:
            assert await at.sent() is Outcome.SENT
            now = at.inside.clock.now
    (received,) = gateway.received
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", received.headers["Twofold-Signature"])
    assert found is not None
    assert int(found[1]) == now
    assert found[2] == hmac.new(SECRET.encode(), f"{found[1]}.".encode() + received.body, "sha256").hexdigest()
    assert received.path == "/send"


async def test_the_recipe_of_the_documentation_checks_a_signature(tmp_path: Path) -> None:
    """The code in docs/couriers.md, as it stands there, takes ours and refuses every alteration."""
    recipe = re.search(r"```python\n(.*?)```", (DOCS / "couriers.md").read_text("utf-8"), re.DOTALL)
    assert recipe is not None
    known: dict[str, Any] = {}
    exec(recipe[1], known)  # noqa: S102 - our own documentation
    with Gateway() as gateway:
        async with office(tmp_path, sms_url=f"{gateway.webhook}?secret=s3cret") as at:
            at.inside.clock.now = int(time.time())
            assert await at.sent() is Outcome.SENT
            at.inside.clock.now -= 3600
            assert await at.sent() is Outcome.SENT
    good, old = ((received.headers["Twofold-Signature"], received.body) for received in gateway.received)
    assert known["from_twofold"](*good, "s3cret")
    assert not known["from_twofold"](*old, "s3cret")
    assert not known["from_twofold"](*good, "other")
    assert not known["from_twofold"](good[0], good[1] + b" ", "s3cret")


async def test_user_and_password_go_by_basic_authentication(tmp_path: Path) -> None:
    """They stand in the address as everywhere, percent-encoded."""
    with Gateway() as gateway:
        async with office(tmp_path, sms_url=f"webhook+http://me:p%40ss@127.0.0.1:{gateway.port}/") as at:
            assert await at.sent() is Outcome.SENT
    assert gateway.received[0].headers["Authorization"] == "Basic bWU6cEBzcw=="


async def test_no_code_goes_to_a_gateway_that_cannot_prove_its_name(tmp_path: Path) -> None:
    """Over TLS the authority that `ca` names must vouch for it; any other certificate gets nothing."""
    authority = Authority(tmp_path)
    for names, expected in ((("127.0.0.1",), Outcome.SENT), (("gateway.example.org",), Outcome.WAITING)):
        with Gateway(tls=authority.server(*names)) as gateway:
            address = f"webhook+https://127.0.0.1:{gateway.port}/?ca={authority.ca}"
            async with office(tmp_path / names[0], sms_url=address) as at:
                assert await at.sent() is expected
            async with office(tmp_path / f"{names[0]}-unknown", sms_url=address.partition("?")[0]) as at:
                assert await at.sent() is Outcome.WAITING
        assert len(gateway.received) == (expected is Outcome.SENT)


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_a_refusal_is_final(status: int, tmp_path: Path) -> None:
    """What a gateway refuses is wiped and never tried again."""
    with Gateway(answers(status)) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.REFUSED
            assert (await at.row(message_id))["sealed"] is None
            at.later(3600)
            assert await at.sent() is Outcome.REFUSED
    assert gateway.ids.count(message_id) == 1


async def test_a_gateway_may_say_why_it_refuses(tmp_path: Path) -> None:
    """The words that the person's page knows are understood; anything else is a plain refusal."""
    body = b'{"reason": "cannot_take_texts"}'
    with Gateway(in_turn(answers(422, body), answers(422, b'{"reason": "sent"}'), answers(422, b"[[["))) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            fates = [await at.settled(await at.post()) for _ in range(3)]
    assert fates[0] == Fate(Outcome.REFUSED, Reason.CANNOT_TAKE_TEXTS)
    assert fates[1] == fates[2] == Fate(Outcome.REFUSED)


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
async def test_a_message_waits_for_a_gateway_in_trouble(name: str, tmp_path: Path) -> None:
    """One try, an answer for the waiting person, and when all is well again the same message under the same id."""
    with Gateway(in_turn(BAD[name], answers(200))) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id] * 2
    assert gateway.received[0].body == gateway.received[1].body


async def test_a_message_waits_for_a_gateway_that_is_down(tmp_path: Path) -> None:
    """Nobody listens; the person knows at once; the message goes out when somebody does."""
    gateway = Gateway()
    gateway.port = behaviours.closed_port()
    async with office(tmp_path, sms_url=gateway.webhook) as at:
        message_id = await at.post()
        assert await at.outcome(message_id) is Outcome.WAITING
        with gateway:
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id]


async def test_nobody_waits_longer_than_ten_seconds_for_a_slow_gateway(tmp_path: Path) -> None:
    """The try ends by itself, whatever the person would have waited."""
    with Gateway(in_turn(behaviours.is_slow, answers(200))) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            begun = time.monotonic()
            message_id = await at.post()
            assert await at.outcome(message_id, within=60) is Outcome.WAITING
            assert time.monotonic() - begun < 10
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert gateway.ids == [message_id] * 2


async def test_a_taken_message_is_taken_whatever_the_body(tmp_path: Path) -> None:
    """The status says all: a body that never ends, or never comes, changes nothing and is not read on."""
    flood = Flood(200)
    with Gateway(in_turn(behaviours.takes_and_hangs, flood)) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            assert await at.sent() is Outcome.SENT
            assert await at.sent() is Outcome.SENT
            assert len(gateway.received) == 2
    assert flood.sent < 16 * 2**20


async def test_an_endless_refusal_is_a_refusal(tmp_path: Path) -> None:
    """Of a body without end only the beginning is looked at."""
    flood = Flood(422)
    with Gateway(flood) as gateway:
        async with office(tmp_path, sms_url=gateway.webhook) as at:
            assert await at.sent() is Outcome.REFUSED
    assert flood.sent < 16 * 2**20


async def test_no_redirect_and_no_proxy_leads_a_code_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code goes to the configured address or nowhere: not where an answer points, not where the environment does."""
    with Gateway() as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for status in (301, 302, 303, 307, 308):
            with Gateway(answers(status, Location=f"{elsewhere.url}/send")) as gateway:
                async with office(tmp_path / str(status), sms_url=gateway.webhook) as at:
                    assert await at.sent() is Outcome.WAITING
                assert len(gateway.received) == 1
        assert elsewhere.received == []


async def test_logs_hold_neither_number_nor_text_nor_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every way to fail is logged by courier, channel and id, and by nothing that the message or the address says."""
    caplog.set_level("DEBUG")
    path = "s3cretpath"
    kinds: list[Behaviour] = [*BAD.values(), answers(400, TEXT.encode()), Flood(422)]
    for number, behaviour in enumerate(kinds):
        with Gateway(behaviour) as gateway:
            address = f"webhook+http://me:{SECRET[:7]}@127.0.0.1:{gateway.port}/{path}?secret={SECRET[:7]}"
            async with office(tmp_path / str(number), sms_url=address) as at:
                assert await at.sent() is not Outcome.SENT
    told = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "webhook+http://127.0.0.1" in told
    for secret in (NUMBER, TEXT[:6], SECRET[:7], path):
        assert secret not in told
