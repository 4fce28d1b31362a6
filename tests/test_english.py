"""Words and patterns that plain, idiomatic English does without, in the folders that are clean so far."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CLEAN = (  # extend this list, never shorten it
    "demo",
    *(
        f"src/twofold/{name}"
        for name in ("accounts", "admin", "audit", "base", "cli", "computers", "config", "couriers", "dev", "factors")
    ),
    *(f"src/twofold/{name}" for name in ("notices", "password", "profile", "repeats", "sessions", "settings")),
    *(f"src/twofold/{name}" for name in ("signin", "signup", "unlock")),
    *(
        f"tests/{name}"
        for name in (
            "accounts",
            "admin",
            "audit",
            "cli",
            "computers",
            "config",
            "dev",
            "doors",
            "faults",
            "interop",
            "journeys",
        )
    ),
    *(f"tests/{name}" for name in ("nodes", "pages", "password", "profile", "sessions", "signin", "signup", "unlock")),
)
THING = "(code|link|session|token|number|computer|message|cookie)s?"
PEOPLE = r"\bwhoever\b|\b(some|any)body\b|\bnobody\b"
BANNED = {  # pattern: what to write instead
    PEOPLE: "name the user, client or caller, or use the passive",
    r"\bwho errs\b": "a user who enters a wrong code",
    r"\bis told of\b|\btold of (it|them)\b": "is notified of",
    r"\btells? whether\b": "return whether",
    rf"\b(dead|killed|living|alive) {THING}\b|\b{THING} (is|are) (dead|alive)\b": "valid, expired",
    rf"\b{THING} (dies?|lives?)\b|\bkills? (a|an|the|its|all|every|old) {THING}\b": "expires, ends",
    r"\bover and done\b": "ended",
    r"\bfeels?\b": "notice, reveal",
    r"\bspeaks? of\b": "refers to",
    r"\b(at|behind) the doors?\b|\b(from )?every door\b": "entry point",
    r"\b(this|the|a|higher|lower|upper) (floor|storey)s?\b": "layer",
    r"\b(sessions|codes|every|each|another|of all) rooms?\b|\ba room('s)?\b": "feature, package",
    r"\bbur(y|ied|ies)\b|\bfarewells?\b": "discard, notify",
    r"\bmends?\b": "fix, correct",
    r"\bthe other side\b": "the provider, server or client",
    r"\bin vain\b|\bfor ever\b|\banew\b|\bgives? way\b|\bafresh\b": "plain words",
}
OPENING = re.compile(r"(Gives?|Tells? (whether|which|what|who|how|where|when|the id)|Whoever|Note that)\b")
RAISES = re.compile(r"(^|[.;]\s+)Raises [A-Z]")


class Text(NamedTuple):
    """A docstring, comment or string, and where it is."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return what to show for it."""
        return f"{self.path}:{self.line}: {self.text.strip()}"


@pytest.mark.parametrize("pattern", BANNED)
def test_banned_words_are_absent_from_code(pattern: str) -> None:
    """No docstring, comment or string has them."""
    faults = [f"{each}" for each in _texts() if re.search(pattern, each.text, re.IGNORECASE)]
    assert not faults, "\n".join([f"write instead: {BANNED[pattern]}", *faults])


@pytest.mark.parametrize("pattern", sorted(set(BANNED) - {PEOPLE}))
def test_banned_words_are_absent_from_documents(pattern: str) -> None:
    """Nor has a document or template, where "nobody" may mean what it says."""
    faults = [f"{each}" for each in _lines() if re.search(pattern, each.text, re.IGNORECASE)]
    assert not faults, "\n".join([f"write instead: {BANNED[pattern]}", *faults])


def test_docstrings_are_imperative() -> None:
    """They begin "Return ...", not "Give ..." or "Tell whether ...", and say "Raise ...", not "Raises ..."."""
    faults = [f"{each}" for each in _docstrings() if OPENING.match(each.text) or RAISES.search(each.text)]
    assert not faults, "\n".join(faults)


def test_banned_patterns_match_their_faults() -> None:
    """Each finds what it was written for."""
    examples = [
        "Whoever asks.",
        "who errs",
        "The owner is told of it.",
        "Tells whether it is.",
        "the old session is dead",
        "the link lives an hour",
        "It is over and done.",
        "nobody feels it",
        "the field that it speaks of",
        "at the door",
        "a higher floor",
        "of all rooms",
        "buried",
        "mend that line",
        "the other side",
        "made anew",
    ]
    assert [next((word for word in BANNED if re.search(word, each, re.IGNORECASE)), None) for each in examples]
    for pattern in BANNED:
        assert any(re.search(pattern, each, re.IGNORECASE) for each in examples), pattern


@cache
def _files() -> tuple[Path, ...]:
    folders = [path for folder in CLEAN for path in sorted((ROOT / folder).rglob("*.py"))]
    return (*sorted((ROOT / "src/twofold").glob("*.py")), *folders)


@cache
def _texts() -> tuple[Text, ...]:
    return tuple(text for path in _files() for text in _texts_of(path))


@cache
def _lines() -> tuple[Text, ...]:
    """Return the lines of documents and templates."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.html")]
    return tuple(
        Text(str(path.relative_to(ROOT)), number, line)
        for path in sorted(paths)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
    )


def _texts_of(path: Path) -> Iterator[Text]:
    """Yield comments, docstrings, and strings that contain a space."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and " " in token.string):
                yield Text(str(path.relative_to(ROOT)), token.start[0], token.string)


def _docstrings() -> Iterator[Text]:
    """Yield the docstrings of modules and functions."""
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text is not None:
                    yield Text(str(path.relative_to(ROOT)), node.body[0].lineno, text)
