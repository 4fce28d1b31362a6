"""A call is declared by its handler: shapes from the annotations, summary from the docstring."""

import msgspec
import pytest

from tests.support.routes import ROUTES
from twofold.base.problems import NotFound
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.routes import Call, call


class Body(msgspec.Struct):
    """A request body."""

    name: str


class Answer(msgspec.Struct):
    """An answer."""

    id: str


@call("PATCH", "/things/{id}", Access.UNLOCKED, problems=(NotFound,))
async def rename(_ctx: Context, body: Body) -> Answer:
    """Rename a thing.

    More that only readers of the code need.
    """
    return Answer(body.name)


@call("POST", "/things", Access.PUBLIC, status=201)
async def make(_ctx: Context, _body: Body) -> Answer | None:
    """Make a thing, or mail a link that makes it."""
    return None


@call("DELETE", "/things", Access.SIGNED_IN)
async def remove_some(_ctx: Context, _body: Body | None) -> None:
    """Remove some things, or all."""


@call("DELETE", "/things/{id}", Access.SIGNED_IN)
async def remove(_ctx: Context) -> None:
    """Remove a thing."""


def test_call_declaration_is_read_from_its_handler() -> None:
    """Method, path, access and problems come from the decorator, everything else from the handler."""
    assert (rename.method, rename.path, rename.need) == ("PATCH", "/api/v1/things/{id}", Access.UNLOCKED)
    assert (rename.body, rename.answer_type, rename.status) == (Body, Answer, 200)
    assert (rename.summary, rename.problems, rename.accepts) == ("Rename a thing", (NotFound,), False)


def test_call_returning_an_optional_none_answers_202() -> None:
    """The response still has the shape of the other answer."""
    assert (make.answer_type, make.accepts, make.status) == (Answer, True, 201)


def test_call_returning_none_answers_204_without_a_body() -> None:
    """No response shape is declared."""
    assert (remove.body, remove.answer_type, remove.accepts, remove.status) == (None, None, False, 204)


def test_body_that_may_be_none_may_be_left_out() -> None:
    """The body still has its shape."""
    assert (remove_some.body, remove_some.body_required) == (Body, False)
    assert rename.body_required


@pytest.mark.parametrize("route", [route for route in ROUTES if isinstance(route, Call)], ids=lambda r: r.path)
def test_every_call_has_a_one_sentence_summary(route: Call) -> None:
    """The documentation shows it."""
    assert route.summary
    assert route.summary[0].isupper()
    assert not route.summary.endswith(".")
