"""Pictures and tables of the documentation, drawn from tables of the code; `python -m tests.drawings` draws them."""

import re
from collections.abc import Callable
from pathlib import Path

from twofold.accounts.rules import CONSEQUENCES
from twofold.signin.rules import NEXT, State

DOCS = Path(__file__).parent.parent / "docs"


def sign_in() -> str:
    """The table of sign-in as a Mermaid state diagram."""
    names = {state: state.name.lower() for state in State}
    states = [f'    state "{state.value}" as {name}' for state, name in names.items()]
    ways = [f"    {names[state]} --> {names[to]}: {proof.value}" for (state, proof), to in NEXT.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *states, f"    [*] --> {names[State.NOBODY]}", *ways, "```"])


def what_ends_what() -> str:
    """What each change of credentials ends, as a table."""
    head = ["| Act | All trusted computers | Sessions | Recovery code |", "| --- | --- | --- | --- |"]
    cells = [
        (change.value, "end" if row.computers_end else "stay", row.sessions.value, row.recovery_code.value)
        for change, row in CONSEQUENCES.items()
    ]
    rows = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([*head, *rows])


DRAWINGS: dict[str, Callable[[], str]] = {"sign-in": sign_in, "what-ends-what": what_ends_what}
PAGE = DOCS / "sign-in.md"
_BETWEEN_MARKS = re.compile(r"(<!-- drawn: ([a-z-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def redrawn(text: str) -> str:
    """A page with every drawing in it made anew."""
    return _BETWEEN_MARKS.sub(lambda found: found[1] + DRAWINGS[found[2]]() + found[3], text)


def drawn_in(text: str) -> list[str]:
    """Which drawings a page has."""
    return [found[2] for found in _BETWEEN_MARKS.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8")
