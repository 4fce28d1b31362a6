"""Which events send a notice, and what its text contains."""

import re
from html.parser import HTMLParser

import pytest

from twofold.audit.events import Event
from twofold.base.actors import ActorKind
from twofold.base.letters import Letter, Link, inert, mail
from twofold.notices.rules import Details, Sender, letter, notice_of

SENDER = Sender("Example", "https://login.example.org")
HOSTILE = [
    "<script>alert(1)</script>",
    "a\r\nBcc: all@example.com",
    "\u202egnp.exe",
    "https://evil.example/?a=1&b=2",
    'x" onclick="y',
    "=1+1",
    "a\u200bb\u2066c",
]
SILENT = {
    Event.ACCOUNT_CLOSED,  # retired
    Event.ACCOUNT_CREATED,
    Event.ACCOUNT_INVITED,
    Event.EMAIL_CONFIRMATION_SENT,  # the link itself is mailed
    Event.ACCOUNT_UNLOCKED,
    Event.NAME_CHANGED,
    Event.GROUP_ADDED,
    Event.GROUP_REMOVED,
    Event.PASSWORD_RESET_ASKED,
    Event.PASSWORD_RESET_OFFERED,
    Event.SIGN_IN_PASSWORD,
    Event.SIGN_IN_CODE,
    Event.SIGN_IN_RECOVERY_CODE,
    Event.SIGN_IN_CANCELLED,
    Event.RECOVERY_CODE_REPEATED,
    Event.SIGNED_IN,
    Event.SIGNED_OUT,
    Event.SESSION_ENDED,
    Event.SESSIONS_ENDED,
    Event.SETTINGS_UNLOCKED,
    Event.SETTINGS_LOCKED,
    Event.SETTINGS_CHANGE,
    Event.SENDING_CLOSED,  # about the whole service, so administrators are notified
    Event.SENDING_BUDGET_ALARM,
    Event.SENDING_BUDGET_SPENT,
    Event.CODE_SENT,
    Event.FACTOR_STARTED,
    Event.FACTOR_RENAMED,
    Event.RECOVERY_CODE_SAVED,
    Event.RECOVERY_CODE_REPEATED,  # within minutes of RECOVERY_CODE_USED, which sends a notice
    Event.COMPUTER_TRUSTED,
    Event.COMPUTER_RENAMED,
    Event.COMPUTER_FORGOTTEN,
    Event.COMPUTERS_FORGOTTEN,
}


class Tags(HTMLParser):
    """Collects the elements and links of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """Record the text."""
        self.words += data


def test_every_event_either_sends_a_notice_or_is_listed_as_silent() -> None:
    """A new event has to be put on one side or the other."""
    told = {event for event in Event if notice_of(event.value, "done", "")}
    assert told | SILENT == set(Event)
    assert told & SILENT == set()


@pytest.mark.parametrize("reason", ["wrong_code", "code_already_used", "clock_off"])
def test_wrong_code_after_the_right_password_sends_a_notice(reason: str) -> None:
    """This holds at sign-in, with the recovery code, and at unlock."""
    for event in (Event.SIGN_IN_CODE, Event.SIGN_IN_RECOVERY_CODE, Event.SETTINGS_UNLOCKED):
        assert notice_of(event.value, "refused", reason)


def test_wrong_password_sends_no_notice() -> None:
    """Otherwise, anyone could fill a mailbox."""
    for event in (Event.SIGN_IN_PASSWORD, Event.SETTINGS_UNLOCKED, Event.PASSWORD_CHANGED):
        assert notice_of(event.value, "refused", "wrong_credentials") is None


@pytest.mark.parametrize("event", [event for event in Event if notice_of(event.value, "done", "")])
@pytest.mark.parametrize(
    "actor, line",
    [
        (ActorKind.ACCOUNT, "By: an administrator of Example"),
        (ActorKind.COMMAND_LINE, "By: an administrator of Example"),
        (ActorKind.SYSTEM, "By: Example"),
    ],
)
def test_notice_of_another_actor_shows_neither_ip_address_nor_browser(
    event: Event, actor: ActorKind, line: str
) -> None:
    """Every notice names an administrator or the service, and says whom to contact."""
    notice = notice_of(event.value, "done", "")
    assert notice is not None
    details = Details(1_800_000_000, "192.0.2.1", "Edge on Windows", {}, actor, is_own=False, is_last=False)
    text = mail("ada@example.org", letter(notice, details, SENDER, is_former=False)).text
    assert f"{line}\n" in text
    assert "contact the person who runs Example" in text
    for hidden in ("192.0.2.1", "Edge", "From:", "If this was you"):
        assert hidden not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_in_a_notice_stays_plain_text(name: str) -> None:
    """This covers names and programs, in the text, the HTML and the subject."""
    notice = notice_of(Event.FACTOR_ADDED.value, "done", "")
    assert notice is not None
    details = Details(1_800_000_000, "192.0.2.1", name, {"name": name}, ActorKind.ACCOUNT, is_own=True, is_last=False)
    message = mail("ada@example.org", letter(notice, details, SENDER, is_former=False))
    assert "\n" not in (message.subject or "")
    read = Tags()
    read.feed(message.html or "")
    assert read.tags == {"html", "body", "p", "a"}
    assert set(read.links) == {"https://login.example.org/forgot-password", "https://login.example.org/settings"}
    urls = re.findall(r"https?://\S+", message.text)
    assert set(urls) == set(read.links)
    assert not re.search("[\u202e\u200b\u2066\r]", message.text + (message.html or ""))


def test_notice_text_and_html_have_the_same_content() -> None:
    """Mail programs may show only one of them."""
    message = mail("a@example.org", Letter("S", ("One & two.", Link("https://x.example/?a=1&b=2"), "Three.")))
    read = Tags()
    read.feed(message.html or "")
    assert read.words.split() == message.text.split()


@pytest.mark.parametrize("name, shown", [("My phone (2)", "My phone (2)"), ("a.b/c", "a·b·c"), ("x" * 99, "x" * 80)])
def test_ordinary_names_stay_readable_in_notices(name: str, shown: str) -> None:
    """Letters, digits, spaces and brackets are kept; dots and slashes, which mail programs turn into links, are not."""
    assert inert(name) == shown
