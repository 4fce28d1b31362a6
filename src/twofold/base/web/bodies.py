"""Read request bodies: forms and JSON of limited size, each field once, valid text only."""

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_

T = TypeVar("T", bound=msgspec.Struct)

_FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_FORBIDDEN_TEXT = N_("This contains characters that cannot be used. Remove them and try again.")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_SENT_TWICE = N_("This field was sent twice. Send it once.")
_TOO_LONG = N_("This is too long. Use at most {characters} characters.")
_MEDIA_TYPE_TEXTS = {
    _FORM: N_("Send this as a form: application/x-www-form-urlencoded."),
    _JSON: N_("Send this as JSON: application/json."),
}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much a route reads."""

    size: int = 64 * 1024  # bytes of the body
    fields: int = 32  # of a form
    characters: int = 1024  # per field: the time to normalise a text grows with the square of its length
    long: Mapping[str, int] = field(default_factory=dict)  # characters of the fields that may be longer


USUAL = BodyLimits()


class Open(msgspec.Struct, dict=True):
    """A body that may have undeclared fields; its handler refuses unknown ones."""

    @property
    def extra(self) -> dict[str, Any]:
        """The other fields."""
        extra: dict[str, Any] = vars(self).get("extra", {})
        return extra


async def read_form(request: Request, limits: BodyLimits = USUAL) -> dict[str, str]:
    """Return the fields of an urlencoded form, each sent once. Raise InvalidRequest otherwise."""
    _require(request, _FORM)
    body = await read_body(request, limits.size)
    try:
        text = body.decode("ascii")
        # Invalid UTF-8 becomes characters that are refused with their field.
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=limits.fields, errors="surrogateescape")
    except ValueError as error:
        unreadable = FieldError("body", N_("This form could not be read. Reload the page and send it again."))
        raise InvalidRequest(unreadable, status=400) from error
    form: dict[str, str] = {}
    for name, value in pairs:
        _text("body", name, limits)
        if name in form:
            raise InvalidRequest(FieldError(name, _SENT_TWICE))
        form[name] = _text(name, value, limits)
    return form


async def read_optional_json(request: Request, shape: type[T], limits: BodyLimits = USUAL) -> T | None:
    """Return a JSON body as `read_json` does, or None if it is empty, whatever type the request names."""
    body = await read_body(request, limits.size)
    if not body:
        return None
    _require(request, _JSON)
    return _parsed(body, shape, limits)


async def read_json(request: Request, shape: type[T], limits: BodyLimits = USUAL) -> T:
    """Return a JSON body of a known shape. Raise InvalidRequest, naming the field, if it has another."""
    _require(request, _JSON)
    return _parsed(await read_body(request, limits.size), shape, limits)


def _parsed(body: bytes, shape: type[T], limits: BodyLimits) -> T:
    text = body.removeprefix(codecs.BOM_UTF8)  # RFC 8259 8.1 permits skipping it
    try:
        value = _decoded(text, shape)
        _STRICT.decode(text.decode())
    except msgspec.ValidationError as error:
        raise InvalidRequest(_field_error(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(_malformed(text, shape), status=400) from error
    for name in shape.__struct_fields__:
        content = getattr(value, name)
        if isinstance(content, str):
            _text(name, content, limits)
    for name, content in value.extra.items() if isinstance(value, Open) else ():
        _text("body", name, limits)
        if isinstance(content, str):
            _text(name, content, limits)
    return value


def _decoded(body: bytes, shape: type[T]) -> T:
    if not issubclass(shape, Open):
        return msgspec.json.decode(body, type=shape)
    fields = msgspec.json.decode(body, type=dict[str, Any])
    extra = {name: fields.pop(name) for name in [*fields] if name not in shape.__struct_encode_fields__}
    value = msgspec.convert(fields, shape)
    vars(value)["extra"] = extra
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raise InvalidRequest for a field that it has twice: parsers differ in which they read."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise InvalidRequest(FieldError(name[:40], _SENT_TWICE))
        fields[name] = value
    return fields


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str)


async def read_body(request: Request, size: int = USUAL.size) -> bytes:
    """Return the body as it was sent. Raise InvalidRequest if it is longer than `size` bytes or breaks off."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > size:
                too_long = FieldError("body", N_("This is too long. Send at most {size} KiB."), {"size": size // 1024})
                raise InvalidRequest(too_long, status=413)
    except ClientDisconnect as error:
        raise InvalidRequest(status=400) from error
    return body


def _require(request: Request, media_type: str) -> None:
    received = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if received != media_type:
        raise InvalidRequest(FieldError("Content-Type", _MEDIA_TYPE_TEXTS[media_type]), status=415)


def _text(name: str, value: str, limits: BodyLimits) -> str:
    if len(value) > (limit := limits.long.get(name, limits.characters)):
        raise InvalidRequest(FieldError(name, _TOO_LONG, {"characters": f"{limit:,}"}))
    if _FORBIDDEN.search(value):
        raise InvalidRequest(FieldError(name, _FORBIDDEN_TEXT))
    return value


def _malformed(body: bytes, shape: type[msgspec.Struct]) -> FieldError:
    """Return an error for the field with invalid text (a lone surrogate or byte), or for the body."""
    try:
        value = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        value = None
    for name in shape.__struct_fields__ if isinstance(value, dict) else ():
        if isinstance(value.get(name), str) and _FORBIDDEN.search(value[name]):
            return FieldError(name, _FORBIDDEN_TEXT)
    return FieldError("body", N_("This is not valid JSON. Check quotes, commas and brackets."))


def _field_error(message: str) -> FieldError:
    """Return the decoder's message as a field and a sentence, without the value."""
    at = _AT.search(message)
    missing = re.search(r"missing required field `([^`]+)`", message)
    unknown = re.search(r"contains unknown field `([^`]+)`", message)
    found = missing or unknown or at
    name = found.group(1) if found and not found.group(1).startswith("[") else "body"  # `[...]` is any field
    if missing:
        return FieldError(name, N_("This field is missing. Add it."))
    if unknown:
        return FieldError(name[:40], N_("This field is unknown. Remove it."))
    if message.startswith("Invalid enum value"):
        return FieldError(name, N_("This is not one of the allowed values."))
    return FieldError(name or "body", _AT.sub("", message) + ".")
