"""Twofold: sign-in with two-factor authentication that anybody can run themselves."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twofold.app import Twofold
    from twofold.base.visitor import Visitor
    from twofold.config import Config

__all__ = ["Config", "Twofold", "Visitor"]

_HOMES = {"Twofold": "twofold.app", "Visitor": "twofold.base.visitor", "Config": "twofold.config"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loaded when asked for, so that `twofold --help` is quick
    """Give a part of the public API."""
    if name not in _HOMES:
        message = f"module 'twofold' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
