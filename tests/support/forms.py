"""A browser without JavaScript, which stores cookies and submits the forms of pages."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx2

from tests.support.cookies import instance

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHOSEN = ("radio", "checkbox")


@dataclass
class Form:
    """A form: its action, and its fields with their values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    locked: bool = False


class FormReader(HTMLParser):
    """Collect the forms of a page. A form inside or around a disabled fieldset is locked."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.fieldsets: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handle the start of a form, fieldset or field."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = Form(given["action"], given.get("method", "get"), locked=any(self.fieldsets))
            self.forms.append(self.form)
        elif tag == "fieldset":
            self.fieldsets.append("disabled" in given)
            if self.form is not None:
                self.form.locked |= "disabled" in given
        elif self.form is not None and tag in ("input", "button", "select", "textarea"):
            self.note(given, chosen=given.get("type") in CHOSEN)

    def handle_endtag(self, tag: str) -> None:
        """Handle the end of a form or fieldset."""
        if tag == "form":
            self.form = None
        elif tag == "fieldset":
            self.fieldsets.pop()

    def note(self, given: Mapping[str, str], *, chosen: bool) -> None:
        """Add a field to the current form; of several choices, add the selected one."""
        assert self.form is not None
        name = given.get("name")
        if name is None:
            return
        if "formaction" in given:
            self.forms.append(Form(given["formaction"], "post", {**self.form.fields, name: given["value"]}))
        elif not chosen or "checked" in given:
            self.form.fields[name] = given.get("value", "")
        else:
            self.form.fields.setdefault(name, "")


class PageAnswer:
    """A response to a browser."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.html = response.text
        self.location = response.headers.get("location", "")

    @property
    def forms(self) -> list[Form]:
        """All forms of the page."""
        reader = FormReader()
        reader.feed(self.html)
        return reader.forms

    @property
    def words(self) -> str:
        """The text of the page, without markup."""
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.html)))

    @property
    def recovery_code(self) -> str:
        """The recovery code on the page."""
        found = re.search(r"\b(?:[A-Z2-9]{5}-){4}[A-Z2-9]{5}\b", self.words)
        assert found, f"no recovery code on the page: {self.words}"
        return found[0]

    def form(self, action: str, *fields: str) -> Form:
        """Return the form with this action and these fields."""
        sent = [form for form in self.forms if form.action == action and form.method == "post"]
        assert sent, f"no form leads to {action}, only to {sorted(form.action for form in self.forms)}"
        found = [form for form in sent if form.fields.keys() >= {*fields}]
        assert found, f"no form for {action} has {fields}, only {sent}"
        return found[0]

    def expect(self, *statuses: int) -> Self:
        """Return the response itself. Raise AssertionError with its content if it has none of these statuses."""
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def goes_to(self, path: str) -> Self:
        """Return the response itself. Raise AssertionError unless it redirects to this path (303)."""
        assert (self.status, self.location.split("?")[0].split("#")[0]) == (303, path), str(self)
        return self

    def __repr__(self) -> str:
        return f"{self.status} {self.location} {self.words[:600]}"


class FormBrowser:
    """A browser for one service."""

    def __init__(self, url: str, *, session: str | None = None, **options: Any) -> None:  # noqa: ANN401 - for the client
        """Open a new browser, with the token of an existing session if it is set."""
        self.url = url
        # As in `Api`, connections are not kept open, and certificates are not loaded without https.
        unkept = httpx2.Limits(max_keepalive_connections=0)
        agent = {"User-Agent": FIREFOX}
        self.http = httpx2.Client(
            base_url=url, timeout=30, trust_env=False, headers=agent, limits=unkept, verify=False, **options
        )
        if session is not None:
            self.keep("twofold_session", session)

    def keep(self, name: str, value: str) -> None:
        """Store a cookie as if the service had set it."""
        self.http.cookies.set(self.full(name), value, domain=urlsplit(self.url).hostname or "")

    def forget(self, name: str) -> None:
        """Delete a cookie."""
        del self.http.cookies[self.full(name)]

    def full(self, name: str) -> str:
        """Return the full name of a cookie, with the digits of the instance."""
        return name if name.startswith("twofold_computer_") else f"{name}_{instance(self.url)}"

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies for this service, by name without the digits of the instance."""
        return {
            cookie.name.removesuffix(f"_{instance(self.url)}"): cookie.value or "" for cookie in self.http.cookies.jar
        }

    def get(self, path: str) -> PageAnswer:
        """Open a page."""
        return PageAnswer(self.http.get(path))

    def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str | None) -> PageAnswer:
        """Submit a form as from our own pages; headers that are None are left out."""
        sent = {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        kept = {name: value for name, value in sent.items() if value is not None}
        return PageAnswer(self.http.post(path, content=urlencode(fields or {}), headers=kept))

    def submit(self, page: str, action: str, **fields: str) -> PageAnswer:
        """Open a page, fill in the form with this action, and submit it."""
        return self.send(self.get(page).expect(200), action, **fields)

    def send(self, shown: PageAnswer, action: str, **fields: str) -> PageAnswer:
        """Fill in and submit a form of an open page."""
        form = shown.form(action, *fields)
        assert not form.locked, f"the form for {action} is locked"
        return self.post(action, {**form.fields, **fields})

    def sign_in(self, email: str, password: str, code: str | None = None, *, trust: bool = False) -> PageAnswer:
        """Sign in with a password, and with a code if there is one; return the last response."""
        shown = self.submit("/sign-in", "/sign-in", email=email, password=password)
        if code is None:
            return shown
        shown.goes_to("/sign-in/code")
        ticked = {"trust_this_computer": "yes"} if trust else {}
        return self.submit("/sign-in/code", "/sign-in/code", code=code, **ticked)
