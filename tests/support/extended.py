"""A copy of the source with an additional feature: one folder, one import and one line."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import twofold

SOURCE = Path(twofold.__file__).parent
_LAST_LINE = "    DEV,\n"


@contextmanager
def source_with(package: Path, folder: Path) -> Iterator[None]:
    """Run services from a copy of the source to which the feature in `package` was added."""
    home = folder / "src" / "twofold"
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, home, ignore=leave_out)
    shutil.copytree(package, home / package.name, ignore=leave_out)
    listed = home / "features.py"
    text, name = listed.read_text("utf-8"), package.name.upper()
    assert text.count(_LAST_LINE) == 1
    text = text.replace(_LAST_LINE, f"{_LAST_LINE}    {name},\n")
    imported = f"\nfrom twofold.{package.name}.feature import FEATURE as {name}\nfrom "
    listed.write_text(text.replace("\nfrom ", imported, 1), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(home.parent))
        yield
