"""Log lines cannot be forged, and contain no query string or token."""

import json
import logging
import os
import sys

import pytest

from twofold.base.logs import JsonLines, TextLines

TOKEN = "q7Wm2Kp9Xs4Lr8Vt3Nz6Bc1Hd5Jf0Gy"


def record(message: str, *values: object, **extra: object) -> logging.LogRecord:
    """Create a record as the logging module does."""
    logger = logging.getLogger("twofold.tests")
    return logger.makeRecord("twofold", logging.WARNING, "file.py", 1, message, values, None, extra=extra)


def test_json_log_line_is_one_object_with_its_extras() -> None:
    """It has time, level, logger, message and extras."""
    line = json.loads(JsonLines().format(record("lost %s", "it", peer="192.0.2.7")))
    assert line.pop("at").endswith("Z")
    assert line == {"level": "warning", "logger": "twofold", "message": "lost it", "peer": "192.0.2.7"}


@pytest.mark.parametrize("hostile", ["a\nb", "a\r\nERROR x", "a\x1b[2Jb", "a\u2028b", "a\u202eb", "a\x00b", "a\ud800b"])
def test_control_characters_in_a_log_line_are_escaped(hostile: str) -> None:
    """Line breaks, terminal sequences and bidirectional controls are escaped."""
    for lines in (TextLines(), JsonLines()):
        line = lines.format(record("quoted %s", hostile, agent=hostile))
        assert len(line.splitlines()) == 1
        assert all(sign.isprintable() for sign in line)
        line.encode()


@pytest.mark.parametrize(
    "path",
    [f"/setup/{TOKEN}", f"https://a.org/account/invitation/{TOKEN}", f"/reset-password?token={TOKEN}", f"/x?{TOKEN}"],
)
@pytest.mark.parametrize("lines", [TextLines(), JsonLines()])
def test_log_lines_contain_no_token(path: str, lines: logging.Formatter) -> None:
    """Tokens in links are removed from messages, extras and tracebacks."""
    shown = record("GET %s failed", path, path=path)
    try:
        os.environ[path]
    except KeyError:
        shown.exc_info = sys.exc_info()
    assert TOKEN not in lines.format(shown)
    assert "failed" in lines.format(shown)
    assert "KeyError" in lines.format(shown)
