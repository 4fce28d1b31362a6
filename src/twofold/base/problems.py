"""One small error tree: what went wrong, for people and for programs (RFC 9457).

An action that RAISES a problem undoes its transaction; one that RETURNS a problem keeps what it wrote: that is
how a refused try is counted. `code` is stable; texts are translated where they are shown.
"""

from typing import Any, ClassVar

import msgspec

from twofold.base.clock import rfc3339
from twofold.base.texts import N_, _, counted


class FieldError(msgspec.Struct, frozen=True):
    """One field that cannot be taken, and what to do about it."""

    field: str
    text: str

    @property
    def message(self) -> str:
        """The text in the reader's language."""
        return _(self.text)


class Problem(Exception):
    """A refusal with a stable code, one plain sentence, and evidence."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    text: ClassVar[str] = ""
    at: ClassVar[str | None] = None  # the form field that it speaks of
    mend_at: ClassVar[str | None] = None  # the page where a person can mend it
    wait: int | None = None  # seconds after which it is worth trying again

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
        """Give the message for one form field, if it is at fault."""
        return next((error.message for error in self.errors if error.field == name), None)

    def as_json(self) -> dict[str, Any]:
        """The problem as an `application/problem+json` object; `type` points into our page on the API."""
        return {
            "type": f"/api/v1/docs#{self.code}",
            "title": _(self.title),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.evidence,
        }


class InvalidRequest(Problem):
    """The request cannot be read; `errors` names field and remedy."""

    code, status = "invalid_request", 422
    title = N_("Check what you entered")
    text = N_("Some of what was sent cannot be taken.")

    def __init__(self, *errors: FieldError, status: int | None = None) -> None:
        super().__init__()
        self._errors = list(errors)
        if status is not None:
            self.status = status  # type: ignore[misc]  # 400, 413 and 415 share this code

    @property
    def errors(self) -> list[FieldError]:
        """Every field at fault."""
        return self._errors

    @property
    def detail(self) -> str:
        """The messages of all fields at fault."""
        return " ".join(error.message for error in self._errors) or _(self.text)

    def as_json(self) -> dict[str, Any]:
        """Add the list of fields."""
        listed = [{"field": error.field, "message": error.message} for error in self._errors]
        return super().as_json() | {"errors": listed}


class TooManyAttempts(Problem):
    """A limit is reached; `retry_at` (epoch seconds) says when to come back."""

    code, status = "too_many_attempts", 429
    wait: int
    title = N_("Too many attempts")

    def __init__(self, *, retry_at: int, now: int) -> None:
        super().__init__()
        self.retry_at = retry_at
        self.wait = max(retry_at - now, 1)

    @property
    def detail(self) -> str:
        """When it may be tried again, as a span: a clock time needs the reader's time zone."""
        minutes = -(-self.wait // 60)
        return counted(
            "There were too many wrong attempts. Try again in {number} minute.",
            "There were too many wrong attempts. Try again in {number} minutes.",
            minutes,
        )

    def as_json(self) -> dict[str, Any]:
        """Add `retry_at`."""
        return super().as_json() | {"retry_at": rfc3339(self.retry_at)}


class WrongOrigin(Problem):
    """A changing request that did not come from our own pages."""

    code, status = "wrong_origin", 403
    title = N_("This request did not come from our own pages")
    text = N_("For your safety nothing was changed. Open the page from this site and try again.")


class NotFound(Problem):
    """There is nothing here, or it is not yours."""

    code, status = "not_found", 404
    title = N_("There is nothing here")
    text = N_("The address may be mistyped, or what was here is gone.")


class MethodNotAllowed(Problem):
    """The path exists, this method does not."""

    code, status = "method_not_allowed", 405
    title = N_("This cannot be done here")
    text = N_("Go back and use the buttons on the page.")


class CallNotAllowed(MethodNotAllowed):
    """The same for a program, with the methods that there are."""

    def __init__(self, methods: str) -> None:
        super().__init__()
        self.methods = methods

    @property
    def detail(self) -> str:
        """What can be done here."""
        return _("Allowed here: {methods}.").format(methods=self.methods)


class Conflict(Problem):
    """What is asked contradicts what is there."""

    code, status = "conflict", 409
    title = N_("That cannot be done now")

    def __init__(self, text: str, at: str | None = None) -> None:
        super().__init__()
        self.text = text  # type: ignore[misc]  # each conflict says its own sentence
        self.at = at  # type: ignore[misc]


class Unavailable(Problem):
    """A part that we need is away: nobody gets in. Whether a change was made may be unknown: nothing is said of it."""

    code, status, wait = "unavailable", 503, 5
    title = N_("The service is not available just now")
    text = N_("The service cannot do this just now. Wait a moment and try again.")
