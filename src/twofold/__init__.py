"""Twofold: self-hosted sign-in with two-factor authentication."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twofold.app import Twofold
    from twofold.base.visitor import Visitor
    from twofold.config import Config

__all__ = ["Config", "Twofold", "Visitor"]

_MODULES = {"Twofold": "twofold.app", "Visitor": "twofold.base.visitor", "Config": "twofold.config"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loaded on demand, so that `twofold --help` is fast
    """Return a name of the public API."""
    if name not in _MODULES:
        message = f"module 'twofold' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_MODULES[name]), name)
