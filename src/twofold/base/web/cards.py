"""A card is a room's part of the User Settings page."""

from collections.abc import Awaitable, Callable
from typing import Any

from twofold.base.acts import Act
from twofold.base.visitor import Visitor
from twofold.base.web.ask import Ask

Card = Callable[[Act, Visitor, Ask], Awaitable[dict[str, Any]]]
