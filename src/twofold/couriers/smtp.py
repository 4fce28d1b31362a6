"""`smtp://` and `smtps://` hand mails to a mail server. Off loopback nothing is said before TLS is on."""

import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import TYPE_CHECKING

from twofold.base.outbox import Message, Reason
from twofold.config.couriers import Address
from twofold.couriers.contract import Around, Failed, Parcel, Refused

if TYPE_CHECKING:
    import aiosmtplib

_NOBODY_THERE = {550, 551, 553}  # RFC 5321 4.2.3
_CLOSING = 421  # the server itself is in trouble


class Smtp:
    """A connection for each mail. A try that broke off is made again: the Message-ID is the id of the message."""

    repeatable = True

    def __init__(self, address: Address, _channel: str, around: Around) -> None:
        self._address = address
        self._domain = around.config.host
        self._clock = around.clock

    async def carry(self, parcel: Parcel) -> None:
        """Send a mail. Raises Refused, Failed."""
        mail = self._mail(parcel)
        library, connection = await asyncio.to_thread(self._prepare)
        try:
            await self._open(connection)
            try:
                await connection.send_message(mail, recipients=[parcel.message.to])
            except (library.SMTPNotSupported, UnicodeError):  # letters that this server cannot take
                raise Refused("it takes no such address", Reason.UNREACHABLE) from None
        except library.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0].code, Reason.UNREACHABLE) from None
        except library.SMTPAuthenticationError:
            raise Failed("it does not know this user name and password") from None
        except library.SMTPResponseException as error:
            raise _verdict(error.code) from None
        except (library.SMTPException, OSError) as error:
            raise Failed(_told(error)) from None
        finally:
            with suppress(library.SMTPException, OSError):
                connection.close()

    async def check(self) -> None:
        """Connect, begin TLS and sign in. Raises Failed."""
        library, connection = await asyncio.to_thread(self._prepare)
        try:
            await self._open(connection)
            await connection.quit()
        except (library.SMTPException, OSError) as error:
            raise Failed(_told(error)) from None
        finally:
            connection.close()

    async def close(self) -> None:
        """No connection outlives its mail."""

    def _prepare(self) -> tuple["aiosmtplib", "aiosmtplib.SMTP"]:  # type: ignore[valid-type]
        import aiosmtplib  # noqa: PLC0415 - needed by those who send mail through it only

        address = self._address
        ca = address.options.get("ca")
        context = ssl.create_default_context(cafile=ca)
        if address.loopback and ca is None:  # our own machine: whatever certificate it has
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        start_tls = None if address.loopback and ca is None else True
        connection = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port,
            use_tls=address.secure,
            start_tls=False if address.secure else start_tls,
            tls_context=context,
            local_hostname=self._domain,
        )
        return aiosmtplib, connection

    async def _open(self, connection: "aiosmtplib.SMTP") -> None:
        await connection.connect()
        if self._address.user:
            await connection.login(self._address.user, self._address.password)

    def _mail(self, parcel: Parcel) -> EmailMessage:
        """Write the mail. Raises Refused."""
        message: Message = parcel.message
        mail = EmailMessage(SMTP)
        mail["From"] = self._address.options["from"]
        try:
            mail["To"], mail["Subject"] = message.to, message.subject or ""
        except Exception:  # noqa: BLE001 - the parser of headers raises all sorts of things
            raise Refused("address or subject make no header") from None
        if [each.addr_spec for each in mail["To"].addresses] != [message.to]:
            raise Refused("the address would be read as another one")
        mail["Date"] = formatdate(self._clock())
        mail["Message-ID"] = f"<{parcel.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
        mail["Content-Language"] = message.locale  # last: setting the content drops headers of its kind
        return mail


def _verdict(code: int, reason: Reason | None = None) -> Refused | Failed:
    if code >= 500:  # noqa: PLR2004 - RFC 5321 4.2.1: permanent
        return Refused(f"it answered {code}", reason if code in _NOBODY_THERE else None)
    return Failed(f"it answered {code}", alive=code != _CLOSING)


def _told(error: Exception) -> str:
    return f"it cannot be spoken with ({type(error).__name__})"
