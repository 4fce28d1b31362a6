"""What the reference model has found in the service, each as its shortest sequence."""

from tests.model.both import Both
from tests.model.facts import DAY, HOUR, IN_A_ROW
from tests.model.inside import Inside


def test_a_spent_code_stays_spent_when_the_administrator_lifts_the_limits(inside_on_either: Inside) -> None:
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


def test_after_a_reset_of_2fa_new_authenticators_are_not_closed_by_old_wrong_codes(inside_on_either: Inside) -> None:
    """Whoever was locked out by wrong codes and reset by the administrator enrols again, and signs in with it."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.enrol(home)
    while person.wrong_in_a_row < IN_A_ROW:
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


def test_a_session_whose_use_is_only_noted_yet_is_listed(inside_on_either: Inside) -> None:
    """Who is signed in sees the own session, an hour after the last use that the database knows of."""
    both = Both(inside_on_either)
    home, person = both.world.clients[2], both.world.people[0]
    both.sign_up(home, person)
    both.come_in(home, person)
    both.wait(60)
    both.devices[2].api("GET", "/session")
    both.wait(3599)
    listed = both.devices[2].api("GET", "/sessions").body["items"]
    assert [session["current"] for session in listed] == [True]


def test_an_enrolment_that_is_over_is_gone_whether_it_was_cleared_out_or_not(inside_on_either: Inside) -> None:
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
