"""`smtp://` and `smtps://` send mail through a mail server. TLS is required off loopback."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from twofold.base.outbox import Reason
from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address
from twofold.couriers.contract import CheckResult, Delivery, Driver, DriverContext, Failed, Refused

if TYPE_CHECKING:
    import aiosmtplib

_MAILBOX = re.compile(r"([^<>\r\n]*<)?[^@\s<>,]+@[^@\s<>,]+>?")
_TLS_PORT = 465  # RFC 8314 3.3
_NO_MAILBOX = {550, 551, 553}  # RFC 5321 4.2.3
_CLOSING = 421  # the server is shutting down


class Smtp(Driver):
    """One connection per mail. An interrupted attempt is safe to repeat, since the Message-ID stays the same."""

    schemes = ("smtp://", "smtps://")
    channels = ("mail",)
    form = "smtp://user:password@host:587?from=login@example.org, smtps://…"
    repeatable = True

    def __init__(self, address: Address, _channel: str, context: DriverContext) -> None:
        address.check_host()
        options = address.options("ca", "from")
        self._from, self._ca = options.get("from", ""), options.get("ca")
        if not _MAILBOX.fullmatch(self._from):
            raise InvalidSetting("must have a sender, as in smtp://user:password@host:587?from=login@example.org")
        if address.scheme == "smtp" and address.port == _TLS_PORT:
            raise InvalidSetting("must begin with smtps:// for port 465, which uses TLS; STARTTLS uses port 587")
        if address.path not in {"", "/"}:
            raise InvalidSetting("must have nothing between host and `?`; in a password, write %2F for /")
        self._address, self._domain, self._clock = address, context.config.host, context.clock

    async def carry(self, delivery: Delivery) -> None:
        """Send a mail. Raise Refused or Failed."""
        from twofold.couriers.mime import mime_message  # noqa: PLC0415 - needed only with SMTP

        mail = mime_message(delivery, sender=self._from, domain=self._domain, now=self._clock())
        async with self._connected() as (library, connection):
            try:
                await connection.send_message(mail, recipients=[delivery.message.to])
            except (library.SMTPNotSupported, UnicodeError):  # characters that this server does not accept
                raise Refused("it does not accept this address", Reason.UNREACHABLE) from None
            except library.SMTPRecipientsRefused as error:
                raise _failure(error.recipients[0].code, Reason.UNREACHABLE) from None
            except library.SMTPResponseException as error:
                raise _failure(error.code) from None

    async def check(self) -> CheckResult:
        """Connect, start TLS and authenticate. Raise Failed if one of them fails."""
        async with self._connected() as (_, connection):
            await connection.quit()
        return CheckResult()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple["aiosmtplib", "aiosmtplib.SMTP"]]:  # type: ignore[valid-type]
        library, connection = await asyncio.to_thread(self._prepare)
        try:
            await connection.connect()
            if self._address.user:
                await connection.login(self._address.user, self._address.password)
            yield library, connection
        except library.SMTPAuthenticationError:
            raise Failed("it rejects this user name and password") from None
        except (library.SMTPException, OSError) as error:
            raise Failed(self._explain(error)) from None
        finally:
            with suppress(library.SMTPException, OSError):
                connection.close()

    def _explain(self, error: Exception) -> str:
        causes = [str(each) for each in (error, error.__cause__, error.__context__) if each is not None]
        text = " ".join(causes).lower()
        if "auth extension is not supported" in text or "no suitable authentication method" in text:
            return "it does not support sign-in with a user name and password"
        if self._address.scheme == "smtps" and ("wrong version number" in text or "record layer" in text):
            return "it does not use TLS on this port; for STARTTLS, use smtp:// and port 587"
        if "starttls" in text and "support" in text:
            return "it does not support STARTTLS; if it supports TLS, use smtps:// and port 465"
        return f"the connection failed ({type(error).__name__})"

    def _prepare(self) -> tuple["aiosmtplib", "aiosmtplib.SMTP"]:  # type: ignore[valid-type]
        import aiosmtplib  # noqa: PLC0415 - needed only with SMTP

        address, secure = self._address, self._address.scheme == "smtps"
        context, trusted = ssl.create_default_context(cafile=self._ca), address.loopback and self._ca is None
        if trusted:  # on this machine any certificate is accepted, or none
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port or (_TLS_PORT if secure else 587),
            use_tls=secure,
            start_tls=False if secure else None if trusted else True,
            tls_context=context,
            local_hostname=self._domain,
        )
        return aiosmtplib, connection


def _failure(code: int, reason: Reason | None = None) -> Refused | Failed:
    if code >= 500:  # noqa: PLR2004 - RFC 5321 4.2.1: permanent
        return Refused(f"it answered {code}", reason if code in _NO_MAILBOX else None)
    return Failed(f"it answered {code}", available=code != _CLOSING)
