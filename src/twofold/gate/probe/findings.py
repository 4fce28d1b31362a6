"""The findings of a probe: the status, what was checked, and a sentence."""

from twofold.base.feature import Checked


def ok(name: str, text: str) -> Checked:
    """Return that something is as it should be."""
    return "ok", name, text


def warn(name: str, text: str) -> Checked:
    """Return something that the operator should look at."""
    return "warn", name, text


def fail(name: str, text: str) -> Checked:
    """Return something that is broken or unsafe."""
    return "fail", name, text
