"""What carries mails, text messages and calls, as an address: checked once here, and read again by its driver.

A refusal never repeats what was given, and nothing shown of an address holds more than its kind and host.
"""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from twofold.config.places import is_host, is_loopback
from twofold.config.units import Refused

CONSOLE = "console:"

_MAIL = (
    "must be smtp://user:password@host:587?from=login@example.org, smtps://…, webhook+https://host/path?secret=… "
    "or console:"
)
_PHONE = "must be twilio://SID:TOKEN@FROM, webhook+https://host/path?secret=… or console:, separated by spaces"
_MAILBOX = re.compile(r"([^<>\r\n]*<)?[^@\s<>,]+@[^@\s<>,]+>?")
_SENDER = re.compile(r"\+[0-9]{6,15}|MG[0-9A-Za-z]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True, slots=True)
class Address:
    """A courier's address in its parts; its repr keeps the secret ones to itself."""

    kind: str  # console, smtp, webhook, twilio, kannel
    host: str = ""
    port: int | None = None
    secure: bool = True  # TLS from the first byte
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    rest: str = field(default="", repr=False)  # path and query that belong to the other side
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def loopback(self) -> bool:
        """Whether the other side is this machine."""
        return is_loopback(self.host)


def mail_url(text: str) -> str:
    """Read what carries mails. Raises Refused."""
    if len(text.split()) != 1 or address(text).kind in {"twilio", "kannel"}:
        raise Refused(_MAIL)
    return text


def sms_urls(text: str) -> tuple[str, ...]:
    """Read what carries text messages, in the order in which it is tried. Raises Refused."""
    urls = tuple(dict.fromkeys(text.split()))
    if any(address(url).kind == "smtp" for url in urls):
        raise Refused(_PHONE)
    return urls


def voice_urls(text: str) -> tuple[str, ...]:
    """Read what makes calls, in the order in which it is tried. Raises Refused."""
    urls = sms_urls(text)
    if any(address(url).kind == "kannel" for url in urls):
        raise Refused(_PHONE)
    if any(read.kind == "twilio" and not read.host.startswith("+") for read in map(address, urls)):
        raise Refused("must name a phone number such as +15551234567 as FROM: only a number can call")
    return urls


def shown(url: str) -> str:
    """Show which courier is meant, without names, passwords, paths or options."""
    read = address(url)
    if read.kind == "console":
        return CONSOLE
    place = f"[{read.host}]" if ":" in read.host else read.host
    return f"{url.partition('://')[0]}://{place}" + (f":{read.port}" if read.port else "")


def address(url: str) -> Address:
    """Take an address apart. Raises Refused."""
    if url == CONSOLE:
        return Address("console")
    scheme = url.partition("://")[0].lower()
    readers = {
        "smtp": _smtp,
        "smtps": _smtp,
        "webhook+https": _webhook,
        "webhook+http": _webhook,
        "kannel+https": _kannel,
        "kannel+http": _kannel,
        "twilio": _twilio,
    }
    if scheme not in readers or "://" not in url:
        raise Refused(
            "must begin with smtp://, smtps://, webhook+https://, twilio:// or kannel+https://, or be console:"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number, or too large
    except ValueError:
        raise Refused(
            "has a host or port that cannot be read; in a password write %40 for @, %2F for / and %23 for #"
        ) from None
    if "#" in url:
        raise Refused("must not have a `#`: in a password or secret write %23 for it")
    return readers[scheme](parts)


def _smtp(parts: SplitResult) -> Address:
    options = _options(parts.query, {"from", "ca"})
    if not _MAILBOX.fullmatch(options.get("from", "")):
        raise Refused("must say who mails come from, as in smtp://user:password@host:587?from=login@example.org")
    if parts.path not in {"", "/"}:
        raise Refused("must have nothing between host and `?`; in a password write %2F for /")
    secure = parts.scheme == "smtps"
    return Address(
        "smtp",
        _host(parts),
        parts.port or (465 if secure else 587),
        secure,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        options=options,
    )


def _webhook(parts: SplitResult) -> Address:
    host, secure = _host(parts), parts.scheme == "webhook+https"
    if not secure and not is_loopback(host):
        raise Refused("must begin with webhook+https:// unless the host is this machine (127.0.0.1, ::1 or localhost)")
    ours = ("secret", "ca")
    options = dict(pair for pair in _pairs(parts.query) if pair[0] in ours)
    theirs = "&".join(each for each in parts.query.split("&") if each and each.partition("=")[0] not in ours)
    if "secret" in options and not options["secret"]:
        raise Refused("has an empty secret: give one, or leave the word out")
    _check_ca(options)
    return Address(
        "webhook",
        host,
        parts.port,
        secure,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        (parts.path or "/") + (f"?{theirs}" if theirs else ""),
        options,
    )


def _kannel(parts: SplitResult) -> Address:
    host, secure = _host(parts), parts.scheme == "kannel+https"
    if not secure and not is_loopback(host):
        raise Refused("must begin with kannel+https:// unless the host is this machine (127.0.0.1, ::1 or localhost)")
    options = _options(parts.query, {"from", "ca"})
    if not parts.username or not parts.password or not _SENDER.fullmatch(options.get("from", "")):
        raise Refused(
            "must be kannel+https://user:password@host?from=SENDER, a name or a number such as %2B15551234567"
        )
    user, password = unquote(parts.username), unquote(parts.password)
    path = parts.path if parts.path not in {"", "/"} else "/cgi-bin/sendsms"
    return Address("kannel", host, parts.port or 13013, secure, user, password, path, options)


def _twilio(parts: SplitResult) -> Address:
    account, _, sender = parts.netloc.rpartition("@")  # `hostname` would make small letters of a service's id
    sid, _, token = map(unquote, account.partition(":"))
    sender = unquote(sender)
    options = _options(parts.query, {"api"})
    if not re.fullmatch(r"[A-Za-z0-9]+", sid) or not token or not _SENDER.fullmatch(sender):
        raise Refused("must be twilio://SID:TOKEN@FROM, where FROM is a number such as +15551234567 or a service MG…")
    api = urlsplit(options.setdefault("api", "https://api.twilio.com"))
    if api.scheme not in {"https", "http"} or not api.hostname or api.query or api.fragment or "@" in api.netloc:
        raise Refused("has an api that is no address: write api=https://host")
    if api.scheme == "http" and not is_loopback(api.hostname):
        raise Refused("must have an api of https:// unless its host is this machine (127.0.0.1, ::1 or localhost)")
    return Address("twilio", sender, user=sid, password=token, options=options)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not is_host(host):
        raise Refused("must name a host, such as mail.example.org")
    return host


def _options(query: str, known: set[str]) -> dict[str, str]:
    options = dict(_pairs(query))
    if not options.keys() <= known:
        raise Refused(f"has an option that is not known: after `?` write {' and '.join(sorted(known))} only")
    _check_ca(options)
    return options


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _check_ca(options: dict[str, str]) -> None:
    if "ca" in options and not os.access(options["ca"], os.R_OK):
        raise Refused("names a ca that is no readable file: give the whole path of a file of certificates (PEM)")
