"""Where a page may send a browser on to: a path of ours, never another host."""

import re

_HOME = "/settings"
_MOST = 512  # characters
_OURS = re.compile(r"/([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?(\?[A-Za-z0-9_.=&%-]*)?")  # plain names, perhaps a query


def safe_return(wanted: str) -> str:
    """Give the wanted path if it can only lead to a page of ours, else the settings."""
    return wanted if len(wanted) <= _MOST and _OURS.fullmatch(wanted) else _HOME
