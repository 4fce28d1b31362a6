"""Read the settings of the gate: hosts, rules and applications.

Rules and applications are TOML, in a variable, a file or the configuration file. A mistake names the rule and the key.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from twofold.config import Config, Fault
from twofold.config.addresses import networks
from twofold.config.values import InvalidSetting, duration
from twofold.gate.origins import InvalidOrigin, read_address, read_origin
from twofold.gate.rules import HostPattern, Require, Rule, Rules

T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1)] | None

_METHOD = re.compile(r"[A-Z][A-Z-]{0,15}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_TAKEN = re.compile(  # by HTTP, by proxies or by the gate itself
    r"remote-(user|email|name|groups)|twofold-.*|x-forwarded-.*|x-original-.*|x-real-ip|forwarded|cookie|set-cookie"
    r"|authorization|host|connection|upgrade|content-.*|transfer-encoding|te|trailer|location|keep-alive",
    re.IGNORECASE,
)
_PATH = re.compile(r"/[!$&'()*+,:=@\w.~/-]*")
_SEGMENT_TO_AVOID = re.compile(r"//|/\.{1,2}(/|$)")


class InvalidRules(ValueError):
    """A fault in the gate's settings; the message continues a sentence that begins with the setting's name."""


class Application(msgspec.Struct, frozen=True):
    """An application on the start page, for everyone or for some groups."""

    name: str
    url: str
    groups: frozenset[str] = frozenset()


class _RuleTable(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as it is written."""

    host: Text
    path: Text | Texts = "/"
    methods: Texts = None
    networks: Texts = None
    users: Texts = None
    groups: Texts = None
    require: Require = Require.SIGNED_IN
    fresh: Text | None = None
    user: Literal["username", "email", "id"] = "username"
    headers: dict[Literal["user", "email", "name", "groups"], Text] = {}
    tokens: bool = False


class _AppTable(msgspec.Struct, forbid_unknown_fields=True):
    """An application as it is written."""

    name: Text
    url: Text
    groups: Texts = None


def read_all_rules(config: Config) -> Rules:
    """Return the rules in their order. Raise InvalidRules."""
    return Rules((*read_rules(config.gate_rules, config), *read_hosts(config.gate_hosts, config)), config.host)


def faults(config: Config) -> Iterator[Fault]:
    """Yield the faults in the settings of the gate."""
    for name, read in (
        ("gate_hosts", lambda: list(read_hosts(config.gate_hosts, config))),
        ("gate_rules", lambda: list(read_rules(config.gate_rules, config))),
        ("gate_apps", lambda: list(read_apps(config.gate_apps))),
    ):
        try:
            read()
        except InvalidRules as fault:
            yield name, str(fault)


def read_hosts(text: str, config: Config) -> Iterator[Rule]:
    """Yield a rule for each host whose every path needs a sign-in. Raise InvalidRules."""
    for number, word in enumerate(text.replace(",", " ").split(), 1):
        try:
            host = _host(word, config)
        except InvalidOrigin as fault:
            raise InvalidRules(f"has a mistake in host {number}: {fault}") from None
        yield Rule(name=f"host {host} of TWOFOLD_GATE_HOSTS", host=host)


def read_rules(text: str, config: Config) -> Iterator[Rule]:
    """Yield the rules of `[[rules]]` tables. Raise InvalidRules."""
    for number, table in enumerate(_tables(text, "rules", _RuleTable), 1):
        try:
            yield _rule(table, f"rule {number}", config)
        except ValueError as fault:
            raise InvalidRules(f"has a mistake in rule {number}: {fault}") from None


def read_apps(text: str) -> Iterator[Application]:
    """Yield the applications of `[[apps]]` tables. Raise InvalidRules."""
    for number, table in enumerate(_tables(text, "apps", _AppTable), 1):
        try:
            origin, _ = read_address(table.url)
        except InvalidOrigin as fault:
            raise InvalidRules(f"has a mistake in app {number}: in `url`, {fault}") from None
        if not origin.is_safe:
            raise InvalidRules(f"has a mistake in app {number}: `url` must be https unless the host is this machine")
        yield Application(table.name, table.url, frozenset(table.groups or ()))


def _tables(text: str, name: str, shape: type[T]) -> list[T]:
    if not text:
        return []
    try:  # the configuration file has been read, and hands its tables on as JSON
        document: dict[str, Any] = json.loads(text) if text.startswith("{") else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line [0-9]+", str(error))
        raise InvalidRules(f"is not valid TOML at {where[0] if where else 'its end'}: fix that line") from None
    except ValueError:
        raise InvalidRules(f"must be TOML with [[{name}]] tables") from None
    if set(document) != {name}:
        raise InvalidRules(f"must have nothing but [[{name}]] tables")
    try:
        return msgspec.convert(document[name], list[shape])  # type: ignore[valid-type]  # known at run time
    except msgspec.ValidationError as error:
        raise InvalidRules(_in_words(str(error), name.removesuffix("s"))) from None


def _in_words(message: str, kind: str) -> str:
    """Return a message of the decoder as the rest of a sentence, with the number of the table and its key."""
    what, _, where = message.partition(" - at ")
    place = re.search(r"\$\[([0-9]+)\](?:\.(\w+))?", where)
    number = int(place[1]) + 1 if place else 1
    key = f"`{place[2]}`: " if place and place[2] else ""
    return f"has a mistake in {kind} {number}: {key}{what[:1].lower()}{what[1:]}"


def _rule(table: _RuleTable, name: str, config: Config) -> Rule:
    if table.require is Require.OPEN and (table.groups or table.users or table.fresh or table.tokens):
        raise ValueError("`open` admits everyone: remove `users`, `groups`, `fresh` and `tokens`")
    if table.tokens:
        raise ValueError("`tokens` is not supported by this version of Twofold: remove it")
    try:
        host = _host(table.host, config)
    except InvalidOrigin as fault:
        raise ValueError(f"`host`: {fault}") from None
    return Rule(
        name=name,
        host=host,
        paths=_paths(table.path),
        methods=_methods(table.methods),
        networks=_read("networks", networks, " ".join(table.networks or ())) or (),
        users=frozenset(table.users or ()),
        groups=frozenset(table.groups or ()),
        require=table.require,
        fresh=_read("fresh", duration, table.fresh) or 0,
        user=table.user,
        headers=_headers(table.headers),
    )


def _read(key: str, parse: Callable[[str], T], text: str | None) -> T | None:
    """Return a value that settings have, too, or None if there is none."""
    try:
        return parse(text) if text else None
    except InvalidSetting as fault:
        raise ValueError(f"`{key}` {fault}") from None


def _host(text: str, config: Config) -> HostPattern:
    """Return a host as rules name it. Raise InvalidOrigin."""
    wildcard, plain = text.startswith("*."), text.removeprefix("*.")
    origin = read_origin("https", plain)
    if "*" in plain or (wildcard and (":" in origin.host or origin.host.replace(".", "").isdigit())):
        raise InvalidOrigin("a wildcard is one label in front of a name, as in *.apps.example.org")
    if plain.endswith((":443", ":80")):
        raise InvalidOrigin("leave out the ports 443 and 80, which are the usual ones")
    if origin.host == config.host and not wildcard:
        raise InvalidOrigin(
            "it is the host name of TWOFOLD_BASE_URL, and an application there would get our cookies on any port: "
            "give it a name of its own"
        )
    return HostPattern(origin.host, origin.port, wildcard)


def _paths(given: str | list[str] | None) -> tuple[str, ...]:
    paths = (given,) if isinstance(given, str) else tuple(given or ("/",))
    if not all(_PATH.fullmatch(each) and not _SEGMENT_TO_AVOID.search(each) for each in paths):
        raise ValueError("`path` must begin with / and have plain segments, or be a list of such paths")
    return paths


def _methods(given: list[str] | None) -> frozenset[str]:
    if not all(_METHOD.fullmatch(each) for each in given or ()):
        raise ValueError("`methods` must be names in capitals, such as GET and POST")
    return frozenset(given or ())


def _headers(given: Mapping[Any, str]) -> tuple[tuple[str, str], ...]:
    if not all(_HEADER.fullmatch(name) and not _TAKEN.fullmatch(name) for name in given.values()):
        raise ValueError("`headers` must have names that nothing else uses, such as X-WebAuth-User")
    return tuple(sorted(given.items()))
