"""The OpenAPI 3.1 document, drawn from the declared calls: shapes, needs and problems cannot differ from what runs."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from twofold.base.problems import (
    InvalidRequest,
    NotFound,
    Problem,
    TooManyAttempts,
    Unavailable,
    WrongOrigin,
)
from twofold.base.visitor import Need
from twofold.base.web.routes import Call

Schemas = Mapping[Any, dict[str, Any]]  # by the type that they describe

_REF = "#/components/schemas/{name}"
_NEEDS = {
    Need.NOBODY: "Needs no session.",
    Need.SIGNED_IN: "Needs a session.",
    Need.UNLOCKED: "Needs a session with unlocked settings: call `POST /session/unlock` first.",
}


def document(
    calls: Sequence[Call], *, title: str, base_url: str, needs: Mapping[Need, Sequence[type[Problem]]]
) -> dict[str, Any]:
    """Describe the calls; `needs` are the problems that each need can raise."""
    shapes = sorted({shape for call in calls for shape in (call.body, call.answer_type) if shape is not None}, key=str)
    # Drawn all at once: two rooms may give two shapes the same name, and then each has the longer one.
    drawn, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schemas: Schemas = dict(zip(shapes, drawn, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        path = call.path.removeprefix("/api/v1")
        paths.setdefault(path, {})[call.method.lower()] = _operation(call, path, needs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("twofold")},
        "servers": [{"url": f"{base_url}/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _problem_schema()},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(
    call: Call, path: str, needs: Mapping[Need, Sequence[type[Problem]]], schemas: Schemas
) -> dict[str, Any]:
    answers: dict[str, Any] = {str(call.status): _success(call, schemas)}
    if call.accepts:
        answers["202"] = {"description": "Accepted; the rest comes by mail."}
    for problem in _problems(call, path, needs):
        known = answers.setdefault(str(problem.status), _refusal())
        if problem.code not in known["description"]:
            known["description"] = ", ".join(filter(None, [known["description"], problem.code]))
    operation: dict[str, Any] = {
        "operationId": f"{call.method.lower()}{re.sub(r'[^a-z]+', '_', path)}".rstrip("_"),
        "summary": call.summary,
        "description": _NEEDS[call.need],
        "parameters": _parameters(call, path),
        "responses": dict(sorted(answers.items())),
        "security": [] if call.need is Need.NOBODY else [{"session": []}],
    }
    if call.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas[call.body]}}}
    return operation


def _success(call: Call, schemas: Schemas) -> dict[str, Any]:
    if call.answer_type is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas[call.answer_type]}}}


def _refusal() -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": "", "content": {"application/problem+json": {"schema": schema}}}


def _problems(call: Call, path: str, needs: Mapping[Need, Sequence[type[Problem]]]) -> list[type[Problem]]:
    found: list[type[Problem]] = [*call.problems, *needs[call.need], Unavailable]
    if call.method != "GET":
        found.append(WrongOrigin)
    if "{" in path:
        found.append(NotFound)
    if call.need is Need.NOBODY and call.body:
        found.append(TooManyAttempts)
    if not call.body:
        return found
    bodies = [type(f"Status{status}", (InvalidRequest,), {"status": status}) for status in (400, 413, 415, 422)]
    return [*found, *bodies]


def _parameters(call: Call, path: str) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return in_path + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in call.query]


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457, with a stable `code`.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": text,
            "detail": text,
            "errors": {"type": "array", "items": {"type": "object", "properties": {"field": text, "message": text}}},
            "retry_at": {"type": "string", "format": "date-time"},
            "attempts_left": {"type": "integer"},
            "clock_off_minutes": {"type": "integer"},
        },
    }
