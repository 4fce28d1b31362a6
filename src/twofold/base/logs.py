"""Log lines as text or as JSON (one object per line), on standard error.

Quoted values cannot forge lines. Query strings and the tokens of mailed links are never logged.
"""

import json
import logging
import re
import sys
from typing import Literal

from twofold.base.clock import rfc3339

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUERY = re.compile(r"(/[^\s?\"']*)\?[^\s\"']*")
_TOKEN = re.compile(r"(?<=/)[A-Za-z0-9_-]{20,}(?![A-Za-z0-9_./-])")


def set_up_logging(style: Literal["text", "json"] | None = None) -> None:
    """Send all log lines to standard error; by default as text on a terminal, otherwise as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    chosen = style or ("text" if sys.stderr.isatty() else "json")
    handler.setFormatter(TextLines() if chosen == "text" else JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def without_secrets(text: str) -> str:
    """Return text without query strings and path segments long enough to be a token."""
    return _TOKEN.sub("...", _QUERY.sub(r"\1", text))


class TextLines(logging.Formatter):
    """`2026-11-23T14:35:00Z WARNING twofold: message (peer=192.0.2.7)`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, followed by the traceback if there is one."""
        extras = ", ".join(f"{name}={value}" for name, value in _extras(record).items())
        message = without_secrets(record.getMessage()) + (f" ({extras})" if extras else "")
        line = f"{rfc3339(int(record.created))} {record.levelname} {record.name}: {_on_one_line(message)}"
        return f"{line}\n{_traceback(self, record)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One object per line: `at`, `level`, `logger`, `message`, `error`, and the `extra` fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; JSON escapes line breaks."""
        line = {
            "at": rfc3339(int(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        error = {"error": _traceback(self, record)} if record.exc_info else {}
        return json.dumps(_extras(record) | line | error)


def _extras(record: logging.LogRecord) -> dict[str, str]:
    extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: without_secrets(str(value)) for name, value in extras.items()}


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return without_secrets(formatter.formatException(record.exc_info)) if record.exc_info else ""
