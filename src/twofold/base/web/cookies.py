"""Our cookies: read whole, written whole. On https each has the `__Host-` prefix, so that no other host can set it."""

from collections.abc import Iterable

from starlette.responses import Response

from twofold.config import Config

SESSION, SIGN_IN, BROWSER, COMPUTER = "session", "sign_in", "browser", "computer"
_MOST = 64  # cookies looked at: a client may send thousands


class Cookies:
    """The cookies of one request, by their short names; `set` and `drop` go out with the answer."""

    def __init__(self, config: Config, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._secure = config.secure
        self._prefix = "__Host-twofold_" if config.secure else "twofold_"
        self._given = dict(self._ours(headers))
        self._changed: list[tuple[str, str, int]] = []

    def __bool__(self) -> bool:
        """Tell whether the request came with any cookie of ours."""
        return bool(self._given)

    def get(self, name: str) -> str | None:
        """Give a cookie's value."""
        return self._given.get(name)

    def set(self, name: str, value: str, max_age: int) -> None:
        """Set a cookie for `max_age` seconds."""
        self._changed.append((name, value, max_age))

    def drop(self, name: str) -> None:
        """Take a cookie back, if the browser has it."""
        if name in self._given:
            self._changed.append((name, "", 0))

    def write(self, response: Response) -> None:
        """Put the changes on the answer."""
        for name, value, max_age in self._changed:
            response.set_cookie(
                self._prefix + name, value, max_age, path="/", secure=self._secure, httponly=True, samesite="lax"
            )

    def _ours(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
        lines = b";".join(value for name, value in headers if name == b"cookie")
        for pair in lines.decode("latin-1").split(";", _MOST)[:_MOST]:
            name, _, value = pair.strip(" \t").partition("=")  # no-break spaces would get by the browser's prefix rule
            if name.startswith(self._prefix):
                yield name.removeprefix(self._prefix), value
