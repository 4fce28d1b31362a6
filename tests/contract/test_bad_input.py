"""Bad input: each field of each form and body, with what no person types, gets a 4xx that names field and remedy.

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

from tests.clients import PASSWORD
from tests.conftest import DATABASES, new_database
from tests.forms import Form, FormBrowser
from tests.mailbox import link_in, wait_for_mail
from tests.phones import FROM_ONE_ADDRESS, Phone, caller
from tests.residents import Resident, protected, resident
from tests.routes import CALLS, PAGES, SAFE, fields_of, leads_to, path_of
from tests.service import FIRST_ADMINISTRATOR, Service
from tests.shifted import ShiftedService
from twofold.base.web.routes import Call, Page
from twofold.rooms import ROUTES

# These limits stand in the way of trying hundreds of wrong texts; each has tests of its own.
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
    """The real server with limits that hundreds of refusals do not reach."""
    folder = tmp_path_factory.mktemp("roomy")
    database_url = new_database(request.param, request, folder)
    with ShiftedService(folder, database_url=database_url, settings=ROOMY) as running:
        yield running
        assert "Traceback" not in running.whole_output()
        assert "request failed" not in running.whole_output()


def must_be_told(answer: httpx2.Response, about: str) -> None:
    """A refusal of the person's doing, in words, without a trace of how the program is made."""
    assert answer.status_code < 500, f"{about}: {answer.status_code} {answer.text[:300]}"
    for trace in ("Traceback", 'File "', "asyncpg", "sqlite", "msgspec"):
        assert trace not in answer.text, f"{about}: {answer.text[:300]}"


# ------------------------------------------------------------------ bodies of calls


def good_body(call: Call, person: Resident) -> dict[str, Any]:
    """A body of which every field could be taken, so that the one made bad is the one at fault."""
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


def send(service: Service, call: Call, body: bytes, person: Resident) -> httpx2.Response:
    """Sends a body as somebody whose settings are unlocked."""
    path = path_of(call, person.factor_id or "")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {person.api.token}"}
    return person.api.http.request(call.method, f"{service.url}{path}", headers=headers, content=body)


def errors_of(answer: httpx2.Response) -> dict[str, str]:
    """The fields that a problem names, each with its remedy."""
    return {error["field"]: error["message"] for error in answer.json().get("errors", ())}


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: f"{call.method} {call.path}")
def test_every_field_of_a_body_refuses_what_it_cannot_hold(roomy: Service, call: Call) -> None:
    """Wrong types and impossible texts are told with field and remedy; other odd texts never break anything."""
    person = protected(roomy)
    for name, field in fields_of(call).items():
        for kind, value in {**WRONG_TYPES, **TEXTS}.items():
            about = f"{call.method} {call.path} {name} {kind}"
            body = json.dumps({**good_body(call, person), name: value}).encode()
            answer = send(roomy, call, body, person)
            must_be_told(answer, about)
            if not fits(field, value) or kind in NEVER_TEXT:
                assert answer.status_code in (400, 422), f"{about}: {answer.text}"
                assert len(errors_of(answer).get(name, "")) > 10, f"{about}: {answer.text}"
            elif answer.status_code == 422:
                assert [*errors_of(answer)] == [name], f"{about}: {answer.text}"
            if answer.status_code < 400 and person.api.session().status != 200:
                person.sign_in()


def fits(field: msgspec.structs.FieldInfo, value: object) -> bool:
    """Whether a field's declared type admits a value."""
    try:
        msgspec.convert(value, field.type)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: f"{call.method} {call.path}")
def test_a_body_as_a_whole_refuses_what_it_cannot_be(roomy: Service, call: Call) -> None:
    """Missing and unknown fields, other shapes, depth, and what is no JSON: a 4xx that says what is wanted."""
    person = protected(roomy)
    good = good_body(call, person)
    for name, field in fields_of(call).items():
        if field.required:
            answer = send(roomy, call, json.dumps({k: v for k, v in good.items() if k != name}).encode(), person)
            assert (answer.status_code, [*errors_of(answer)]) == (422, [name])
    unknown = send(roomy, call, json.dumps({**good, "admin": True}).encode(), person)
    assert (unknown.status_code, [*errors_of(unknown)]) == (422, ["admin"])
    for body in (b"", b"null", b"7", b'"x"', b"[]", b"{", b"{}}", b"\xff", b"\xef\xbb\xbf{}", b'{"a":', b"NaN"):
        answer = send(roomy, call, body, person)
        assert answer.status_code in (400, 422), f"{body!r}: {answer.text}"
        assert answer.json()["detail"]
    first = next(iter(fields_of(call)))
    for deep in (b"[" * 60_000, b'{"a":' * 10_000, b'{"%s":' % first.encode() + b"[" * 50_000):
        answer = send(roomy, call, deep, person)
        must_be_told(answer, "deep")
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize("size", [65_537, 1_000_000])
def test_a_megabyte_is_refused_everywhere(roomy: Service, size: int) -> None:
    """413 before anything is parsed or hashed, whatever the route."""
    person = protected(roomy)
    body = b'{"password": "' + b"x" * size + b'"}'
    cookie = {"Cookie": f"twofold_session={person.api.token}"}
    for route in (route for route in ROUTES if route.method not in SAFE):
        if isinstance(route, Call) and not route.body:
            continue
        kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, "Origin": roomy.url, **cookie}
        answer = person.api.http.request(
            route.method, f"{roomy.url}{path_of(route, person.factor_id or '')}", headers=headers, content=body
        )
        # A page that is gone for want of a link or attempt tells that.
        assert answer.status_code in ((413,) if isinstance(route, Call) else (413, 404, 410)), route.path
        must_be_told(answer, route.path)


# ------------------------------------------------------------------ forms of pages


def shown_forms(service: Service) -> list[tuple[FormBrowser, Form]]:
    """Every form of every page, as nobody, half-way in, and signed in, each with the browser that sees it.

    The link that resets the password comes last: should a new one be taken, all sessions end.
    """
    person, computer = protected(service, "once_per_computer"), FormBrowser(service.url)
    person.enable_totp(name="Second phone")
    computer.sign_in(person.email, PASSWORD, person.code(), trust=True)
    half_open = FormBrowser(service.url)
    half_open.sign_in(person.email, PASSWORD).goes_to("/sign-in/code")
    person.sign_in(person.another_browser(), trust_this_computer=True)  # a second one: all can be forgotten
    begun = person.api.begin_totp().must(201)["id"]
    called, calling = caller(service), FormBrowser(service.url)
    called.enable_phone("voice")
    proving = called.api.begin_phone("sms", Phone(service.url).number).must(201)["id"]
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
        (signed_in, "/settings/close"),
        (signed_in, email_link(service, person)),
        (calling, "/sign-in/code"),
        (called.pages(), "/authenticate"),
        (called.pages(), "/settings/factors/new?kind=sms"),
        (called.pages(), f"/settings/factors/{proving}"),
        (signed_in, "/settings"),
    ]
    forms = [(browser, form) for browser, path in tour for form in browser.get(path).must(200).forms]
    shown = signed_in.submit("/settings", "/settings/recovery-code").must(200)
    forms += [(signed_in, form) for form in shown.forms]
    forms.sort(key=lambda found: found[1].action.startswith("/reset-password"))
    return [(browser, form) for browser, form in forms if form.method == "post" and not form.locked]


def email_link(service: Service, person: Resident) -> str:
    """The path of a link that is mailed to a new address."""
    email = f"new-{person.email}"
    person.api.call("PUT", "/account/email", {"email": email}).must(202)
    return link_in(wait_for_mail(service, email, "Confirm your new email"), "/change-email/")


def test_every_form_refuses_what_its_fields_cannot_hold(roomy: Service) -> None:
    """Odd texts in each field, visible or hidden, lead to a page that says what to do, never to a fault."""
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
                must_be_told(answer, about)
                if kind in NEVER_TEXT:
                    assert answer.status_code in (422, 404, 410), about
                    assert has_no_fault_but(answer, route), about
                if 300 <= answer.status_code < 400:
                    assert re.match(r"/(?!/)", answer.headers["location"]), about
    unmet = {page.path for page in PAGES if page.method == "POST"} - met
    assert unmet == {"/sign-up/{token}"}, "a form that no page shows"  # but with mail: tests/signup/test_by_mail.py


def post_raw(browser: FormBrowser, path: str, body: str) -> httpx2.Response:
    """Sends a form as it is written, and forgets what the answer sets: the next try finds what this one found."""
    kept = dict(browser.cookies)
    headers = {"Origin": browser.url, "Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.http.post(path, content=body, headers=headers)
    browser.http.cookies.clear()
    for name, value in kept.items():
        browser.keep(name, value)
    return answer


def has_no_fault_but(answer: httpx2.Response, route: Page) -> bool:
    """Whether a refused form comes with an error in words."""
    return route.again is None or "There is a problem" in answer.text or answer.status_code != 422


def test_a_field_sent_twice_is_refused(roomy: Service) -> None:
    """Of two values neither is taken: one program's first is the other's last (ASVS 15.3.7)."""
    for browser, form in shown_forms(roomy)[:12]:
        for name in form.fields:
            twice = [*form.fields.items(), (name, "other")]
            answer = post_raw(browser, form.action, urlencode(twice))
            assert answer.status_code in (422, 404, 410), f"{form.action} {name}"


def test_many_fields_and_bytes_that_are_no_form_are_refused(roomy: Service) -> None:
    """400 with a page that says to send the form from our own page."""
    browser = FormBrowser(roomy.url)
    for body in ("&".join(f"a{n}=1" for n in range(1000)), "&" * 10_000, "email=%ff%fe", "%00=1", "a=é"):
        answer = post_raw(browser, "/sign-in", body)
        must_be_told(answer, body[:20])
        assert answer.status_code in (400, 422)
        assert "There is a problem" in answer.text


# ------------------------------------------------------------------ names and codes that people do type


@pytest.mark.parametrize("kind", ["blank", "huge", *NEVER_TEXT, *INVISIBLE])
def test_a_name_must_be_visible_and_short(roomy: Service, kind: str) -> None:
    """Names stand on pages and in apps: nothing that hides, turns or ends a line."""
    person = protected(roomy)
    body = json.dumps({"name": TEXTS[kind]}).encode()
    call = next(call for call in CALLS if (call.method, call.path) == ("PATCH", "/api/v1/factors/{id}"))
    answer = send(roomy, call, body, person)
    assert answer.status_code in (400, 422)
    assert [*errors_of(answer)] == ["name"]
    assert person.api.two_factor()["factors"][0]["name"] == "Authenticator app"


@pytest.mark.parametrize(
    "name", ["הטלפון שלי", "هاتفي", "我的手机", "Ｐｈｏｎｅ", "Ångström", "📱 phone", "O'Neill & <b>"]
)
def test_names_of_all_languages_are_taken(roomy: Service, name: str) -> None:
    """Letters that run from right to left are letters; they come back as they were given, and harmless on the page."""
    person = protected(roomy)
    renamed = person.api.call("PATCH", f"/factors/{person.factor_id}", {"name": name}).must(200)
    assert renamed["name"] == name
    assert "<b>" not in person.pages().get("/settings").must(200).html


@pytest.mark.parametrize("shape", ["{} ", "\n{}", "{:.3}\u00a0{:>.3}", "full-width", "arabic", "dashed", "spaced"])
def test_a_code_is_read_as_people_type_it(roomy: Service, shape: str) -> None:
    """Spaces, dashes and full-width digits are no mistake; a code typed differently is the same code, spent with it."""
    person = protected(roomy)
    code = person.code()
    typed = {
        "full-width": code.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"}),
        "dashed": f"{code[:3]}-{code[3:]}",
        "spaced": f"{code[:3]} {code[3:]}",
        "{:.3}\u00a0{:>.3}": f"{code[:3]}\u00a0{code[3:]}",
        "arabic": code.translate({ord(d): ord(d) - 0x30 + 0x0660 for d in "0123456789"}),
    }.get(shape) or shape.format(code)
    answer = person.half_open(person.api).give_code(typed)
    if shape == "arabic":
        answer.refused(422, "invalid_request")
        return
    answer.must(200)
    person.half_open(person.api).give_code(code).refused(401, "code_already_used")


@pytest.mark.parametrize(
    "spelling", ["{}0", "0{}", "+{}", "{:_^7}", "1_2_3_4_5_6", "0x1e240", "1e5", "-12345", "１２３4५6"]
)
def test_what_is_not_six_digits_is_told_and_costs_no_try(roomy: Service, spelling: str) -> None:
    """Signs, underscores and other scripts' digits are no spelling of a code: 422 on the field."""
    person = protected(roomy)
    client = person.half_open()
    refused = client.give_code(spelling.format(person.code())).refused(422, "invalid_request")
    assert [error["field"] for error in refused["errors"]] == ["code"]
    assert client.give_code(person.wrong_code()).refused(401, "wrong_code")["attempts_left"] == 4


# ------------------------------------------------------------------ paths, queries, cookies


def hostile_parts() -> list[str]:
    """Texts as parts of a path or query."""
    texts = [quote(text[:2000], safe="", errors="surrogatepass") for text in TEXTS.values() if text.strip()]
    return [*texts, "%2e%2e%2f", "0", "%ff%fe", "a" * 6000, "0" * 27, "٠" * 26, "%C3%28"]


def test_ids_and_tokens_of_paths_may_be_anything(roomy: Service) -> None:
    """What cannot be an id or token is not there, for calls and pages alike."""
    person = protected(roomy)
    headers = {"Origin": roomy.url, "Cookie": f"twofold_session={person.api.token}"}
    for route in (route for route in ROUTES if "{" in route.path):
        kind = "application/json" if isinstance(route, Call) else "application/x-www-form-urlencoded"
        body = json.dumps(good_body(route, person)) if isinstance(route, Call) else "name=a&code=123456"
        for part in hostile_parts():
            given = None if route.method in SAFE else body.encode()
            sent = {**headers, "Content-Type": kind}
            url = f"{roomy.url}{path_of(route, part)}"
            answer = person.api.http.request(route.method, url, headers=sent, content=given)
            must_be_told(answer, f"{route.method} {route.path} {part[:30]}")
            assert answer.status_code in (404, 405, 422, 414, 400), f"{route.method} {route.path} {part[:30]}"


def test_queries_may_be_anything(roomy: Service) -> None:
    """Cursors, limits, and where to return to: each is taken, refused with its name, or has no effect."""
    person = protected(roomy)
    headers = {"Cookie": f"twofold_session={person.api.token}"}
    names = ("before", "limit", "return_to", "done", "with", "unknown")
    for path in (page.path for page in PAGES if page.method == "GET" and "{" not in page.path):
        for part in hostile_parts():
            query = "&".join(f"{name}={part[:500]}" for name in names)
            answer = person.api.http.get(f"{roomy.url}{path}?{query}", headers=headers)
            must_be_told(answer, f"{path} {part[:30]}")
            assert re.match(r"(/(?!/)|$)", answer.headers.get("location", ""))
    for part in hostile_parts():
        for name in ("before", "limit"):
            answer = person.api.http.get(f"{roomy.url}/api/v1/events?{name}={part}", headers=headers)
            must_be_told(answer, f"events {name} {part[:30]}")
            assert answer.status_code in (200, 422)
            assert answer.status_code == 200 or [*errors_of(answer)] == [name]


@pytest.mark.parametrize("count", [1_000, 4_000])
def test_a_thousand_cookies_break_nothing(roomy: Service, count: int) -> None:
    """A browser full of other people's cookies gets an answer of the ordinary kind, or is told that it is too much."""
    person = resident(roomy)
    flood = "; ".join(f"c{n}=v" for n in range(count))
    for cookies in (f"twofold_session={person.api.token}; {flood}", f"{flood}; twofold_session={person.api.token}"):
        for path in ("/api/v1/session", "/api/v1/sessions", "/settings", "/sign-in"):
            answer = person.api.http.get(f"{roomy.url}{path}", headers={"Cookie": cookies})
            must_be_told(answer, path)
            assert answer.status_code in (200, 303, 401, 400, 431)


def test_nothing_that_was_tried_was_a_fault_of_ours(roomy: Service) -> None:
    """After all of this the service is well, and its log holds no trace of a fault."""
    assert roomy.is_healthy("/readyz")
    assert "Traceback" not in roomy.whole_output()
