"""The real programs that Twofold is tested with.

If one is missing, the test is skipped with the reason; with CI set, it fails.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "apache2": "apache2-bin",
    "chromium": "chromium",
    "faketime": "faketime",
    "haproxy": "haproxy",
    "nginx": "nginx-light",
    "node": "nodejs",
    "oathtool": "oathtool",
    "pgbouncer": "pgbouncer",
    "postgres": "postgresql",
    "strace": "strace",
    "taskset": "util-linux",
    "zbarimg": "zbar-tools",
}
OTHER_NAMES = {
    "apache2": ("/usr/sbin/apache2",),
    "caddy": (str(Path(sys.executable).with_name("caddy")),),  # from PyPI, beside this Python
    "chromium": ("chromium-browser", "google-chrome"),
    "envoy": (str(Path(sys.executable).with_name("envoy")),),  # from PyPI too
    "traefik": (str(Path(sys.executable).with_name("traefik")),),  # from PyPI too
    "haproxy": ("/usr/sbin/haproxy",),
    "nginx": ("/usr/sbin/nginx",),
    "pgbouncer": ("/usr/sbin/pgbouncer",),
}


def need(part: str) -> str:
    """Return the path of a program that this test needs."""
    names = (part, *OTHER_NAMES.get(part, ()))
    found = [path for name in names if (path := shutil.which(name) or beside_the_path(name))]
    if not found:
        missing(f"{part} is not installed (Debian package {PACKAGES.get(part, part)})")
    return found[0]


def need_node_module(name: str) -> Path:
    """Return the folder of an npm package that this test needs."""
    folder = Path(__file__).parents[2] / "node_modules" / name
    if not folder.is_dir():
        missing(f"the npm package {name} is not installed (bin/setup --dev installs it when npm is there)")
    return folder


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it on a build server."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def beside_the_path(name: str) -> str | None:
    """Return PostgreSQL's newest server program, which Debian installs outside of PATH."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(folders, key=lambda folder: float(folder.parent.name), reverse=True)
    return shutil.which(name, path=os.pathsep.join(map(str, newest_first)))
