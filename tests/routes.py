"""The declared routes as tests walk them: a new route, or a new field of a body, is walked without being named."""

import re

import msgspec

from twofold.base.visitor import Need
from twofold.base.web.routes import Call, Page
from twofold.rooms import ROUTES

CALLS = [route for route in ROUTES if isinstance(route, Call)]
PAGES = [route for route in ROUTES if isinstance(route, Page)]
SAFE = ("GET", "HEAD")
NO_ID = "0" * 26


def path_of(route: Call | Page, value: str = NO_ID) -> str:
    """The path of a route, each part that varies being `value`."""
    return re.sub(r"{\w+(:\w+)?}", lambda _: value, route.path)


def guarded(need: Need) -> list[Call | Page]:
    """The routes that need at least so much."""
    return [route for route in ROUTES if route.need >= need]


def fields_of(call: Call) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a call's body, by name."""
    return {field.encode_name: field for field in msgspec.structs.fields(call.body)} if call.body else {}


def leads_to(route: Page | Call, path: str) -> bool:
    """Whether a path is one of a route's."""
    return re.fullmatch(re.sub(r"{\w+(:\w+)?}", "[^/]+", route.path), path) is not None
