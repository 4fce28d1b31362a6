"""Users of a service that is interrupted: each records what was acknowledged, and checks it afterwards.

The effect of a request without a response is unknown: it may have happened or not, but not in part.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx2

from tests.support.authenticator import Authenticator
from tests.support.clients import Answer, Api

ENROLLED, RECOVERY_CODE, COMPUTER = "enrolled", "recovery code", "computer"


class Interrupted(Exception):
    """The service was unavailable, so this user's requests end here."""


class UserRun:
    """A new user who signs up, enrols, trusts a computer, signs out and recovers."""

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

    def execute(self) -> None:
        """Use every feature once. Raise Interrupted, or AssertionError for a wrong response."""
        first = self.sign_up_and_in()
        self.enrol()
        second = self.trust_a_computer()
        self.renew_the_recovery_code()
        self.sign_out(first)
        third = self.sign_in_on_the_trusted_computer()
        self.end_the_others(third, kept=second)
        self.recover()

    def sign_up_and_in(self) -> str:
        """Create an account, and return its first session."""
        with self.changing("account"):
            self.call(201, lambda: self.api.sign_up(self.email))
            self.has_account = True
        self.call(200, lambda: self.api.sign_in(self.email))
        return self.new_session()

    def enrol(self) -> None:
        """Set up an authenticator, which uses up its first code. A code is then required on new computers only."""
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
        """Sign in with a code on a computer that is trusted from then on, and return the session."""
        self.call(200, lambda: self.api.sign_in(self.email))
        code = self.authenticator.code()
        with self.changing(code):
            self.call(200, lambda: self.api.give_code(code, trust_this_computer=True))
            self.spent.append(code)
            self.computer = self.api.computer_token
        return self.new_session()

    def renew_the_recovery_code(self) -> None:
        """Replace the recovery code; the old one becomes invalid."""
        with self.changing(RECOVERY_CODE):
            answer = self.call(201, self.api.renew_recovery_code)
            self.replace_recovery_code(answer["recovery_code"])

    def sign_out(self, token: str) -> None:
        """End the session."""
        kept, self.api.token = self.api.token, token
        with self.changing(token):
            self.call(204, self.api.sign_out)
            self.end(token)
        self.api.token = kept

    def sign_in_on_the_trusted_computer(self) -> str:
        """Sign in without a code, and return the session."""
        answer = self.call(200, lambda: self.api.sign_in(self.email))
        assert answer["status"] == "signed_in", f"a trusted computer was asked for a code: {answer}"
        return self.new_session()

    def end_the_others(self, *others: str, kept: str) -> None:
        """End all other sessions."""
        self.api.token = kept
        with self.changing(*others):
            self.call(204, self.api.end_other_sessions)
            self.end(*others)

    def recover(self) -> None:
        """Sign in with the recovery code, which is used up; trust and all other sessions end."""
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
        """Return an acknowledged response. Raise Interrupted if there is none, or a 503."""
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
        return answer.expect(expected)

    @contextmanager
    def changing(self, *facts: str) -> Iterator[None]:
        """Treat what a request may change as uncertain until its answer arrives."""
        self.unsure.update(facts)
        yield
        self.unsure.difference_update(facts)

    def new_session(self) -> str:
        """Store the session of the last response."""
        assert self.api.token is not None
        self.alive.add(self.api.token)
        return self.api.token

    def end(self, *tokens: str) -> None:
        """Record that sessions have ended."""
        self.alive.difference_update(tokens)
        self.ended.update(tokens)

    def replace_recovery_code(self, code: str) -> None:
        """Store a new recovery code and invalidate the previous one."""
        self.dead_recovery_codes += [self.recovery_code] if self.recovery_code else []
        self.recovery_code = code

    # ------------------------------------------------------------------ checking, once, when all is well again

    def check(self) -> None:
        """Check that all confirmed changes hold and that what was used or ended stays so. Use up the recovery code."""
        self.check_sessions()
        if self.has_account:
            self.check_computers()
            self.check_codes()
        else:
            self.api.sign_up(self.email).expect(201, 409)

    def check_sessions(self) -> None:
        """Check that sessions are valid or ended as last recorded."""
        for token in (self.alive | self.ended) - self.unsure:
            self.api.token = token
            self.api.session().expect(200 if token in self.alive else 401)
        self.api.token = None

    def check_computers(self) -> None:
        """Check that a trusted computer is trusted, and that one that lost its trust is asked for a code."""
        if COMPUTER in self.unsure:
            return
        known = [(self.computer, "signed_in")] if self.computer else []
        for token, status in [*known, *((token, "code_required") for token in self.dead_computers)]:
            self.api.computer_token = token
            answer = self.api.sign_in(self.email).expect(200)
            assert answer["status"] == status, f"trust was lost or came back: {answer}"

    def check_codes(self) -> None:
        """Check that used codes stay used, one of unknown outcome works at most once, and the valid one signs in."""
        self.api.computer_token = None
        answer = self.api.sign_in(self.email).expect(200)
        if ENROLLED not in self.unsure:
            assert answer["status"] == ("code_required" if self.enrolled else "signed_in"), str(answer)
        if answer["status"] == "signed_in":
            return
        for code in self.spent:
            self.api.give_code(code).expect(401)
        for dead in self.dead_recovery_codes[-1:]:
            self.api.give_recovery_code(dead).refused(401, "wrong_code")
        self.check_the_unsure_code()
        if self.recovery_code and RECOVERY_CODE not in self.unsure:
            self.api.sign_in(self.email).expect(200)
            self.api.give_recovery_code(self.recovery_code).expect(200)

    def check_the_unsure_code(self) -> None:
        """Check that a code of unknown outcome is accepted or rejected as used, and rejected the second time."""
        for code in [fact for fact in self.unsure if fact.isdigit()]:
            if self.api.give_code(code).expect(200, 401).status == 200:
                self.api.sign_in(self.email).expect(200)
                self.api.give_code(code).expect(401)


class Workload:
    """Simultaneous users, one after another in each thread, for `with Workload(url) as workload:`."""

    def __init__(self, url: str, people: int = 3) -> None:
        self.url = url
        self.acknowledged = 0
        self.refusals = 0
        self.runs: list[UserRun] = []
        self.wrong: list[Exception] = []
        self.over = threading.Event()
        self.counting = threading.Lock()
        self.threads = [threading.Thread(target=self.loop, daemon=True) for _ in range(people)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop after the current step of every user."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def loop(self) -> None:
        """Run one user after another; a wrong response is recorded and fails the next check."""
        while not self.over.is_set():
            run = UserRun(self.url, self.count)
            try:
                run.execute()
            except Interrupted:
                self.refusals += 1
                self.over.wait(0.05)
            except Exception as error:  # noqa: BLE001 - any error is raised again in the test's thread
                self.wrong.append(error)
                return
            if run.begun:
                self.runs.append(run)

    def count(self) -> None:
        """Count an acknowledged request."""
        with self.counting:
            self.acknowledged += 1

    def wait_for(self, more: int, within: float = 60.0) -> None:
        """Wait until this many more requests have been acknowledged."""
        wanted, give_up_at = self.acknowledged + more, time.monotonic() + within
        while self.acknowledged < wanted and not self.wrong:
            assert time.monotonic() < give_up_at, f"only {self.acknowledged} of {wanted} requests were acknowledged"
            time.sleep(0.002)

    def wait_for_refusals(self, more: int, within: float = 60.0) -> None:
        """Wait until this many more runs were interrupted."""
        wanted, give_up_at = self.refusals + more, time.monotonic() + within
        while self.refusals < wanted and not self.wrong:
            assert time.monotonic() < give_up_at, "no request was refused"
            time.sleep(0.01)

    def check(self) -> None:
        """Check every run that ended since the last check, and raise the first error."""
        for error in self.wrong:
            raise error
        checked, self.runs = self.runs, []
        for run in checked:
            run.check()
            run.api.close()
