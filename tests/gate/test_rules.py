"""The rules of the gate: how they are written, which one decides, and what `twofold gate test` says about it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.command_line import environment
from tests.support.gate import AUTH, RULES
from twofold.cli import main
from twofold.config import load
from twofold.features import FEATURES
from twofold.gate.origins import InvalidOrigin, read_address
from twofold.gate.reading import read_all_rules
from twofold.gate.rules import Asked, Rules

HOST = 'host = "app.example.org"'


def settings(rules: str = "", hosts: str = "", base_url: str = AUTH) -> dict[str, str]:
    """Return the variables of an instance with these rules."""
    given = {
        "BASE_URL": base_url,
        "GATE_RULES": rules,
        "GATE_HOSTS": hosts,
        "MAIL_URL": "smtp://127.0.0.1:9?from=a@b.org",
    }
    return {f"TWOFOLD_{name}": value for name, value in given.items() if value}


def rules_of(rules: str = "", hosts: str = "", base_url: str = AUTH) -> Rules:
    """Return the rules as an instance reads them."""
    return read_all_rules(load(settings(rules, hosts, base_url))[0])


def decided(rules: Rules, url: str, method: str = "GET", client: str = "") -> str | None:
    """Return what the rule for a request requires, or None if there is none."""
    origin, target = read_address(url)
    rule = rules.decide(Asked(origin, method, target.partition("?")[0], client)).rule
    return rule.require.value if rule else None


def table(*lines: str) -> str:
    """Return one rule as TOML."""
    return "\n".join(("[[rules]]", *lines))


FAULTS: Mapping[str, tuple[str, str]] = {
    "no host": ('path = "/"', "`host`"),
    "unknown key": (f'{HOST}\nhosts = "x"', "`hosts`"),
    "empty host": ('host = ""', "`host`"),
    "host with a path": ('host = "app.example.org/x"', "`host`"),
    "host with a scheme": ('host = "https://app.example.org"', "`host`"),
    "host with a user": ('host = "x@app.example.org"', "`host`"),
    "host with a dot at the end": ('host = "app.example.org."', "`host`"),
    "host with the usual port": ('host = "app.example.org:443"', "leave out the port"),
    "host with the port of http": ('host = "app.example.org:80"', "leave out the port"),
    "host with a bad port": ('host = "app.example.org:65536"', "the port is not"),
    "wildcard inside": ('host = "a*.example.org"', "`host`"),
    "two wildcards": ('host = "*.*.example.org"', "`host`"),
    "wildcard alone": ('host = "*"', "`host`"),
    "wildcard of an address": ('host = "*.10.0.0.1"', "`host`"),
    "our own host": ('host = "auth.example.org"', "host name of TWOFOLD_BASE_URL"),
    "our own host on another port": ('host = "auth.example.org:8443"', "host name of TWOFOLD_BASE_URL"),
    "relative path": (f'{HOST}\npath = "x"', "`path`"),
    "path with a query": (f'{HOST}\npath = "/x?y"', "`path`"),
    "encoded path": (f'{HOST}\npath = "/a%20b"', "`path`"),
    "path with dots": (f'{HOST}\npath = "/a/../b"', "`path`"),
    "path with an empty segment": (f'{HOST}\npath = "/a//b"', "`path`"),
    "no paths": (f"{HOST}\npath = []", "`path`"),
    "one bad path of two": (f'{HOST}\npath = ["/a", "b"]', "`path`"),
    "pattern as path": (f'{HOST}\npath = "^/a"', "`path`"),
    "method in small letters": (f'{HOST}\nmethods = ["get"]', "`methods`"),
    "methods as text": (f'{HOST}\nmethods = "GET"', "`methods`"),
    "bad network": (f'{HOST}\nnetworks = ["10.0.0.0/33"]', "`networks`"),
    "unknown level": (f'{HOST}\nrequire = "admin"', "`require`"),
    "fresh as a number": (f"{HOST}\nfresh = 5", "`fresh`"),
    "fresh without a unit": (f'{HOST}\nfresh = "soon"', "`fresh`"),
    "unknown user": (f'{HOST}\nuser = "uid"', "`user`"),
    "unknown value of a header": (f'{HOST}\nheaders = {{mail = "X-Mail"}}', "`headers`"),
    "header that is taken": (f'{HOST}\nheaders = {{user = "Remote-User"}}', "`headers`"),
    "header of HTTP": (f'{HOST}\nheaders = {{user = "Set-Cookie"}}', "`headers`"),
    "header with a colon": (f'{HOST}\nheaders = {{user = "X: Y"}}', "`headers`"),
    "header with _": (f'{HOST}\nheaders = {{user = "X_User"}}', "`headers`"),
    "open for groups": (f'{HOST}\nrequire = "open"\ngroups = ["a"]', "`open`"),
    "open for users": (f'{HOST}\nrequire = "open"\nusers = ["a"]', "`open`"),
    "open and fresh": (f'{HOST}\nrequire = "open"\nfresh = "5m"', "`open`"),
    "open with tokens": (f'{HOST}\nrequire = "open"\ntokens = true', "`open`"),
    "no groups": (f"{HOST}\ngroups = []", "`groups`"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_reported_with_its_rule_and_key(name: str) -> None:
    """`config check` names the setting, the number of the rule and the key; the second of two rules has it here."""
    lines, told = FAULTS[name]
    given = settings(f"{table(HOST)}\n{table(lines)}")
    config = load(given)[0]
    (fault,) = [text for name, text in FEATURES.faults(config) if name == "gate_rules"]
    assert "rule 2" in fault
    assert told in fault


@pytest.mark.parametrize(
    "text", ["rules = 1", "[rules]", "[[rule]]\nhost='x'", "nonsense", "[[rules]]\nhost = ", "{", "[]"]
)
def test_text_that_is_not_rules_is_a_fault(text: str) -> None:
    """Nothing is skipped in silence, which could open what is meant to be closed."""
    assert [name for name, _ in FEATURES.faults(load(settings(text))[0])] == ["gate_rules"]


def test_rules_in_the_configuration_file_are_the_same(tmp_path: Path) -> None:
    """`[[gate.rules]]` there are `[[rules]]` of the variable."""
    file = tmp_path / "twofold.toml"
    file.write_text(RULES.replace("[[rules]]", "[[gate.rules]]"))
    config = load({**settings(), "TWOFOLD_CONFIG": str(file)})[0]
    assert read_all_rules(config).all == rules_of(RULES).all


def test_first_match_decides() -> None:
    """Rules come in their order, then the hosts; without a match nobody passes."""
    rules = rules_of(
        "\n".join(
            (
                table(HOST, 'path = ["/a", "/b"]', 'methods = ["GET", "HEAD"]', 'require = "open"'),
                table(HOST, 'path = "/a"', 'require = "two_factor"'),
                table(HOST, 'path = "/net"', 'networks = ["10.0.0.0/8", "2001:db8::/32"]', 'require = "open"'),
                table(HOST, 'path = "/user/@me/"', 'require = "deny"'),
                table('host = "*.example.net"', 'require = "deny"'),
            )
        ),
        "app.example.org files.example.net *.apps.example.org",
    )
    app = "https://app.example.org"
    for url, method, client, expected in (
        (f"{app}/a", "GET", "", "open"),
        (f"{app}/a/x", "HEAD", "", "open"),
        (f"{app}/b", "GET", "", "open"),
        (f"{app}/a", "POST", "", "two_factor"),
        (f"{app}/b", "POST", "", "signed_in"),
        (f"{app}/ab", "GET", "", "signed_in"),
        (f"{app}/A", "GET", "", "signed_in"),
        (f"{app}/net", "GET", "10.1.2.3", "open"),
        (f"{app}/net", "GET", "2001:db8::1", "open"),
        (f"{app}/net", "GET", "11.1.2.3", "signed_in"),
        (f"{app}/net", "GET", "", "signed_in"),
        (f"{app}/user/@me/x", "GET", "", "deny"),
        (f"{app}/user/%40me/x", "GET", "", "deny"),
        (f"{app}/", "GET", "", "signed_in"),
        (f"{app}?x", "GET", "", "signed_in"),
        ("https://files.example.net/", "GET", "", "deny"),
        ("https://example.net/", "GET", "", None),
        ("https://a.b.example.net/", "GET", "", None),
        ("https://x.apps.example.org/", "GET", "", "signed_in"),
        ("https://x.apps.example.org:8443/", "GET", "", None),
        ("https://apps.example.org/", "GET", "", None),
        ("https://other.example.org/", "GET", "", None),
        ("https://app.example.org:8443/", "GET", "", None),
        (f"{AUTH}/", "GET", "", None),
    ):
        assert decided(rules, url, method, client) == expected, (url, method, client)


def test_wildcard_skips_our_own_host() -> None:
    """On any port: the session cookie would reach the application."""
    rules = rules_of(hosts="*.example.org *.example.org:8443")
    assert decided(rules, "https://app.example.org/") == "signed_in"
    for port in ("", ":8443"):
        assert decided(rules, f"{AUTH}{port}/") is None
        assert not rules.covers(read_address(f"{AUTH}{port}/")[0])


def test_on_loopback_a_rule_without_a_port_means_any() -> None:
    """To try on one computer; with a port, that one alone."""
    rules = rules_of(hosts="app.localhost two.localhost:3000", base_url="http://localhost:8000")
    for url in ("http://app.localhost/", "http://app.localhost:3000/", "https://app.localhost:8443/"):
        assert decided(rules, url) == "signed_in"
    assert decided(rules, "http://two.localhost:3000/") == "signed_in"
    for url in ("http://two.localhost/", "http://two.localhost:3001/", "http://localhost:3000/", "http://localhost/"):
        assert decided(rules, url) is None


AMBIGUOUS = """
    /open/%2e%2e/x /open/%2E%2e/x /open/%2e./x /open/.%2e/x /open/../x /open/./x /open/. /open/.. /./open /../x
    //open /open//x /open%2f..%2fx /open%2Fx /open%5cx /open%5C..%5Cx /open;x /open;a=b/x /open/;/x /open%3bx
    /open%3Bx /;/x /%6fpen /%4fpen /open/%61 /%2d /%5f /%7e /%7E /%30 /%39 /open%252fx /open%252e /open%25
    /open%2525 /%2e /%2f /%5c /open/%c0%ae%c0%ae/x /open/%c0%afx /open/%e0%80%af /open/%ff /open/%80
    /open/%f0%80%80%af /open/%ed%a0%80 /open%09 /open%0a /open%0d%0a /open%1f /open%7f /open%0d/x
    /open/%2e%2e%2f /open/..%2f /open/..%5c /open/..;/x /open/.%2e;/x /..%2fopen /open/%2e%2e;/x /open/x/../../y
    /open/x//../y
""".split()  # noqa: SIM905 - easier to read as one text


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_ambiguous_path_is_refused_where_rules_depend_on_it(path: str) -> None:
    """Where one rule decides every path it decides these too, since the answer is the same for each reading."""
    rules = rules_of(table(HOST, 'path = "/open"', 'require = "open"'), "app.example.org files.example.net")
    assert decided(rules, f"https://app.example.org{path}") is None
    assert decided(rules, f"https://files.example.net{path}") == "signed_in"


def test_number_of_ambiguous_paths() -> None:
    """The design names sixty (G8)."""
    assert len(set(AMBIGUOUS)) == len(AMBIGUOUS) >= 60


@pytest.mark.parametrize(
    "path",
    ["/", "/a%20b", "/%C3%BC", "/a@b", "/a%40b", "/a:b", "/a.b", "/.well-known/x", "/a..b", "/...", "/%F0%9F%99%82"],
)
def test_plain_path_is_decided(path: str) -> None:
    """What browsers and applications send every day is not refused."""
    rules = rules_of(table(HOST, 'path = "/open"', 'require = "open"'), "app.example.org")
    assert decided(rules, f"https://app.example.org{path}") == "signed_in"


def test_international_host_has_one_form() -> None:
    """Rules may be written either way, browsers send A-labels."""
    for written in ("bücher.example.org", "BÜCHER.example.org", "xn--bcher-kva.example.org"):
        assert decided(rules_of(hosts=written), "https://xn--bcher-kva.example.org/") == "signed_in"


# ------------------------------------------------------------------ twofold gate test


def gate_test(*arguments: str) -> Result:
    """Run `twofold gate test` with the rules of these tests."""
    given = {name.removeprefix("TWOFOLD_"): value for name, value in settings(RULES, "files.example.net").items()}
    return CliRunner(env=environment(**given)).invoke(main, ["gate", "test", *arguments], catch_exceptions=False)


SAID = {
    "https://app.example.org/": (
        "Allowed: rule 10 is the first that matches, and it lets everyone pass after a sign-in."
    ),
    "https://app.example.org/admin/x?y": (
        "Allowed: rule 1 is the first that matches, and it lets everyone pass after a sign-in with two factors."
    ),
    "https://app.example.org/keys": (
        "Allowed: rule 3 is the first that matches, and it lets everyone pass after a sign-in with a passkey."
    ),
    "https://app.example.org/closed": "Refused: rule 4 is the first that matches, but it denies everyone.",
    "https://app.example.org/public": "Allowed: rule 5 is the first that matches, and it lets everyone pass.",
    "https://app.example.org/staff": (
        "Allowed: rule 6 is the first that matches, and it lets members of staff pass after a sign-in."
    ),
    "https://files.example.net/": (
        "Allowed: host files.example.net of TWOFOLD_GATE_HOSTS is the first that matches, and it lets everyone pass"
        " after a sign-in."
    ),
    "https://unknown.example.org/": "Refused: no rule is for this host.",
    "https://auth.example.org/": (
        "Refused: this is the host name of Twofold itself, which cannot be an application's."
    ),
    "https://app.example.org/a%2fb": (
        "Refused: the path can be read in different ways, and the rules for this host depend on it."
    ),
    "http://files.example.net/": (
        "Refused: the gate answers http only on this machine: applications elsewhere need https."
    ),
}


@pytest.mark.parametrize("url", SAID)
def test_command_says_which_rule_decides_and_why(url: str) -> None:
    """The exit status is 0 for every decision, and --json has the same."""
    shown = gate_test(url)
    assert (shown.output, shown.exit_code) == (f"{SAID[url]}\n", 0)
    written = json.loads(gate_test(url, "--json").output)
    assert written.keys() == {"rule", "require", "decision", "reason"}
    decision = "allow" if SAID[url].startswith("Allowed") else "refuse"
    assert (written["decision"], f"{written['reason']}.") == (decision, SAID[url].partition(": ")[2])
    assert (written["rule"] is None) == (written["require"] is None)


@pytest.mark.parametrize(
    "url", ["app.example.org", "ftp://app.example.org/", "https://", "https://a@b.org/", "/x", "https://a.org/\x01"]
)
def test_command_exits_with_2_for_a_bad_url(url: str) -> None:
    """Scripts can tell a mistyped URL from a refusal."""
    assert gate_test(url).exit_code == 2


def test_address_with_hidden_characters_is_refused() -> None:
    """Parsers that drop them would read another host."""
    for text in (
        "https://app.exam\tple.org/",
        " https://app.example.org/",
        "https://app.example.org\n/",
        "https:app.example.org",
    ):
        with pytest.raises(InvalidOrigin):
            read_address(text)
