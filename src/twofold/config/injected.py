"""Recognise variables that container platforms inject for services whose names begin with `twofold`.

Kubernetes sets them for every service in a namespace (`twofold-redis` becomes TWOFOLD_REDIS_PORT=tcp://…), and Docker
for every link. The operator did not write them, so they are neither settings nor mistakes.
"""

import re
from collections.abc import Iterator, Mapping

_LINK = r"(?:(?P<link>[A-Z0-9_]+?)_)?"
_SERVICE = re.compile(r"[A-Z0-9_]*SERVICE_(HOST|PORT[A-Z0-9_]*)")
_EACH = r"_[0-9]+_(TCP|UDP|SCTP)"
_ADDRESS = re.compile(rf"{_LINK}PORT({_EACH}(_START|_END)?)?")  # for a range of ports, Docker sets both ends
_PART = re.compile(rf"{_LINK}PORT{_EACH}_(ADDR|PORT(_START|_END)?|PROTO)")
_ENVIRONMENT = re.compile(rf"{_LINK}ENV_.*")
_NAME = re.compile(rf"{_LINK}NAME")


def injected(variables: Mapping[str, str]) -> set[str]:
    """Return the names, without prefix, of the variables that a platform injected."""
    addresses = dict(_addresses(variables))
    links = set(addresses.values())
    with_port = {link for name, link in addresses.items() if name.endswith("PORT")}
    return {
        name
        for name, value in variables.items()
        if name in addresses
        or _SERVICE.fullmatch(name)
        or _link(_PART, name) in links
        or _link(_ENVIRONMENT, name) in links
        or (_link(_NAME, name) in with_port and value.startswith("/"))
    }


def _addresses(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        link = _link(_ADDRESS, name)
        if link is not None and re.fullmatch(r"(tcp|udp|sctp)://\S+", value):
            yield name, link


def _link(form: re.Pattern[str], name: str) -> str | None:
    match = form.fullmatch(name)
    return (match["link"] or "") if match else None
