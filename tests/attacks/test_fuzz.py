"""L01: requests generated from the API's own description and the list of pages never break the service.

Every response is a described one: never an unhandled error, and never a traceback.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import DATABASES, new_database
from tests.support.clients import PASSWORD, Api, Person
from tests.support.cookies import cookie_name
from tests.support.forms import FormBrowser
from tests.support.routes import ROUTES
from tests.support.service import Service
from twofold.base.web.routes import Page

VISITORS = ["nobody", "half open", "signed in", "unlocked"]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
INSIDE = ("Traceback", 'File "', "site-packages", "sqlite3", "asyncpg", "msgspec", "starlette", "granian")
ROOM_FOR_ALL = {"limit_codes": "1000000/5m", "limit_codes_in_a_row": "1000000", "limit_passwords": "1000000 30s..1h"}
# Names of form fields and query parameters, so that what is generated reaches past "this field is missing".
FIELDS = """
    before code country current_password default_factor_id done email factor_id kind method name new_password password
    phone policy recovery_code replaces return_to sent trust_this_computer with
""".split()  # noqa: SIM905 - easier to read as one text


class Visit:
    """One visitor of a fixed state: a session or sign-in that the fuzz has ended is started again."""

    def __init__(self, service: Service, state: str) -> None:
        self.state = state
        self.person = Person.signed_in(service.url) if state != "half open" else Person.with_totp(service.url)
        self.browser = Api(service.url)
        self.known = {"email": self.person.email, "password": PASSWORD, "kind": "totp", "code": "000000"}
        self.renew()

    def renew(self) -> None:
        """Start the visitor's session or sign-in again."""
        if self.state == "nobody":
            return
        if self.browser.sign_in(self.person.email).status == 401:  # the fuzz has deleted the account
            self.person = Person.signed_in(self.browser.url)
            self.known["email"] = self.person.email
        if self.state == "half open":
            self.browser.sign_in(self.person.email).expect(200)
        else:
            self.person.sign_in(self.browser)
            self.known["id"] = self.browser.begin_totp().expect(201)["id"]
        if self.state == "signed in":
            FormBrowser(self.browser.url, session=self.browser.token).post("/settings/lock", {"": ""}).expect(303)
        if self.browser.sign_in_token is not None:
            self.known["sign_in"] = self.browser.sign_in_token

    @property
    def bearer(self) -> dict[str, str]:
        """The visitor's Authorization header; a half-open sign-in is tried as if it were a session."""
        token = self.browser.token or self.browser.sign_in_token
        return {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the visitor's browser."""
        url = self.browser.url
        kept = {
            cookie_name(url): self.browser.token,
            cookie_name(url, "sign_in"): self.browser.sign_in_token,
        }
        return {name: value for name, value in kept.items() if value is not None}

    def note(self, answer: Any) -> None:  # noqa: ANN401 - an answer of either client
        """Renew the visitor when an answer shows that its session or sign-in has ended."""
        led_to = str(answer.headers.get("location", ""))
        over = "not_signed_in" in answer.text or led_to.startswith("/sign-in")
        locked = "locked_settings" in answer.text or led_to.startswith("/authenticate")
        if over or (locked and self.state == "unlocked"):
            self.renew()


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield the real server with limits that the fuzz does not reach."""
    folder = tmp_path_factory.mktemp("fuzz")
    with Service(folder, database_url=new_database(request.param, request, folder), settings=ROOM_FOR_ALL) as running:
        yield running


def bounded(examples: int) -> settings:
    """Return settings for this number of examples, without shrinking, since failing requests are short."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


# ------------------------------------------------------------------ the API


@pytest.mark.parametrize("state", VISITORS)
def test_generated_requests_get_described_answers(service: Service, state: str, *, full: bool) -> None:
    """Valid and invalid requests to every described call get a described answer that fits its schema."""
    visit = Visit(service, state)
    faults = [fault for operation in operations(service) for fault in fuzz(operation, visit, 100 if full else 3)]
    assert faults == [], "\n\n".join(faults)
    check_health(service)


def operations(service: Service) -> list[Any]:
    """Return every call in the service's description."""
    load_all_checks()
    schema = schemathesis.openapi.from_url(f"{service.url}/api/v1/openapi.json")
    schema.config.generation.with_security_parameters = False
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert len(found) > 20
    return found


def fuzz(operation: Any, visit: Visit, examples: int) -> Iterator[str]:  # noqa: ANN401 - schemathesis' own
    """Yield the faults in the answers of one call, to valid and invalid requests."""
    # Only calls with a body or a query can get invalid requests.
    modes = [mode for mode in GenerationMode if mode.is_positive or operation.body or operation.query]
    for mode in modes:
        request = operation.as_strategy(generation_mode=mode)
        known = st.sets(st.sampled_from(sorted(visit.known)))
        probe = bounded(examples)(given(request, known)(prober(visit)))
        yield from fault_of(probe, f"{operation.label}, {mode.value}")


def prober(visit: Visit) -> Callable[[Any, set[str]], None]:
    """Return a test of one request."""

    def probe(case: Any, known: set[str]) -> None:  # noqa: ANN401 - schemathesis' own
        plant(case, {name: visit.known[name] for name in known})
        answer = case.call(headers=visit.bearer)
        case.validate_response(answer, checks=CHECKS)
        assert not [word for word in INSIDE if word in answer.text], answer.text
        visit.note(answer)
        if "sign_in" in known and answer.status_code == 410:
            visit.renew()

    return probe


def plant(case: Any, known: dict[str, str]) -> None:  # noqa: ANN401 - schemathesis' own
    """Replace generated values with valid ones, so that a request gets past the first check."""
    for place in (case.body, case.path_parameters):
        if isinstance(place, dict):
            place.update({name: value for name, value in known.items() if name in place})


def fault_of(probe: Callable[[], None], label: str) -> Iterator[str]:
    """Yield what a probe finds, so that a fault in one call does not hide those in others."""
    try:
        probe()
    except Exception as found:  # noqa: BLE001 - all failures are reported together at the end
        group = getattr(found, "exceptions", [found])
        yield "\n".join([label, *(f"{type(each).__name__}: {each}" for each in group)])


def check_health(service: Service) -> None:
    """Check that the server is ready and has logged no error."""
    assert service.is_healthy("/readyz")
    assert "Traceback" not in service.output()
    assert " ERROR " not in service.output()


# ------------------------------------------------------------------ pages

anything = st.one_of(st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=60))
fields = st.dictionaries(st.sampled_from(FIELDS), anything, max_size=6)


@pytest.mark.parametrize("state", VISITORS)
def test_generated_form_values_get_a_page(service: Service, state: str, *, full: bool) -> None:
    """Every form on every page answers arbitrary field values with a page that says what is wrong."""
    visit = Visit(service, state)
    pages = [route for route in ROUTES if isinstance(route, Page)]
    with httpx2.Client(base_url=service.url, trust_env=False, timeout=30) as http:
        probes = [
            (page, bounded(100 if full else 3)(given(fields, anything)(filler(http, visit, page)))) for page in pages
        ]
        faults = [fault for page, probe in probes for fault in fault_of(probe, f"{page.method} {page.path}")]
    assert faults == [], "\n\n".join(faults)
    check_health(service)


def filler(http: httpx2.Client, visit: Visit, page: Page) -> Callable[[dict[str, bytes], bytes], None]:
    """Return a test of one page with one filling."""

    def probe(filling: dict[str, bytes], name: bytes) -> None:
        sent = "&".join(f"{field}={quote_from_bytes(value)}" for field, value in filling.items())
        path = page.path.replace("{id}", visit.known.get("id", "x")).replace(
            "{token}", quote_from_bytes(name, "") or "x"
        )
        headers = {"Origin": visit.browser.url, "Cookie": "; ".join(map("=".join, visit.cookies.items()))}
        form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        if page.method == "GET":
            answer = http.get(f"{path}?{sent}", headers=headers)
        else:
            answer = http.post(path, content=sent, headers=form)
        assert answer.status_code < 500, f"{answer.status_code} to {sent}"
        is_data = answer.status_code == 200 and path.endswith((".json", "/export"))
        kind = "application/json" if is_data else "text/"
        assert answer.status_code == 303 or answer.headers["content-type"].startswith(kind), sent
        assert not [word for word in INSIDE if word in answer.text], answer.text
        visit.note(answer)

    return probe


@pytest.mark.parametrize("limit", ["0" * 8 + "1" + "9" * 30, "1" * 5000, "٣", "-1", "1e2", "0", "101", " 5", ""])
def test_limit_that_is_not_a_small_number_is_refused(service: Service, limit: str) -> None:
    """Values that only begin with a small number, or that use digits of other alphabets, are refused with a reason."""
    person = Person.signed_in(service.url)
    person.api.events(limit=limit).refused(422, "invalid_request")
