"""Return addresses: always our own paths, never another host."""

import re
from urllib.parse import quote

from twofold.base.web.cookie_check import unmarked

MAX_RETURN = 3_300  # characters of the field: the address, and space for the mark of `cookie_check`
_HOME = "/settings"
_MAX_LENGTH = 3_200
_OWN_ADDRESS = re.compile(
    r"/(?!api(?:[/?]|$))([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?(\?[A-Za-z0-9_.~&=+;,%-]*)?"
)  # plain names and an optional query; a call of the API is not a page


def own_address(path: str, query: str) -> str:
    """Return one of our addresses in the form that `safe_return` accepts, with other characters encoded."""
    return f"{path}?{quote(query, safe='~&=+;,%')}" if query else path


def safe_return(wanted: str) -> str:
    """Return the wanted path if it is one of our pages, otherwise the settings."""
    return wanted if _OWN_ADDRESS.fullmatch(wanted) and len(unmarked(wanted)) <= _MAX_LENGTH else _HOME
