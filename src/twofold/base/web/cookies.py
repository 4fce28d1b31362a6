"""Our cookies. Over https, each has the `__Host-` prefix, so that no other host can set it.

Names end in a hash of the base URL, so that two instances on one host do not clash. The cookies of a session and its
browser are also read without it, as versions before 0.2 set them. They get their current names once this instance
recognises the session. Other cookies with such names belong to other instances and are left alone.
"""

import re
from collections.abc import Iterable, Iterator

from starlette.responses import Response

from twofold.config import Config

SESSION, BROWSER = "session", "browser"  # read by the web layer itself; features declare their own
BROWSER_LIFETIME = 365 * 86_400  # seconds
_MAX_PER_NAME = 64  # a page on the same host could set any number


class CookieNames:
    """The cookie names of this instance; `name_*` stands for many, each ending in eight hexadecimal digits."""

    def __init__(self, config: Config, names: Iterable[str]) -> None:
        self.secure = config.secure
        self.prefix = "__Host-twofold_" if config.secure else "twofold_"
        self.suffix = f"_{config.instance}"
        known = (SESSION, BROWSER, *names)
        self._many = tuple(name.removesuffix("*") for name in known if name.endswith("*"))
        once = "|".join(name for name in known if not name.endswith("*"))
        forms = "|".join(
            [f"(?:{once}){self.suffix}", SESSION, BROWSER, *(f"{name}[0-9a-f]{{8}}" for name in self._many)]
        )
        # Only HTTP white space may precede a name, or other hosts could evade the prefix rule.
        self.pattern = re.compile(rf"(?:^|;)[ \t]*{self.prefix}({forms})=([^;]*)")

    def stands_for_many(self, name: str) -> bool:
        """Return whether a name stands for many cookies."""
        return name.startswith(self._many)


class Cookies:
    """The cookies of a request, by their short names; changes are sent with the answer."""

    def __init__(self, names: CookieNames, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._names = names
        self._received: dict[str, str] = {}  # by name without the prefix
        lines = b";".join(value for name, value in headers if name == b"cookie")
        for name, value in names.pattern.findall(lines.decode("latin-1")):
            if not names.stands_for_many(name) or name in self._received or len(self._received) < _MAX_PER_NAME:
                self._received[name] = value.rstrip(" \t")
        self._changed: dict[str, tuple[str, int]] = {}

    def __bool__(self) -> bool:
        """Return whether the request has any cookie that may be ours."""
        return bool(self._received)

    @property
    def are_kept(self) -> bool:
        """Return whether the browser has stored a cookie of this instance, not only those of others on this host."""
        return any(name.endswith(self._names.suffix) for name in self._received)

    def get(self, name: str) -> str | None:
        """Return the value of a cookie under its current or former name, or None."""
        return self._received.get(self._current(name), self._received.get(name))

    def set(self, name: str, value: str, max_age: int) -> None:
        """Set a cookie for `max_age` seconds."""
        self._changed[self._current(name)] = (value, max_age)

    def drop(self, name: str) -> None:
        """Delete a cookie if the browser has it."""
        current = self._current(name)
        if current in self._received or current in self._changed:
            self._changed[current] = ("", 0)

    def move_session(self, lifetime: int) -> None:
        """Move the cookies of a recognised session and its browser to their current names."""
        if self._is_former(SESSION):
            self._move(SESSION, lifetime)
            self._move(BROWSER, BROWSER_LIFETIME)

    def write(self, response: Response) -> None:
        """Add the changes to the answer."""
        for name, (value, max_age) in self._changed.items():
            response.set_cookie(
                self._names.prefix + name,
                value,
                max_age,
                path="/",
                secure=self._names.secure,
                httponly=True,
                samesite="lax",
            )

    def header_lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the changes as headers, for raw ASGI answers."""
        if self._changed:
            response = Response()
            self.write(response)
            yield from (line for line in response.raw_headers if line[0] == b"set-cookie")

    def _current(self, name: str) -> str:
        return name if self._names.stands_for_many(name) else name + self._names.suffix

    def _is_former(self, name: str) -> bool:
        return name in self._received and self._current(name) not in self._received

    def _move(self, name: str, max_age: int) -> None:
        if self._is_former(name):
            self._changed[self._current(name)] = (self._received[name], max_age)
            self._changed[name] = ("", 0)
