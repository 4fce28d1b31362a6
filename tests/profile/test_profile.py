"""The card Profile and `PATCH /account`: what a person is called."""

import pytest

from tests.support.forms import FormBrowser
from tests.support.service import Service
from tests.support.users import User, new_user, pass_time


def name_of(person: User) -> str:
    """Return the name that the session shows."""
    name: str = person.api.session().expect(200)["account"]["name"]
    return name


def test_name_is_changed_and_removed_by_the_api(moving: Service) -> None:
    """The answer is the account as the session shows it; without a name it is the username."""
    person = new_user(moving)
    username = person.api.session()["account"]["username"]
    for sent, name in (("  Ada   L. ", "Ada L."), ("", username), ("漢字", "漢字"), (None, username)):
        answer = person.api.call("PATCH", "/account", {"name": sent}).expect(200)
        assert answer.body == person.api.session()["account"]
        assert (answer["name"], answer["username"]) == (name, username)
    events = [each["name"] for each in person.api.events()["items"]]
    assert events.count("name:changed") == 4
    person.api.call("PATCH", "/account", {"name": ""}).expect(200)
    assert [each["name"] for each in person.api.events()["items"]].count("name:changed") == 4


def test_name_is_changed_in_the_settings(moving: Service) -> None:
    """The card shows username, role and groups, too, and the name as it was set."""
    person = new_user(moving)
    pages = person.pages()
    pages.submit("/settings", "/settings/profile", name=" Ada <b>L.</b> ").goes_to("/settings")
    page = pages.get("/settings?done=profile_saved").expect(200)
    username = person.api.session()["account"]["username"]
    assert f"Username {username} Role Member Groups None" in page.words
    assert "Your name was saved." in page.words
    assert 'value="Ada &lt;b&gt;L.&lt;/b&gt;"' in page.html
    assert name_of(person) == "Ada <b>L.</b>"


@pytest.mark.parametrize("name", ["x" * 129, "a\u202eb", "a\x07b"])
def test_wrong_name_is_refused_with_what_to_do(moving: Service, name: str) -> None:
    """In the API with the field, on the page beside it, with what was typed."""
    person = new_user(moving)
    answer = person.api.call("PATCH", "/account", {"name": name}).refused(422, "invalid_request")
    assert [each["field"] for each in answer["errors"]] == ["name"]
    refused = person.pages().post("/settings/profile", {"name": name}).expect(422)
    assert answer["errors"][0]["message"] in refused.words
    assert name_of(person) != name


def test_form_without_the_field_keeps_the_name(moving: Service) -> None:
    """Only an empty field removes the name; the API refuses a missing one, too."""
    person = new_user(moving)
    person.api.call("PATCH", "/account", {"name": "Ada"}).expect(200)
    for fields in ({}, {"nam": "Eve"}):
        refused = person.pages().post("/settings/profile", fields).expect(422)
        assert "Enter a name, or leave it empty" in refused.words
    person.api.call("PATCH", "/account", {}).refused(422, "invalid_request")
    assert name_of(person) == "Ada"


def test_name_cannot_be_changed_while_settings_are_locked(moving: Service) -> None:
    """Everything can be read, and nothing changed."""
    person = new_user(moving)
    pass_time(moving, 601)
    person.api.call("PATCH", "/account", {"name": "Eve"}).refused(403, "locked_settings")
    person.pages().post("/settings/profile", {"name": "Eve"}).goes_to("/authenticate")
    FormBrowser(moving.url).post("/settings/profile", {"name": "Eve"}).goes_to("/sign-in")
    person.another_browser().call("PATCH", "/account", {"name": "Eve"}).refused(401, "not_signed_in")
    assert name_of(person) != "Eve"


@pytest.mark.parametrize("field", ["username", "role", "groups", "email"])
def test_nothing_but_the_name_can_be_changed_by_oneself(moving: Service, field: str) -> None:
    """Unknown fields are refused, also next to a name."""
    person = new_user(moving)
    before = person.api.session()["account"]
    person.api.call("PATCH", "/account", {"name": "Eve", field: "owner"}).refused(422, "invalid_request")
    person.pages().post("/settings/profile", {"name": "Eve", field: "owner"})
    assert {**person.api.session()["account"], "name": ""} == {**before, "name": ""}
