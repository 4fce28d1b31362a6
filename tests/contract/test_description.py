"""The API's own description is complete, matches the declared calls, and can be read without other hosts."""

import re
from typing import Any

import httpx2
import pytest

from tests.support.openapi import Description, description_of
from tests.support.routes import CALLS
from tests.support.service import Service

CODES = {
    "invalid_request": {"400", "413", "415", "422"},
    "wrong_credentials": {"401"},
    "wrong_code": {"401"},
    "code_already_used": {"401"},
    "clock_off": {"401"},
    "too_many_attempts": {"429"},
    "sign_in_expired": {"410"},
    "sign_in_completed": {"410"},
    "not_signed_in": {"401"},
    "locked_settings": {"403"},
    "wrong_origin": {"403"},
    "not_allowed": {"403"},
    "not_found": {"404"},
    "conflict": {"409"},
    "country_not_served": {"422"},
    "cannot_send": {"503"},
    "unavailable": {"503"},
}


@pytest.fixture(scope="module")
def described(sqlite_service: Service) -> Description:
    """Return the service's description."""
    return description_of(sqlite_service.url)


def references(value: Any) -> list[str]:  # noqa: ANN401 - JSON may be anything
    """Return all references in a document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for each in value.values() for found in references(each)]
    return [found for each in value for found in references(each)] if isinstance(value, list) else []


def test_every_call_is_described_and_nothing_else(described: Description) -> None:
    """Path, method, body and success status are those of the declared calls."""
    found = {
        (method.upper(), f"/api/v1{path}"): operation
        for path, operations in described.document["paths"].items()
        for method, operation in operations.items()
    }
    assert found.keys() == {(call.method, call.path) for call in CALLS}
    for call in CALLS:
        operation = found[call.method, call.path]
        assert str(call.status) in operation["responses"]
        assert ("requestBody" in operation) == (call.body is not None)
        names = re.findall(r"{(\w+)}", call.path)
        assert [each["name"] for each in operation["parameters"] if each["in"] == "path"] == names


def test_document_is_consistent(described: Description) -> None:
    """Every reference resolves, operation ids are unique, and every answer has a description."""
    document = described.document
    assert document["openapi"].startswith("3.1.")
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    for operation in operations:
        assert operation["summary"]
        assert all(answer["description"] for answer in operation["responses"].values())


def test_every_problem_code_has_its_status(described: Description) -> None:
    """Each code has the same status wherever it is described."""
    found: dict[str, set[str]] = {}
    for path in described.document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                for code in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b|\bconflict\b|\bunavailable\b", answer["description"]):
                    found.setdefault(code, set()).add(status)
    assert {code: statuses for code, statuses in found.items() if statuses - CODES.get(code, set())} == {}
    assert CODES.keys() <= found.keys()


def test_documentation_page_needs_no_other_host(sqlite_service: Service, described: Description) -> None:
    """It lists every call and every code, and loads nothing from other hosts."""
    page = httpx2.get(f"{sqlite_service.url}/api/v1/docs", trust_env=False).text
    for path in described.document["paths"]:
        assert path in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
