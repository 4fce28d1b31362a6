"""The API's description is a valid OpenAPI 3.1 document of exactly the declared calls."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from tests.support.routes import ROUTES
from twofold.base.visitor import TABLE, Access
from twofold.base.web.openapi import document
from twofold.base.web.routes import Call
from twofold.features import FEATURES

CALLS = [route for route in ROUTES if isinstance(route, Call)]
REF = "#/components/schemas/"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """Return the document."""
    return document(
        CALLS,
        title="My Site",
        base_url="https://login.example.org/account",
        evidence=FEATURES.evidence,
    )


def path_of(call: Call) -> str:
    """Return the path in the form of the document."""
    return call.path.removeprefix("/api/v1")


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Yield every object in a document."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(below)


def test_document_is_valid_openapi(described: dict[str, Any]) -> None:
    """It matches the schema that the OpenAPI Initiative publishes for 3.1."""
    assert described["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(described).validate()


def test_openapi_document_without_a_version_is_invalid(described: dict[str, Any]) -> None:
    """A document without a version is not valid."""
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict({**described, "info": {"title": "My Site"}}).validate()


def test_every_schema_is_valid_json_schema(described: dict[str, Any]) -> None:
    """Schemas follow draft 2020-12, as in OpenAPI 3.1, and every reference resolves."""
    shapes = described["components"]["schemas"]
    for shape in shapes.values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **shape})
    references = {node["$ref"] for node in nodes(described) if isinstance(node.get("$ref"), str)}
    assert references == {REF + name for name in shapes}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_documented_as_declared(described: dict[str, Any], call: Call) -> None:
    """This covers body, answer, parameters, access and every problem code."""
    operation = described["paths"][path_of(call)][call.method.lower()]
    answers = operation["responses"]
    assert ("content" in answers[str(call.status)]) == (call.answer_type is not None)
    assert ("requestBody" in operation) == (call.body is not None)
    assert operation["security"] == ([] if call.need is Access.PUBLIC else [{"session": []}])
    given = {(each["in"], each["name"]) for each in operation.get("parameters", [])}
    in_path = {("path", name) for name in re.findall(r"{(\w+)}", call.path)}
    assert given == in_path | {("query", name) for name in call.query}
    for problem in (*call.problems, *TABLE[call.need].problems):
        assert problem.code in answers[str(problem.status)]["description"]


def test_openapi_document_contains_only_declared_calls(described: dict[str, Any]) -> None:
    """The document has no other calls, and operation ids are unique."""
    operations = [(path, verb) for path, item in described["paths"].items() for verb in item]
    assert sorted(operations) == sorted((path_of(call), call.method.lower()) for call in CALLS)
    names = [described["paths"][path][verb]["operationId"] for path, verb in operations]
    assert len(set(names)) == len(names)


def test_schemas_have_short_names(described: dict[str, Any]) -> None:
    """Two schemas of the same name would get the names of their modules, which readers do not know."""
    assert [name for name in described["components"]["schemas"] if not name.isalpha()] == []
