"""The Twilio courier against a stand-in of its API, compared with the official SDK: requests, speech and signatures."""

import base64
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from tests.support import gateway as behaviours
from tests.support.gateway import Gateway, Received, answers, in_turn
from tests.support.outbox_harness import NUMBER, TEXT, OutboxHarness, open_outbox
from twofold.base.outbox import DeliveryStatus, Message, Outcome, Reason

SID, TOKEN, FROM = "AC" + "0123456789abcdef" * 2, "t0ken/of@ours", "+15557654321"
CREATED = answers(201, b'{"sid": "SM1", "status": "queued"}')
SPEECH = "Your code is 4, 8, 2. <Once> more & slowly: 4, 8, 2."


def twilio(api: Gateway, sender: str = FROM) -> str:
    """Return the courier's address."""
    return f"twilio://{SID}:{TOKEN.replace('/', '%2F').replace('@', '%40')}@{sender}?api={api.url}"


class Redirected(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's own client, which sends to our gateway."""

    def __init__(self, api: Gateway) -> None:
        super().__init__()
        self.api = api

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the SDK's own types
        """Send a request for Twilio to the gateway."""
        return super().request(method, url.replace("https://api.twilio.com", self.api.url), *args, **kwargs)


def relevant_parts(received: Received) -> tuple[str, str, str, dict[str, str]]:
    """Return the method, path, credentials and form."""
    return received.method, received.path, received.headers["Authorization"], received.form


async def test_twilio_text_matches_the_official_client(tmp_path: Path) -> None:
    """Resource, account and fields are the same, and the callback has our id."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.SENT
            callback = f"{at.app.url}/hooks/twilio?id={message_id}"
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.messages.create(to=NUMBER, from_=FROM, body=TEXT, status_callback=callback)
    ours, theirs = map(relevant_parts, api.received)
    assert ours == theirs
    assert base64.b64decode(ours[2].removeprefix("Basic ")).decode() == f"{SID}:{TOKEN}"


async def test_twilio_call_matches_the_official_client(tmp_path: Path) -> None:
    """The speech says what the SDK's own markup would say, in the person's language."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, voice_url=twilio(api)) as at:
            message_id = await at.post(Message("voice", NUMBER, SPEECH, locale="de"))
            assert await at.outcome(message_id) is Outcome.SENT
            callback = f"{at.app.url}/hooks/twilio?id={message_id}"
        speech = VoiceResponse()
        speech.say(SPEECH, language="de-DE")
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.calls.create(to=NUMBER, from_=FROM, twiml=str(speech), status_callback=callback)
    (*ours, our_form), (*theirs, their_form) = map(relevant_parts, api.received)
    assert ours == theirs
    assert ET.canonicalize(our_form.pop("Twiml")) == ET.canonicalize(their_form.pop("Twiml"))
    assert our_form == their_form


async def test_twilio_text_can_be_sent_by_a_messaging_service(tmp_path: Path) -> None:
    """Its id is sent in the same field as by the SDK, with its case kept."""
    service = "MG" + "0aB1" * 8
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api, service)) as at:
            assert await at.sent() is Outcome.SENT
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.messages.create(to=NUMBER, messaging_service_sid=service, body=TEXT)
    ours, theirs = (received.form for received in api.received)
    ours.pop("StatusCallback")
    assert ours == theirs


async def test_twilio_callback_is_set_only_for_a_public_base_url(tmp_path: Path) -> None:
    """Twilio refuses a message whose callback is on a loopback address."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api), base_url="https://login.example.org") as at:
            assert await at.sent() is Outcome.SENT
    assert api.received[0].form["StatusCallback"].startswith("https://login.example.org/hooks/twilio?id=")


@pytest.mark.parametrize(
    "code, reason",
    [
        (21211, Reason.UNREACHABLE),
        (21408, Reason.NOT_SERVED),
        (21610, Reason.OPTED_OUT),
        (21614, Reason.CANNOT_TAKE_TEXTS),
        (60410, Reason.NOT_SERVED),
        (21602, None),
    ],
)
async def test_twilio_error_code_becomes_a_reason_for_the_user(
    code: int, reason: Reason | None, tmp_path: Path
) -> None:
    """Twilio's number becomes a reason for which the page has a text."""
    with Gateway(answers(400, b'{"code": %d, "message": "no", "status": 400}' % code)) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            assert await at.settled(await at.post()) == DeliveryStatus(Outcome.REFUSED, reason)
    assert len(api.received) == 1


@pytest.mark.parametrize("behaviour", [behaviours.drops, behaviours.talks_garbage, answers(500), answers(502)])
async def test_message_is_not_sent_to_twilio_again_after_a_broken_response(
    behaviour: behaviours.Behaviour, tmp_path: Path
) -> None:
    """Twilio has no idempotency key: the person requests another code, and no message is paid for twice."""
    with Gateway(in_turn(behaviour, CREATED)) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.settled(message_id) == DeliveryStatus(Outcome.REFUSED, Reason.DOUBTFUL)
            assert (await at.row(message_id))["sealed"] is None
            at.pass_time(100)
            assert await at.sent() is Outcome.SENT
    assert len(api.received) == 2


async def test_slow_twilio_falls_back_to_the_next_courier(tmp_path: Path) -> None:
    """The code arrives in time, and the slow courier is not tried again."""
    with Gateway(behaviours.is_slow) as api, Gateway(in_turn(answers(503), answers(200))) as other:
        async with open_outbox(tmp_path, sms_url=f"{twilio(api)} {other.webhook}") as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert len(api.received) == 1
    assert other.ids == [message_id] * 2


@pytest.mark.parametrize("behaviour", [answers(429), answers(503), answers(401)])
async def test_message_not_accepted_by_twilio_is_retried(behaviour: behaviours.Behaviour, tmp_path: Path) -> None:
    """After too many requests, an outage or a wrong token, the message waits."""
    with Gateway(in_turn(behaviour, CREATED)) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            assert (await at.settled(await at.post())).outcome is Outcome.SENT
    assert len(api.received) == 2


# ------------------------------------------------------------------ callbacks

UNDELIVERED = {
    "AccountSid": SID,
    "From": FROM,
    "To": NUMBER,
    "MessageSid": "SM1",
    "SmsSid": "SM1",
    "MessageStatus": "undelivered",
    "SmsStatus": "undelivered",
    "ErrorCode": "30006",
    "ErrorMessage": "Größe & mehr",
    "ApiVersion": "2010-04-01",
}


async def tell(at: OutboxHarness, message_id: str, form: dict[str, str], *, token: str = TOKEN, **headers: str) -> int:
    """Send a callback signed by the SDK's validator, as Twilio does, and return the status of the response."""
    path = f"/hooks/twilio?id={message_id}"
    signature = RequestValidator(token).compute_signature(at.app.url + path, form)
    answer = await at.app.http.post(path, data=form, headers={"X-Twilio-Signature": signature, **headers})
    return answer.status_code


async def test_undelivered_text_is_reported_by_the_callback(tmp_path: Path) -> None:
    """A landline is detected minutes later, and the status of the message shows it."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.SENT
            assert await tell(at, message_id, {**UNDELIVERED, "MessageStatus": "sent"}) == 204
            assert (await at.status(message_id)).outcome is Outcome.SENT
            assert await tell(at, message_id, UNDELIVERED, Host="some.proxy.app") == 204
            assert await at.status(message_id) == DeliveryStatus(Outcome.REFUSED, Reason.CANNOT_TAKE_TEXTS)


async def test_unanswered_call_is_reported_by_the_callback(tmp_path: Path) -> None:
    """Busy, unanswered and failed calls mean that the number was not reached."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, voice_url=twilio(api)) as at:
            message_id = await at.post(Message("voice", NUMBER, SPEECH))
            assert await at.outcome(message_id) is Outcome.SENT
            assert await tell(at, message_id, {"CallSid": "CA1", "CallStatus": "no-answer"}) == 204
            assert await at.status(message_id) == DeliveryStatus(Outcome.REFUSED, Reason.UNREACHABLE)


async def test_twilio_callback_with_an_invalid_signature_is_refused(tmp_path: Path) -> None:
    """A missing or wrong signature, another id, or a changed or added field gets a 403, and nothing is recorded."""
    with Gateway(CREATED) as api:
        async with open_outbox(tmp_path, sms_url=twilio(api)) as at:
            message_id, other = await at.post(), await at.post()
            assert await at.outcome(message_id) is await at.outcome(other) is Outcome.SENT
            good = RequestValidator(TOKEN).compute_signature(f"{at.app.url}/hooks/twilio?id={other}", UNDELIVERED)
            assert await tell(at, message_id, UNDELIVERED, token="another") == 403
            assert await tell(at, message_id, UNDELIVERED, **{"X-Twilio-Signature": ""}) == 403
            assert await tell(at, message_id, UNDELIVERED, **{"X-Twilio-Signature": good}) == 403
            for altered in ({**UNDELIVERED, "ErrorCode": "1"}, {**UNDELIVERED, "More": "x"}):
                path = f"/hooks/twilio?id={other}"
                answer = await at.app.http.post(path, data=altered, headers={"X-Twilio-Signature": good})
                assert answer.status_code == 403
            assert (await at.app.http.post("/hooks/twilio", content=b"\xff" * 100_000)).status_code == 403
            assert (await at.status(message_id)).outcome is (await at.status(other)).outcome is Outcome.SENT


async def test_twilio_callback_is_refused_where_twilio_is_not_configured(tmp_path: Path) -> None:
    """An empty token does not sign."""
    async with open_outbox(tmp_path) as at:
        assert await tell(at, "0" * 26, UNDELIVERED, token="") == 403
        assert (await at.app.http.get("/hooks/twilio")).status_code == 405
