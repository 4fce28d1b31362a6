"""Reading what a request carries: a form or JSON, bounded, each field once, text that can be text."""

import json
import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_

T = TypeVar("T", bound=msgspec.Struct)

_MOST_BYTES = 64 * 1024
_MOST_FIELDS = 32
_MOST_CHARACTERS = 1024  # of one field: the work of normalising a text grows with the square of its length
_UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")
_AT = re.compile(r" - at `\$\.?([^`]*)`")
_UNTYPABLE = N_("This has characters that no keyboard makes. Type it again.")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_WANTED = {
    _FORM: N_("Send this as a form: application/x-www-form-urlencoded."),
    _JSON: N_("Send this as JSON: application/json."),
}


async def read_form(request: Request) -> dict[str, str]:
    """Read an urlencoded form, each field once. Raises InvalidRequest."""
    _require(request, _FORM)
    body = await _body(request)
    try:
        text = body.decode("ascii")
        # What is not UTF-8 becomes what nobody can type, and is refused with its field.
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="surrogateescape")
    except ValueError as error:
        unreadable = FieldError("body", N_("This form cannot be read. Open the page again and send it from there."))
        raise InvalidRequest(unreadable, status=400) from error
    form: dict[str, str] = {}
    for name, value in pairs:
        _text("body", name)
        if name in form:
            raise InvalidRequest(FieldError(name, N_("This field was sent twice. Send it once.")))
        form[name] = _text(name, value)
    return form


async def read_json(request: Request, shape: type[T]) -> T:
    """Read a JSON body of a known shape. Raises InvalidRequest naming the field."""
    _require(request, _JSON)
    body = await _body(request)
    try:
        value = msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_field_error(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(_malformed(body, shape), status=400) from error
    for name in shape.__struct_fields__:
        field = getattr(value, name)
        if isinstance(field, str):
            _text(name, field)
    return value


def _require(request: Request, media_type: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise InvalidRequest(FieldError("Content-Type", _WANTED[media_type]), status=415)


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise InvalidRequest(FieldError("body", N_("This is too long. Send at most 64 KiB.")), status=413)
    except ClientDisconnect as error:
        raise InvalidRequest(status=400) from error
    return body


def _text(name: str, value: str) -> str:
    if len(value) > _MOST_CHARACTERS:
        raise InvalidRequest(FieldError(name, N_("This is too long. Use at most 1,024 characters.")))
    if _UNSENDABLE.search(value):
        raise InvalidRequest(FieldError(name, _UNTYPABLE))
    return value


def _malformed(body: bytes, shape: type[msgspec.Struct]) -> FieldError:
    """Name the field whose text cannot be text (a half of a surrogate pair, a stray byte), or else the body."""
    try:
        value = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        value = None
    for name in shape.__struct_fields__ if isinstance(value, dict) else ():
        if isinstance(value.get(name), str) and _UNSENDABLE.search(value[name]):
            return FieldError(name, _UNTYPABLE)
    return FieldError("body", N_("This is not valid JSON. Check quotes, commas and brackets."))


def _field_error(message: str) -> FieldError:
    """Turn the decoder's message into field and sentence; it never repeats the value."""
    at = _AT.search(message)
    missing = re.search(r"missing required field `([^`]+)`", message)
    unknown = re.search(r"contains unknown field `([^`]+)`", message)
    field = missing or unknown or at
    name = field.group(1) if field else "body"
    if missing:
        return FieldError(name, N_("This field is missing. Add it."))
    if unknown:
        return FieldError(name[:40], N_("This field is not known here. Leave it out."))
    if message.startswith("Invalid enum value"):
        return FieldError(name, N_("This is none of the values that are known here."))
    return FieldError(name or "body", _AT.sub("", message) + ".")
