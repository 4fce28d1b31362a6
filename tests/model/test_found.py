"""What the reference model has found in the service, each as its shortest sequence."""

from tests.support.model.application import App
from tests.support.model.both import Both
from tests.support.model.facts import DAY, HOUR, IN_A_ROW


def test_used_code_stays_rejected_after_an_administrator_lifts_the_limits(inside_on_either: App) -> None:
    """The code of a phone that is half a minute ahead is not taken twice, though its step lies in the future."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.enrol(home)
    both.give_password(home, person)
    both.give_code(home, 1)
    both.administer("unlock", person)
    both.give_password(home, person)
    both.give_code(home, 1)
    assert both.world.level(home) == "unlocked"  # by the session before
    assert both.world.attempt(home), "the second sign-in is still half-open"


def test_new_authenticator_after_a_reset_of_2fa_is_not_limited_by_old_wrong_codes(inside_on_either: App) -> None:
    """A user who is locked out by wrong codes enrols again after the reset and signs in."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.enrol(home)
    while person.wrong_in_a_row(home) < IN_A_ROW:
        both.wait(DAY)
        both.give_password(home, person)
        for _ in range(4):
            both.give_code(home, "wrong")
    both.administer("reset-2fa", person)
    both.come_in(home, person)
    both.enrol(home)
    both.wait(60)
    both.come_in(home, person)
    assert both.world.attempt(home) is None


def test_session_is_listed_before_its_last_use_is_written(inside_on_either: App) -> None:
    """The current session is listed an hour after the last use that the database has stored."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.wait(60)
    both.devices[2].api("GET", "/session")
    both.wait(3599)
    listed = both.devices[2].api("GET", "/sessions").body["items"]
    assert [session["current"] for session in listed] == [True]


def test_session_survives_another_sign_in_before_its_last_use_is_written(inside_on_either: App) -> None:
    """A session used five minutes ago stays, though the use that the database has stored is more than an hour old."""
    both = Both(inside_on_either)
    (home, office), person = both.world.clients[1:3], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.come_in(office, person)
    both.wait(3599)
    both.wait(299)
    both.come_in(home, person)
    assert both.world.level(office) == "locked"


def test_expired_enrolment_is_not_found_before_or_after_its_purge(inside_on_either: App) -> None:
    """After an hour it cannot be given up any more, before and after the service keeps house."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    for keeps_house in (False, True):
        both.come_in(home, person)
        begun = both.devices[2].api("POST", "/factors", {"kind": "totp"}).body["id"]
        both.wait(HOUR)
        both.come_in(home, person)
        if keeps_house:
            both.inside.keep_house()
        assert both.devices[2].api("DELETE", f"/factors/{begun}").status == 404
