"""Conditional requests and compression: `If-None-Match` and `Accept-Encoding` (RFC 9110)."""

import re
from collections.abc import Iterable

_TAG = re.compile(r"""[ \t,]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)""")
_GZIP = re.compile(
    r"(?:^|,)[ \t]*(?:x-)?gzip[ \t]*(?:;[ \t]*q=(?P<q>[01](?:\.[0-9]{0,3})?)[ \t]*)?(?=,|$)", re.IGNORECASE
)


def has_tag(lines: Iterable[str], tag: str) -> bool:
    """Return whether the lines of `If-None-Match` name this tag, weak or not, or are `*`."""
    header = ",".join(lines)
    if header.strip(" \t") == "*":
        return True
    position = 0
    while match := _TAG.match(header, position):
        if match[1] == tag:
            return True
        position = match.end()
    return False


def accepts_gzip(lines: Iterable[str]) -> bool:
    """Return whether the lines of `Accept-Encoding` name gzip, with a weight that is not zero."""
    return any(float(match["q"] or 1) > 0 for match in _GZIP.finditer(",".join(lines)))
