"""Clients of the JSON API: a program that makes calls, and a person who signs in with them."""

import uuid
from types import TracebackType
from typing import Any, Self

import httpx2

from tests.support.authenticator import Authenticator

PASSWORD = "walnut-harbour-ember-53"


class Answer:
    """A response of the API; `answer["name"]` is a member of its JSON body."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.body: Any = response.json() if "json" in response.headers.get("content-type", "") else None
        self.text = response.text

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return a member of the body. Raise KeyError with the whole response if it is missing."""
        if not isinstance(self.body, dict) or name not in self.body:
            raise KeyError(f"{name} is not in {self}")
        return self.body[name]

    def get(self, name: str, otherwise: Any = None) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return a member of the body, or a default value."""
        return self.body.get(name, otherwise) if isinstance(self.body, dict) else otherwise

    def expect(self, *statuses: int) -> Self:
        """Return the response itself. Raise AssertionError with its content if it has none of these statuses."""
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def refused(self, status: int, code: str) -> Self:
        """Return the response itself. Raise AssertionError unless it is a problem with this status and code."""
        assert (self.status, self.get("code")) == (status, code), f"expected {status} {code}, got {self}"
        assert self.headers["content-type"].startswith("application/problem+json"), str(self)
        return self

    def __repr__(self) -> str:
        return f"{self.status} {self.text}"


class Api:
    """A client of one service's JSON API that stores the tokens in responses and sends them with later calls."""

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 - handed on to the HTTP client
        self.url = url
        # Connections are not kept open, because a test may open a hundred browsers and close none.
        unkept = httpx2.Limits(max_keepalive_connections=0)
        # Certificates are not loaded: that takes longer than a dozen calls, and there is no https here.
        set_up: dict[str, Any] = {"timeout": 30, "trust_env": False, "limits": unkept, "verify": False, **options}
        self.http = httpx2.Client(base_url=f"{url}/api/v1", **set_up)
        self.token: str | None = None
        self.sign_in_token: str | None = None
        self.computer_token: str | None = None

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None) -> Answer:
        """Make a call below /api/v1, with the session token if there is one. Errors in the response raise nothing."""
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        answer = Answer(self.http.request(method, path, headers=sent, json=body))
        self.keep_tokens(answer)
        return answer

    def keep_tokens(self, answer: Answer) -> None:
        """Store the tokens of a session, an unfinished sign-in and a trusted computer from a response."""
        if session := answer.get("session"):
            self.token = session["token"]
            self.sign_in_token = None
        if sign_in := answer.get("sign_in"):
            self.sign_in_token = sign_in
        computer = answer.get("trusted_computer")  # GET /session only tells whether there is one
        if isinstance(computer, dict):
            self.computer_token = computer["token"]

    # ------------------------------------------------------------------ accounts and signing in

    def sign_up(self, email: str, password: str = PASSWORD) -> Answer:
        """POST /accounts."""
        return self.call("POST", "/accounts", {"email": email, "password": password})

    def sign_in(self, email: str, password: str = PASSWORD) -> Answer:
        """POST /sign-in, from the trusted computer if there is one."""
        body = {"email": email, "password": password}
        if self.computer_token is not None:
            body["trusted_computer"] = self.computer_token
        self.token = None
        return self.call("POST", "/sign-in", body)

    def give_code(self, code: str, **more: object) -> Answer:
        """POST /sign-in/code for the current sign-in, optionally with `trust_this_computer` and `factor_id`."""
        return self.call("POST", "/sign-in/code", {"sign_in": self.sign_in_token, "code": code, **more})

    def give_recovery_code(self, recovery_code: str) -> Answer:
        """POST /sign-in/recovery-code for the current sign-in."""
        body = {"sign_in": self.sign_in_token, "recovery_code": recovery_code}
        return self.call("POST", "/sign-in/recovery-code", body)

    def send_code(self, factor_id: str) -> Answer:
        """POST /sign-in/code/send for the current sign-in."""
        return self.call("POST", "/sign-in/code/send", {"sign_in": self.sign_in_token, "factor_id": factor_id})

    def send_unlock_code(self, factor_id: str) -> Answer:
        """POST /session/unlock/send."""
        return self.call("POST", "/session/unlock/send", {"factor_id": factor_id})

    def session(self) -> Answer:
        """GET /session."""
        return self.call("GET", "/session")

    def unlock(self, password: str = PASSWORD, **proof: str) -> Answer:
        """POST /session/unlock, with `code` or `recovery_code` while 2FA is on."""
        return self.call("POST", "/session/unlock", {"password": password, **proof})

    def sign_out(self) -> Answer:
        """DELETE /session, and discard the token."""
        answer = self.call("DELETE", "/session")
        self.token = None
        return answer

    def end_other_sessions(self) -> Answer:
        """DELETE /sessions."""
        return self.call("DELETE", "/sessions")

    def change_password(self, new: str, current: str = PASSWORD) -> Answer:
        """PUT /account/password."""
        return self.call("PUT", "/account/password", {"current_password": current, "new_password": new})

    # ------------------------------------------------------------------ the second factor

    def two_factor(self) -> Answer:
        """GET /two-factor."""
        return self.call("GET", "/two-factor")

    def set_policy(self, policy: str, **more: str) -> Answer:
        """PUT /two-factor: `disabled`, `once_per_computer` or `every_log_in`."""
        return self.call("PUT", "/two-factor", {"policy": policy, **more})

    def begin_totp(self, **more: str) -> Answer:
        """POST /factors for an authenticator app, optionally with `name` and `replaces`."""
        return self.call("POST", "/factors", {"kind": "totp", **more})

    def begin_phone(self, kind: str, phone: str, **more: str) -> Answer:
        """POST /factors for a phone number, optionally with `name`, `country` and `replaces`."""
        return self.call("POST", "/factors", {"kind": kind, "phone": phone, **more})

    def send_again(self, factor_id: str) -> Answer:
        """POST /factors/{id}/send."""
        return self.call("POST", f"/factors/{factor_id}/send")

    def verify(self, factor_id: str, code: str) -> Answer:
        """POST /factors/{id}/verify."""
        return self.call("POST", f"/factors/{factor_id}/verify", {"code": code})

    def remove_factor(self, factor_id: str) -> Answer:
        """DELETE /factors/{id}."""
        return self.call("DELETE", f"/factors/{factor_id}")

    def renew_recovery_code(self) -> Answer:
        """POST /recovery-code."""
        return self.call("POST", "/recovery-code")

    def trusted_computers(self) -> Answer:
        """GET /trusted-computers."""
        return self.call("GET", "/trusted-computers")

    def sessions(self) -> Answer:
        """GET /sessions."""
        return self.call("GET", "/sessions")

    def events(self, **query: str) -> Answer:
        """GET /events."""
        return self.call("GET", f"/events?{httpx2.QueryParams(query)}")


class Person:
    """A person with an email address, a password and any number of browsers, who may have an authenticator."""

    def __init__(self, url: str, email: str | None = None, password: str = PASSWORD) -> None:
        self.url = url
        self.email = email or f"person-{uuid.uuid4().hex[:12]}@example.com"
        self.password = password
        self.authenticator: Authenticator | None = None
        self.factor_id: str | None = None
        self.recovery_code: str | None = None
        self.api = Api(url)

    @classmethod
    def signed_in(cls, url: str, **more: str) -> Self:
        """Return a new person who is signed in, with unlocked settings."""
        person = cls(url, **more)
        person.api.sign_up(person.email, person.password).expect(201)
        person.sign_in()
        return person

    @classmethod
    def with_totp(cls, url: str, policy: str = "every_log_in") -> Self:
        """Return a new person who is signed in, with 2FA on and one authenticator."""
        person = cls.signed_in(url)
        person.enable_totp()
        if policy != "every_log_in":
            person.api.set_policy(policy).expect(200)
        return person

    def enable_totp(self, **more: str) -> Answer:
        """Add an authenticator, use it from then on, and return the response that verified it."""
        begun = self.api.begin_totp(**more).expect(201)
        self.authenticator = Authenticator(begun["secret"])
        self.factor_id = begun["id"]
        verified = self.api.verify(begun["id"], self.code()).expect(200)
        self.recovery_code = verified.get("recovery_code") or self.recovery_code
        return verified

    def code(self) -> str:
        """Return an unused code of the person's authenticator, waiting for one if necessary."""
        assert self.authenticator is not None, "this person has no authenticator"
        return self.authenticator.code()

    def another_browser(self) -> Api:
        """Return a browser that the person has not used yet."""
        return Api(self.url)

    def sign_in(self, api: Api | None = None, **more: object) -> Answer:
        """Sign in with everything required, by default in the person's own browser; return the last response."""
        api = api or self.api
        answer = api.sign_in(self.email, self.password).expect(200)
        if answer["status"] == "code_required":
            answer = api.give_code(self.code(), **more).expect(200)
        assert answer["status"] == "signed_in", str(answer)
        return answer

    def unlock(self, api: Api | None = None) -> Answer:
        """Unlock the settings of a session with everything that is required."""
        proof = {} if self.authenticator is None else {"code": self.code()}
        return (api or self.api).unlock(self.password, **proof).expect(200)
