"""Other parts of an account: password, sessions, activity, shared browsers and the back button."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import Computers
from tests.support.browser_person import BrowserPerson
from tests.support.computer import Computer


def test_times_are_short_and_in_the_time_zone_of_the_reader(computer: Computer) -> None:
    """Each time is on one line; JavaScript shows it in the reader's zone, with UTC available."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    row = ada.section("Sessions").locator("time").first
    expect(row).to_have_css("white-space", "nowrap")
    if computer.script:
        expect(row).to_have_text(re.compile(r"^\d{1,2} \w+ \d{4}, \d\d:\d\d$"))
        expect(row).to_have_attribute("title", re.compile("UTC"))


def test_changing_the_password_ends_other_sessions(computer: Computer, computers: Computers) -> None:
    """The current session continues, and only the new password signs in."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    elsewhere = BrowserPerson(computers(), ada.email)
    elsewhere.gives_password()
    elsewhere.sees("User Settings")
    changes_password(ada, current="not-my-password", new="violet-anchor-meadow-81")
    ada.is_refused(re.compile("."))
    changes_password(ada, current=ada.password, new="violet-anchor-meadow-81")
    ada.is_told("Your password was changed.")
    elsewhere.opens("/settings")
    elsewhere.sees(re.compile("^Sign in to"))
    elsewhere.gives_password()
    elsewhere.is_refused(re.compile("."))
    elsewhere.gives_password("violet-anchor-meadow-81")
    elsewhere.sees("User Settings")


def changes_password(person: BrowserPerson, *, current: str, new: str) -> None:
    """Fill in the card of User Settings."""
    person.password_field("Current password").fill(current)
    person.password_field("New password").fill(new)
    person.button("Change password").click()


def test_sessions_can_be_listed_and_ended(computer: Computer, computers: Computers) -> None:
    """Each has a button, and there is one for all other sessions."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    others = [BrowserPerson(computers(), ada.email) for _ in range(2)]
    for other in others:
        other.gives_password()
        other.sees("User Settings")
    ada.opens_user_settings()
    sessions = ada.section("Sessions")
    expect(sessions.get_by_text("This session")).to_have_count(1)
    expect(sessions.get_by_role("button", name=re.compile("^End the session"))).to_have_count(2)
    sessions.get_by_role("button", name=re.compile("^End the session")).first.click()
    ada.is_told("The session was ended.")
    sessions.get_by_role("button", name="End all other sessions").click()
    ada.is_told("All your other sessions were ended.")
    expect(sessions).to_contain_text("You are not signed in anywhere else.")
    for other in others:
        other.opens("/settings")
        other.sees(re.compile("^Sign in to"))


def test_activity_page_lists_successes_and_failures(computer: Computer) -> None:
    """Each entry has the browser and the IP address."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.signs_out()
    ada.gives_password("not-my-password")
    ada.gives_password()
    ada.section("Recent activity").get_by_role("link", name="See all activity").click()
    ada.sees("Activity")
    rows = ada.page.get_by_role("row")
    expect(rows.filter(has_text="Account created")).to_have_count(1)
    expect(rows.filter(has_text="Password entered").filter(has_text="Refused")).to_have_count(1)
    expect(rows.filter(has_text="Signed in").first).to_contain_text(re.compile(r"127\.0\.0\.1|::1"))
    ada.page.get_by_text("Wasn't you? Secure your account").click()
    ada.link("Change your password").click()
    ada.sees("User Settings")


def test_next_person_on_a_shared_browser_sees_nothing_of_the_previous_one(computer: Computer) -> None:
    """Signing in after another user shows nothing of that user's account."""
    ada, bert = BrowserPerson(computer), BrowserPerson(computer)
    ada.signs_up()
    ada.signs_out()
    bert.signs_up()
    expect(bert.page.get_by_text(ada.email)).to_have_count(0)
    bert.opens("/settings/activity")
    bert.sees("Activity")
    expect(bert.page.get_by_text(ada.email)).to_have_count(0)
    bert.reads(bert.email)


def test_back_button_shows_nothing_private_after_sign_out(computer: Computer) -> None:
    """After sign-out, every page that was open before leads to the sign-in page."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    ada.opens("/settings/activity")
    ada.sees("Activity")
    ada.signs_out()
    for _ in range(2):
        ada.page.go_back()
        ada.sees(re.compile("^Sign in to"))
        expect(ada.page.get_by_text(ada.email)).to_have_count(0)


def test_signing_in_returns_to_the_requested_page_on_this_site_only(computer: Computer) -> None:
    """An anonymous user who opens a page sees it after signing in, but never a page of another site."""
    ada = BrowserPerson.with_authenticator(computer)
    ada.opens("/settings/activity")
    ada.sees(re.compile("^Sign in to"))
    ada.field("Email").fill(ada.email)
    ada.password_field().fill(ada.password)
    ada.button("Sign in").click()
    ada.gives_code()
    ada.sees("Activity")
    ada.opens("/sign-in?return_to=//example.com/")
    ada.sees("User Settings")


def test_name_is_changed_on_the_card_profile(computer: Computer) -> None:
    """The card also shows username, role and groups, and an invalid name is refused at the field."""
    ada = BrowserPerson(computer)
    ada.signs_up()
    profile = ada.section("Profile")
    expect(profile).to_contain_text(ada.email.partition("@")[0])
    expect(profile).to_contain_text("Member")
    ada.field("Name").fill("x" * 129)
    ada.button("Save profile").click()
    ada.is_refused("Use a name of at most 128 characters.")
    ada.field("Name").fill("Ada Lovelace")
    ada.button("Save profile").click()
    ada.is_told("Your name was saved.")
    expect(ada.field("Name")).to_have_value("Ada Lovelace")
