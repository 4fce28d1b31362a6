"""The OpenAPI 3.1 document, generated from the declared calls, so that it cannot differ from the code."""

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
from twofold.base.visitor import TABLE, Access
from twofold.base.web.routes import API_PATH, Call

Schemas = Mapping[Any, dict[str, Any]]  # by the type they describe

_REF = "#/components/schemas/{name}"


def document(
    calls: Sequence[Call],
    *,
    title: str,
    base_url: str,
    evidence: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """Return the description of the calls; `evidence` are the extra members of problems."""
    shapes = sorted({shape for call in calls for shape in (call.body, call.answer_type) if shape is not None}, key=str)
    # All at once: if two features have shapes of the same name, each gets a longer one.
    definitions, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    schemas: Schemas = dict(zip(shapes, definitions, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        path = call.path.removeprefix(API_PATH)
        paths.setdefault(path, {})[call.method.lower()] = _operation(call, path, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("twofold")},
        "servers": [{"url": f"{base_url}{API_PATH}"}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _problem_schema(evidence)},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(call: Call, path: str, schemas: Schemas) -> dict[str, Any]:
    answers: dict[str, Any] = {str(call.status): _success(call, schemas)}
    if call.accepts:
        answers["202"] = {"description": "Accepted; any email is sent later."}
    for problem in _problems(call, path):
        known = answers.setdefault(str(problem.status), _refusal())
        if problem.code not in known["description"]:
            known["description"] = ", ".join(filter(None, [known["description"], problem.code]))
    operation: dict[str, Any] = {
        "operationId": f"{call.method.lower()}{re.sub(r'[^a-z]+', '_', path)}".rstrip("_"),
        "summary": call.summary,
        "description": TABLE[call.need].text,
        "parameters": _parameters(call, path),
        "responses": dict(sorted(answers.items())),
        "security": [] if call.need is Access.PUBLIC else [{"session": []}],
    }
    if call.body:
        content = {"application/json": {"schema": schemas[call.body]}}
        operation["requestBody"] = {"required": call.body_required, "content": content}
    return operation


def _success(call: Call, schemas: Schemas) -> dict[str, Any]:
    if call.answer_type is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas[call.answer_type]}}}


def _refusal() -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": "", "content": {"application/problem+json": {"schema": schema}}}


def _problems(call: Call, path: str) -> list[type[Problem]]:
    problems: list[type[Problem]] = [*call.problems, *TABLE[call.need].problems, Unavailable]
    if call.acts:
        problems.append(WrongOrigin)
    if "{" in path:
        problems.append(NotFound)
    if call.need is Access.PUBLIC and call.body:
        problems.append(TooManyAttempts)
    if not call.body:
        return problems
    bodies = [type(f"Status{status}", (InvalidRequest,), {"status": status}) for status in (400, 413, 415, 422)]
    return [*problems, *bodies]


def _parameters(call: Call, path: str) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return in_path + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in call.query]


def _problem_schema(evidence: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
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
            **evidence,
        },
    }
