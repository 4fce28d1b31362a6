"""HTTP requests of commands: no redirects, no proxies from the environment, and every certificate is verified."""

import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from urllib.error import URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request


class NoAnswer(Exception):
    """There is no usable answer; the message is the reason, to follow a colon."""


class NotTrusted(NoAnswer):
    """The certificate is not accepted."""


def request(url: str, *, method: str = "GET", headers: Mapping[str, str] = {}, timeout: float) -> HTTPResponse:
    """Send a request without a body and return the head of the answer, whatever its status.

    `timeout` is in seconds, for each step of the connection. Raise NoAnswer.
    """
    opener = OpenerDirector()
    opener.add_handler(HTTPHandler())
    opener.add_handler(HTTPSHandler())
    body = b"" if method == "POST" else None
    try:
        with opener.open(Request(url, body, dict(headers), method=method), timeout=timeout) as answer:  # noqa: S310 - callers pass http and https only
            assert isinstance(answer, HTTPResponse)  # noqa: S101 - what both handlers return
            return answer
    except (OSError, HTTPException, UnicodeError) as error:
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, OSError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise NotTrusted(cause.verify_message) from error
        raise NoAnswer(_reason(cause)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
