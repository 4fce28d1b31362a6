"""The real counterparts that Twofold is tested against.

Without one a test is skipped and says why; with CI set it fails: nothing must look tested that was not.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "chromium": "chromium",
    "faketime": "faketime",
    "node": "nodejs",
    "oathtool": "oathtool",
    "pgbouncer": "pgbouncer",
    "postgres": "postgresql",
    "strace": "strace",
    "zbarimg": "zbar-tools",
}
OTHER_NAMES = {"chromium": ("chromium-browser", "google-chrome"), "pgbouncer": ("/usr/sbin/pgbouncer",)}


def need(part: str) -> str:
    """The path of a program that this test cannot do without."""
    names = (part, *OTHER_NAMES.get(part, ()))
    found = [path for name in names if (path := shutil.which(name) or beside_the_path(name))]
    if not found:
        missing(f"{part} is not installed (Debian package {PACKAGES.get(part, part)})")
    return found[0]


def need_node_module(name: str) -> Path:
    """The folder of an npm package that this test cannot do without."""
    folder = Path(__file__).parent.parent / "node_modules" / name
    if not folder.is_dir():
        missing(f"the npm package {name} is not installed (bin/setup --dev installs it when npm is there)")
    return folder


def missing(reason: str) -> NoReturn:
    """A skip where a person works, a failure where a build server does."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def beside_the_path(name: str) -> str | None:
    """Debian keeps PostgreSQL's server programs out of the path, one folder a version; the newest is taken."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(folders, key=lambda folder: float(folder.parent.name), reverse=True)
    return shutil.which(name, path=os.pathsep.join(map(str, newest_first)))
