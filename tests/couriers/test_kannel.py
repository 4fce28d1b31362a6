"""The Kannel courier against a gateway that answers as Kannel 1.4.5 does."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import gateway as behaviours
from tests.support.gateway import Behaviour, Gateway, answers, in_turn
from tests.support.outbox_harness import NUMBER, TEXT, open_outbox
from twofold.base.outbox import DeliveryStatus, Message, Outcome, Reason

ACCEPTED = answers(202, b"0: Accepted for delivery")


def kannel(gateway: Gateway) -> str:
    """Return the courier's address."""
    return f"kannel+http://me:p%40ss@127.0.0.1:{gateway.port}?from=Twofold"


async def test_kannel_text_is_sent_as_a_sendsms_request(tmp_path: Path) -> None:
    """The text has 7-bit characters if the SMS alphabet has all of them, and Unicode otherwise."""
    with Gateway(ACCEPTED) as gateway:
        async with open_outbox(tmp_path, sms_url=kannel(gateway)) as at:
            for text in (TEXT, "Grüße €", "твой код"):
                assert await at.sent(Message("sms", NUMBER, text)) is Outcome.SENT
    asked = [urlsplit(received.path) for received in gateway.received]
    assert {url.path for url in asked} == {"/cgi-bin/sendsms"}
    account = {"username": ["me"], "password": ["p@ss"], "from": ["Twofold"], "to": [NUMBER], "charset": ["UTF-8"]}
    assert [parse_qs(url.query) for url in asked] == [
        {**account, "text": [TEXT], "coding": ["0"]},
        {**account, "text": ["Grüße €"], "coding": ["0"]},
        {**account, "text": ["твой код"], "coding": ["2"]},
    ]


@pytest.mark.parametrize(
    "behaviour, fate, requests",
    [
        (
            answers(400, b"Number(s) has/have been denied by white- and/or black-lists."),
            DeliveryStatus(Outcome.REFUSED),
            1,
        ),
        (answers(403, b"Authorization failed for sendsms"), DeliveryStatus(Outcome.SENT), 2),
        (answers(503, b"Temporal failure, try again later."), DeliveryStatus(Outcome.SENT), 2),
        (behaviours.drops, DeliveryStatus(Outcome.REFUSED, Reason.DOUBTFUL), 1),
    ],
)
async def test_kannel_response_decides_whether_a_message_is_retried(
    behaviour: Behaviour, fate: DeliveryStatus, requests: int, tmp_path: Path
) -> None:
    """A denied number is refused, a failure is retried, and a message that may have been accepted is not sent again."""
    with Gateway(in_turn(behaviour, ACCEPTED)) as gateway:
        async with open_outbox(tmp_path, sms_url=kannel(gateway)) as at:
            assert await at.settled(await at.post()) == fate
    assert len(gateway.received) == requests
