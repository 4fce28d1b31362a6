"""A browser without script: it keeps cookies, shows forms, fills them in and sends them as they stand on the page."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx2

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHOSEN = ("radio", "checkbox")


@dataclass
class Form:
    """One form: where it goes, and its fields with what stands in them."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    locked: bool = False


class FormReader(HTMLParser):
    """Collects the forms of a page. A form inside a disabled fieldset, or around one, is locked."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.fieldsets: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens a form or fieldset, or notes a field."""
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
        """Closes a form or fieldset."""
        if tag == "form":
            self.form = None
        elif tag == "fieldset":
            self.fieldsets.pop()

    def note(self, given: Mapping[str, str], *, chosen: bool) -> None:
        """Notes a field of the open form; of choices, the one that is made."""
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


class Shown:
    """One answer to a browser."""

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
        """What can be read, without marks."""
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.html)))

    @property
    def recovery_code(self) -> str:
        """The recovery code that the page shows."""
        found = re.search(r"\b(?:[A-Z2-9]{5}-){4}[A-Z2-9]{5}\b", self.words)
        assert found, f"no recovery code on the page: {self.words}"
        return found[0]

    def form(self, action: str, *fields: str) -> Form:
        """The form that is sent to a path and has these fields."""
        sent = [form for form in self.forms if form.action == action and form.method == "post"]
        assert sent, f"no form leads to {action}, only to {sorted(form.action for form in self.forms)}"
        found = [form for form in sent if form.fields.keys() >= {*fields}]
        assert found, f"no form for {action} has {fields}, only {sent}"
        return found[0]

    def must(self, *statuses: int) -> Self:
        """The same answer, if it has one of these statuses; otherwise the test fails and shows it."""
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def goes_to(self, path: str) -> Self:
        """The same answer, if it sends the browser on to this path (303)."""
        assert (self.status, self.location.split("?")[0].split("#")[0]) == (303, path), str(self)
        return self

    def __repr__(self) -> str:
        return f"{self.status} {self.location} {self.words[:600]}"


class FormBrowser:
    """One browser at one service."""

    def __init__(self, url: str, *, session: str | None = None, **options: Any) -> None:  # noqa: ANN401 - for the client
        """A new browser; `session` is the token of a session that it goes on with."""
        self.url = url
        # As with `Api`: no connection outlives its answer; and no certificates are read where there is no https.
        unkept = httpx2.Limits(max_keepalive_connections=0)
        agent = {"User-Agent": FIREFOX}
        self.http = httpx2.Client(
            base_url=url, timeout=30, trust_env=False, headers=agent, limits=unkept, verify=False, **options
        )
        if session is not None:
            self.keep("twofold_session", session)

    def keep(self, name: str, value: str) -> None:
        """Puts a cookie into the browser as if the service had set it."""
        self.http.cookies.set(name, value, domain=urlsplit(self.url).hostname or "")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the browser keeps."""
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}

    def get(self, path: str) -> Shown:
        """Opens a page."""
        return Shown(self.http.get(path))

    def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str | None) -> Shown:
        """Sends a form from our own pages; a header given as None is left out."""
        sent = {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        kept = {name: value for name, value in sent.items() if value is not None}
        return Shown(self.http.post(path, content=urlencode(fields or {}), headers=kept))

    def submit(self, page: str, action: str, **fields: str) -> Shown:
        """Opens a page, fills in the form that is sent to `action`, and sends it."""
        return self.send(self.get(page).must(200), action, **fields)

    def send(self, shown: Shown, action: str, **fields: str) -> Shown:
        """Fills in and sends a form of a page that is open."""
        form = shown.form(action, *fields)
        assert not form.locked, f"the form for {action} is locked"
        return self.post(action, {**form.fields, **fields})

    def sign_in(self, email: str, password: str, code: str | None = None, *, trust: bool = False) -> Shown:
        """Signs in as far as the given proofs go."""
        shown = self.submit("/sign-in", "/sign-in", email=email, password=password)
        if code is None:
            return shown
        shown.goes_to("/sign-in/code")
        ticked = {"trust_this_computer": "yes"} if trust else {}
        return self.submit("/sign-in/code", "/sign-in/code", code=code, **ticked)
