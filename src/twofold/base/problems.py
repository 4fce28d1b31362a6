"""Problems: errors for people and for programs (RFC 9457).

An action that raises a problem rolls its transaction back; one that returns a problem commits, so that refused
attempts are counted. `code` is stable; texts are translated when they are shown.
"""

from typing import Any, ClassVar

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.texts import N_, _, counted


class FieldError(msgspec.Struct, frozen=True):
    """An invalid field, and how to correct it."""

    field: str
    text: str
    values: dict[str, Any] | None = None  # for its placeholders

    @property
    def message(self) -> str:
        """The text in the reader's language."""
        return _(self.text).format(**self.values) if self.values else _(self.text)


class Problem(Exception):
    """A refusal with a stable code, one plain sentence, and evidence."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    text: ClassVar[str] = ""
    at: ClassVar[str | None] = None  # the form field that it refers to
    resolve_at: ClassVar[str | None] = None  # the page where the user can resolve it
    wait: int | None = None  # seconds until it is worth trying again

    def __init__(self, **evidence: Any) -> None:  # noqa: ANN401 - each problem has its own
        super().__init__(self.code)
        self.evidence = evidence

    @property
    def detail(self) -> str:
        """One or two sentences: what happened and what to do next."""
        return _(self.text).format(**self.evidence)

    @property
    def errors(self) -> list[FieldError]:
        """The fields at fault, for the summary at the top of a form."""
        return [FieldError(self.at, self.detail)] if self.at else []

    def field(self, name: str) -> str | None:
        """Return the message for a form field, or None if it is valid."""
        return next((error.message for error in self.errors if error.field == name), None)

    def as_json(self) -> dict[str, Any]:
        """Return the problem as an `application/problem+json` object; `type` is an anchor in the API page."""
        return {
            "type": f"/api/v1/docs#{self.code}",
            "title": _(self.title),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.evidence,
        }


class InvalidRequest(Problem):
    """The request is invalid; `errors` lists the fields and how to correct them."""

    code, status = "invalid_request", 422
    title = N_("Check what you entered")
    text = N_("Some of what you entered is not valid. Correct it and try again.")

    def __init__(self, *errors: FieldError, status: int | None = None) -> None:
        super().__init__()
        self._errors = list(errors)
        if status is not None:
            self.status = status  # type: ignore[misc]  # 400, 413 and 415 share this code

    @property
    def errors(self) -> list[FieldError]:
        """The invalid fields."""
        return self._errors

    @property
    def detail(self) -> str:
        """The messages of all invalid fields."""
        return " ".join(error.message for error in self._errors) or _(self.text)

    def as_json(self) -> dict[str, Any]:
        """Add the list of fields."""
        listed = [{"field": error.field, "message": error.message} for error in self._errors]
        return super().as_json() | {"errors": listed}


class TooManyAttempts(Problem):
    """A limit is reached until `retry_at` (epoch seconds)."""

    code, status = "too_many_attempts", 429
    wait: int
    title = N_("Too many attempts")

    def __init__(self, *, retry_at: int, now: int) -> None:
        super().__init__()
        self.retry_at = retry_at
        self.wait = max(retry_at - now, 1)

    @property
    def detail(self) -> str:
        """The wait in words, since a clock time would depend on the reader's time zone."""
        minutes = -(-self.wait // 60)
        return counted(
            "Too many wrong attempts. Try again in {number} minute.",
            "Too many wrong attempts. Try again in {number} minutes.",
            minutes,
        )

    def as_json(self) -> dict[str, Any]:
        """Add `retry_at`."""
        return super().as_json() | {"retry_at": rfc3339(self.retry_at)}


class TooManyRequests(TooManyAttempts):
    """A limit on what anyone may do, right or wrong, is reached until `retry_at` (epoch seconds)."""

    title = N_("Too many requests")

    @property
    def detail(self) -> str:
        """The wait in words."""
        minutes = -(-self.wait // 60)
        return counted(
            "This was requested too often. Try again in {number} minute.",
            "This was requested too often. Try again in {number} minutes.",
            minutes,
        )


class WrongOrigin(Problem):
    """A changing request that did not come from our own pages."""

    code, status = "wrong_origin", 403
    title = N_("This request did not come from our own pages")
    text = N_("To protect your account, nothing was changed. Open the page on this site and try again.")


class HiddenOrigin(WrongOrigin):
    """A changing request whose origin was hidden by the browser or a proxy."""

    text = N_(
        "To protect your account, nothing was changed. Your browser, or a proxy in front of this site, hides "
        "which site a form comes from. Use an up-to-date browser. If you run this site, remove Referrer-"
        "Policy: no-referrer from its proxy."
    )


class ChangedOrigin(WrongOrigin):
    """A changing request from our own pages at an address other than the base URL."""

    text = N_(
        "To protect your account, nothing was changed. You opened this page at a different address from the "
        "one it is set up for. Open it there and try again. If you run this site, configure its proxy to pass "
        "Origin unchanged."
    )


class NumericOrigin(WrongOrigin):
    """A changing request from our own pages at an IP address, when the base URL is at `localhost`."""

    title = N_("Open this page at localhost")
    text = N_("Nothing was changed. This site is at {address}. Open it there and try again. You may have to sign in.")


class NotFound(Problem):
    """There is nothing here, or it is not yours."""

    code, status = "not_found", 404
    title = N_("Nothing was found here")
    text = N_("Check the address. What you are looking for may have been removed.")


class MethodNotAllowed(Problem):
    """The path exists, but not for this method."""

    code, status = "method_not_allowed", 405
    title = N_("This action is not available here")
    text = N_("Go back and use the buttons on the page.")


class CallNotAllowed(MethodNotAllowed):
    """MethodNotAllowed for programs, with the allowed methods."""

    def __init__(self, methods: str) -> None:
        super().__init__()
        self.methods = methods

    @property
    def detail(self) -> str:
        """The allowed methods."""
        return _("Allowed here: {methods}.").format(methods=self.methods)


class Conflict(Problem):
    """The request conflicts with the current state."""

    code, status = "conflict", 409
    title = N_("This cannot be done right now")

    def __init__(self, text: str, at: str | None = None) -> None:
        super().__init__()
        self.text = text  # type: ignore[misc]  # each conflict has its own text
        self.at = at  # type: ignore[misc]


class OtherAccount(Conflict):
    """The form was shown to another account, which was signed in in this browser before."""

    title = N_("Another account is signed in now")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "Another account was signed in in this browser after you opened that page. Nothing was changed. Check "
                "the account above, and try again."
            )
        )


class Unavailable(Problem):
    """A dependency is unavailable. Whether a change was made may be unknown, so the text does not say."""

    code, status, wait = "unavailable", 503, 5
    title = N_("The service is unavailable")
    text = N_("The service is temporarily unavailable. Wait a moment and try again.")


class Busy(Unavailable):
    """Too many passwords are waiting to be checked; `wait` is in seconds."""

    title = N_("Many people are signing in right now")
    wait: int

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = max(wait, 1)

    @property
    def detail(self) -> str:
        """The wait in words, and what to do then."""
        return counted(
            "Many people are signing in right now. Wait {number} second and try again.",
            "Many people are signing in right now. Wait {number} seconds and try again.",
            self.wait,
        )
