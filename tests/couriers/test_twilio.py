"""The Twilio courier against a stand-in of its API, judged by the official SDK: requests, speech, signatures."""

import base64
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from tests.couriers import gateway as behaviours
from tests.couriers.gateway import Gateway, Received, answers, in_turn
from tests.couriers.office import NUMBER, TEXT, Office, office
from twofold.base.outbox import Fate, Message, Outcome, Reason

SID, TOKEN, FROM = "AC" + "0123456789abcdef" * 2, "t0ken/of@ours", "+15557654321"
CREATED = answers(201, b'{"sid": "SM1", "status": "queued"}')
SPEECH = "Your code is 4, 8, 2. <Once> more & slowly: 4, 8, 2."


def twilio(api: Gateway, sender: str = FROM) -> str:
    """The courier's address."""
    return f"twilio://{SID}:{TOKEN.replace('/', '%2F').replace('@', '%40')}@{sender}?api={api.url}"


class Redirected(TwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's own client, speaking to our gateway instead."""

    def __init__(self, api: Gateway) -> None:
        super().__init__()
        self.api = api

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the SDK's own types
        """Send to the gateway what was meant for Twilio."""
        return super().request(method, url.replace("https://api.twilio.com", self.api.url), *args, **kwargs)


def what_counts(received: Received) -> tuple[str, str, str, dict[str, str]]:
    """Method, path, who asks, and the form."""
    return received.method, received.path, received.headers["Authorization"], received.form


async def test_a_text_is_what_the_official_client_sends(tmp_path: Path) -> None:
    """Same resource, same account, same fields; the callback carries our id."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.SENT
            callback = f"{at.inside.url}/hooks/twilio?id={message_id}"
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.messages.create(to=NUMBER, from_=FROM, body=TEXT, status_callback=callback)
    ours, theirs = map(what_counts, api.received)
    assert ours == theirs
    assert base64.b64decode(ours[2].removeprefix("Basic ")).decode() == f"{SID}:{TOKEN}"


async def test_a_call_is_what_the_official_client_makes(tmp_path: Path) -> None:
    """The speech says what the SDK's own markup would say, in the person's language."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, voice_url=twilio(api)) as at:
            message_id = await at.post(Message("voice", NUMBER, SPEECH, locale="de"))
            assert await at.outcome(message_id) is Outcome.SENT
            callback = f"{at.inside.url}/hooks/twilio?id={message_id}"
        speech = VoiceResponse()
        speech.say(SPEECH, language="de-DE")
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.calls.create(to=NUMBER, from_=FROM, twiml=str(speech), status_callback=callback)
    (*ours, our_form), (*theirs, their_form) = map(what_counts, api.received)
    assert ours == theirs
    assert ET.canonicalize(our_form.pop("Twiml")) == ET.canonicalize(their_form.pop("Twiml"))
    assert our_form == their_form


async def test_texts_may_come_from_a_messaging_service(tmp_path: Path) -> None:
    """Its id goes where the SDK puts it, with its capital letters."""
    service = "MG" + "0aB1" * 8
    with Gateway(CREATED) as api:
        async with office(tmp_path, sms_url=twilio(api, service)) as at:
            assert await at.sent() is Outcome.SENT
        sdk = Client(SID, TOKEN, http_client=Redirected(api))
        sdk.messages.create(to=NUMBER, messaging_service_sid=service, body=TEXT)
    ours, theirs = (received.form for received in api.received)
    ours.pop("StatusCallback")
    assert ours == theirs


async def test_a_real_twilio_is_not_asked_to_call_back_to_this_machine(tmp_path: Path) -> None:
    """It could not, and would refuse the message; a public base URL it is told."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, sms_url=twilio(api), base_url="https://login.example.org") as at:
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
async def test_a_refusal_says_why(code: int, reason: Reason | None, tmp_path: Path) -> None:
    """Twilio's number becomes a word that the person's page knows."""
    with Gateway(answers(400, b'{"code": %d, "message": "no", "status": 400}' % code)) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            assert await at.settled(await at.post()) == Fate(Outcome.REFUSED, reason)
    assert len(api.received) == 1


@pytest.mark.parametrize("behaviour", [behaviours.drops, behaviours.talks_garbage, answers(500), answers(502)])
async def test_what_may_have_been_taken_is_not_sent_again(behaviour: behaviours.Behaviour, tmp_path: Path) -> None:
    """Twilio knows no id of ours: after a broken answer the person asks for another code, and nobody pays twice."""
    with Gateway(in_turn(behaviour, CREATED)) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.settled(message_id) == Fate(Outcome.REFUSED, Reason.DOUBTFUL)
            assert (await at.row(message_id))["sealed"] is None
            at.later(100)
            assert await at.sent() is Outcome.SENT
    assert len(api.received) == 2


async def test_a_slow_api_is_left_to_the_next_courier(tmp_path: Path) -> None:
    """With a fall-back the person gets the code in time, and the slow one never gets it again."""
    with Gateway(behaviours.is_slow) as api, Gateway(in_turn(answers(503), answers(200))) as other:
        async with office(tmp_path, sms_url=f"{twilio(api)} {other.webhook}") as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.WAITING
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert len(api.received) == 1
    assert other.ids == [message_id] * 2


@pytest.mark.parametrize("behaviour", [answers(429), answers(503), answers(401)])
async def test_what_was_not_taken_is_tried_again(behaviour: behaviours.Behaviour, tmp_path: Path) -> None:
    """Too many requests, a service away, a token not yet put right: the message waits."""
    with Gateway(in_turn(behaviour, CREATED)) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            assert (await at.settled(await at.post())).outcome is Outcome.SENT
    assert len(api.received) == 2


# ------------------------------------------------------------------ what Twilio tells afterwards

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


async def tell(at: Office, message_id: str, form: dict[str, str], *, token: str = TOKEN, **headers: str) -> int:
    """Call back as Twilio does, signed by the SDK's validator; gives the status of the answer."""
    path = f"/hooks/twilio?id={message_id}"
    signature = RequestValidator(token).compute_signature(at.inside.url + path, form)
    answer = await at.inside.http.post(path, data=form, headers={"X-Twilio-Signature": signature, **headers})
    return answer.status_code


async def test_a_message_that_was_not_delivered_is_told(tmp_path: Path) -> None:
    """A landline is found out minutes later; whoever asks for the message's fate hears of it."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            message_id = await at.post()
            assert await at.outcome(message_id) is Outcome.SENT
            assert await tell(at, message_id, {**UNDELIVERED, "MessageStatus": "sent"}) == 204
            assert (await at.fate(message_id)).outcome is Outcome.SENT
            assert await tell(at, message_id, UNDELIVERED, Host="some.proxy.inside") == 204
            assert await at.fate(message_id) == Fate(Outcome.REFUSED, Reason.CANNOT_TAKE_TEXTS)


async def test_a_call_that_nobody_answered_is_told(tmp_path: Path) -> None:
    """Busy, not answered, failed: the number was not reached."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, voice_url=twilio(api)) as at:
            message_id = await at.post(Message("voice", NUMBER, SPEECH))
            assert await at.outcome(message_id) is Outcome.SENT
            assert await tell(at, message_id, {"CallSid": "CA1", "CallStatus": "no-answer"}) == 204
            assert await at.fate(message_id) == Fate(Outcome.REFUSED, Reason.UNREACHABLE)


async def test_only_twilio_is_believed(tmp_path: Path) -> None:
    """Without signature, with another's, for another id, with an altered or added field: 403, and nothing is noted."""
    with Gateway(CREATED) as api:
        async with office(tmp_path, sms_url=twilio(api)) as at:
            message_id, other = await at.post(), await at.post()
            assert await at.outcome(message_id) is await at.outcome(other) is Outcome.SENT
            good = RequestValidator(TOKEN).compute_signature(f"{at.inside.url}/hooks/twilio?id={other}", UNDELIVERED)
            assert await tell(at, message_id, UNDELIVERED, token="another") == 403
            assert await tell(at, message_id, UNDELIVERED, **{"X-Twilio-Signature": ""}) == 403
            assert await tell(at, message_id, UNDELIVERED, **{"X-Twilio-Signature": good}) == 403
            for altered in ({**UNDELIVERED, "ErrorCode": "1"}, {**UNDELIVERED, "More": "x"}):
                path = f"/hooks/twilio?id={other}"
                answer = await at.inside.http.post(path, data=altered, headers={"X-Twilio-Signature": good})
                assert answer.status_code == 403
            assert (await at.inside.http.post("/hooks/twilio", content=b"\xff" * 100_000)).status_code == 403
            assert (await at.fate(message_id)).outcome is (await at.fate(other)).outcome is Outcome.SENT


async def test_nobody_is_believed_where_no_twilio_is_set(tmp_path: Path) -> None:
    """An empty token signs nothing."""
    async with office(tmp_path) as at:
        assert await tell(at, "0" * 26, UNDELIVERED, token="") == 403
        assert (await at.inside.http.get("/hooks/twilio")).status_code == 405
