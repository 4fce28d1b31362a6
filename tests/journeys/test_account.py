"""What surrounds two-factor authentication: the password, sessions, activity, a shared browser, the back button."""

import re

from playwright.sync_api import expect

from tests.journeys.computer import Computer
from tests.journeys.conftest import Computers
from tests.journeys.person import Person


def test_times_are_short(computer: Computer) -> None:
    """One line each; with script in the reader's zone, the zone not repeated on every row and UTC beside it."""
    ada = Person(computer)
    ada.signs_up()
    row = ada.section("Sessions").locator("time").first
    expect(row).to_have_css("white-space", "nowrap")
    if computer.script:
        expect(row).to_have_text(re.compile(r"^\d{1,2} \w+ \d{4}, \d\d:\d\d$"))
        expect(row).to_have_attribute("title", re.compile("UTC"))


def test_a_new_password_ends_other_sessions(computer: Computer, computers: Computers) -> None:
    """After a change of password this session stays, the others end, and only the new password signs in."""
    ada = Person(computer)
    ada.signs_up()
    elsewhere = Person(computers(), ada.email)
    elsewhere.gives_password()
    elsewhere.sees("User Settings")
    changes_password(ada, current="not-my-password", new="violet-anchor-meadow-81")
    ada.is_refused(re.compile("."))
    changes_password(ada, current=ada.password, new="violet-anchor-meadow-81")
    ada.is_told("Your password is changed.")
    elsewhere.opens("/settings")
    elsewhere.sees(re.compile("^Sign in to"))
    elsewhere.gives_password()
    elsewhere.is_refused(re.compile("."))
    elsewhere.gives_password("violet-anchor-meadow-81")
    elsewhere.sees("User Settings")


def changes_password(person: Person, *, current: str, new: str) -> None:
    """Fills in the card of User Settings."""
    person.password_field("Current password").fill(current)
    person.password_field("New password").fill(new)
    person.button("Change password").click()


def test_sessions_are_listed_and_ended(computer: Computer, computers: Computers) -> None:
    """Every browser that is signed in is listed; one is ended by its button, all others by another."""
    ada = Person(computer)
    ada.signs_up()
    others = [Person(computers(), ada.email) for _ in range(2)]
    for other in others:
        other.gives_password()
        other.sees("User Settings")
    ada.opens_user_settings()
    sessions = ada.section("Sessions")
    expect(sessions.get_by_text("This session")).to_have_count(1)
    expect(sessions.get_by_role("button", name=re.compile("^End the session"))).to_have_count(2)
    sessions.get_by_role("button", name=re.compile("^End the session")).first.click()
    ada.is_told("The session is ended.")
    sessions.get_by_role("button", name="End all other sessions").click()
    ada.is_told("All your other sessions are ended.")
    expect(sessions).to_contain_text("You are signed in nowhere else.")
    for other in others:
        other.opens("/settings")
        other.sees(re.compile("^Sign in to"))


def test_activity_tells_what_was_done_and_what_was_refused(computer: Computer) -> None:
    """The person's own history has the successes and the failures, with browser and address."""
    ada = Person(computer)
    ada.signs_up()
    ada.signs_out()
    ada.gives_password("not-my-password")
    ada.gives_password()
    ada.section("Recent activity").get_by_role("link", name="See all activity").click()
    ada.sees("Activity")
    rows = ada.page.get_by_role("row")
    expect(rows.filter(has_text="Account created")).to_have_count(1)
    expect(rows.filter(has_text="Password entered").filter(has_text="Refused")).to_have_count(1)
    expect(rows.filter(has_text="Signed in").first).to_contain_text("127.0.0.1")
    ada.page.get_by_text("Wasn't you? Secure your account").click()
    ada.link("Change your password").click()
    ada.sees("User Settings")


def test_two_people_share_one_browser(computer: Computer) -> None:
    """Whoever signs in after another sees nothing of the other."""
    ada, bert = Person(computer), Person(computer)
    ada.signs_up()
    ada.signs_out()
    bert.signs_up()
    expect(bert.page.get_by_text(ada.email)).to_have_count(0)
    bert.opens("/settings/activity")
    bert.sees("Activity")
    expect(bert.page.get_by_text(ada.email)).to_have_count(0)
    bert.reads(bert.email)


def test_the_back_button_shows_nothing_private_after_sign_out(computer: Computer) -> None:
    """After sign-out every page that was open before is a way to the sign-in page."""
    ada = Person(computer)
    ada.signs_up()
    ada.opens("/settings/activity")
    ada.sees("Activity")
    ada.signs_out()
    for _ in range(2):
        ada.page.go_back()
        ada.sees(re.compile("^Sign in to"))
        expect(ada.page.get_by_text(ada.email)).to_have_count(0)


def test_one_returns_to_where_one_was_sent_from(computer: Computer) -> None:
    """Who opens a page signed out sees it after signing in, and never another site's."""
    ada = Person.with_authenticator(computer)
    ada.opens("/settings/activity")
    ada.sees(re.compile("^Sign in to"))
    ada.field("Email").fill(ada.email)
    ada.password_field().fill(ada.password)
    ada.button("Sign in").click()
    ada.gives_code()
    ada.sees("Activity")
    ada.opens("/sign-in?return_to=//example.com/")
    ada.sees("User Settings")
