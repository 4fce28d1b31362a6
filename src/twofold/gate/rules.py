"""The rules of the gate: the first that matches a request decides it; what no rule matches is refused."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote

import msgspec

from twofold.base.proofs import Level
from twofold.config import Network
from twofold.gate.origins import Origin, is_ambiguous


class Require(StrEnum):
    """What a rule requires of the person who asks."""

    OPEN = "open"
    SIGNED_IN = "signed_in"
    TWO_FACTOR = "two_factor"
    PHISHING_RESISTANT = "phishing_resistant"
    DENY = "deny"


LEVELS = {
    Require.SIGNED_IN: Level.ONE_FACTOR,
    Require.TWO_FACTOR: Level.TWO_FACTORS,
    Require.PHISHING_RESISTANT: Level.PHISHING_RESISTANT,
}


class HostPattern(msgspec.Struct, frozen=True):
    """A host, or with `*.` in front every name that has one more label. A port of 0 is the scheme's own."""

    host: str
    port: int = 0
    wildcard: bool = False

    def matches(self, origin: Origin) -> bool:
        """Return whether an application's origin is meant; a rule for this machine without a port means any port."""
        if self.port != origin.port and not (self.port == 0 and _is_local(self.host)):
            return False
        if not self.wildcard:
            return origin.host == self.host
        label, _, rest = origin.host.partition(".")
        return rest == self.host and bool(label)

    def covers(self, other: "HostPattern") -> bool:
        """Return whether every origin that another pattern matches is matched by this one, too."""
        if self.port != other.port and not (self.port == 0 and _is_local(self.host)):
            return False
        if self.wildcard == other.wildcard:
            return self.host == other.host
        return self.wildcard and other.host.partition(".")[2] == self.host

    def __str__(self) -> str:
        """Return the pattern as it is written in a rule."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return ("*." if self.wildcard else "") + host + (f":{self.port}" if self.port else "")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Host, path, method and network say what it is about; the rest, who may pass.

    `fresh` is the highest age of the proofs in seconds, 0 for any. `headers` are further names for identity headers,
    by the name of the value.
    """

    name: str  # in words, for the operator
    host: HostPattern
    paths: tuple[str, ...] = ("/",)
    methods: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    require: Require = Require.SIGNED_IN
    fresh: int = 0
    user: str = "username"
    headers: tuple[tuple[str, str], ...] = ()
    tokens: bool = False

    @property
    def asks_who(self) -> bool:
        """Return whether a request needs a session."""
        return self.require in LEVELS

    def admits(self, username: str, groups: Iterable[str]) -> bool:
        """Return whether the rule is for this person, whatever the session has proved."""
        by_name = not self.users or username in self.users
        return by_name and (not self.groups or not self.groups.isdisjoint(groups))


class Asked(msgspec.Struct, frozen=True):
    """A request to an application, as rules see it."""

    origin: Origin
    method: str
    path: str
    client: str  # the address, empty if it is unknown


class Decision(msgspec.Struct, frozen=True):
    """The rule that decides, or None, and why, in one sentence for the operator."""

    rule: Rule | None
    reason: str

    @property
    def is_refused(self) -> bool:
        """Return whether everyone is refused."""
        return self.rule is None or self.rule.require is Require.DENY


class Rules:
    """All rules, in order."""

    def __init__(self, rules: Sequence[Rule], own_host: str) -> None:
        self.all = tuple(rules)
        self._own_host = own_host
        self._known = lru_cache(maxsize=1024)(self._find)  # hosts that nobody asks for any more give way

    def covers(self, origin: Origin) -> bool:
        """Return whether a rule is about this origin, so that browsers may be sent there."""
        return origin.is_safe and origin.host != self._own_host and bool(self._known(origin).decisions)

    def decide(self, asked: Asked) -> Decision:
        """Return the first rule that matches."""
        if not asked.origin.is_safe:
            return Decision(None, "the gate answers http only on this machine: applications elsewhere need https")
        if asked.origin.host == self._own_host:
            return Decision(None, "this is the host name of Twofold itself, which cannot be an application's")
        known = self._known(asked.origin)
        if not known.decisions:
            return Decision(None, "no rule is for this host")
        if known.depend_on_path and is_ambiguous(asked.path):
            return Decision(None, "the path can be read in different ways, and the rules for this host depend on it")
        for decision in known.decisions:
            if decision.rule and _matches(decision.rule, asked):
                return decision
        return Decision(None, "no rule for this host matches the path, method and client")

    def _find(self, origin: Origin) -> "_OfOrigin":
        rules = [rule for rule in self.all if rule.host.matches(origin)]
        decisions = tuple(Decision(rule, f"{rule.name} is the first that matches") for rule in rules)
        return _OfOrigin(decisions, any(rule.paths != ("/",) for rule in rules))


class _OfOrigin(msgspec.Struct, frozen=True):
    """The rules about one origin, each with the decision if it is the first that matches."""

    decisions: tuple[Decision, ...]
    depend_on_path: bool


def _matches(rule: Rule, asked: Asked) -> bool:
    return (
        (not rule.methods or asked.method in rule.methods)
        and (rule.paths == ("/",) or _is_below_one(asked.path, rule.paths))
        and (not rule.networks or _is_in(asked.client, rule.networks))
    )


def _is_below_one(target: str, prefixes: Iterable[str]) -> bool:
    path = unquote(target)  # applications read %40 as @, and rules are written with @
    return any(is_below(path, prefix) for prefix in prefixes)


def is_below(path: str, prefix: str) -> bool:
    """Return whether a path is a prefix or below it; `/admin/` is not above `/admin`."""
    return prefix in {"/", path} or path.startswith(f"{prefix.rstrip('/')}/")


def _is_in(client: str, networks: Iterable[Network]) -> bool:
    try:
        address = ip_address(client)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127.")
