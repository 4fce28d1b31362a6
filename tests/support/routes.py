"""The declared routes and their fields, so that tests cover new ones without naming them."""

import re

import msgspec

from twofold.base.visitor import TABLE, Freshness
from twofold.base.web.routes import Call, Page
from twofold.features import FEATURES

ROUTES = FEATURES.routes
CALLS = [route for route in ROUTES if isinstance(route, Call)]
PAGES = [route for route in ROUTES if isinstance(route, Page)]
SAFE = ("GET", "HEAD")
NO_ID = "0" * 26


def path_of(route: Call | Page, value: str = NO_ID) -> str:
    """Return the path of a route with `value` for each parameter."""
    return re.sub(r"{\w+(:\w+)?}", lambda _: value, route.path)


def refusing(freshness: Freshness) -> list[Call | Page]:
    """Return the routes that refuse visitors of this freshness."""
    return [route for route in ROUTES if freshness in TABLE[route.need].refused]


def fields_of(call: Call) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields of a call's body, by name."""
    return {field.encode_name: field for field in msgspec.structs.fields(call.body)} if call.body else {}


def leads_to(route: Page | Call, path: str) -> bool:
    """Return whether a path matches a route."""
    return re.fullmatch(re.sub(r"{\w+(:\w+)?}", "[^/]+", route.path), path) is not None
