"""How the public address looks from outside: what a proxy in front adds, changes or drops.

The sign-in page shows the headers. Cancelling a sign-in that does not exist shows a cookie of ours, which it deletes,
and whether forms arrive with their origin. Neither costs anything or changes anything.
"""

import re
from collections.abc import Iterator
from email.message import Message
from urllib.parse import urlsplit

from twofold.base.web.cookies import CookieNames
from twofold.base.web.headers import security_headers
from twofold.cli.doctor.findings import Finding
from twofold.cli.http import NoAnswer, NotTrusted, request
from twofold.config import Config
from twofold.signin.pages import COOKIE

_TIMEOUT = 3  # seconds
_PAGE, _FORM = "/sign-in", "/sign-in/cancel"
_A_YEAR = 31_536_000  # seconds, as ASVS 5.0 3.4.1 requires
_HSTS = "strict-transport-security"
_HARM = {
    "content-security-policy": "browsers enforce every policy that they get, so forms, scripts or passkeys may stop"
    " working",
    "referrer-policy": "forms may then arrive without their origin, which older browsers cannot make up for",
}


def check_public_address(config: Config) -> list[Finding]:
    """Return a warning for each fault of the public address."""
    found = [Finding("warn", "public address", fault) for fault in faults(config)]
    return found or [Finding("ok", "public address", "Pages, forms and cookies arrive as Twofold sends them.")]


def faults(config: Config) -> Iterator[str]:
    """Yield each fault of the public address with its remedy; nothing if it answers as Twofold does."""
    page = config.base_url + _PAGE
    try:
        answer = request(page, timeout=_TIMEOUT)
    except NotTrusted as error:
        yield (
            f"The certificate of {config.origin} is not accepted here: {error}. Replace it, or, if an authority of your"
            " own issued it, run `twofold doctor` with SSL_CERT_FILE set to that authority's certificate."
        )
        return
    except NoAnswer as error:
        yield (
            f"{page} cannot be reached from here: {error}. Start the service, or, if this machine cannot reach its own"
            " public address, run `twofold doctor` on one that can."
        )
        return
    if answer.status != 200:  # noqa: PLR2004 - the page is public
        yield f"{page} {_describe(answer.status, answer.headers)}: configure the proxy to pass this address to Twofold."
        return
    yield from _header_faults(page, answer.headers, config)
    yield from _form_faults(config)
    yield from _plain_faults(config)


def _describe(status: int, headers: Message) -> str:
    """Describe an unexpected answer."""
    to = headers.get("Location")
    return f"answers {status}, a redirect to {to}, which was not followed" if to else f"answers {status}"


def _header_faults(page: str, headers: Message, config: Config) -> Iterator[str]:
    expected = {name.decode(): value.decode() for name, value in security_headers(secure=config.secure)}
    if missing := [_title(name) for name in expected if not headers.get_all(name)]:
        yield f"{page} comes without {', '.join(missing)}: a proxy drops what Twofold sends; configure it to pass them."
    for name, value in expected.items():
        others = [line for line in headers.get_all(name, []) if line.strip() != value]
        if others and name != _HSTS:
            harm = f"; {_HARM[name]}" if name in _HARM else ""
            yield (
                f"{page} comes with another {_title(name)}, `{others[0]}`{harm}. Remove it from the proxy's settings"
                " for Twofold, which sends its own."
            )
    if hsts := headers.get(_HSTS) if config.secure else None:
        yield from _hsts_faults(page, hsts)
    if "no-store" not in re.split(r"[,\s]+", ", ".join(headers.get_all("cache-control", [])).lower()):
        yield (
            f"{page} comes without `Cache-Control: no-store`, so pages of one user may be stored and shown to another:"
            " configure the proxy to pass this header, and not to cache."
        )
    if headers.get("Age", "0") != "0":
        yield f"{page} comes from a cache (Age: {headers['Age']}): switch off caching for Twofold."


def _hsts_faults(page: str, value: str) -> Iterator[str]:
    """Check the first header, the only one that counts (RFC 6797 8.1); an operator may choose other directives."""
    age = re.search(r"max-age\s*=\s*\"?(\d+)", value, re.IGNORECASE)
    if age is None or int(age[1]) < _A_YEAR:
        yield (
            f"{page} comes with `Strict-Transport-Security: {value}`, less than a year: raise its max-age in the proxy,"
            " or remove it there, since Twofold sends its own."
        )


def _form_faults(config: Config) -> Iterator[str]:
    form, names = config.base_url + _FORM, CookieNames(config, [])
    name = names.prefix + COOKIE + names.suffix
    sent = {
        "Origin": config.origin,
        "Cookie": f"{name}=none",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        answer = request(form, method="POST", headers=sent, timeout=_TIMEOUT)
    except NoAnswer as error:
        yield f"A form sent to {form} gets no answer: {error}. Configure the proxy to pass POST requests."
        return
    if answer.status == 403:  # noqa: PLR2004 - as our pages refuse a form of another origin
        yield (
            f"A form sent to {form} is refused: configure the proxy to pass POST requests, with Origin and"
            " Sec-Fetch-Site unchanged."
        )
    elif answer.status != 303:  # noqa: PLR2004 - as our pages answer a form
        unexpected = _describe(answer.status, answer.headers)
        yield f"A form sent to {form} {unexpected}: configure the proxy to pass it to Twofold."
    else:
        yield from _cookie_faults(form, name, answer.headers, config)


def _cookie_faults(form: str, name: str, headers: Message, config: Config) -> Iterator[str]:
    ours = [line for line in headers.get_all("set-cookie", []) if line.startswith(f"{name}=")]
    if not ours:
        yield (
            f"The cookie of {form} does not arrive, so users cannot sign in: configure the proxy to pass Cookie and"
            " Set-Cookie unchanged."
        )
        return
    found = dict(_attribute(part) for part in ours[0].split(";")[1:])
    demands = {
        "HttpOnly": "httponly" in found,
        "Secure": "secure" in found or not config.secure,
        "SameSite=Lax": found.get("samesite", "").lower() == "lax",
        "Path=/": found.get("path") == "/",
        "no Domain": "domain" not in found,
    }
    if broken := [text for text, met in demands.items() if not met]:
        yield (
            f"The cookies of {config.base_url} must have {', '.join(broken)}, but a proxy changes that: configure it to"
            " pass Set-Cookie unchanged."
        )


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    return name.lower(), value


def _plain_faults(config: Config) -> Iterator[str]:
    """Check the same address over plain http, where some users start; a closed port is fine too."""
    parts = urlsplit(config.base_url)
    if not config.secure or parts.port not in (None, 443):
        return
    plain = f"http://{parts.netloc.removesuffix(':443')}{parts.path}{_PAGE}"
    try:
        answer = request(plain, timeout=_TIMEOUT)
    except NoAnswer:
        return
    if not answer.headers.get("Location", "").startswith(f"{config.origin}/"):
        yield (
            f"{plain} {_describe(answer.status, answer.headers)}: configure the proxy to redirect it to https, since"
            " passwords entered there can be read on the network."
        )


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
