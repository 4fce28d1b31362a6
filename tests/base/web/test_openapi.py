"""The API's description is a valid OpenAPI 3.1 document of exactly the calls that there are."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from twofold.base.visitor import Need
from twofold.base.web.openapi import document
from twofold.base.web.routes import Call
from twofold.rooms import NEEDS, ROUTES

CALLS = [route for route in ROUTES if isinstance(route, Call)]
REF = "#/components/schemas/"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The document as it is served."""
    return document(CALLS, title="My Site", base_url="https://login.example.org/account", needs=NEEDS)


def path_of(call: Call) -> str:
    """The path as the document has it."""
    return call.path.removeprefix("/api/v1")


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(below)


def test_the_document_is_valid_openapi(described: dict[str, Any]) -> None:
    """Against the schema that the OpenAPI Initiative publishes for 3.1."""
    assert described["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(described).validate()


def test_the_check_can_fail(described: dict[str, Any]) -> None:
    """A document without a version is not valid."""
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict({**described, "info": {"title": "My Site"}}).validate()


def test_every_shape_is_valid_json_schema(described: dict[str, Any]) -> None:
    """Draft 2020-12, which OpenAPI 3.1 means by a schema; every reference leads to one."""
    shapes = described["components"]["schemas"]
    for shape in shapes.values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **shape})
    references = {node["$ref"] for node in nodes(described) if isinstance(node.get("$ref"), str)}
    assert references == {REF + name for name in shapes}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_described_as_it_is_declared(described: dict[str, Any], call: Call) -> None:
    """Body, answer, parameters, need, and every code it may refuse with."""
    operation = described["paths"][path_of(call)][call.method.lower()]
    answers = operation["responses"]
    assert ("content" in answers[str(call.status)]) == (call.answer_type is not None)
    assert ("requestBody" in operation) == (call.body is not None)
    assert operation["security"] == ([] if call.need is Need.NOBODY else [{"session": []}])
    given = {(each["in"], each["name"]) for each in operation.get("parameters", [])}
    in_path = {("path", name) for name in re.findall(r"{(\w+)}", call.path)}
    assert given == in_path | {("query", name) for name in call.query}
    for problem in (*call.problems, *NEEDS[call.need]):
        assert problem.code in answers[str(problem.status)]["description"]


def test_nothing_else_is_described(described: dict[str, Any]) -> None:
    """No call is left in the document that is gone, and no two share a name."""
    operations = [(path, verb) for path, item in described["paths"].items() for verb in item]
    assert sorted(operations) == sorted((path_of(call), call.method.lower()) for call in CALLS)
    names = [described["paths"][path][verb]["operationId"] for path, verb in operations]
    assert len(set(names)) == len(names)
