"""Mistakes in the settings of the gate that are valid, but probably not meant: each with what to do."""

from collections.abc import Iterator, Sequence
from itertools import product

import msgspec

from twofold.config import Config, Network
from twofold.config.hosts import is_loopback
from twofold.gate.origins import read_address
from twofold.gate.reading import read_all_rules, read_apps
from twofold.gate.rules import HostPattern, Rule, Rules, is_below


class _Case(msgspec.Struct, frozen=True):
    """A part of what a rule matches: one path, and one method and network if it names some."""

    host: HostPattern
    path: str
    method: str
    network: Network | None


def warnings(config: Config) -> Iterator[str]:
    """Yield a sentence for each mistake; the settings must be valid."""
    rules = read_all_rules(config)
    yield from _never_matching(rules.all)
    yield from _half_covered(rules.all)
    yield from _unreachable(config, rules.all)
    yield from _applications(config, rules)


def _never_matching(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the rules and paths that earlier rules leave nothing of."""
    for number, rule in enumerate(rules):
        before = rules[:number]
        covering = {case: _covering(case, before) for case in _cases(rule)}
        if all(covering.values()):
            first = list(dict.fromkeys(each.name for each in covering.values() if each))
            yield (
                f"{_capital(rule.name)} never matches, since {' and '.join(first)} before it "
                f"{'matches' if len(first) == 1 else 'match'} the same requests: move it up, or remove it."
                f"{_about_people(each for each in covering.values() if each)}"
            )
            continue
        for path in rule.paths:
            found = [each for case, each in covering.items() if case.path == path]
            if all(found):
                yield (
                    f"{_capital(rule.name)} never matches {path}, since {found[0].name if found[0] else ''} before it"
                    " matches the same requests: move it up, or remove this path."
                )


def _half_covered(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the paths with a slash at the end that leave out the path without it."""
    for rule in rules:
        for path in rule.paths:
            plain = path.rstrip("/")
            if plain and path != plain and not any(plain in other.paths and other.host == rule.host for other in rules):
                yield f"{_capital(rule.name)} covers {path} but not {plain}: write {plain}, which covers both."


def _unreachable(config: Config, rules: Sequence[Rule]) -> Iterator[str]:
    """Yield why no one gets to the applications."""
    if rules and not config.trusted_proxies and not config.loopback:
        yield (
            "No proxy may ask the gate, so every request to an application is refused: set TWOFOLD_TRUSTED_PROXIES to"
            " the addresses of your proxies."
        )
    away = [str(rule.host) for rule in rules if not is_loopback(rule.host.host)]
    if away and config.loopback:
        yield (
            f"{away[0]} is not on this machine, but TWOFOLD_BASE_URL is, so other computers cannot sign in: set"
            " TWOFOLD_BASE_URL to the public https address of Twofold."
        )


def _applications(config: Config, rules: Rules) -> Iterator[str]:
    """Yield the applications on the start page that share our cookies, or that no rule protects."""
    for app in read_apps(config.gate_apps):
        origin, _target = read_address(app.url)
        if origin.host == config.host and str(origin) != config.origin:
            yield (
                f"The application {app.name} has the host name of TWOFOLD_BASE_URL, so it gets our cookies on any port:"
                " give it a host name of its own."
            )
        elif origin.host != config.host and not rules.covers(origin):
            yield (
                f"The application {app.name} is not behind the gate, since no rule is for {origin.authority}: add it to"
                " TWOFOLD_GATE_HOSTS, unless it protects itself."
            )


def _cases(rule: Rule) -> Iterator[_Case]:
    for path, method, network in product(rule.paths, sorted(rule.methods) or ("",), rule.networks or (None,)):
        yield _Case(rule.host, path, method, network)


def _covering(case: _Case, rules: Sequence[Rule]) -> Rule | None:
    """Return the first rule that matches every request of a case, or None."""
    return next((rule for rule in rules if _covers(rule, case)), None)


def _covers(rule: Rule, case: _Case) -> bool:
    return (
        rule.host.covers(case.host)
        and any(is_below(case.path, prefix) for prefix in rule.paths)
        and (not rule.methods or case.method in rule.methods)
        and (not rule.networks or any(_contains(network, case.network) for network in rule.networks))
    )


def _contains(network: Network, other: Network | None) -> bool:
    return (
        other is not None
        and other.version == network.version
        and network.network_address <= other.network_address  # type: ignore[operator]  # of one version
        and other.broadcast_address <= network.broadcast_address  # type: ignore[operator]
    )


def _about_people(rules: Iterator[Rule]) -> str:
    if any(rule.users or rule.groups for rule in rules):
        return " `users` and `groups` say who may pass, not which rule decides: name all of them in one rule."
    return ""


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
