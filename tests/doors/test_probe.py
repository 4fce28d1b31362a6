"""`twofold gate probe` finds the mistakes in the configuration of a proxy, and none in the recipes."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.doors.conftest import APP, CLOSED, OPEN, WILD, Site
from tests.support.command_line import run_here
from tests.support.doors import RECIPES, Door
from tests.support.gateway import closed_port

Findings = list[dict[str, str]]
TO_APPLICATION = "proxy_pass http://127.0.0.1:APPLICATION;"
ASK = "proxy_pass http://127.0.0.1:TWOFOLD/gate/nginx;"
ADDRESS = "proxy_set_header X-Original-URL $scheme://$host$request_uri;"
METHOD = "proxy_set_header X-Original-Method $request_method;"
METHOD_AND_CLIENT = f"{METHOD}\n        proxy_set_header X-Forwarded-For $remote_addr;"
PROTECTED = "    location / {\n        set $twofold_method"
FROM_CLIENT = "set $client 203.0.113.7; if ($http_x_forwarded_for) { set $client $http_x_forwarded_for; }"


class Fault(NamedTuple):
    """A mistake in nginx's configuration, and what the probe says about it."""

    changes: Mapping[str, str]
    name: str
    text: str
    host: str = APP
    path: str = "/"
    status: str = "fail"


@pytest.fixture(autouse=True)
def trusting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the test authority, as the operator's machine trusts that of the site."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority.ca))


def probe(site: Site, door: Door, url: str, *options: str) -> Findings:
    """Run the probe, and return its findings; the exit status says whether one is a failure."""
    run = run_here(site.service, "gate", "probe", url, "--connect", f"127.0.0.1:{door.port}", "--json", *options)
    found: Findings = json.loads(run.stdout)
    assert run.returncode == any(each["status"] == "fail" for each in found), run
    return found


def texts(findings: Findings, status: str, name: str = "") -> list[str]:
    """Return what findings of a status say, of one name if it is given."""
    return [each["text"] for each in findings if each["status"] == status and name in {"", each["name"]}]


def in_front(text: str) -> dict[str, str]:
    """Return the change that adds a location in front of the protected one."""
    return {PROTECTED: f"    {text}\n{PROTECTED}"}


FAULTS: Mapping[str, Fault] = {
    "the gate is not asked": Fault(
        {"        auth_request /_twofold;\n": ""}, "proxy", "without the gate being asked: let the proxy ask"
    ),
    "the check is elsewhere": Fault(
        {"http://127.0.0.1:TWOFOLD/gate/nginx": "http://127.0.0.1:CLOSED/gate/nginx"}, "proxy", "start Twofold, and let"
    ),
    "the proxy is not trusted": Fault(
        {ASK: f"{ASK} proxy_bind 127.0.0.9;"},
        "proxy",
        "127.0.0.9 asked the gate and was refused: if it is your proxy, add it to TWOFOLD_TRUSTED_PROXIES",
    ),
    "the client's address is missing": Fault(
        {METHOD_AND_CLIENT: METHOD},
        "client address",
        "configure it to send the client's address",
        status="warn",
    ),
    "the client's address is the client's choice": Fault(
        {METHOD_AND_CLIENT: f"{METHOD} {FROM_CLIENT} proxy_set_header X-Forwarded-For $client;"},
        "client address",
        "Clients can choose their address",
    ),
    "the question has no address": Fault({ADDRESS: ""}, "question", "x-original-url is missing"),
    "the question is about http": Fault(
        {ADDRESS: ADDRESS.replace("$scheme", "http")}, "question", "X-Forwarded-Proto: https"
    ),
    "the query is missing": Fault(
        {ADDRESS: ADDRESS.replace("$request_uri", "$uri")},
        "address",
        "let the proxy send scheme, host, path and query as the client sent them",
    ),
    "the query is missing and so is the referrer": Fault(
        {ADDRESS: ADDRESS.replace("$request_uri", "$uri") + ' proxy_set_header Referer "";'},
        "address",
        "and its query",
    ),
    "the path is rewritten": Fault(
        {ADDRESS: ADDRESS.replace("$request_uri", "/app$request_uri")},
        "address",
        f"instead of GET https://{APP}/",
    ),
    "the host of the question is another than the application's": Fault(
        {ADDRESS: ADDRESS.replace("$host", "$http_host")}, "hosts", "nginx: $host"
    ),
    "the redirect is not handed on": Fault(
        {"if ($twofold_to) { return 302 $twofold_to; }": ""}, "sign-in", "browsers get 401"
    ),
    "the redirect leads elsewhere": Fault(
        {"return 302 $twofold_to;": "return 302 https://auth.example.org/;"},
        "sign-in",
        "leads to https://auth.example.org/",
    ),
    "the cookie is swallowed": Fault(
        {"add_header Set-Cookie $twofold_cookie always;": ""}, "cookie", "does not arrive, so no one can sign in"
    ),
    "the cookie is changed": Fault(
        {"Set-Cookie $twofold_cookie always;": 'Set-Cookie "$twofold_cookie; Domain=example.org" always;'},
        "cookie",
        "changes the attributes",
    ),
    "the redirect may be cached": Fault(
        {"        add_header Cache-Control no-store always;\n": ""}, "cache", "Cache-Control: no-store"
    ),
    "programs are redirected": Fault(
        {"if ($twofold_to) { return 302 $twofold_to; }\n        return 401;": "return 302 https://auth.example.org/;"},
        "programs",
        "get 302 instead of 401",
    ),
    "programs learn nothing": Fault(
        {"        error_page 401 /_twofold_denied;\n": ""},
        "programs",
        "without the header Twofold-Sign-In",
        status="warn",
    ),
    "the refusal is ignored": Fault(
        {
            "error_page 401 = @twofold_away;": "error_page 401 =200 @app;",
            **in_front(f"location @app {{ {TO_APPLICATION} }}"),
        },
        "answer",
        "refused the request with 401, but it was answered 200",
    ),
    "preflights are exempt": Fault(
        in_front(
            f"location @app {{ {TO_APPLICATION} }}\n error_page 418 = @app;"
            " if ($request_method = OPTIONS) { return 418; }"
        ),
        "methods",
        "OPTIONS",
    ),
    "websockets are exempt": Fault(
        in_front(f"location @app {{ {TO_APPLICATION} }}\n error_page 418 = @app; if ($http_upgrade) {{ return 418; }}"),
        "methods",
        "a websocket",
    ),
    "style sheets are exempt": Fault(in_front(rf"location ~ \.css$ {{ {TO_APPLICATION} }}"), "paths", ".css"),
    "an interface is exempt": Fault(in_front(f"location /api/ {{ {TO_APPLICATION} }}"), "paths", "/api/"),
    "the proxy answers some paths itself": Fault(
        in_front("location /static/ { return 404; }"), "paths", "(404)", status="warn"
    ),
    "only one spelling is protected": Fault(
        {PROTECTED: f"    location / {{ {TO_APPLICATION} }}\n{PROTECTED.replace('/ {', '/admin {')}"},
        "spellings",
        "/ADMIN",
        path="/admin",
    ),
    "the reserved paths are not routed": Fault(
        in_front(f"location /.twofold/ {{ {TO_APPLICATION} }}"), "reserved paths", "no one arrives after the sign-in"
    ),
    "no name is unknown": Fault(
        {
            "map $http_upgrade": "server { listen 127.0.0.1:PORT ssl; server_name *.wild.example.org;"
            " ssl_certificate CERTIFICATE; ssl_certificate_key CERTIFICATE;"
            f" location / {{ {TO_APPLICATION} }} }}\nmap $http_upgrade"
        },
        "wildcard",
        "without the gate being asked: let the proxy refuse names",
        host=WILD,
    ),
    "everyone is refused": Fault({}, "rules", "the gate refuses everyone".capitalize(), host=CLOSED, status="warn"),
}


def filled(changes: Mapping[str, str], door: Door) -> dict[str, str]:
    """Return changes with the ports of this site."""
    ports = {
        "APPLICATION": str(door.place.application),
        "TWOFOLD": str(door.place.twofold),
        "CLOSED": str(closed_port()),
        "PORT": str(door.port),
        "CERTIFICATE": str(door.place.certificate),
    }

    def fill(text: str) -> str:
        for name, port in ports.items():
            text = text.replace(f":{name}", f":{port}").replace(f" {name}", f" {port}")
        return text

    return {fill(old): fill(new) for old, new in changes.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_of_a_proxy_is_found(site: Site, name: str) -> None:
    """Each with its own name and sentence, which says what to do."""
    fault = FAULTS[name]
    door = site.behind("nginx")
    door.changes = filled(fault.changes, door)
    with door:
        found = probe(site, door, f"https://{fault.host}{fault.path}")
    assert any(fault.text in text for text in texts(found, fault.status, fault.name)), found


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("url", [f"https://{APP}/page?x=1", f"https://{OPEN}/"])
def test_recipe_has_no_fault(site: Site, name: str, url: str) -> None:
    """Where a sign-in is needed, and where none is; identity headers of clients never arrive."""
    with site.behind(name) as door:
        echo = ("--echo", "/echo") if OPEN in url else ()
        found = probe(site, door, url, *echo)
    assert not texts(found, "fail"), found
    warned = {each["name"] for each in found if each["status"] == "warn"}
    itself = {"spellings"} if name == "apache" else set()  # Apache itself answers /%00 with 404
    assert warned - itself <= (set() if echo else {"identity"}), found
