"""Generate the documentation's diagrams and tables from the code: `python -m tests.support.drawings`."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from twofold.accounts.caps import CAPS
from twofold.accounts.consequences import CONSEQUENCES, Item
from twofold.signin.rules import NEXT, State

DOCS = Path(__file__).parents[2] / "docs"


def sign_in() -> str:
    """Return the sign-in table as a Mermaid state diagram."""
    names = {state: state.name.lower() for state in State}
    states = [f'    state "{state.value}" as {name}' for state, name in names.items()]
    ways = [f"    {names[state]} --> {names[to]}: {outcome.value}" for (state, outcome), to in NEXT.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *states, f"    [*] --> {names[State.ANONYMOUS]}", *ways, "```"])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def what_ends_what() -> str:
    """Return a table of what each act ends."""
    rows = ([change.value, *(row[item].value for item in Item)] for change, row in CONSEQUENCES.items())
    return table(["Act", *Item], rows)


def caps() -> str:
    """Return a table of how many things of each kind an account may have."""
    rows = ([cap.things, str(cap.maximum), cap.when_full.value] for cap in CAPS)
    return table(["Item", "At most", "When one more is added"], rows)


DRAWINGS: dict[str, Callable[[], str]] = {"sign-in": sign_in, "what-ends-what": what_ends_what, "caps": caps}
PAGE = DOCS / "sign-in.md"
_BETWEEN_MARKS = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def redrawn(text: str) -> str:
    """Return a page in which every drawing is up to date."""
    return _BETWEEN_MARKS.sub(lambda found: found[1] + DRAWINGS[found[2]]() + found[3], text)


def drawn_in(text: str) -> list[str]:
    """Return the names of the drawings on a page."""
    return [found[2] for found in _BETWEEN_MARKS.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8")
