"""Check responses against the API's own description: `CheckedApi` checks each one."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2

from tests.support.clients import Api

Schema = dict[str, Any]

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TIMES = re.compile(r"(^at|_at|_until)$")
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


class Description:
    """The OpenAPI document of one service."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self.paths = [(pattern_of(path), operations) for path, operations in document["paths"].items()]
        self.paths.sort(key=lambda known: "[^/]" in known[0].pattern)

    def operation(self, method: str, path: str) -> Schema | None:
        """Return the description of a call by its method and path below /api/v1, if there is one."""
        known: Schema = next((operations for pattern, operations in self.paths if pattern.fullmatch(path)), {})
        found: Schema | None = known.get(method.lower())
        return found

    def resolve(self, schema: Schema) -> Schema:
        """Return the schema that a reference leads to."""
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def faults(self, method: str, path: str, answer: httpx2.Response) -> list[str]:
        """Return the differences between a response and its description."""
        operation = self.operation(method, path)
        if operation is None:
            return [] if answer.status_code in (404, 405) else [f"{method} {path} is not described"]
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            return [f"{method} {path} answers {answer.status_code}, which is not described: {answer.text}"]
        if "content" not in described:
            return [f"a body where none is described: {answer.text}"] if answer.content else []
        ((media_type, content),) = described["content"].items()
        if answer.headers["content-type"] != media_type:
            return [f"{answer.headers['content-type']} instead of {media_type}"]
        body = answer.json()
        found = [*self.mismatches(content["schema"], body, "body")]
        if media_type == "application/problem+json":
            found += problem_faults(body, described["description"], answer)
        return found

    def mismatches(self, schema: Schema, value: Any, at: str) -> Iterator[str]:  # noqa: ANN401 - JSON may be anything
        """Yield where a value does not match a schema (the part of JSON Schema 2020-12 that the document uses)."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            if all(any(True for _ in self.mismatches(each, value, at)) for each in schema["anyOf"]):
                yield f"{at} fits none of {schema['anyOf']}: {value!r}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at} is none of {schema['enum']}: {value!r}"
        kind = schema.get("type")
        if kind is not None and not is_a(kind, value):
            yield f"{at} is no {kind}: {value!r}"
        elif isinstance(value, dict):
            yield from self.object_mismatches(schema, value, at)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.mismatches(schema.get("items", {}), item, f"{at}[{index}]")

    def object_mismatches(self, schema: Schema, value: dict[str, Any], at: str) -> Iterator[str]:
        """Yield missing, unknown and invalid members; a member named like a time must be RFC 3339 in UTC."""
        members: Schema = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, member in value.items():
            if name not in members and members:
                yield f"{at}.{name} is not described"
            yield from self.mismatches(members.get(name, {}), member, f"{at}.{name}")
            if TIMES.search(name) and isinstance(member, str) and not RFC_3339.fullmatch(member):
                yield f"{at}.{name} is no RFC 3339 time in UTC: {member}"


def is_a(kind: str, value: object) -> bool:
    """Return whether a value is of a JSON type; in JSON, true and false are not numbers."""
    return isinstance(value, TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))


def problem_faults(body: dict[str, Any], described: str, answer: httpx2.Response) -> Iterator[str]:
    """Yield the faults of a problem: its code must be described for this call, and its status must match."""
    if body["code"] not in re.findall(r"\w+", described):
        yield f"{body['code']} is not described, only {described}"
    if body["status"] != answer.status_code:
        yield f"status {body['status']} in an answer of {answer.status_code}"
    if not (body["title"] and body["detail"]):
        yield "nothing is said to the person"
    if (answer.status_code in (429, 503)) != ("retry-after" in answer.headers):
        yield "Retry-After belongs to 429 and 503, and to nothing else"


def pattern_of(path: str) -> re.Pattern[str]:
    """Return a regular expression for a described path."""
    return re.compile(re.sub(r"{\w+}", "[^/]+", path))


@cache
def description_of(url: str) -> Description:
    """Return a service's description, which is read once."""
    answer = httpx2.get(f"{url}/api/v1/openapi.json", trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return Description(answer.json())


class CheckedApi(Api):
    """A client of the JSON API that checks each response against the API's description."""

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 - handed on to the HTTP client
        super().__init__(url, event_hooks={"response": [self.check]}, **options)

    def check(self, answer: httpx2.Response) -> None:
        """Raise AssertionError if a response differs from its description."""
        answer.read()
        path = answer.request.url.path.removeprefix("/api/v1")
        if path == answer.request.url.path:
            return  # a page
        found = description_of(self.url).faults(answer.request.method, path, answer)
        assert not found, f"{answer.request.method} {path}: {'; '.join(found)}"
