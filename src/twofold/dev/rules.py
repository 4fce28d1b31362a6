"""Where the development pages exist: on one's own machine, seen from it, with nothing in between."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from twofold.config import Config
from twofold.config.couriers import CONSOLE
from twofold.config.places import is_loopback

_HEADERS_OF_PROXIES = ("x-forwarded-", "x-real-ip", "forwarded", "via")


def exist(config: Config) -> bool:
    """Tell whether this set-up has development pages: a loopback base URL, and a courier that shows messages."""
    return config.loopback and CONSOLE in (config.mail_url, *config.sms_url, *config.voice_url)


def may_see(config: Config, peer: str, host: str, headers: Iterable[str]) -> bool:
    """Tell whether a request comes from this machine, by our own name, through no proxy."""
    forwarded = any(name.startswith(_HEADERS_OF_PROXIES) for name in headers)
    return exist(config) and is_loopback(peer) and host == urlsplit(config.base_url).netloc and not forwarded


def pieces(text: str, base_url: str) -> list[tuple[str, bool]]:
    """Cut a message where an address of our own begins and ends; each piece comes with whether it is one."""
    found = re.split(rf"({re.escape(base_url)}/[A-Za-z0-9/_~?=&%-]*)", text)
    return [(piece, place % 2 == 1) for place, piece in enumerate(found) if piece]
