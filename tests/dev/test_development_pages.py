"""The development pages: what was sent stands there, for somebody at this machine, and for nobody else in the world."""

from pathlib import Path

import httpx2
import pytest

from tests.couriers.office import MAIL, NUMBER, TEXT, office
from tests.service import Service
from twofold.base.outbox import Message, Outcome

PATHS = ("/dev/outbox", "/dev/outbox.json", "/dev/authenticator")
SENT = Message("sms", NUMBER, TEXT)


async def test_programs_read_what_was_sent_oldest_first(tmp_path: Path) -> None:
    """Channel, to, subject, text and time, and nothing else."""
    async with office(tmp_path) as at:
        assert (await at.inside.http.get("/dev/outbox.json")).json() == []
        for message in (SENT, Message("voice", NUMBER, "4, 8, 2"), MAIL):
            assert await at.sent(message) is Outcome.SENT
        answer = await at.inside.http.get("/dev/outbox.json")
    at_once = "2027-01-15T08:00:00Z"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == [
        {"channel": "sms", "to": NUMBER, "subject": None, "text": TEXT, "at": at_once},
        {"channel": "voice", "to": NUMBER, "subject": None, "text": "4, 8, 2", "at": at_once},
        {"channel": "mail", "to": MAIL.to, "subject": MAIL.subject, "text": MAIL.text, "at": at_once},
    ]


async def test_people_read_what_was_sent_newest_first_and_as_text(tmp_path: Path) -> None:
    """Our own links can be followed; others, and markup, are shown as text."""
    async with office(tmp_path) as at:
        link = f"{at.inside.url}/reset-password/abc"
        await at.sent(SENT)
        await at.sent(
            Message("mail", "ada@example.org", f"<script>x</script> {link}, https://else.example", "<b>Reset</b>")
        )
        page = (await at.inside.http.get("/dev/outbox")).text
    assert page.index("ada@example.org") < page.index(NUMBER)
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "&lt;b&gt;Reset" in page
    assert f'<a href="{link}">{link}</a>, https://else.example' in page


async def test_the_mailbox_keeps_the_last_two_hundred(tmp_path: Path) -> None:
    """A machine that runs for weeks does not fill up."""
    async with office(tmp_path) as at:
        ids = [await at.post(Message("sms", NUMBER, str(number))) for number in range(230)]
        for message_id in ids:
            await at.outcome(message_id)
        texts = {message["text"] for message in (await at.inside.http.get("/dev/outbox.json")).json()}
    assert len(texts) == 200
    assert "229" in texts


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost:8000"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
    ids=str,
)
async def test_through_a_proxy_or_by_another_name_nothing_is_there(
    path: str, headers: dict[str, str], tmp_path: Path
) -> None:
    """A page of a stranger, a name bound to our address, a proxy on this machine: 404 like any other path."""
    async with office(tmp_path) as at:
        assert (await at.inside.http.get(path)).status_code == 200
        answer = await at.inside.http.get(path, headers=headers)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_from_another_machine_nothing_is_there(path: str, tmp_path: Path) -> None:
    """Also when the service listens on every address."""
    async with office(tmp_path) as at:
        for peer, status in (("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 404), ("fe80::1%eth0", 404)):
            transport = httpx2.ASGITransport(at.inside.twofold, client=(peer, 1))
            async with httpx2.AsyncClient(transport=transport, base_url=at.inside.url) as client:
                assert (await client.get(path)).status_code == status, peer


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "https://login.example.org", "sms_url": "console:", "voice_url": "console:"},
        {
            "mail_url": "webhook+http://127.0.0.1:1/",
            "sms_url": "webhook+http://127.0.0.1:1/",
            "voice_url": "webhook+http://127.0.0.1:1/",
        },
    ],
    ids=["public", "no console"],
)
async def test_in_another_set_up_nothing_is_there(path: str, settings: dict[str, str], tmp_path: Path) -> None:
    """On a public address, or where no courier shows messages, the pages do not exist."""
    async with office(tmp_path, **settings) as at:
        assert (await at.inside.http.get(path)).status_code == 404


async def test_on_a_public_address_the_console_takes_nothing(tmp_path: Path) -> None:
    """Nobody could read it there: the person is told that it cannot be sent, and nothing is kept."""
    settings = {"base_url": "https://login.example.org", "sms_url": "console:"}
    async with office(tmp_path, **settings) as at:
        assert await at.sent() is Outcome.REFUSED


def test_serve_says_where_the_pages_are_where_they_are(tmp_path: Path) -> None:
    """A newcomer finds them at the start; with a public address they are not spoken of."""
    for name, settings, there in (("own", {}, True), ("public", {"base_url": "https://login.example.org"}, False)):
        with Service(tmp_path / name, settings=settings) as service:
            service.first_administrator_link()
            assert (f"{service.url}/dev/outbox" in service.output()) is there
            assert (f"{service.url}/dev/authenticator" in service.output()) is there


async def test_the_log_tells_that_a_message_waits_and_not_what_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line with the channel and the place to read it; no number, no code."""
    caplog.set_level("INFO")
    async with office(tmp_path) as at:
        await at.sent(SENT)
    (record,) = [record for record in caplog.records if record.name == "twofold.couriers"]
    told = f"{record.getMessage()} {vars(record)}"
    assert "/dev/outbox" in told
    assert "sms" in told
    assert NUMBER not in told
    assert TEXT[:6] not in told
