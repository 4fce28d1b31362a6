"""The feature of the development pages."""

from collections.abc import Iterator

from twofold.base.feature import Feature
from twofold.config import Config
from twofold.dev import pages
from twofold.dev.key import link
from twofold.dev.rules import are_available


def _announcements(config: Config) -> Iterator[str]:
    if are_available(config):
        yield f"Messages sent, and an authenticator for testing: {link(config)}"


FEATURE = Feature(routes=pages.ROUTES, cookies=(pages.COOKIE,), announcements=_announcements)
