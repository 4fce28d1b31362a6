"""What `config check` and `doctor` say about settings of the gate that are valid, but not meant."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.gate.test_rules import HOST, settings, table
from tests.support.certificate_authority import Authority
from tests.support.command_line import twofold
from tests.support.gate import AUTH
from tests.support.gateway import Gateway, answers
from tests.support.service import Service
from twofold.config import load
from twofold.features import FEATURES
from twofold.gate.doctor import check_wildcard
from twofold.gate.probe.client import Client
from twofold.gate.rules import HostPattern

WILD = 'host = "*.example.org"'


class Mistake(NamedTuple):
    """Rules, hosts and applications, and a part of the sentence about them."""

    text: str
    rules: str = ""
    hosts: str = ""
    apps: str = ""
    proxies: str = "127.0.0.1"
    base_url: str = AUTH


def rules(*lines: str) -> str:
    """Return rules for one host, each with these lines."""
    return "\n".join(table(HOST, *each.split("; ")) for each in lines)


def app(url: str) -> str:
    """Return an application on the start page."""
    return f'[[apps]]\nname = "Wiki"\nurl = "{url}"'


MISTAKES: Mapping[str, Mistake] = {
    "a rule after one for everything": Mistake(
        "Rule 2 never matches, since rule 1 before it matches the same requests: move it up, or remove it.",
        rules('path = "/"', 'path = "/admin"; require = "two_factor"'),
    ),
    "a rule for a second group": Mistake(
        "`users` and `groups` say who may pass, not which rule decides: name all of them in one rule.",
        rules('groups = ["staff"]', 'groups = ["crew"]'),
    ),
    "a rule whose paths two rules cover": Mistake(
        "Rule 3 never matches, since rule 1 and rule 2 before it match",
        rules('path = "/a"', 'path = "/b"', 'path = ["/a/x", "/b"]'),
    ),
    "one path of a rule": Mistake(
        "Rule 2 never matches /a/b, since rule 1", rules('path = "/a"', 'path = ["/c", "/a/b"]')
    ),
    "methods that an earlier rule has": Mistake(
        "Rule 2 never matches,", rules('methods = ["GET", "HEAD"]', 'methods = ["HEAD"]; require = "open"')
    ),
    "a network inside another": Mistake(
        "Rule 2 never matches,", rules('networks = ["10.0.0.0/8"]', 'networks = ["10.1.0.0/16"]; require = "open"')
    ),
    "a host under a wildcard": Mistake("Rule 2 never matches,", f"{table(WILD)}\n{table(HOST)}"),
    "a host that has a rule": Mistake(
        "Host app.example.org of TWOFOLD_GATE_HOSTS never matches, since rule 1", rules('path = "/"'), "app.example.org"
    ),
    "a host that is named twice": Mistake(
        "never matches, since host app.example.org", hosts="app.example.org other.example.org app.example.org"
    ),
    "a path with a slash at its end": Mistake(
        "Rule 1 covers /admin/ but not /admin: write /admin, which covers both.",
        rules('path = "/admin/"; require = "two_factor"', 'require = "open"'),
    ),
    "no proxy": Mistake(
        "set TWOFOLD_TRUSTED_PROXIES to the addresses of your proxies", hosts="a.example.org", proxies=""
    ),
    "our own address is this machine": Mistake(
        "app.example.org is not on this machine, but TWOFOLD_BASE_URL is",
        hosts="app.localhost app.example.org",
        base_url="http://localhost:8000",
    ),
    "an application on our own host": Mistake(
        "The application Wiki has the host name of TWOFOLD_BASE_URL", apps=app("https://auth.example.org:8443/")
    ),
    "an application without a rule": Mistake(
        "no rule is for wiki.example.org: add it to TWOFOLD_GATE_HOSTS",
        hosts="app.example.org",
        apps=app("https://wiki.example.org/x"),
    ),
}
RIGHT: Mapping[str, Mistake] = {
    "narrow before wide": Mistake("", rules('path = "/admin"', 'path = "/"')),
    "other methods": Mistake("", rules('methods = ["GET"]', 'methods = ["GET", "POST"]')),
    "a network around another": Mistake("", rules('networks = ["10.1.0.0/16"]', 'networks = ["10.0.0.0/8"]')),
    "networks of two versions": Mistake("", rules('networks = ["10.0.0.0/8"]', 'networks = ["fd00::/8"]')),
    "a beginning of a name": Mistake("", rules('path = "/admin"', 'path = "/administrator"')),
    "a port of its own": Mistake("", hosts="app.example.org app.example.org:8443 *.example.org:8443"),
    "a wildcard after a host": Mistake("", hosts="app.example.org *.example.org"),
    "a wildcard of another depth": Mistake("", hosts="*.example.org a.b.example.org *.b.example.org"),
    "both forms of a path": Mistake("", rules('path = "/admin/"', 'path = "/admin"; require = "deny"')),
    "an application with a rule": Mistake("", hosts="*.example.org", apps=app("https://wiki.example.org/x")),
    "a link to our own settings": Mistake("", apps=app("https://auth.example.org/settings")),
    "this machine": Mistake("", hosts="app.localhost", base_url="http://localhost:8000", proxies=""),
    "no gate": Mistake("", proxies=""),
}


def warnings(given: Mistake) -> list[str]:
    """Return all warnings about these settings, which must be valid."""
    environ = settings(given.rules, given.hosts, given.base_url)
    environ |= {"TWOFOLD_GATE_APPS": given.apps} if given.apps else {}
    environ |= {"TWOFOLD_TRUSTED_PROXIES": given.proxies} if given.proxies else {}
    config = load(environ)[0]
    assert not list(FEATURES.faults(config))
    return list(FEATURES.warnings(config))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named_once_with_what_to_do(name: str) -> None:
    """One sentence, and none about the rest of the same settings."""
    (warning,) = warnings(MISTAKES[name])
    assert MISTAKES[name].text in warning
    assert warning.endswith(".")


@pytest.mark.parametrize("name", RIGHT)
def test_settings_without_a_mistake_have_no_warning(name: str) -> None:
    """Also those that look like one."""
    assert warnings(RIGHT[name]) == []


def test_config_check_prints_warnings_and_accepts_the_settings(tmp_path: Path) -> None:
    """The exit status is 0, since the settings are valid."""
    given = {"BASE_URL": AUTH, "GATE_HOSTS": "a.example.org a.example.org", "TRUSTED_PROXIES": "127.0.0.1"}
    given |= {"MAIL_URL": "smtp://127.0.0.1:9?from=a@b.org"}
    run = twofold(tmp_path, "config", "check", **given)
    valid, warning = run.stdout.splitlines()
    assert (run.returncode, valid) == (0, "The settings are valid.")
    assert warning.startswith("Warning: Host a.example.org of TWOFOLD_GATE_HOSTS never matches")
    shown = json.loads(twofold(tmp_path, "config", "check", "--json", **given).stdout)
    assert shown == {"ok": True, "faults": [], "warnings": [warning.removeprefix("Warning: ")]}


def test_doctor_shows_what_proxies_and_settings_have_wrong(tmp_path: Path) -> None:
    """An untrusted proxy, one without the client's address, one that asks about http, and a rule that never matches."""
    given = {
        "base_url": AUTH,
        "trusted_proxies": "127.0.0.8 127.0.0.9",
        "gate_hosts": "app.example.org app.example.org *.wild.invalid",
    }
    question = {"X-Forwarded-Host": "app.example.org", "X-Forwarded-Uri": "/", "X-Forwarded-Method": "GET"}
    with Service(tmp_path, settings=given) as service:
        for source, more in (
            ("127.0.0.7", {"X-Forwarded-Proto": "https"}),
            ("127.0.0.8", {"X-Forwarded-Proto": "https"}),
            ("127.0.0.9", {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.7"}),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", service.port, source_address=(source, 0))
            connection.request("GET", "/gate/forward", headers={**question, **more})
            assert connection.getresponse().status == (401 if source == "127.0.0.8" else 403)
            connection.close()
        service.stop()  # which writes what is still only in memory
    found = json.loads(service.command("doctor", "--json").stdout)
    told = [each["text"] for each in found if each["status"] == "warn"]
    assert any("never matches, since host app.example.org" in text for text in told), told
    assert any(text.startswith("127.0.0.7 asked the gate and was refused: if it is your proxy") for text in told), told
    assert any(text.startswith("127.0.0.8 is a trusted proxy but sent no X-Forwarded-For") for text in told), told
    assert any(text.startswith("127.0.0.9 asked the gate about an application by plain http") for text in told), told
    assert "Names under *.wild.invalid that do not exist have no address." in [each["text"] for each in found]


def test_doctor_warns_of_an_application_that_answers_every_name(tmp_path: Path) -> None:
    """Below a wildcard; a proxy that refuses, or leads to the gate, is right."""
    authority = Authority(tmp_path)
    tls = authority.server("*.wild.example.org")
    config, pattern = load(settings(hosts="*.wild.example.org"))[0], HostPattern("wild.example.org", wildcard=True)

    def status(answer: int, location: str = "") -> str:
        with Gateway(answers(answer, b"", Location=location), tls=tls) as proxy, pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(authority.ca))
            return check_wildcard(config, pattern, Client("127.0.0.1", proxy.port))[0]

    assert status(200) == status(302, "https://elsewhere.example.org/") == "warn"
    assert status(404) == status(302, f"{AUTH}/gate/begin?s=x") == "ok"
