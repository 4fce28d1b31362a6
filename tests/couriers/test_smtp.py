"""The mail courier against aiosmtpd over STARTTLS and TLS, with a certificate authority of our own."""

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

from tests.couriers.authority import Authority
from tests.couriers.gateway import closed_port
from tests.couriers.office import MAIL, office
from tests.parts import missing
from twofold.accounts.rules import normal_email
from twofold.base.outbox import Fate, Message, Outcome, Reason
from twofold.base.problems import InvalidRequest

SENDER = "from=Twofold%20%3Clogin@example.org%3E"
PASSWORD = "p@ss/w#rd"


@dataclass
class Post:
    """What a mail server was given, and what it says to recipients and mails; 250 when nothing else is left to say."""

    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    to_recipients: list[str] = field(default_factory=list)
    to_mails: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope, to: str, _options: object
    ) -> str:
        """Take or refuse a recipient."""
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
        """Know one user."""
        assert isinstance(data, LoginPassword)
        good = data == LoginPassword(b"me", PASSWORD.encode())
        self.signed_in.append(data.login.decode())
        return AuthResult(success=good)


@contextlib.contextmanager
def server(post: Post, host: str = "127.0.0.1", **options: Any) -> Iterator[int]:  # noqa: ANN401
    """A running mail server; gives its port."""
    controller = Controller(post, hostname=host, port=closed_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop(no_assert=True)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Vouches for the servers of one test."""
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


async def test_a_mail_goes_out_over_starttls(authority: Authority, tmp_path: Path) -> None:
    """The server's certificate is checked, the password is given inside TLS, and the mail is whole."""
    post = Post()
    options: dict[str, Any] = {
        "tls_context": authority.server(),
        "require_starttls": True,
        "authenticator": post.authenticate,
        "auth_required": True,
    }
    with server(post, **options) as port:
        url = f"smtp://me:p%40ss%2Fw%23rd@127.0.0.1:{port}?{SENDER}&ca={authority.ca}"
        async with office(tmp_path, mail_url=url) as at:
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


async def test_a_mail_goes_out_over_tls_from_the_first_byte(authority: Authority, tmp_path: Path) -> None:
    """`smtps://` speaks to servers that want it so; letters of other alphabets arrive."""
    post = Post()
    text = "Jemand hat sich angemeldet. Ξένος; 誰?"
    with server(post, ssl_context=authority.server()) as port:
        async with office(tmp_path, mail_url=f"smtps://localhost:{port}?{SENDER}&ca={authority.ca}") as at:
            assert await at.sent(Message("mail", "ada@example.org", text, "Grüße", locale="de")) is Outcome.SENT
    (mail,) = post.mails
    assert (mail["Subject"], mail.get_content().strip(), mail["Content-Language"]) == ("Grüße", text, "de")


@pytest.mark.parametrize("fault", ["stranger", "other name", "no TLS", "wrong password"])
async def test_no_mail_goes_to_a_server_that_is_not_the_one(fault: str, authority: Authority, tmp_path: Path) -> None:
    """An unknown certificate, another's name, TLS stripped on the way, a refused password: the mail waits."""
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
        async with office(tmp_path, mail_url=url) as at:
            assert await at.sent(MAIL) is Outcome.WAITING
    assert post.mails == []
    assert post.signed_in == (["me"] if fault == "wrong password" else [])


async def test_off_loopback_nothing_is_said_before_tls(tmp_path: Path) -> None:
    """Without any `ca` a server of another address must offer STARTTLS with a certificate that the machine trusts."""
    address = own_address()
    post = Post()
    with server(post, host=address) as port:
        async with office(tmp_path, mail_url=f"smtp://me:secret@{address}:{port}?{SENDER}") as at:
            assert await at.sent(MAIL) is Outcome.WAITING
    assert (post.mails, post.signed_in) == ([], [])


def own_address() -> str:
    """An address of this machine that is not loopback."""
    address = "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing, and finds the address that it would be sent from
        address = str(probe.getsockname()[0])
    if address.startswith(("127.", "0.")):
        missing("this machine has no address but loopback")
    return address


async def test_on_loopback_a_plain_server_will_do(authority: Authority, tmp_path: Path) -> None:
    """Nobody listens in between; STARTTLS is taken where it is offered, whatever the certificate."""
    for context in (None, authority.server("snakeoil")):
        post = Post()
        with server(post, tls_context=context) as port:
            async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
                assert await at.sent(MAIL) is Outcome.SENT
        assert post.encrypted == [context is not None]


async def test_what_a_server_says_decides(tmp_path: Path) -> None:
    """5xx refuses, 4xx asks for a later try with the same Message-ID; a mailbox that is not there is told as such."""
    post = Post(to_recipients=["550 no such user", "450 greylisted"], to_mails=["554 no", "451 later"])
    with server(post) as port:
        async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            assert await at.settled(await at.post(MAIL, life=86_400)) == Fate(Outcome.REFUSED, Reason.UNREACHABLE)
            greylisted = await at.post(MAIL, life=86_400)
            assert await at.settled(greylisted) == Fate(Outcome.REFUSED)  # 450, then 554 to the mail itself
            again = await at.post(MAIL, life=86_400)
            assert (await at.settled(again)).outcome is Outcome.SENT
    ids = [mail["Message-ID"] for mail in post.mails]
    assert ids == [f"<{greylisted}@127.0.0.1>", f"<{again}@127.0.0.1>", f"<{again}@127.0.0.1>"]


async def test_no_line_of_a_message_becomes_a_header(tmp_path: Path) -> None:
    """A subject with a line end is refused, not sent as two lines."""
    post = Post()
    with server(post) as port:
        async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            mail = Message("mail", "ada@example.org", "text", "Hello\r\nBcc: eve@example.org")
            assert await at.sent(mail) is Outcome.REFUSED
    assert post.mails == []


@pytest.mark.parametrize("email", ["=?utf-8?q??=@p1.example", "=?a?q?victim?=@corp.example", "a,b@corp.example"])
async def test_an_address_that_would_be_read_as_another_one_is_none(email: str, tmp_path: Path) -> None:
    """Encoded words and lists of people are refused where an address is given, and again where a mail is written."""
    with pytest.raises(InvalidRequest):
        normal_email(email)
    post = Post()
    with server(post) as port:
        async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            for _ in range(4):
                assert await at.sent(Message("mail", email, "text", "Hello")) is Outcome.REFUSED
            assert await at.sent(MAIL) is Outcome.SENT, "a message at fault made the courier look down"
    assert len(post.mails) == 1


async def test_no_made_up_address_makes_a_good_server_look_down(tmp_path: Path) -> None:
    """Addresses that it cannot take, or wants to see later, are their own affair: other mails go out."""
    post = Post(to_recipients=["450 later"] * 5)
    with server(post, enable_SMTPUTF8=False) as port:
        async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
            for _ in range(5):
                assert await at.sent(Message("mail", "ådå@example.org", "text", "Hello")) is Outcome.REFUSED
            for _ in range(5):
                assert await at.sent(MAIL) is Outcome.WAITING
            assert await at.sent(MAIL) is Outcome.SENT


@contextlib.contextmanager
def well_again(post: Post, port: int) -> Iterator[None]:
    """A mail server where there was none, or one in trouble."""
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop(no_assert=True)


async def test_a_mail_server_that_is_down_is_waited_for(tmp_path: Path) -> None:
    """The mail goes out when it is back."""
    post, port = Post(), closed_port()
    async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
        message_id = await at.post(MAIL, life=86_400)
        assert await at.outcome(message_id) is Outcome.WAITING
        with well_again(post, port):
            assert (await at.settled(message_id)).outcome is Outcome.SENT


@contextlib.contextmanager
def broken_server(port: int, behave: Callable[[socket.socket], object]) -> Iterator[None]:
    """A server that treats every connection so, and listens no more afterwards."""
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


def takes_the_mail_and_hangs_up(connection: socket.socket) -> None:
    """Speaks well up to the end of the mail, and then says nothing more."""
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
    "hangs up after the mail": takes_the_mail_and_hangs_up,
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_mail_waits_for_a_server_in_trouble(name: str, tmp_path: Path) -> None:
    """Whoever waits hears in time that it is still being tried; when all is well the mail goes out, once."""
    post, port = Post(), closed_port()
    async with office(tmp_path, mail_url=f"smtp://127.0.0.1:{port}?{SENDER}") as at:
        with broken_server(port, TROUBLES[name]):
            async with asyncio.timeout(10):
                message_id = await at.post(MAIL, life=86_400)
                assert await at.outcome(message_id, within=60) is Outcome.WAITING
        with well_again(post, port):
            assert (await at.settled(message_id)).outcome is Outcome.SENT
    assert [mail["Message-ID"] for mail in post.mails] == [f"<{message_id}@127.0.0.1>"]
