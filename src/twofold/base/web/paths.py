"""The path of a request below Twofold's mount point. Never use `request.url`, which depends on headers."""

from collections.abc import Iterable, Sequence

from starlette.types import Scope


def path_of(scope: Scope) -> str:
    """Return the path as the routes declare it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root) if root and (path == root or path.startswith(f"{root}/")) else path
    return below or "/"


def mounted(scope: Scope, base_path: str) -> Scope:
    """Return a scope with the mount point, if a proxy passes the whole path."""
    if base_path and not scope.get("root_path") and f"{scope['path']}/".startswith(f"{base_path}/"):
        return {**scope, "root_path": base_path}
    return scope


def is_taken(base_path: str, routes: Iterable[str]) -> bool:
    """Return whether a route begins with the base path: a proxy that strips the base path would break that route."""
    prefix = base_path.split("/")
    return bool(base_path) and any(_begins(route.split("/"), prefix) for route in routes)


def _begins(route: Sequence[str], prefix: Sequence[str]) -> bool:
    parts = zip(route, prefix, strict=False)
    return len(route) >= len(prefix) and all(part.startswith("{") or part == name for part, name in parts)
