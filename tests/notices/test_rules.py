"""Which events call for a notice, and what its words are made of."""

import re
from html.parser import HTMLParser

import pytest

from twofold.audit.events import Event
from twofold.base.letters import Letter, Link, inert, mail
from twofold.notices.rules import Place, Told, letter, notice_of

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
    Event.ACCOUNT_CREATED,
    Event.ACCOUNT_INVITED,
    Event.ACCOUNT_UNLOCKED,
    Event.PASSWORD_RESET_ASKED,
    Event.PASSWORD_RESET_OFFERED,
    Event.SIGN_IN_PASSWORD,
    Event.SIGN_IN_CODE,
    Event.SIGN_IN_RECOVERY_CODE,
    Event.SIGN_IN_CANCELLED,
    Event.SIGNED_IN,
    Event.SIGNED_OUT,
    Event.SESSION_ENDED,
    Event.SESSIONS_ENDED,
    Event.SETTINGS_UNLOCKED,
    Event.SETTINGS_LOCKED,
    Event.SETTINGS_CHANGE,
    Event.SENDING_CLOSED,  # of the whole service: the administrator's affair
    Event.SENDING_BUDGET_ALARM,
    Event.SENDING_BUDGET_SPENT,
    Event.CODE_SENT,
    Event.FACTOR_STARTED,
    Event.FACTOR_RENAMED,
    Event.RECOVERY_CODE_SAVED,
    Event.COMPUTER_TRUSTED,
    Event.COMPUTER_RENAMED,
    Event.COMPUTER_FORGOTTEN,
    Event.COMPUTERS_FORGOTTEN,
}


class Tags(HTMLParser):
    """Collects the elements and addresses of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """Notes what is read."""
        self.words += data


def test_every_event_is_told_or_silent_on_purpose() -> None:
    """A new event has to be put on one side or the other."""
    told = {event for event in Event if notice_of(event.value, "done", "")}
    assert told | SILENT == set(Event)
    assert told & SILENT == set()


@pytest.mark.parametrize("reason", ["wrong_code", "code_already_used", "clock_off"])
def test_a_wrong_code_after_the_right_password_is_told(reason: str) -> None:
    """At the door, with the recovery code, and where settings are unlocked."""
    for event in (Event.SIGN_IN_CODE, Event.SIGN_IN_RECOVERY_CODE, Event.SETTINGS_UNLOCKED):
        assert notice_of(event.value, "refused", reason)


def test_a_wrong_password_is_not_told() -> None:
    """Strangers could fill a mailbox with it."""
    for event in (Event.SIGN_IN_PASSWORD, Event.SETTINGS_UNLOCKED, Event.PASSWORD_CHANGED):
        assert notice_of(event.value, "refused", "wrong_credentials") is None


@pytest.mark.parametrize("name", HOSTILE)
def test_no_hostile_text_is_more_than_text(name: str) -> None:
    """In names and programs, in the text, in the HTML and in the subject."""
    notice = notice_of(Event.FACTOR_ADDED.value, "done", "")
    assert notice is not None
    told = Told(1_800_000_000, "192.0.2.1", name, name, is_last=False)
    place = Place("Example", "https://login.example.org")
    message = mail("ada@example.org", letter(notice, told, place, is_former=False))
    assert "\n" not in (message.subject or "")
    read = Tags()
    read.feed(message.html or "")
    assert read.tags == {"html", "body", "p", "a"}
    assert set(read.links) == {"https://login.example.org/forgot-password", "https://login.example.org/settings"}
    urls = re.findall(r"https?://\S+", message.text)
    assert set(urls) == set(read.links)
    assert not re.search("[\u202e\u200b\u2066\r]", message.text + (message.html or ""))


def test_text_and_html_say_the_same() -> None:
    """A program that shows only one of them keeps nothing back."""
    message = mail("a@example.org", Letter("S", ("One & two.", Link("https://x.example/?a=1&b=2"), "Three.")))
    read = Tags()
    read.feed(message.html or "")
    assert read.words.split() == message.text.split()


@pytest.mark.parametrize("name, shown", [("My phone (2)", "My phone (2)"), ("a.b/c", "a·b·c"), ("x" * 99, "x" * 80)])
def test_names_that_people_choose_stay_readable(name: str, shown: str) -> None:
    """Letters, digits, spaces and brackets stay; dots and strokes, of which programs make links, do not."""
    assert inert(name) == shown
