"""Return addresses and names that have broken other products."""

from itertools import product

HOST = "evil.example"

_BEGINNINGS = [
    "//",
    "///",
    "////",
    "/\\",
    "\\\\",
    "\\/",
    "/\t/",
    "/\n/",
    "/\r/",
    "\t//",
    " //",
    "/ /",
    "/%2f",
    "/%5c",
    "%2f%2f",
]
_BEGINNINGS += [
    "/./",
    "/../",
    "/.//",
    "/;//",
    "/?//",
    "/#//",
    "/@",
    "@",
    ".",
    "/\x00/",
    "/\u2028/",
    "/\u3000/",
    "/\uff0f",
    "\uff0f\uff0f",
]
_SCHEMES = [
    "http://",
    "https://",
    "HtTpS://",
    "http:",
    "https:",
    "https:/",
    "https:///",
    "http:\\\\",
    "ftp://",
    "ws://",
]
_SCHEMES += [
    "javascript:",
    "JaVaScRiPt:",
    "java\tscript:",
    "\x01javascript:",
    "data:text/html,",
    "vbscript:",
    "file://",
    "blob:http://",
]
_ENDINGS = [
    HOST,
    f"{HOST}/settings",
    f"user@{HOST}",
    f"127.0.0.1@{HOST}",
    f"{HOST}#127.0.0.1",
    f"{HOST}?/settings",
    f"{HOST}%2f..",
    f"%65vil.example%40{HOST}",
]

TARGETS = [beginning + ending for beginning, ending in product(_BEGINNINGS, _ENDINGS[:4])]
TARGETS += [scheme + ending for scheme, ending in product(_SCHEMES, _ENDINGS[:4])]
TARGETS += [
    f"/settings{ending}" for ending in (f"\r\nLocation: https://{HOST}", f"\\..\\{HOST}", f"/../..//{HOST}", f"@{HOST}")
]
TARGETS += [
    f"//{HOST}/%2e%2e",
    f"/{HOST}/../..//{HOST}",
    f"https:{HOST}",
    f"//{HOST}:80",
    f"//[::1].{HOST}",
    f"/{'a' * 600}//{HOST}",
]
TARGETS += [
    f"/%0d%0aLocation:%20https://{HOST}",
    f"/%09/{HOST}",
    f"/%00//{HOST}",
    f"//\udcff{HOST}",
    f"/\u202e//{HOST}",
    "//0x7f000001",
]

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{7*7}}",
    "{% debug %}",
    "${7*7}",
    "%(email)s %s %n",
    "=HYPERLINK(1)",
    "+1+1",
    "@SUM(1)",
    "name\r\nSet-Cookie: a=b",
    "name\n2026-01-01T00:00:00Z ERROR twofold: forged",
    "name\u2028forged",
    "\u202eevil\u202c",
    "zero\u200bwidth",
    "\ufeffmark",
    "nul\x00byte",
    "\x1b[31mred",
    "'; DROP TABLE account; --",
    "../../etc/passwd",
    "a" * 500,
    "\U0001f600" * 40,
    "\ufdfa" * 40,
    " ",
    "",
]
