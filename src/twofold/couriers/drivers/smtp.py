"""`smtp://` and `smtps://` hand mails to a mail server. Off loopback nothing is said before TLS is on."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from twofold.base.outbox import Reason
from twofold.config.units import Refused as BadAddress
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Driver, Failed, Look, Parcel, Refused

if TYPE_CHECKING:
    import aiosmtplib

_MAILBOX = re.compile(r"([^<>\r\n]*<)?[^@\s<>,]+@[^@\s<>,]+>?")
_NOBODY_THERE = {550, 551, 553}  # RFC 5321 4.2.3
_CLOSING = 421  # the server itself is in trouble


class Smtp(Driver):
    """A connection for each mail. A try that broke off is made again: the Message-ID is the id of the message."""

    schemes = ("smtp://", "smtps://")
    channels = ("mail",)
    form = "smtp://user:password@host:587?from=login@example.org, smtps://…"
    repeatable = True

    def __init__(self, address: Address, _channel: str, around: Around) -> None:
        address.check_host()
        options = address.options("ca", "from")
        self._from, self._ca = options.get("from", ""), options.get("ca")
        if not _MAILBOX.fullmatch(self._from):
            raise BadAddress("must say who mails come from, as in smtp://user:password@host:587?from=login@example.org")
        if address.path not in {"", "/"}:
            raise BadAddress("must have nothing between host and `?`; in a password write %2F for /")
        self._address, self._domain, self._clock = address, around.config.host, around.clock

    async def carry(self, parcel: Parcel) -> None:
        """Send a mail. Raises Refused, Failed."""
        from twofold.couriers.mime import written  # noqa: PLC0415 - needed by those who send mail only

        mail = written(parcel, sender=self._from, domain=self._domain, now=self._clock())
        async with self._connected() as (library, connection):
            try:
                await connection.send_message(mail, recipients=[parcel.message.to])
            except (library.SMTPNotSupported, UnicodeError):  # letters that this server cannot take
                raise Refused("it takes no such address", Reason.UNREACHABLE) from None
            except library.SMTPRecipientsRefused as error:
                raise _verdict(error.recipients[0].code, Reason.UNREACHABLE) from None
            except library.SMTPResponseException as error:
                raise _verdict(error.code) from None

    async def check(self) -> Look:
        """Connect, begin TLS and sign in. Raises Failed."""
        async with self._connected() as (_, connection):
            await connection.quit()
        return Look()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple["aiosmtplib", "aiosmtplib.SMTP"]]:  # type: ignore[valid-type]
        library, connection = await asyncio.to_thread(self._prepare)
        try:
            await connection.connect()
            if self._address.user:
                await connection.login(self._address.user, self._address.password)
            yield library, connection
        except library.SMTPAuthenticationError:
            raise Failed("it does not know this user name and password") from None
        except (library.SMTPException, OSError) as error:
            raise Failed(f"it cannot be spoken with ({type(error).__name__})") from None
        finally:
            with suppress(library.SMTPException, OSError):
                connection.close()

    def _prepare(self) -> tuple["aiosmtplib", "aiosmtplib.SMTP"]:  # type: ignore[valid-type]
        import aiosmtplib  # noqa: PLC0415 - needed by those who send mail through it only

        address, secure = self._address, self._address.scheme == "smtps"
        context, trusted = ssl.create_default_context(cafile=self._ca), address.loopback and self._ca is None
        if trusted:  # our own machine: whatever certificate it has, or none
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port or (465 if secure else 587),
            use_tls=secure,
            start_tls=False if secure else None if trusted else True,
            tls_context=context,
            local_hostname=self._domain,
        )
        return aiosmtplib, connection


def _verdict(code: int, reason: Reason | None = None) -> Refused | Failed:
    if code >= 500:  # noqa: PLR2004 - RFC 5321 4.2.1: permanent
        return Refused(f"it answered {code}", reason if code in _NOBODY_THERE else None)
    return Failed(f"it answered {code}", alive=code != _CLOSING)
