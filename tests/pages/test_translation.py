"""Every text that people see passes through gettext: in a made-up language no page shows a text that is not marked."""

import ast
import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.responses import Response

import twofold
from tests.support.authenticator import oathtool
from tests.support.clients import PASSWORD
from tests.support.forms import PageAnswer
from tests.support.in_process import LocalApp, in_process
from twofold import running
from twofold.accounts import links
from twofold.admin import actions as admin
from twofold.audit.events import Event
from twofold.base.problems import Problem
from twofold.base.texts import translations
from twofold.base.visitor import Access
from twofold.base.web.context import Context
from twofold.base.web.endpoints import ENDPOINTS
from twofold.base.web.leaving import leave_for
from twofold.base.web.router import RouteTable
from twofold.base.web.routes import Page
from twofold.base.web.templates import Templates
from twofold.features import FEATURES

SITE, EMAIL, NAME = "Qqq", "zzz@zzz.example", "Www"
SECOND_EMAIL, THIRD_EMAIL = "yyy@zzz.example", "xxx@zzz.example"
APPS = "[[apps]]\nname = 'Qqq'\nurl = 'https://zzz.example'"
SOURCE = Path(twofold.__file__).parent
NOT_SHOWN = {"script", "style"}
DATA_TAGS = {"time", "code"}  # written by machines for machines, the same in every language
SPOKEN = {"alt", "aria-label", "data-done", "data-ended", "data-label", "placeholder", "title"}
EMPTY = {"br", "col", "hr", "img", "input", "link", "meta", "path", "rect", "circle"}
DATA = re.compile(
    r"\b(xxx|yyy|zzz)(@zzz\.example|\b)|Qqq|Www|Firefox on Linux|Authenticator app|127\.0\.0\.1"
    r"|([A-Z2-9]{5}-){4}[A-Z2-9]{5}|\b[A-Z2-7]{4}\b"  # a group of a secret key
)


class MadeUp(NullTranslations):
    """Puts brackets round every text that is asked for."""

    def gettext(self, message: str) -> str:
        """Return one text."""
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return one text of two, by number."""
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@contextmanager
def made_up_language() -> Iterator[None]:
    """Show everything in the made-up language until the block ends."""
    before = translations.set(MadeUp())
    try:
        yield
    finally:
        translations.reset(before)


class Reader(HTMLParser):
    """Collects what is seen or heard and stands in no brackets; a sentence may run over several elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.depth = 0
        self.bare: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the text that a screen reader reads."""
        if tag not in EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            if name in SPOKEN and value:
                self.bare.extend(unmarked(value)[0])

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Collect the visible text."""
        if NOT_SHOWN & set(self.open):
            return
        bare, self.depth = unmarked(data, self.depth)
        if not DATA_TAGS & set(self.open):
            self.bare.extend(bare)


def unmarked(text: str, depth: int = 0) -> tuple[list[str], int]:
    """Return the words outside brackets, without data, and how many brackets are still open."""
    outside = ""
    for sign in text:
        depth += {"⟦": 1, "⟧": -1}.get(sign, 0)
        outside += sign if depth == 0 and sign != "⟧" else "\n"
    left = [DATA.sub("", part).strip() for part in outside.split("\n")]
    return [part for part in left if re.search(r"[^\W\d_]{2}", part)], depth


def bare_words(html: str) -> list[str]:
    """Return the words of a page that gettext has never seen."""
    reader = Reader()
    reader.feed(html)
    return reader.bare


class Tour:
    """Walks through the pages and notes what was shown without translation."""

    def __init__(self, browser: LocalApp) -> None:
        self.browser = browser
        self.bare: dict[str, list[str]] = {}

    def note(self, page: str, shown: PageAnswer) -> PageAnswer:
        """Check a page."""
        if shown.html and (bare := bare_words(shown.html)):
            self.bare[f"{page} ({shown.status})"] = bare
        return shown

    async def get(self, path: str, *statuses: int) -> PageAnswer:
        """Open a page."""
        return self.note(path, (await self.browser.get(path)).expect(*statuses or (200,)))

    async def post(self, path: str, *statuses: int, **fields: str) -> PageAnswer:
        """Send a form."""
        return self.note(f"POST {path}", (await self.browser.post(path, fields)).expect(*statuses or (303,)))

    async def follow(self, shown: PageAnswer) -> PageAnswer:
        """Follow a redirect."""
        return await self.get(shown.location)


async def tour_of_a_life(tour: Tour) -> None:
    """Visit every card, error and form of an account, from sign-up on."""
    clock = tour.browser.clock
    await tour.get("/sign-up")
    await tour.post("/sign-up", 422, email="nobody", password="1")
    await tour.post("/sign-up", 422, email=EMAIL, password="1")
    await tour.post("/sign-up", email=EMAIL, password=PASSWORD)
    await tour.get("/settings")
    for path in ("/settings/two-factor", "/settings/method"):
        await tour.post(path, 422)
    await tour.post("/settings/factors", 422, kind="totp", name="\u202e")
    await tour.post("/settings/password", 401, 422, current_password="no", new_password="no")
    secret = await enrol(tour)
    await tour.get("/settings?done=factor_added")
    await enrol(tour, name=NAME)
    clock.now += 60
    await tour.post("/settings/two-factor", policy="once_per_computer")
    await tour.get("/settings?done=two_factor_updated")
    factor = re.search(r"/settings/factors/([0-9a-v]{26})/remove", (await tour.get("/settings")).html)
    assert factor
    await tour.get(f"/settings/factors/{factor[1]}/remove")
    await tour.post(f"/settings/factors/{factor[1]}/name", 422, name="")
    await tour.post("/settings/recovery-code", 200)
    await tour.post("/settings/recovery-code/saved", 422)
    await tour.post("/settings/factors", kind="totp", replaces=factor[1])
    await tour.get("/settings/activity")
    await tour.get("/settings/activity?before=0", 200, 422)
    await live_with_a_phone(tour)
    await sign_in_every_way(tour, secret)


async def enrol(tour: Tour, **fields: str) -> str:
    """Set up an authenticator with every possible error, and return its secret."""
    clock = tour.browser.clock
    begun = await tour.post("/settings/factors", kind="totp", **fields)
    page = await tour.follow(begun)
    found = re.search(r"secret=([A-Z2-7]{32})", page.html)
    assert found
    await tour.get(f"{begun.location}/verify")
    await tour.post(f"{begun.location}/verify", 401, code=oathtool(found[1], clock.now + 150))
    await tour.post(f"{begun.location}/verify", 401, code=oathtool(found[1], clock.now - 150))
    await tour.post(f"{begun.location}/verify", 422, code="x")
    verified = await tour.post(f"{begun.location}/verify", 200, 303, code=oathtool(found[1], clock.now))
    if verified.status == 200:
        await tour.post(f"{begun.location}/verify", 200, code="123456")
    return found[1]


async def live_with_a_phone(tour: Tour) -> None:
    """Add a number, sign in and unlock with it, with every possible error."""
    clock = tour.browser.clock
    await tour.follow(await tour.post("/settings/method", method="voice"))
    number = {"kind": "sms", "name": NAME, "phone": "+15551234567"}
    await tour.post("/settings/factors/new", 422, **{**number, "phone": "1"})
    begun = await tour.post("/settings/factors/new", **number)
    await tour.follow(begun)
    await tour.get(f"{begun.location}?sent=no")
    await tour.post(f"{begun.location}/send", 429)
    await tour.post(f"{begun.location}/verify", 401, code="000000")
    await tour.post(f"{begun.location}/verify", 200, code=await sent_code(tour))
    phone = begun.location.rpartition("/")[2]
    await tour.post(f"/settings/factors/{phone}/default")
    await tour.get(f"/settings/factors/{phone}/remove")
    await tour.get(f"/settings/factors/new?kind=voice&replaces={phone}")
    await tour.post("/sign-out")
    await tour.follow(await tour.post("/sign-in", email=EMAIL, password=PASSWORD))
    for state in ("with=app", "sent=no"):
        await tour.get(f"/sign-in/code?{state}")
    await tour.get("/sign-in/recovery-code")
    await tour.post("/sign-in/code/send", 429, factor_id=phone)
    await tour.post("/sign-in/code/send", 422, factor_id="nobody's")
    await tour.post("/sign-in/code", 401, code="000000")
    await tour.post("/sign-in/code", code=await sent_code(tour))
    clock.now += 900
    await tour.get("/authenticate")
    await tour.get("/authenticate?with=recovery_code")
    await tour.follow(await tour.post("/authenticate/send", factor_id=phone))
    await tour.post("/authenticate", 401, password=PASSWORD, code="000000")
    await tour.post("/authenticate", password=PASSWORD, code=await sent_code(tour))


async def sent_code(tour: Tour) -> str:
    """Return the code that arrived last."""
    messages = (await tour.browser.http.get(tour.browser.development("/dev/outbox.json"))).json()
    found = re.search(r"#([0-9]{6})", messages[-1]["text"])
    assert found
    return found[1]


async def sign_in_every_way(tour: Tour, secret: str) -> None:
    """Password, code, recovery code; locked settings; trusted computers; too many tries."""
    clock = tour.browser.clock
    await tour.follow(await tour.post("/sign-out"))
    await tour.get("/sign-in")
    await tour.post("/sign-in", 401, email=EMAIL, password="wrong")
    await tour.follow(await tour.post("/sign-in", email=EMAIL, password=PASSWORD))
    await tour.post("/sign-in/code", 401, code="000000")
    await tour.post("/sign-in/code", 401, code=oathtool(secret, clock.now - 150))
    await tour.get("/sign-in/recovery-code")
    await tour.post("/sign-in/recovery-code", 401, recovery_code="A" * 25)
    await tour.post("/sign-in/code", code=oathtool(secret, clock.now), trust_this_computer="yes")
    await tour.get("/settings")
    clock.now += 700
    await tour.get("/settings")
    await tour.get("/authenticate")
    await tour.get("/authenticate?with=recovery_code")
    await tour.post("/authenticate", 401, password="wrong", code="123456")
    await tour.post("/authenticate", 401, 422, password=PASSWORD)
    await tour.post("/authenticate", 401, password=PASSWORD, code=oathtool(secret, clock.now - 150))
    await tour.get("/authenticate?level=2fa&since=9999999999")
    await tour.get("/authenticate?level=phr", 403)
    await tour.post("/authenticate", password=PASSWORD, code=oathtool(secret, clock.now))
    await tour.get("/settings/set-up?level=2fa")
    code = (await tour.post("/settings/recovery-code", 200)).recovery_code
    await tour.post("/settings/recovery-code/download", 422, recovery_code="?")
    await tour.post("/settings/computers/forget-all")
    await tour.post("/sign-out")
    await tour.post("/sign-in", email=EMAIL, password=PASSWORD)
    await tour.post("/sign-in/recovery-code", 200, recovery_code=code)
    await tour.post("/sign-out")
    for _ in range(6):
        await tour.post("/sign-in", 401, 429, email=EMAIL, password="wrong")


async def mailed_link(tour: Tour, path: str) -> str:
    """Return the newest link that begins so and was mailed."""
    for _ in range(500):
        text = " ".join(
            each["text"]
            for each in json.loads((await tour.browser.get(tour.browser.development("/dev/outbox.json"))).html)
        )
        if found := re.findall(rf"{path}[\w-]+", text):
            return str(found[-1])
        await asyncio.sleep(0.01)
    raise AssertionError(text)


async def tour_of_mail(tour: Tour) -> None:
    """Reset a password, change an address and close an account."""
    await tour.post("/sign-up", email=SECOND_EMAIL, password=PASSWORD)
    await tour.get("/forgot-password")
    await tour.post("/forgot-password", 422, email="nobody")
    await tour.post("/forgot-password", 200, email=SECOND_EMAIL)
    await tour.get(await mailed_link(tour, "/reset-password/"))
    await tour.follow(await tour.post("/settings/email/confirmation"))
    link = await mailed_link(tour, "/confirm-email/")
    await tour.get(link)
    await tour.follow(await tour.post(link))
    await tour.get(link, 404)
    await tour.post("/settings/email", 422, email="nobody")
    await tour.post("/settings/email", 409, email=SECOND_EMAIL)
    await tour.follow(await tour.post("/settings/email", email=THIRD_EMAIL))
    link = await mailed_link(tour, "/change-email/")
    await tour.get(link)
    await tour.follow(await tour.post(link))
    await tour.get(link, 404)
    await tour.get("/settings/delete")
    await tour.post("/settings/delete", 200)


async def tour_of_the_gate(tour: Tour) -> None:
    """Ask for an application, from a frame, by a form and in circles, and sign out of all."""
    asked = {
        "X-Forwarded-Host": "app.example.org",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Uri": "/",
        "X-Forwarded-Method": "GET",
        "Sec-Fetch-Mode": "navigate",
    }
    framed = await tour.browser.http.get("/gate/forward", headers={**asked, "Sec-Fetch-Dest": "iframe"})
    await tour.get(framed.headers["location"].removeprefix(tour.browser.url))
    arrive = {"X-Forwarded-Uri": "/.twofold/arrive.html"}
    closed = {"X-Forwarded-Uri": "/.twofold/"}
    for changed in ({"X-Forwarded-Method": "POST"}, arrive, {**arrive, "Sec-Fetch-Dest": "iframe"}, closed):
        answer = await tour.browser.http.get("/gate/forward", headers={**asked, **changed})
        tour.note(f"the gate, {changed}", PageAnswer(answer))
    await tour.get("/gate/sign-out?rd=https://app.example.org/")
    bounced = await tour.browser.http.get("/gate/forward", headers=asked)
    begin = bounced.headers["location"].removeprefix(tour.browser.url)
    tour.browser.clock.now += 300
    for status in (302, 302, 302, 302, 302, 403):
        await tour.get(begin, status)


async def tour_of_proven_addresses(tour: Tour) -> None:
    """Signing up where mail is configured."""
    await tour.post("/sign-up", 200, email=SECOND_EMAIL, password=PASSWORD)
    password_hash = await tour.browser.twofold._open.site.passwords.hash(PASSWORD)  # type: ignore[union-attr]
    acts = tour.browser.twofold.system
    token = await acts.write(links.create_for_address, "sign_up", THIRD_EMAIL, password_hash=password_hash)
    await tour.get(f"/sign-up/{token}")
    await tour.post(f"/sign-up/{token}", 401, password="wrong")
    await tour.follow(await tour.post(f"/sign-up/{token}", password=PASSWORD))
    await tour.get(f"/sign-up/{token}", 404)


async def tour_of_links_and_problems(tour: Tour) -> None:
    """Visit invitations, resets, invalid links, and missing pages."""
    acts = tour.browser.twofold.system
    first = await tour.browser.twofold.first_administrator_link()
    assert first
    await tour.get(first)
    await tour.post(first, 422, email="", password="")
    invitation = await acts.write(admin.invite, "yyy@zzz.example")
    await tour.get(f"/invitation/{invitation}")
    reset = await acts.write(admin.create_password_reset_link, EMAIL)
    await tour.get(f"/reset-password/{reset}")
    await tour.post(f"/reset-password/{reset}", 422, new_password="1")
    await tour.post(f"/reset-password/{reset}", 200, new_password=f"{PASSWORD}-new")
    for gone in ("setup", "invitation", "reset-password"):
        await tour.get(f"/{gone}/{'x' * 43}", 404)
    await tour.get("/nothing", 404)
    await tour.get("/sign-in/code", 303, 410)
    await tour.post("/settings", 405)
    foreign = await tour.browser.post("/sign-in", {}, Origin="https://evil.example")
    tour.note("a foreign form", foreign.expect(403))


@pytest.fixture
def marked() -> set[str]:
    """Return every text that the source marks for translation."""
    return {
        argument.value
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"N_", "_", "counted"}
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


async def leave_for_an_application(ctx: Context) -> Response:
    """Show the page on the way to another site, which features for other applications end with."""
    return leave_for(ctx, "https://app.example/")


async def test_every_text_on_every_page_is_translatable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tour visits all pages in all states, and every template is among them."""
    monkeypatch.setattr(Templates, "warm_up", lambda _: None)  # what is kept was shown
    leave = Page("GET", "/leave", leave_for_an_application, Access.PUBLIC)
    monkeypatch.setattr(running, "ROUTES", RouteTable((*FEATURES.routes, *FEATURES.endpoints, *ENDPOINTS, leave)))
    with made_up_language():
        async with in_process(tmp_path, site_name=SITE, gate_hosts="app.example.org") as browser:
            tour = Tour(browser)
            await tour.get("/dev", 403)
            await tour.get(browser.development("/dev"))
            await tour.get(
                browser.development("/dev/outbox")
            )  # empty: messages are in the language of whom they are for
            await tour.get(browser.development("/dev/authenticator"))
            await tour_of_a_life(tour)
            await tour_of_links_and_problems(tour)
            await tour_of_mail(tour)
            await tour.get("/leave")
            await tour_of_the_gate(tour)
            await browser.get("/api/v1/docs")  # describes the API in its own words
            kept = browser.twofold._open.site.part(Templates)._environment().cache  # type: ignore[union-attr]
        async with in_process(tmp_path, site_name=SITE, mail_url="webhook+http://127.0.0.1:9/") as browser:
            tour.browser = browser
            await tour_of_proven_addresses(tour)
        async with in_process(tmp_path / "apps", site_name=SITE, gate_apps=APPS) as browser:
            tour.browser = browser
            await browser.post("/sign-up", {"email": EMAIL, "password": PASSWORD})
            await tour.get("/")
        for registration in ("invite", "closed"):
            async with in_process(tmp_path, site_name=SITE, registration=registration) as browser:
                tour.note(f"/sign-up when {registration}", (await browser.get("/sign-up")).expect(403))
    assert tour.bare == {}, str(tour.bare)
    assert kept is not None
    seen = (
        {name for _, name in kept}
        | {f"signup/{name}.html" for name in ("closed", "check_mail", "confirm")}
        | {"gate/launcher.html"}
    )
    assert {f"{path.parent.parent.name}/{path.name}" for path in SOURCE.rglob("templates/*.html")} <= seen


def test_untranslated_text_is_detected() -> None:
    """Words, spoken words, and words beside translated ones; data is none."""
    assert bare_words("<p>⟦One⟧ two</p>") == ["two"]
    assert bare_words('<p aria-label="Three">⟦This <b>is</b> fine⟧</p>') == ["Three"]
    assert bare_words("<p>zzz@zzz.example · <time>4 May</time> 12:00 ⟦a ⟦b⟧ c⟧</p>") == []


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Yield every problem there is."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("twofold."):
            yield each
            yield from problems(each)


def test_every_problem_text_is_marked_for_translation(marked: set[str]) -> None:
    """Titles and sentences, which pages and programs show as they are."""
    unmarked_texts = {
        text for each in problems() for text in (getattr(each, "title", ""), each.text) if text and text not in marked
    }
    assert unmarked_texts == set()


def test_event_and_notice_texts_are_marked_for_translation(marked: set[str]) -> None:
    """The activity page shows the labels, mails the notices."""
    notices = [event.notice for event in Event if event.notice]
    assert {event.label for event in Event} <= marked
    assert {text for notice in notices for text in (notice.subject, notice.text)} <= marked


def test_every_field_error_is_marked_for_translation() -> None:
    """A field error is written with `N_`, where it is raised or just above."""
    bare = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "FieldError"
        if isinstance(call.args[1], ast.Constant | ast.JoinedStr)
    ]
    assert bare == []


def test_problem_is_in_the_language_of_its_reader() -> None:
    """The language where it was raised does not matter."""
    found = [each for each in problems() if getattr(each, "title", "") and each.text and "{" not in each.text]
    assert len(found) > 5
    with made_up_language():
        for each in found:
            try:
                told = each().as_json()
            except TypeError:
                continue
            assert told["title"].startswith("⟦"), each
            assert told["detail"].startswith("⟦"), each
