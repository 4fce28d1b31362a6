"""The development pages show sent messages to a person at this machine only."""

from pathlib import Path

import httpx2
import pytest

from tests.support.forms import FormBrowser
from tests.support.outbox_harness import MAIL, NUMBER, TEXT, open_outbox
from tests.support.service import Service
from twofold.base.outbox import Message, Outcome

PATHS = ("/dev", "/dev/outbox", "/dev/outbox.json", "/dev/authenticator")
SENT = Message("sms", NUMBER, TEXT)


async def test_mailbox_json_lists_messages_oldest_first(tmp_path: Path) -> None:
    """Channel, to, subject, text and time, and nothing else."""
    async with open_outbox(tmp_path) as at:
        assert (await at.app.http.get(at.app.development("/dev/outbox.json"))).json() == []
        for message in (SENT, Message("voice", NUMBER, "4, 8, 2"), MAIL):
            assert await at.sent(message) is Outcome.SENT
        answer = await at.app.http.get(at.app.development("/dev/outbox.json"))
    at_once = "2027-01-15T08:00:00Z"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == [
        {"channel": "sms", "to": NUMBER, "subject": None, "text": TEXT, "at": at_once},
        {"channel": "voice", "to": NUMBER, "subject": None, "text": "4, 8, 2", "at": at_once},
        {"channel": "mail", "to": MAIL.to, "subject": MAIL.subject, "text": MAIL.text, "at": at_once},
    ]


async def test_mailbox_page_lists_messages_newest_first_as_text(tmp_path: Path) -> None:
    """Our own links can be followed; others, and markup, are shown as text."""
    async with open_outbox(tmp_path) as at:
        link = f"{at.app.url}/reset-password/abc"
        await at.sent(SENT)
        await at.sent(
            Message("mail", "ada@example.org", f"<script>x</script> {link}, https://else.example", "<b>Reset</b>")
        )
        page = (await at.app.http.get(at.app.development("/dev/outbox"))).text
    assert page.index("ada@example.org") < page.index(NUMBER)
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "&lt;b&gt;Reset" in page
    assert f'<a href="{link}">{link}</a>, https://else.example' in page


async def test_mailbox_keeps_the_last_two_hundred_messages(tmp_path: Path) -> None:
    """A machine that runs for weeks does not fill up."""
    async with open_outbox(tmp_path) as at:
        ids = [await at.post(Message("sms", NUMBER, str(number))) for number in range(230)]
        for message_id in ids:
            await at.outcome(message_id)
        texts = {message["text"] for message in (await at.app.http.get(at.app.development("/dev/outbox.json"))).json()}
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
async def test_development_pages_are_not_found_through_a_proxy_or_another_host(
    path: str, headers: dict[str, str], tmp_path: Path
) -> None:
    """A page of a stranger, a name bound to our address, a proxy on this machine: 404 like any other path."""
    async with open_outbox(tmp_path) as at:
        assert (await at.app.http.get(at.app.development(path))).status_code == 200
        answer = await at.app.http.get(at.app.development(path), headers=headers)
        assert answer.status_code == 404
        assert "Nothing was found here" in answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_development_pages_are_not_found_from_another_machine(path: str, tmp_path: Path) -> None:
    """Also when the service listens on every address."""
    async with open_outbox(tmp_path) as at:
        for peer, status in (("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 404), ("fe80::1%eth0", 404)):
            transport = httpx2.ASGITransport(at.app.twofold, client=(peer, 1))
            async with httpx2.AsyncClient(transport=transport, base_url=at.app.url) as client:
                assert (await client.get(at.app.development(path))).status_code == status, peer


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
async def test_development_pages_do_not_exist_outside_development(
    path: str, settings: dict[str, str], tmp_path: Path
) -> None:
    """On a public address, or where no courier shows messages, the pages do not exist."""
    async with open_outbox(tmp_path, **settings) as at:
        assert (await at.app.http.get(at.app.development(path))).status_code == 404


async def test_console_courier_refuses_messages_on_a_public_address(tmp_path: Path) -> None:
    """The person sees that the code cannot be sent, and nothing is kept."""
    settings = {"base_url": "https://login.example.org", "sms_url": "console:"}
    async with open_outbox(tmp_path, **settings) as at:
        assert await at.sent() is Outcome.REFUSED


def test_serve_prints_the_development_link_only_where_the_pages_exist(tmp_path: Path) -> None:
    """A newcomer finds them at the start; with a public address they are not spoken of."""
    for name, settings, there in (("own", {}, True), ("public", {"base_url": "https://login.example.org"}, False)):
        with Service(tmp_path / name, settings=settings) as service:
            service.first_administrator_link()
            assert ("/dev?key=" in service.output()) is there


def test_development_link_works_until_the_next_start(tmp_path: Path) -> None:
    """It opens the pages in one browser, and for programs with the key."""
    with Service(tmp_path) as service:
        browser = FormBrowser(service.url)
        for path in PATHS:
            refused = browser.get(path).expect(403)
            assert "Open the link that was printed when Twofold started" in refused.words
            browser.get(f"{path}?key=x").expect(403)
            browser.get(f"{path}?key=").expect(403)
        assert "twofold_dev" not in browser.cookies
        shown = browser.get(service.development()).expect(200)
        assert "/dev/outbox" in shown.html
        assert "/dev/authenticator" in shown.html
        for path in PATHS:
            browser.get(path).expect(200)
        assert service.outbox() == []
        FormBrowser(service.url).get("/dev/outbox.json").expect(403)
        before = service.development()
        service.restart()
        for path in (*PATHS, before):
            browser.get(path).expect(403)


@pytest.mark.parametrize("path", PATHS)
async def test_development_pages_are_not_found_through_a_plain_port_forwarder(path: str, tmp_path: Path) -> None:
    """It adds no header, comes from loopback, and its client chooses the Host."""
    async with open_outbox(tmp_path) as at:
        await at.sent(SENT)
        answer = await at.app.http.get(path)
        assert answer.status_code == 403
        assert TEXT[:6] not in answer.text


def test_development_key_is_not_logged(tmp_path: Path) -> None:
    """It is printed once; requests with it leave no trace of it."""
    with Service(tmp_path) as service:
        link = service.development()
        FormBrowser(service.url).get(link).expect(200)
        FormBrowser(service.url).get(link.replace("/dev?", "/dev/nothing?")).expect(404)
        service.stop()
        assert service.output().count(link.partition("=")[2]) == 1


async def test_waiting_message_is_logged_without_its_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line with the channel and the place to read it; no number, no code."""
    caplog.set_level("INFO")
    async with open_outbox(tmp_path) as at:
        await at.sent(SENT)
    (record,) = [record for record in caplog.records if record.name == "twofold.couriers"]
    told = f"{record.getMessage()} {vars(record)}"
    assert "/dev/outbox" in told
    assert "sms" in told
    assert NUMBER not in told
    assert TEXT[:6] not in told
