"""The path of a request below the place where Twofold is mounted. Nothing is ever decided on `request.url`."""

from starlette.types import Scope


def path_of(scope: Scope) -> str:
    """Give the path as the routes know it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root) if root and (path == root or path.startswith(f"{root}/")) else path
    return below or "/"


def mounted(scope: Scope, base_path: str) -> Scope:
    """Note the mount point where a proxy passes the whole path on."""
    if base_path and not scope.get("root_path") and scope["path"].startswith(base_path):
        return {**scope, "root_path": base_path}
    return scope
