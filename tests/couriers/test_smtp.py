"""The mail courier against aiosmtpd over STARTTLS and TLS, with a test certificate authority."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.support.certificate_authority import Authority
from tests.support.gateway import closed_port
from tests.support.outbox_harness import MAIL, open_outbox
from tests.support.programs import missing
from twofold.accounts.rules import normal_email
from twofold.base.outbox import DeliveryStatus, Message, Outcome, Reason
from twofold.base.problems import InvalidRequest

SENDER = "from=Twofold%20%3Clogin@example.org%3E"
PASSWORD = "p@ss/w#rd"


@dataclass
class Post:
    """A mail server's mails, and its answers to recipients and mails; 250 when none are left."""

    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    to_recipients: list[str] = field(default_factory=list)
    to_mails: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope, to: str, _options: object
    ) -> str:
        """Accept or refuse a recipient."""
        reply = self.to_recipients.pop(0) if self.to_recipients else "250 OK"
        if reply.startswith("250"):
            envelope.rcpt_tos.append(to)
        return reply

    async def handle_DATA(self, _server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.mails.append(message_from_bytes(cast("bytes", envelope.content), policy=policy.default))
        self.encrypted.append(session.ssl is not None)
        return self.to_mails.pop(0) if self.to_mails else "250 OK"

    def authenticate(self, _server: object, _session: object, _envelope: object, _how: str, data: Any) -> AuthResult:  # noqa: ANN401
        """Accept one user."""
        assert isinstance(data, LoginPassword)
        good = data == LoginPassword(b"me", PASSWORD.encode())
        self.signed_in.append(data.login.decode())
        return AuthResult(success=good)


@contextlib.contextmanager
def server(post: Post, host: str = "127.0.0.1", **options: Any) -> Iterator[int]:  # noqa: ANN401
    """Run a mail server and return its port."""
    controller = Controller(post, hostname=host, port=closed_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop(no_assert=True)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return the certificate authority of one test."""
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


async def test_mail_is_sent_over_starttls(authority: Authority, tmp_path: Path) -> None:
    """The server's certificate is checked, the password is sent inside TLS, and the mail arrives unchanged."""
    post = Post()
    options: dict[str, Any] = {
        "tls_context": authority.server(),
        "require_starttls": True,
        "authenticator": post.authenticate,
        "auth_required": True,
    }
    with server(post, **options) as port:
        url = f"smtp://me:p%40ss%2Fw%23rd@127.0.0.1:{port}?{SENDER}&ca={authority.ca}"
        async with open_outbox(tmp_path, mail_url=url) as at:
            message_id = await at.post(MAIL)
            assert await at.outcome(message_id) is Outcome.SENT
    (mail,) = post.mails
    assert (post.encrypted, post.signed_in) == ([True], ["me"])
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Twofold <login@example.org>", MAIL.to, MAIL.subject)
    assert (mail["Auto-Submitted"], mail["Message-ID"]) == ("auto-generated", f"<{message_id}@127.0.0.1>")
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().splitlines() == MAIL.text.splitlines()
    assert page.get_content().strip() == MAIL.html


async def test_mail_is_sent_over_implicit_tls(authority: Authority, tmp_path: Path) -> None:
    """`smtps://` uses TLS from the start, and letters of other alphabets arrive."""
    post = Post()
    text = "Jemand hat sich angemeldet. Ξένος; 誰?"
    with server(post, ssl_context=authority.server()) as port:
        async with open_outbox(tmp_path, mail_url=f"smtps://localhost:{port}?{SENDER}&ca={authority.ca}") as at:
            assert await at.sent(Message("mail", "ada@example.org", text, "Grüße", locale="de")) is Outcome.SENT
    (mail,) = post.mails
    assert (mail["Subject"], mail.get_content().strip(), mail["Content-Language"]) == ("Grüße", text, "de")


@pytest.mark.parametrize("fault", ["stranger", "other name", "no TLS", "wrong password"])
async def test_mail_is_not_sent_to_an_unverified_server(fault: str, authority: Authority, tmp_path: Path) -> None:
    """With an unknown certificate, a wrong name, stripped TLS or a refused password, the mail waits."""
    post = Post()
    (tmp_path / "other").mkdir()
    contexts: dict[str, ssl.SSLContext | None] = {
        "stranger": Authority(tmp_path / "other").server(),
        "other name": authority.server("mail.example.org"),
        "no TLS": None,
        "wrong password": authority.server(),
    }
    options: dict[str, Any] = {"tls_context": contexts[fault], "authenticator": post.authenticate}
    with server(post, **options, auth_require_tls=False) as port:
        url = f"smtp://me:wrong@127.0.0.1:{port}?{SENDER}&ca={authority.ca}"
        async with open_outbox(tmp_path, mail_url=url) as at:
            assert await at.sent(MAIL) is Outcome.WAITING
    assert post.mails == []
    assert post.signed_in == (["me"] if fault == "wrong password" else [])


async def test_mail_server_on_another_host_must_offer_verified_tls(tmp_path: Path) -> None:
    """Without `ca`, a server on another host must offer STARTTLS with a certificate that the machine trusts."""
    address = own_address()
    post = Post()
    with server(post, host=address) as port:
        async with open_outbox(tmp_path, mail_url=f"smtp://me:secret@{address}:{port}?{SENDER}") as at:
            assert await at.sent(MAIL) is Outcome.WAITING
    assert (post.mails, post.signed_in) == ([], [])


def own_address() -> str:
    """Return an address of this machine that is not loopback."""
    address = "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing, and finds the address that it would be sent from
        address = str(probe.getsockname()[0])
    if address.startswith(("127.", "0.")):
        missing("this machine has no address but loopback")
    return address


async def test_mail_server_on_loopback_may_be_unencrypted(authority: Authority, tmp_path: Path) -> None:
    """STARTTLS is used where it is offered, with any certificate."""
    for context in (None, authority.server("snakeoil")):
        post = Post()
        with server(post, tls_context=context) as port:
            async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
                assert await at.sent(MAIL) is Outcome.SENT
        assert post.encrypted == [context is not None]


async def test_smtp_status_decides_whether_a_mail_is_retried(tmp_path: Path) -> None:
    """5xx refuses, 4xx retries with the same Message-ID, and an unknown mailbox is reported as such."""
    post = Post(to_recipients=["550 no such user", "450 greylisted"], to_mails=["554 no", "451 later"])
    with server(post) as port:
        async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            assert await at.settled(await at.post(MAIL, life=86_400)) == DeliveryStatus(
                Outcome.REFUSED, Reason.UNREACHABLE
            )
            greylisted = await at.post(MAIL, life=86_400)
            assert await at.settled(greylisted) == DeliveryStatus(Outcome.REFUSED)  # 450, then 554 to the mail itself
            again = await at.post(MAIL, life=86_400)
            assert (await at.settled(again)).outcome is Outcome.SENT
    ids = [mail["Message-ID"] for mail in post.mails]
    assert ids == [f"<{greylisted}@127.0.0.1>", f"<{again}@127.0.0.1>", f"<{again}@127.0.0.1>"]


async def test_mail_with_a_line_break_in_a_header_is_refused(tmp_path: Path) -> None:
    """A subject with a line end is refused, not sent as two lines."""
    post = Post()
    with server(post) as port:
        async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            mail = Message("mail", "ada@example.org", "text", "Hello\r\nBcc: eve@example.org")
            assert await at.sent(mail) is Outcome.REFUSED
    assert post.mails == []


@pytest.mark.parametrize("email", ["=?utf-8?q??=@p1.example", "=?a?q?victim?=@corp.example", "a,b@corp.example"])
async def test_ambiguous_mail_address_is_refused(email: str, tmp_path: Path) -> None:
    """Encoded words and address lists are refused on input, and again when a mail is written."""
    with pytest.raises(InvalidRequest):
        normal_email(email)
    post = Post()
    with server(post) as port:
        async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            for _ in range(4):
                assert await at.sent(Message("mail", email, "text", "Hello")) is Outcome.REFUSED
            assert await at.sent(MAIL) is Outcome.SENT, "a message at fault made the courier look down"
    assert len(post.mails) == 1


async def test_rejected_recipients_do_not_pause_the_mail_server(tmp_path: Path) -> None:
    """Other mails are still sent after permanent and temporary rejections of invented addresses."""
    post = Post(to_recipients=["450 later"] * 5)
    with server(post, enable_SMTPUTF8=False) as port:
        async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            for _ in range(5):
                assert await at.sent(Message("mail", "ådå@example.org", "text", "Hello")) is Outcome.REFUSED
            for _ in range(5):
                assert await at.sent(MAIL) is Outcome.WAITING
            assert await at.sent(MAIL) is Outcome.SENT


@contextlib.contextmanager
def working_server(post: Post, port: int) -> Iterator[None]:
    """Start a missing mail server, or repair a failing one."""
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop(no_assert=True)


async def test_mail_is_sent_when_the_mail_server_is_back(tmp_path: Path) -> None:
    """The mail waits while the server is down."""
    post, port = Post(), closed_port()
    async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
        message_id = await at.post(MAIL, life=86_400)
        assert await at.outcome(message_id) is Outcome.WAITING
        with working_server(post, port):
            assert (await at.settled(message_id)).outcome is Outcome.SENT


@contextlib.contextmanager
def broken_server(port: int, behave: Callable[[socket.socket], object]) -> Iterator[None]:
    """Run a server that handles every connection so, until the block ends."""
    with socket.create_server(("127.0.0.1", port)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        behave(connection)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()


def accept_mail_and_hang_up(connection: socket.socket) -> None:
    """Respond correctly until the end of the mail, and then stop."""
    lines = connection.makefile("rb")
    connection.sendall(b"220 here\r\n")
    for line in lines:
        word = line[:4].upper()
        if word == b"DATA":
            connection.sendall(b"354 go on\r\n")
            while lines.readline() not in {b".\r\n", b""}:
                pass
            return
        connection.sendall(b"250 OK\r\n")


TROUBLES: dict[str, Callable[[socket.socket], object]] = {
    "mute": lambda connection: connection.recv(1),
    "hangs up": lambda connection: connection.shutdown(socket.SHUT_RDWR),
    "garbage": lambda connection: connection.sendall(b"\x00\xff garbage \r\n\r\n" * 20),
    "endless": lambda connection: connection.sendall((b"220-" + b"x" * 60_000) * 400),
    "hangs up after the mail": accept_mail_and_hang_up,
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_mail_is_retried_and_sent_once_after_a_temporary_error(name: str, tmp_path: Path) -> None:
    """The waiting request learns in time that the mail is still being retried."""
    post, port = Post(), closed_port()
    async with open_outbox(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
        with broken_server(port, TROUBLES[name]):
            async with asyncio.timeout(10):
                message_id = await at.post(MAIL, life=86_400)
                assert await at.outcome(message_id, within=60) is Outcome.WAITING
        with working_server(post, port):
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert [mail["Message-ID"] for mail in post.mails] == [f"<{message_id}@127.0.0.1>"]
