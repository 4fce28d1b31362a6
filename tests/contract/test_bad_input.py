"""Bad input: every field of every form and body answers invalid values with a 4xx that names field and remedy.

Fields are found by walking the declared routes and the pages: a new one is tried without being named here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import msgspec
import pytest

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD
from tests.support.cookies import cookie_name
from tests.support.forms import Form, FormBrowser
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.phones import FROM_ONE_ADDRESS, Phone, phone_user
from tests.support.routes import CALLS, PAGES, ROUTES, SAFE, fields_of, leads_to, path_of
from tests.support.service import FIRST_ADMINISTRATOR, Service
from tests.support.shifted import ShiftedService
from tests.support.users import User, new_user, protected
from twofold.base.web.routes import Call, Page

# These limits would stop hundreds of invalid texts; each limit has its own tests.
ROOMY = {
    **FROM_ONE_ADDRESS,
    "limit_codes": "1000000/5m",
    "limit_codes_in_a_row": "1000000",
    "limit_passwords": "1000000 1s..1s",
    "limit_sends": "1000000/1h",
    "limit_sends_account": "1000000/1d",
}

TEXTS = {
    "empty": "",
    "blank": "   ",
    "huge": "x" * 60_000,
    "nul": "a\x00b",
    "lone surrogate": "a\ud800b",
    "full-width": "ＡＢＣ１２３",
    "right-to-left override": "abc\u202egnp.exe",
    "isolate": "abc\u2066d",
    "zero width": "a\u200bb",
    "line end": "a\r\nSet-Cookie: twofold_session=x",
    "markup": "<script>alert(1)</script>{{7*7}}{% raw %}",
    "sql": "' OR 1=1 --",
    "format": "{0.__class__}%s%n",
}
WRONG_TYPES: dict[str, object] = {
    "number": 7,
    "fraction": 1e308,
    "boolean": True,
    "list": ["a"],
    "object": {"a": {"b": []}},
    "null": None,
}
NEVER_TEXT = ("nul", "lone surrogate")
INVISIBLE = ("right-to-left override", "isolate", "zero width", "line end")


@pytest.fixture(scope="module", params=DATABASES)
def roomy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with limits above hundreds of refusals."""
    folder = tmp_path_factory.mktemp("roomy")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=ROOMY) as running:
        yield running
        assert "Traceback" not in running.whole_output()
        assert "request failed" not in running.whole_output()


def check_refusal(answer: httpx2.Response, about: str) -> None:
    """Check that an answer blames the input, in words, and reveals nothing about the program."""
    assert answer.status_code < 500, f"{about}: {answer.status_code} {answer.text[:300]}"
    for trace in ("Traceback", 'File "', "asyncpg", "sqlite", "msgspec"):
        assert trace not in answer.text, f"{about}: {answer.text[:300]}"


# ------------------------------------------------------------------ bodies of calls


def good_body(call: Call, person: User) -> dict[str, Any]:
    """Return a body whose every field is valid, so that only the altered one can be at fault."""
    good = {
        "email": f"new-{id(call)}@example.com",
        "password": PASSWORD,
        "trusted_computer": "x",
        "sign_in": "x",
        "code": "123456",
        "factor_id": person.factor_id,
        "trust_this_computer": False,
        "recovery_code": "ABCDE-ABCDE-ABCDE-ABCDE-ABCDE",
        "name": "Phone",
        "kind": "totp",
        "phone": None,
        "country": None,
        "replaces": person.factor_id,
        "policy": "every_log_in",
        "default_factor_id": person.factor_id,
        "current_password": PASSWORD,
        "new_password": "lantern-meadow-cobalt-17",
        "token": "x",
    }
    return {name: good[name] for name in fields_of(call)}


def send(
    service: Service, call: Call, body: bytes, person: User, media_type: str | None = "application/json"
) -> httpx2.Response:
    """Send a body as a user whose settings are unlocked."""
    path = path_of(call, person.factor_id or "")
    headers = {"Authorization": f"Bearer {person.api.token}"} | ({"Content-Type": media_type} if media_type else {})
    return person.api.http.request(call.method, f"{service.url}{path}", headers=headers, content=body)


def errors_of(answer: httpx2.Response) -> dict[str, str]:
    """Return the fields that a problem names, each with its remedy."""
    return {error["field"]: error["message"] for error in answer.json().get("errors", ())}


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: f"{call.method} {call.path}")
def test_every_field_of_a_body_refuses_invalid_values(roomy: Service, call: Call) -> None:
    """Wrong types and impossible texts are refused with field and remedy; other odd texts cause no error."""
    person = protected(roomy)
    for name, field in fields_of(call).items():
        for kind, value in {**WRONG_TYPES, **TEXTS}.items():
            about = f"{call.method} {call.path} {name} {kind}"
            body = json.dumps({**good_body(call, person), name: value}).encode()
            answer = send(roomy, call, body, person)
            check_refusal(answer, about)
            if not fits(field, value) or kind in NEVER_TEXT:
                assert answer.status_code in (400, 422), f"{about}: {answer.text}"
                assert len(errors_of(answer).get(name, "")) > 10, f"{about}: {answer.text}"
            elif answer.status_code == 422:
                assert [*errors_of(answer)] == [name], f"{about}: {answer.text}"
            if answer.status_code < 400 and person.api.session().status != 200:
                person.sign_in()


def fits(field: msgspec.structs.FieldInfo, value: object) -> bool:
    """Return whether a field's declared type admits a value."""
    try:
        msgspec.convert(value, field.type)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: f"{call.method} {call.path}")
def test_every_body_refuses_invalid_shapes(roomy: Service, call: Call) -> None:
    """Missing and unknown fields, other shapes, deep nesting and invalid JSON get a 4xx that says what is expected."""
    person = protected(roomy)
    good = good_body(call, person)
    for name, field in fields_of(call).items():
        if field.required:
            answer = send(roomy, call, json.dumps({k: v for k, v in good.items() if k != name}).encode(), person)
            assert (answer.status_code, [*errors_of(answer)]) == (422, [name])
    values: list[object] = [True, False, None, 0, "", []]
    for value in values:
        unknown = send(roomy, call, json.dumps({**good, "admin": value}).encode(), person)
        assert (unknown.status_code, [*errors_of(unknown)]) == (422, ["admin"]), value
    huge = send(roomy, call, json.dumps(good)[:-1].encode() + b', "admin": 1' + b"0" * 5_000 + b"}", person)
    assert (huge.status_code, {*errors_of(huge)} <= {"admin", "body"}) == (422, True)
    invalid = [b"null", b"7", b'"x"', b"[]", b"{", b"{}}", b"\xff", b"\xef\xbb\xbf{}", b'{"a":', b"NaN"]
    for body in invalid + [b""] * call.body_required:
        answer = send(roomy, call, body, person)
        assert answer.status_code in (400, 422), f"{body!r}: {answer.text}"
        assert answer.json()["detail"]
    first = next(iter(fields_of(call)))
    for deep in (b"[" * 60_000, b'{"a":' * 10_000, b'{"%s":' % first.encode() + b"[" * 50_000):
        answer = send(roomy, call, deep, person)
        check_refusal(answer, "deep")
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize("call", [call for call in CALLS if call.body and not call.body_required], ids=lambda c: c.path)
def test_empty_optional_body_is_no_body(roomy: Service, call: Call, media_type: str | None) -> None:
    """Many HTTP clients name a content type on every request, even without a body."""
    assert send(roomy, call, b"", protected(roomy), media_type).status_code == 204


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: f"{call.method} {call.path}")
def test_field_that_a_body_has_twice_is_refused(roomy: Service, call: Call) -> None:
    """Parsers differ in which of the two they read, so a filter in front could see another value (ASVS 15.3.7)."""
    person = protected(roomy)
    good = good_body(call, person)
    for name, value in good.items():
        text = json.dumps(good)[1:-1]
        for spelling in (name, f"\\u{ord(name[0]):04x}{name[1:]}"):
            body = f'{{"{spelling}": {json.dumps(value)}, {text}}}'
            answer = send(roomy, call, body.encode(), person)
            assert (answer.status_code, [*errors_of(answer)]) == (422, [name]), body
            assert "sent twice" in errors_of(answer)[name]


def test_byte_order_mark_before_a_body_is_skipped(roomy: Service) -> None:
    """RFC 8259 allows parsers to ignore it, and some editors and shells write one. A second one is invalid."""
    person = protected(roomy)
    call = next(call for call in CALLS if (call.method, call.path) == ("PATCH", "/api/v1/factors/{id}"))
    mark, body = b"\xef\xbb\xbf", b'{"name": "Phone"}'
    assert send(roomy, call, mark + body, person).json().get("name") == "Phone"
    assert send(roomy, call, mark * 2 + body, person).status_code == 400


@pytest.mark.parametrize("size", [65_537, 1_000_000])
def test_body_of_a_megabyte_is_refused(roomy: Service, size: int) -> None:
    """Every route answers 413 before it parses or hashes anything."""
    person = protected(roomy)
    body = b'{"password": "' + b"x" * size + b'"}'
    cookie = {"Cookie": f"{cookie_name(roomy.url)}={person.api.token}"}
    for route in (route for route in ROUTES if route.method not in SAFE):
        if isinstance(route, Call) and not route.body:
            continue
        kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, "Origin": roomy.url, **cookie}
        answer = person.api.http.request(
            route.method, f"{roomy.url}{path_of(route, person.factor_id or '')}", headers=headers, content=body
        )
        # A page whose link or sign-in has ended says so instead.
        assert answer.status_code in ((413,) if isinstance(route, Call) else (413, 404, 410)), route.path
        check_refusal(answer, route.path)


# ------------------------------------------------------------------ forms of pages


def shown_forms(service: Service) -> list[tuple[FormBrowser, Form]]:
    """Return every form of every page with its browser: anonymous, half-open or signed in.

    The form to reset the password comes last, since all sessions end if a value is accepted.
    """
    person, computer = protected(service, "once_per_computer"), FormBrowser(service.url)
    person.enable_totp(name="Second phone")
    computer.sign_in(person.email, PASSWORD, person.code(), trust=True)
    half_open = FormBrowser(service.url)
    half_open.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    person.sign_in(person.another_browser(), trust_this_computer=True)  # a second one, so that "forget all" is shown
    begun = person.api.begin_totp().expect(201)["id"]
    called, calling = phone_user(service), FormBrowser(service.url)
    called.enable_phone("voice")
    proving = called.api.begin_phone("sms", Phone(service.url).number).expect(201)["id"]
    calling.sign_in(called.email, PASSWORD).goes_to("/sign-in/code")
    link = service.command("account", "reset-password", person.email).stdout.split()[-1]
    invitation = service.command("account", "invite", f"guest-{begun}@example.com").stdout.split()[-1]
    nobody, signed_in = FormBrowser(service.url), person.pages()
    set_up = FIRST_ADMINISTRATOR.search(service.whole_output())
    tour = [
        (nobody, "/sign-up"),
        (nobody, "/sign-in"),
        (nobody, "/forgot-password"),
        (nobody, urlsplit(set_up[0] if set_up else "").path),
        (nobody, urlsplit(invitation).path),
        (nobody, urlsplit(link).path),
        (half_open, "/sign-in/code"),
        (half_open, "/sign-in/recovery-code"),
        (signed_in, "/authenticate"),
        (signed_in, "/authenticate?with=recovery_code"),
        (signed_in, f"/settings/factors/{begun}"),
        (signed_in, f"/settings/factors/{begun}/verify"),
        (signed_in, f"/settings/factors/{person.factor_id}/remove"),
        (signed_in, "/settings/delete"),
        (signed_in, email_link(service, person)),
        (signed_in, confirmation_link(service, person)),
        (calling, "/sign-in/code"),
        (called.pages(), "/authenticate"),
        (called.pages(), "/settings/factors/new?kind=sms"),
        (called.pages(), f"/settings/factors/{proving}"),
        (new_user(service).pages(), "/gate/sign-out"),
        (signed_in, "/settings"),
    ]
    forms = [(browser, form) for browser, path in tour for form in browser.get(path).expect(200).forms]
    shown = signed_in.submit("/settings", "/settings/recovery-code").expect(200)
    forms += [(signed_in, form) for form in shown.forms]
    forms.sort(key=lambda found: found[1].action.startswith("/reset-password"))
    return [(browser, form) for browser, form in forms if form.method == "post" and not form.locked]


def email_link(service: Service, person: User) -> str:
    """Return the path of a link mailed to a new address."""
    email = f"new-{person.email}"
    person.api.call("PUT", "/account/email", {"email": email}).expect(202)
    return link_in(wait_for_mail(service, email, "Confirm your new email"), "/change-email/")


def confirmation_link(service: Service, person: User) -> str:
    """Return the path of a link mailed to confirm an address."""
    person.api.call("POST", "/account/email/confirmation").expect(202)
    return link_in(wait_for_mail(service, person.email, "Confirm your email address"), "/confirm-email/")


def test_every_form_refuses_invalid_values(roomy: Service) -> None:
    """Odd texts in any field, visible or hidden, lead to a page that says what to do, never to a 5xx."""
    met: set[str] = set()
    for browser, form in shown_forms(roomy):
        route = next(page for page in PAGES if page.method == "POST" and leads_to(page, form.action))
        seen = {f"{route.path} {name}" for name in form.fields}
        if seen <= met and route.path in met:
            continue
        met |= {route.path, *seen}
        for name in form.fields:
            for kind, value in TEXTS.items():
                fields = urlencode({**form.fields, name: value}, errors="surrogatepass")
                answer = post_raw(browser, form.action, fields)
                about = f"{form.action} {name} {kind}"
                check_refusal(answer, about)
                if kind in NEVER_TEXT:
                    assert answer.status_code in (422, 404, 410), about
                    assert has_no_fault_but(answer, route), about
                if 300 <= answer.status_code < 400:
                    assert re.match(r"/(?!/)", answer.headers["location"]), about
    unmet = {page.path for page in PAGES if page.method == "POST"} - met
    assert unmet == {"/sign-up/{token}"}, "a form that no page shows"  # only with mail: tests/signup/test_by_mail.py


def post_raw(browser: FormBrowser, path: str, body: str) -> httpx2.Response:
    """Submit a raw form, and ignore cookies in the response, so that all attempts start from the same state."""
    kept = dict(browser.cookies)
    headers = {"Origin": browser.url, "Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.http.post(path, content=body, headers=headers)
    browser.http.cookies.clear()
    for name, value in kept.items():
        browser.keep(name, value)
    return answer


def has_no_fault_but(answer: httpx2.Response, route: Page) -> bool:
    """Return whether a page shows no error, or a form with an error text."""
    return route.again is None or "There is a problem" in answer.text or answer.status_code != 422


def test_field_sent_twice_is_refused(roomy: Service) -> None:
    """Neither of two values is used, since programs disagree on which one counts (ASVS 15.3.7)."""
    for browser, form in shown_forms(roomy)[:12]:
        for name in form.fields:
            twice = [*form.fields.items(), (name, "other")]
            answer = post_raw(browser, form.action, urlencode(twice))
            assert answer.status_code in (422, 404, 410), f"{form.action} {name}"


def test_malformed_form_is_refused_with_a_page(roomy: Service) -> None:
    """The answer is a 400 with a page that says to send the form from our own page."""
    browser = FormBrowser(roomy.url)
    for body in ("&".join(f"a{n}=1" for n in range(1000)), "&" * 10_000, "email=%ff%fe", "%00=1", "a=é"):
        answer = post_raw(browser, "/sign-in", body)
        check_refusal(answer, body[:20])
        assert answer.status_code in (400, 422)
        assert "There is a problem" in answer.text


# ------------------------------------------------------------------ names and codes that people enter


@pytest.mark.parametrize("kind", ["blank", "huge", *NEVER_TEXT, *INVISIBLE])
def test_invisible_or_long_name_is_refused(roomy: Service, kind: str) -> None:
    """Names with characters that are invisible, change direction or end a line are refused."""
    person = protected(roomy)
    body = json.dumps({"name": TEXTS[kind]}).encode()
    call = next(call for call in CALLS if (call.method, call.path) == ("PATCH", "/api/v1/factors/{id}"))
    answer = send(roomy, call, body, person)
    assert answer.status_code in (400, 422)
    assert [*errors_of(answer)] == ["name"]
    assert person.api.two_factor()["factors"][0]["name"] == "Authenticator app"


@pytest.mark.parametrize(
    "name",
    [
        "آی\u200cفون من",
        "👩\u200d💻 work",
        "הטלפון שלי",
        "هاتفي",
        "我的手机",
        "Ｐｈｏｎｅ",
        "Ångström",
        "📱 phone",
        "O'Neill & <b>",
    ],
)
def test_names_in_all_languages_are_accepted(roomy: Service, name: str) -> None:
    """Names in right-to-left scripts are accepted, returned unchanged, and isolated on the page."""
    person = protected(roomy)
    renamed = person.api.call("PATCH", f"/factors/{person.factor_id}", {"name": name}).expect(200)
    assert renamed["name"] == name
    assert "<b>" not in person.pages().get("/settings").expect(200).html


ZEROS = {"full-width": 0xFF10, "arabic": 0x0660, "persian": 0x06F0, "devanagari": 0x0966, "bold": 0x1D7CE}
WRAPPED = ["{} ", "\n{}", "\u2068{}\u2069", "\u200e{}", "\u202a{}\u202c", "\ufeff{}", "{}\ufe0f", "\u3164{}\u2800"]


@pytest.mark.parametrize("shape", [*WRAPPED, *ZEROS, "no-break", "dashed", "word joiner"])
def test_code_is_accepted_in_every_usual_spelling(roomy: Service, shape: str) -> None:
    """Spaces, dashes, invisible marks and digits of any script are accepted; all spellings are the same code."""
    person = protected(roomy)
    code = person.code()
    digits = {zero: "".join(chr(first + int(digit)) for digit in code) for zero, first in ZEROS.items()}
    inside = {"no-break": "\u00a0", "dashed": "\u2013", "word joiner": "\u2060"}
    typed = {**digits, **{name: f"{code[:3]}{sign}{code[3:]}" for name, sign in inside.items()}}
    person.half_open(person.api).give_code(typed.get(shape) or shape.format(code)).expect(200)
    for spelling in (code, digits["persian"], f"\u2068{code}\u2069"):
        person.half_open(person.api).give_code(spelling).refused(401, "code_already_used")


@pytest.mark.parametrize(
    "spelling", ["{}0", "0{}", "+{}", "{:_^7}", "1_2_3_4_5_6", "0x1e240", "1e5", "-12345", "½½½½½½", "一二三四五六"]
)
def test_code_that_is_not_six_digits_is_refused_without_counting(roomy: Service, spelling: str) -> None:
    """Signs, underscores and numerals are refused with 422 on the field."""
    person = protected(roomy)
    client = person.half_open()
    refused = client.give_code(spelling.format(person.code())).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["code"]
    assert client.give_code(person.wrong_code()).refused(401, "wrong_code")["attempts_left"] == 4


# ------------------------------------------------------------------ paths, queries, cookies


def hostile_parts() -> list[str]:
    """Return hostile texts as parts of a path or query."""
    texts = [quote(text[:2000], safe="", errors="surrogatepass") for text in TEXTS.values() if text.strip()]
    return [*texts, "%2e%2e%2f", "0", "%ff%fe", "a" * 6000, "0" * 27, "٠" * 26, "%C3%28"]


def test_impossible_ids_and_tokens_are_not_found(roomy: Service) -> None:
    """Calls and pages answer impossible ids and tokens with 404."""
    person = protected(roomy)
    headers = {"Origin": roomy.url, "Cookie": f"{cookie_name(roomy.url)}={person.api.token}"}
    for route in (route for route in ROUTES if "{" in route.path):
        kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
        body = json.dumps(good_body(route, person)) if isinstance(route, Call) else "name=a&code=123456"
        for part in hostile_parts():
            given = None if route.method in SAFE else body.encode()
            sent = {**headers, "Content-Type": kind}
            url = f"{roomy.url}{path_of(route, part)}"
            answer = person.api.http.request(route.method, url, headers=sent, content=given)
            check_refusal(answer, f"{route.method} {route.path} {part[:30]}")
            assert answer.status_code in (404, 405, 422, 414, 400), f"{route.method} {route.path} {part[:30]}"


def test_odd_queries_are_used_refused_or_ignored(roomy: Service) -> None:
    """Cursors, limits and return addresses are used, refused by name, or ignored."""
    person = protected(roomy)
    headers = {"Cookie": f"{cookie_name(roomy.url)}={person.api.token}"}
    names = ("before", "limit", "return_to", "done", "with", "unknown")
    for path in (page.path for page in PAGES if page.method == "GET" and "{" not in page.path):
        for part in hostile_parts():
            query = "&".join(f"{name}={part[:500]}" for name in names)
            answer = person.api.http.get(f"{roomy.url}{path}?{query}", headers=headers)
            check_refusal(answer, f"{path} {part[:30]}")
            assert re.match(r"(/(?!/)|$)", answer.headers.get("location", ""))
    for part in hostile_parts():
        for name in ("before", "limit"):
            answer = person.api.http.get(f"{roomy.url}/api/v1/events?{name}={part}", headers=headers)
            check_refusal(answer, f"events {name} {part[:30]}")
            assert answer.status_code in (200, 422)
            assert answer.status_code == 200 or [*errors_of(answer)] == [name]
    for name in ("before", "limit"):
        answer = person.api.http.get(f"{roomy.url}/api/v1/events?{name}=1&{name}=1", headers=headers)
        assert (answer.status_code, [*errors_of(answer)]) == (422, [name])
        assert "sent twice" in errors_of(answer)[name]


@pytest.mark.parametrize("count", [1_000, 4_000])
def test_thousands_of_cookies_get_an_ordinary_response(roomy: Service, count: int) -> None:
    """A browser full of other cookies gets an ordinary answer, or one that its headers are too large."""
    person = new_user(roomy)
    flood = "; ".join(f"c{n}=v" for n in range(count))
    session = f"{cookie_name(roomy.url)}={person.api.token}"
    for cookies in (f"{session}; {flood}", f"{flood}; {session}"):
        for path in ("/api/v1/session", "/api/v1/sessions", "/settings", "/sign-in"):
            answer = person.api.http.get(f"{roomy.url}{path}", headers={"Cookie": cookies})
            check_refusal(answer, path)
            assert answer.status_code in (200, 303, 401, 400, 431)


def test_service_is_healthy_after_all_bad_input(roomy: Service) -> None:
    """After all of this, the service is healthy and its log contains no error."""
    assert roomy.is_healthy("/readyz")
    assert "Traceback" not in roomy.whole_output()
