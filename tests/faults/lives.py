"""People who live at a service while it breaks: each notes what was acknowledged, and checks it afterwards.

What a request that was never answered may have changed is unsure: it may hold or not, but never halfway.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx2

from tests.authenticator import Authenticator
from tests.clients import Answer, Api

ENROLLED, RECOVERY_CODE, COMPUTER = "enrolled", "recovery code", "computer"


class Interrupted(Exception):
    """The service went away, or said so: the life ends here."""


class Life:
    """One person: signs up, enrols, trusts a computer, signs out and recovers, once through."""

    def __init__(self, url: str, acknowledged: Callable[[], None]) -> None:
        self.api = Api(url)
        self.email = f"{uuid.uuid4().hex}@example.com"
        self.acknowledged = acknowledged
        self.begun = False
        self.has_account = False
        self.enrolled = False
        self.alive: set[str] = set()
        self.ended: set[str] = set()
        self.spent: list[str] = []
        self.recovery_code: str | None = None
        self.dead_recovery_codes: list[str] = []
        self.computer: str | None = None
        self.dead_computers: list[str] = []
        self.unsure: set[str] = set()

    # ------------------------------------------------------------------ living

    def live(self) -> None:
        """Goes through all that a person does. Raises Interrupted, and AssertionError for an answer that is wrong."""
        first = self.sign_up_and_in()
        self.enrol()
        second = self.trust_a_computer()
        self.renew_the_recovery_code()
        self.sign_out(first)
        third = self.sign_in_on_the_trusted_computer()
        self.end_the_others(third, kept=second)
        self.recover()

    def sign_up_and_in(self) -> str:
        """An account and its first session."""
        with self.changing("account"):
            self.call(201, lambda: self.api.sign_up(self.email))
            self.has_account = True
        self.call(200, lambda: self.api.sign_in(self.email))
        return self.new_session()

    def enrol(self) -> None:
        """An authenticator; its first code is spent by that. A code is asked for on new computers only."""
        begun = self.call(201, self.api.begin_totp)
        self.authenticator = Authenticator(begun["secret"])
        code = self.authenticator.code()
        with self.changing(code, ENROLLED, RECOVERY_CODE):
            verified = self.call(200, lambda: self.api.verify(begun["id"], code))
            self.enrolled = True
            self.spent.append(code)
            self.recovery_code = verified["recovery_code"]
        self.call(200, lambda: self.api.set_policy("once_per_computer"))

    def trust_a_computer(self) -> str:
        """A second session, opened by a code, on a computer that is trusted from now on."""
        self.call(200, lambda: self.api.sign_in(self.email))
        code = self.authenticator.code()
        with self.changing(code):
            self.call(200, lambda: self.api.give_code(code, trust_this_computer=True))
            self.spent.append(code)
            self.computer = self.api.computer_token
        return self.new_session()

    def renew_the_recovery_code(self) -> None:
        """A new code; the old one is dead."""
        with self.changing(RECOVERY_CODE):
            answer = self.call(201, self.api.renew_recovery_code)
            self.replace_recovery_code(answer["recovery_code"])

    def sign_out(self, token: str) -> None:
        """One session is over."""
        kept, self.api.token = self.api.token, token
        with self.changing(token):
            self.call(204, self.api.sign_out)
            self.end(token)
        self.api.token = kept

    def sign_in_on_the_trusted_computer(self) -> str:
        """A session without a code."""
        answer = self.call(200, lambda: self.api.sign_in(self.email))
        assert answer["status"] == "signed_in", f"a trusted computer was asked for a code: {answer}"
        return self.new_session()

    def end_the_others(self, *others: str, kept: str) -> None:
        """All sessions but one are over."""
        self.api.token = kept
        with self.changing(*others):
            self.call(204, self.api.end_other_sessions)
            self.end(*others)

    def recover(self) -> None:
        """The recovery code signs in; it is spent, and trust and all other sessions end."""
        assert self.recovery_code is not None
        code, others = self.recovery_code, tuple(self.alive)
        self.api.computer_token = None
        self.call(200, lambda: self.api.sign_in(self.email))
        with self.changing(RECOVERY_CODE, COMPUTER, *others):
            answer = self.call(200, lambda: self.api.give_recovery_code(code))
            self.replace_recovery_code(answer["recovery_code"])
            self.end(*others)
            self.dead_computers += [self.computer] if self.computer else []
            self.computer = None
        self.new_session()

    # ------------------------------------------------------------------ what is noted

    def call(self, expected: int, request: Callable[[], Answer]) -> Answer:
        """One acknowledged answer. Raises Interrupted when there is none, or a 503."""
        try:
            answer = request()
        except httpx2.ConnectError as error:
            raise Interrupted from error
        except httpx2.TransportError as error:
            self.begun = True
            raise Interrupted from error
        self.begun = True
        if answer.status == 503:
            answer.refused(503, "unavailable")
            raise Interrupted
        self.acknowledged()
        return answer.must(expected)

    @contextmanager
    def changing(self, *facts: str) -> Iterator[None]:
        """What a request may change is unsure until its answer is there."""
        self.unsure.update(facts)
        yield
        self.unsure.difference_update(facts)

    def new_session(self) -> str:
        """Notes the session that the last answer brought."""
        assert self.api.token is not None
        self.alive.add(self.api.token)
        return self.api.token

    def end(self, *tokens: str) -> None:
        """Notes that sessions are over."""
        self.alive.difference_update(tokens)
        self.ended.update(tokens)

    def replace_recovery_code(self, code: str) -> None:
        """Notes a new recovery code; the one before is dead."""
        self.dead_recovery_codes += [self.recovery_code] if self.recovery_code else []
        self.recovery_code = code

    # ------------------------------------------------------------------ checking, once, when all is well again

    def check(self) -> None:
        """Everything that was acknowledged is so; what was spent or ended stays so. Uses the recovery code up."""
        self.check_sessions()
        if self.has_account:
            self.check_computers()
            self.check_codes()
        else:
            self.api.sign_up(self.email).must(201, 409)

    def check_sessions(self) -> None:
        """Sessions live or are over as was last said."""
        for token in (self.alive | self.ended) - self.unsure:
            self.api.token = token
            self.api.session().must(200 if token in self.alive else 401)
        self.api.token = None

    def check_computers(self) -> None:
        """A trusted computer is trusted, one that lost its trust is asked for a code."""
        if COMPUTER in self.unsure:
            return
        known = [(self.computer, "signed_in")] if self.computer else []
        for token, status in [*known, *((token, "code_required") for token in self.dead_computers)]:
            self.api.computer_token = token
            answer = self.api.sign_in(self.email).must(200)
            assert answer["status"] == status, f"trust was lost or came back: {answer}"

    def check_codes(self) -> None:
        """Spent codes and recovery codes stay spent; an unsure one is good at most once; the living one signs in."""
        self.api.computer_token = None
        answer = self.api.sign_in(self.email).must(200)
        if ENROLLED not in self.unsure:
            assert answer["status"] == ("code_required" if self.enrolled else "signed_in"), str(answer)
        if answer["status"] == "signed_in":
            return
        for code in self.spent:
            self.api.give_code(code).must(401)
        for dead in self.dead_recovery_codes[-1:]:
            self.api.give_recovery_code(dead).refused(401, "wrong_code")
        self.check_the_unsure_code()
        if self.recovery_code and RECOVERY_CODE not in self.unsure:
            self.api.sign_in(self.email).must(200)
            self.api.give_recovery_code(self.recovery_code).must(200)

    def check_the_unsure_code(self) -> None:
        """A code whose outcome nobody was told is taken now, or refused as used; the second time it is refused."""
        for code in [fact for fact in self.unsure if fact.isdigit()]:
            if self.api.give_code(code).must(200, 401).status == 200:
                self.api.sign_in(self.email).must(200)
                self.api.give_code(code).must(401)


class Crowd:
    """People who live one life after another at the same time, for `with Crowd(url) as crowd:`."""

    def __init__(self, url: str, people: int = 3) -> None:
        self.url = url
        self.acknowledged = 0
        self.refusals = 0
        self.lives: list[Life] = []
        self.wrong: list[Exception] = []
        self.over = threading.Event()
        self.counting = threading.Lock()
        self.threads = [threading.Thread(target=self.live, daemon=True) for _ in range(people)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Lets everybody finish what they are about."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def live(self) -> None:
        """One life after another; a wrong answer is noted and fails the test when it checks."""
        while not self.over.is_set():
            life = Life(self.url, self.count)
            try:
                life.live()
            except Interrupted:
                self.refusals += 1
                self.over.wait(0.05)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test's own thread shall see it
                self.wrong.append(error)
                return
            if life.begun:
                self.lives.append(life)

    def count(self) -> None:
        """Counts an acknowledged request."""
        with self.counting:
            self.acknowledged += 1

    def wait_for(self, more: int, within: float = 60.0) -> None:
        """Returns when so many more requests have been acknowledged."""
        wanted, give_up_at = self.acknowledged + more, time.monotonic() + within
        while self.acknowledged < wanted and not self.wrong:
            assert time.monotonic() < give_up_at, f"only {self.acknowledged} of {wanted} requests were acknowledged"
            time.sleep(0.002)

    def wait_for_refusals(self, more: int, within: float = 60.0) -> None:
        """Returns when so many more lives were interrupted."""
        wanted, give_up_at = self.refusals + more, time.monotonic() + within
        while self.refusals < wanted and not self.wrong:
            assert time.monotonic() < give_up_at, "nobody was refused"
            time.sleep(0.01)

    def check(self) -> None:
        """Checks every life that ended since the last check; raises what went wrong for anybody."""
        for error in self.wrong:
            raise error
        checked, self.lives = self.lives, []
        for life in checked:
            life.check()
            life.api.close()
