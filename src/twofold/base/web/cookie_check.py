"""Detect browsers that reject cookies.

When a browser without any of our cookies gets one, the address of its redirect is marked. A marked request without a
cookie means that the browser rejected it.
"""

import re

_MARK = "signed_in=1"
_MARKED = re.compile(rf"([?&]){_MARK}(?:&|(?=#)|$)")


def marked(path: str) -> str:
    """Return one of our addresses with the mark."""
    page, hash_sign, fragment = path.partition("#")
    return f"{page}{'&' if '?' in page else '?'}{_MARK}{hash_sign}{fragment}"


def is_marked(path: str) -> bool:
    """Return whether an address has the mark."""
    return _MARKED.search(path) is not None


def unmarked(path: str) -> str:
    """Return an address without the mark."""
    page, hash_sign, fragment = _MARKED.sub(r"\1", path).partition("#")
    return page.rstrip("?&") + hash_sign + fragment
