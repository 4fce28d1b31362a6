"""What `twofold gate probe` sees of identity headers, spellings and plain http, and how it reports it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.doors.conftest import ADA, APP, OPEN, PART, WILD, Site
from tests.doors.test_probe import probe, texts
from tests.support.clients import PASSWORD
from tests.support.command_line import run_here
from tests.support.door_visitor import Visitor
from tests.support.gateway import Gateway, Handler, answers, closed_port
from tests.support.outages import file_of
from tests.support.service import free_port
from twofold.base.feature import Checked
from twofold.cli import main
from twofold.cli.runner import open_runner
from twofold.features import FEATURES
from twofold.gate.origins import Origin
from twofold.gate.probe.bypasses import check_plain_http
from twofold.gate.probe.client import Client
from twofold.gate.probe.forgeries import parse_cookies
from twofold.gate.probe.prober import Prober

NO_IDENTITY = {
    f"proxy_set_header Remote-{name} $twofold_{name.strip().lower()};": f'proxy_set_header Remote-{name.strip()} "";'
    for name in ("User  ", "Email ", "Name  ", "Groups")
}


@pytest.fixture(autouse=True)
def trusting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the test authority, as the operator's machine trusts that of the site."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority.ca))


def test_identity_of_clients_is_found_in_the_application(site: Site) -> None:
    """Under the very name that passed."""
    with site.behind("nginx", changes={"proxy_set_header Remote-User   $twofold_user;": ""}) as door:
        (text,) = texts(probe(site, door, f"https://{OPEN}/", "--echo", "/"), "fail")
    assert "send as Remote-User reaches the application" in text
    loose = {"access_log off;": "access_log off; underscores_in_headers on; ignore_invalid_headers off;"}
    with site.behind("nginx", changes=loose) as door:
        (text,) = texts(probe(site, door, f"https://{OPEN}/", "--echo", "/"), "fail")
    assert "Remote_User" in text


def test_identity_is_seen_with_the_cookies_of_a_browser(site: Site, tmp_path: Path) -> None:
    """Where a sign-in is needed; an application that does not learn the user is a fault."""
    file, url = tmp_path / "cookies", f"https://{APP}/"
    with site.behind("nginx") as door:
        browser = Visitor(door.port, site.authority.ca).signed_in(ADA, PASSWORD, url)
        file.write_text("; ".join(f"{name}={value}" for name, value in browser.cookies[APP].items()))
        signed_in = probe(site, door, url, "--echo", "/", "--cookie-file", str(file))
        assert texts(signed_in, "ok", "identity") == ["Identity headers come from the gate only."]
        file.write_text("a=b")
        assert "is answered 302" in texts(probe(site, door, url, "--echo", "/", "--cookie-file", str(file)), "warn")[0]
    file.write_text("; ".join(f"{name}={value}" for name, value in browser.cookies[APP].items()))
    with site.behind("nginx", changes=NO_IDENTITY) as door:
        (text,) = texts(probe(site, door, url, "--echo", "/", "--cookie-file", str(file)), "fail")
    assert "does not learn who is signed in" in text


def test_question_of_clients_is_found_if_the_gate_believes_it(site: Site) -> None:
    """A proxy that fills in its own headers only if the client sends none."""
    own = "proxy_set_header X-Original-URL $scheme://$host$request_uri;"
    loose = (
        "set $asked $scheme://$host$request_uri; if ($http_x_original_url) { set $asked $http_x_original_url; }"
        " proxy_set_header X-Original-URL $asked;"
    )
    with site.behind("nginx", changes={own: loose}) as door:
        (text,) = texts(probe(site, door, f"https://{APP}/"), "fail")
    assert "believes what clients send in X-Original-URL" in text


def test_client_address_that_the_proxy_sets_is_no_fault(site: Site) -> None:
    """The finding names it, so that the operator can compare."""
    before, after = "X-Original-Method $request_method;\n        proxy_set_header X-Forwarded-For ", "$remote_addr;"
    with site.behind("nginx", changes={before + after: f"{before}203.0.113.7;"}) as door:
        found = probe(site, door, f"https://{APP}/")
    assert texts(found, "ok", "client address") == ["Clients cannot choose it; this one is 203.0.113.7."]


def test_other_spelling_of_a_protected_path_is_found_where_the_rest_is_open(site: Site) -> None:
    """A failure if the application reads it as the same page, and a warning if it answers everything."""
    url = f"https://{PART}/admin"

    def ignores_case(handler: Handler) -> None:
        answers(200 if handler.path.lower().startswith("/admin") else 404)(handler)

    with Gateway(ignores_case) as application, site.behind("nginx", application=application.port) as door:
        (text,) = texts(probe(site, door, url), "fail")
    assert "/ADMIN" in text
    assert "Protect the whole host instead" in text
    with site.behind("nginx") as door:
        found = probe(site, door, url)
    assert not texts(found, "fail")
    assert "/ADMIN" in texts(found, "warn", "spellings")[0]


@pytest.mark.parametrize(
    "answer, status",
    [
        ("proxy_pass http://127.0.0.1:APPLICATION;", "fail"),
        ("return 301 http://$host/elsewhere;", "fail"),
        ("return 301 https://$host$request_uri;", "ok"),
    ],
)
def test_plain_http_must_lead_to_https(site: Site, answer: str, status: str) -> None:
    """An application that answers there is open to everyone on the way."""
    answer, port = answer.replace("APPLICATION", str(site.application.port)), free_port()
    plain = f"server {{ listen 127.0.0.1:{port}; server_name {APP}; location / {{ {answer} }} }}"
    client, origin = Client("127.0.0.1", port), Origin("https", APP)

    async def found() -> list[Checked]:
        async with open_runner(FEATURES.read_settings(site.service.environment())[0]) as runner:
            return [each async for each in check_plain_http(Prober(runner, client, origin, "/"))]

    with site.behind("nginx", changes={"map $http_upgrade": f"{plain}\nmap $http_upgrade"}):
        ((seen, name, _text),) = asyncio.run(found())
    assert (seen, name) == (status, "plain http")


def test_application_that_answers_every_name_under_a_wildcard_is_found(site: Site) -> None:
    """Also where the gate is asked, and an open rule lets every name pass."""
    with site.behind("nginx", changes={f"{WILD};": f"{WILD} *.free.example.org;"}) as door:
        (text,) = texts(probe(site, door, "https://one.free.example.org/"), "fail")
    assert "does not exist, but an application answers it: let the proxy refuse names" in text


def test_probe_reports_in_sentences_and_leaves_nothing_behind(site: Site) -> None:
    """Text for people; the notes of the gate are deleted."""
    with site.behind("nginx") as door:
        run = run_here(site.service, "gate", "probe", f"https://{APP}/", "--connect", f"127.0.0.1:{door.port}")
    assert run.returncode == 0
    assert all(line.startswith(("ok ", "warn ")) and line.endswith(".") for line in run.stdout.splitlines())
    with closing(sqlite3.connect(file_of(site.service))) as db:
        assert db.execute("SELECT count(*) FROM sighting WHERE name LIKE 'gate probe%'").fetchone() == (0,)


def test_what_the_probe_cannot_reach_is_said(site: Site) -> None:
    """A closed port, a certificate that is not trusted, a host without a rule, and an address that is none."""

    def told(url: str, *options: str) -> tuple[int, str]:
        run = CliRunner(env=site.service.environment()).invoke(main, ["gate", "probe", url, *options])
        return run.exit_code, run.output

    status, output = told(f"https://{APP}/", "--connect", f"127.0.0.1:{closed_port()}")
    assert (status, "cannot be reached: Connection refused. Start the proxy" in output) == (1, True)
    with site.behind("nginx") as door, pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE")
        status, output = told(f"https://{APP}/", "--connect", f"127.0.0.1:{door.port}")
    assert (status, "the certificate is not accepted" in output) == (1, True)
    status, output = told("https://unknown.example.org/")
    assert (status, "add its host to TWOFOLD_GATE_HOSTS" in output) == (1, True)
    for url, *options in (("nonsense",), (f"https://{APP}/", "--connect", "a b"), (f"https://{APP}/", "--echo", "/\\")):
        assert told(url, *options)[0] == 2


def test_forged_mark_writes_nothing(site: Site) -> None:
    """Anyone can send the parameter; only our keys make a mark of it."""
    forged = f"{'0' * 16}.1.99999999999.{'0' * 32}"
    with site.behind("nginx") as door:
        Visitor(door.port, site.authority.ca).get(f"https://{APP}/?twofold-probe={forged}")
    with closing(sqlite3.connect(file_of(site.service))) as db:
        assert db.execute("SELECT count(*) FROM sighting WHERE name LIKE 'gate probe%'").fetchone() == (0,)


def test_cookies_are_read_as_browsers_and_curl_write_them() -> None:
    """A Cookie header, or the rows of a host in cookies.txt."""
    rows = f"#HttpOnly_{APP}\tFALSE\t/\tTRUE\t0\ta\tb\nelsewhere.org\tFALSE\t/\tTRUE\t0\tc\td\n"
    jar = f"# Netscape HTTP Cookie File\n{rows}"
    assert parse_cookies(jar, APP) == "a=b"
    assert parse_cookies("Cookie: a=b; c=d\n", APP) == "a=b; c=d"
    for text in ("", "nonsense", jar.replace(APP, "other.org"), "a=b\nc=d"):
        with pytest.raises(ValueError, match="no cookies"):
            parse_cookies(text, APP)
