"""Rules for development pages: only for requests from the local machine, without a proxy."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from twofold.config import Config
from twofold.config.couriers import CONSOLE
from twofold.config.hosts import is_loopback

_PROXY_HEADERS = ("x-forwarded-", "x-real-ip", "forwarded", "via")


def are_available(config: Config) -> bool:
    """Return whether there are development pages: they need a loopback base URL and a `console:` courier."""
    return config.loopback and CONSOLE in (config.mail_url, *config.sms_url, *config.voice_url)


def may_request(config: Config, peer: str, host: str, headers: Iterable[str]) -> bool:
    """Return whether a request comes from this machine, with our host name, and not through a proxy."""
    forwarded = any(name.startswith(_PROXY_HEADERS) for name in headers)
    return are_available(config) and is_loopback(peer) and host == urlsplit(config.base_url).netloc and not forwarded


def linkify(text: str, base_url: str) -> list[tuple[str, bool]]:
    """Split a message into links to our pages and other text; each piece says whether it is a link."""
    parts = re.split(rf"({re.escape(base_url)}/[A-Za-z0-9/_~?=&%-]*)", text)
    return [(piece, index % 2 == 1) for index, piece in enumerate(parts) if piece]
