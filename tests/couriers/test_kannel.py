"""The Kannel courier against a gateway that answers as Kannel 1.4.5 did when it was asked the same."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.couriers import gateway as behaviours
from tests.couriers.gateway import Behaviour, Gateway, answers, in_turn
from tests.couriers.office import NUMBER, TEXT, office
from twofold.base.outbox import Fate, Message, Outcome, Reason

ACCEPTED = answers(202, b"0: Accepted for delivery")


def kannel(gateway: Gateway) -> str:
    """The courier's address."""
    return f"kannel+http://me:p%40ss@127.0.0.1:{gateway.port}?from=Twofold"


async def test_a_text_becomes_a_request_for_sendsms(tmp_path: Path) -> None:
    """Seven bits a letter where the alphabet of short messages has them all, else Unicode."""
    with Gateway(ACCEPTED) as gateway:
        async with office(tmp_path, sms_url=kannel(gateway)) as at:
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
        (answers(400, b"Number(s) has/have been denied by white- and/or black-lists."), Fate(Outcome.REFUSED), 1),
        (answers(403, b"Authorization failed for sendsms"), Fate(Outcome.SENT), 2),
        (answers(503, b"Temporal failure, try again later."), Fate(Outcome.SENT), 2),
        (behaviours.drops, Fate(Outcome.REFUSED, Reason.DOUBTFUL), 1),
    ],
)
async def test_what_it_answers_decides(behaviour: Behaviour, fate: Fate, requests: int, tmp_path: Path) -> None:
    """A denied number is refused, a box in trouble waited for, and what may have been taken is not sent again."""
    with Gateway(in_turn(behaviour, ACCEPTED)) as gateway:
        async with office(tmp_path, sms_url=kannel(gateway)) as at:
            assert await at.settled(await at.post()) == fate
    assert len(gateway.received) == requests
