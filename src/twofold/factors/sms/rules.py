"""A code in a text message, bound to its site as "Origin-bound one-time codes delivered via SMS" (WICG) has it."""


def with_bound_code(told: str, *, host: str, code: str) -> str:
    """Add the last line that phones read: they offer the code on pages of this host, and of no other.

    It is host and code, each behind its mark, with one space between them and nothing else; schemes and ports are
    not part of it.
    """
    written = f"[{host}]" if ":" in host else host
    return f"{told}\n\n@{written} #{code}"
