"""The laws of the house, read from the files themselves: a change that breaks one fails like any other fault."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
LONGEST_FILE = 300
TEXT_ENDINGS = {"", ".css", ".html", ".in", ".js", ".json", ".md", ".py", ".sql", ".svg", ".toml", ".txt", ".yml"}
NOT_OURS = {"LICENSE", "package-lock.json"}

# Spelled apart, so that this file does not hold what it looks for.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r"\b")
REGISTRIES = re.compile(
    "|".join(("pypi" + "[.]org", "pythonhosted" + "[.]org", "registry" + "[.]npm", "index" + "-url", "find" + "-links"))
)
MACHINE_PATHS = re.compile("|".join(("/ho" + r"me/\w", "/ro" + "ot/", "/Use" + r"rs/\w", "/wo" + "rk/")))
# Words of features. Accounts and sessions are no such words: a visitor has both, and base knows visitors.
FEATURE_WORDS = re.compile(
    r"(?<![a-z])(?:factors?|totp|passkeys?|sms|voice|phones?|recovery|computers?|authenticators?|authenticate|invit\w+"
    r"|notices|profile|(?:two|second)[-_ ]factors?|2fa|sign(?:ing)?[-_](?:in|up|out)s?|signing (?:in|up|out))(?![a-z])",
    re.IGNORECASE,
)
KNOWN_TO_BASE = {
    ("visitor.py", "computer"): "`Visitor` is public, and tells a gateway which trusted computer it is",
    ("visitor.py", "sign-in"): "the page to which visitors without a session are led",
    ("visitor.py", "authenticate"): "the page to which visitors with locked settings are led",
    ("proofs.py", "factor"): "`Visitor` is public, and tells its level",
    ("proofs.py", "two_factors"): "`Visitor` is public, and tells its level",
    ("proofs.py", "2fa"): "`Visitor` is public, and tells its level",
    ("problems.py", "signing in"): "what people read while passwords wait to be hashed",
    ("web/templates/layout.html", "sign-out"): "the button at the head of every page",
    ("web/static/forms.js", "computer"): "the one tick that outlasts a change of the method",
    ("web/templates/macros.html", "computer"): "the name of an icon",
    ("web/templates/macros.html", "phone"): "the name of an icon",
}


def run(*command: str) -> None:
    """Run a checker in the project's directory, and fail with its output."""
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)


def program(name: str) -> str:
    """Return the path of a checker beside this Python."""
    return str(PROGRAMS / name)


def tracked_files() -> list[Path]:
    """Return all files of the project that exist, as git counts them, or else all but what runs leave behind."""
    if (HOME / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=True).stdout.split("\0")
        return sorted(path for name in listed if name and (path := HOME / name).is_file())
    left_behind = {".venv", "node_modules", "dist", "__pycache__", "twofold-data", "test-results"}
    found = (path for path in HOME.rglob("*") if path.is_file())
    return sorted(path for path in found if not left_behind & set(path.parts) and "_cache" not in str(path.parent))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and content of every text file that people of the project wrote."""
    for path in tracked_files():
        if path.suffix in TEXT_ENDINGS and path.name not in NOT_OURS:
            yield str(path.relative_to(HOME)), path.read_text(encoding="utf-8")


def python_files(*folders: str) -> Iterator[tuple[str, str]]:
    """Name and content of the Python files below some folders."""
    for name, text in tracked_texts():
        if name.endswith(".py") and name.startswith(folders):
            yield name, text


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return where a pattern occurs in the project, as `file:line: text`."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


# ------------------------------------------------------------------ read by checkers


def test_every_file_passes_the_linter() -> None:
    """Ruff, with all rules but those that pyproject.toml leaves out with a reason, finds nothing."""
    run(program("ruff"), "check", "--quiet", "--output-format=concise", ".")


def test_every_file_has_the_form_of_the_formatter() -> None:
    """Nobody has to think about layout, and no change shows layout beside what it means."""
    run(program("ruff"), "format", "--quiet", "--check", ".")


def test_types_hold() -> None:
    """Mypy in strict mode finds nothing, in the tests neither."""
    run(program("mypy"), "--no-error-summary")


def test_imports_only_go_down() -> None:
    """The floors of the house, the order inside a room, and the independence of factors hold for every import."""
    run(program("lint-imports"), "--no-cache")


def test_templates_pass_their_linter() -> None:
    """The HTML of every template is well formed as far as a linter can see."""
    run(program("djlint"), "--lint", "--quiet", "src")


def test_scripts_pass_shellcheck() -> None:
    """The commands that people type hold no trap of the shell."""
    run(program("shellcheck"), *(str(path) for path in sorted((HOME / "bin").iterdir())), ".ci/run")


# ------------------------------------------------------------------ read here


def test_every_source_file_is_short() -> None:
    """A file of the product that grows past 300 lines wants splitting."""
    long = [name for name, text in python_files("src/") if len(text.splitlines()) >= LONGEST_FILE]
    assert long == []


def test_rules_do_not_read_the_clock() -> None:
    """Rules take `now` as an argument: of the clock's module they may import the allowed skew alone."""
    imports = {
        f"{name}: {alias.name}"
        for name, text in python_files("src/")
        if name.endswith("/rules.py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module == "twofold.base.clock"
        for alias in node.names
        if alias.name != "MAX_CLOCK_SKEW"
    }
    assert imports == set()


def test_base_names_no_feature() -> None:
    """What all features build on does not know any, apart from the words listed with a reason."""
    named = {
        (name.removeprefix("src/twofold/base/"), word.lower())
        for name, text in tracked_texts()
        if name.startswith("src/twofold/base/") and name.endswith((".py", ".html", ".js"))
        for word in FEATURE_WORDS.findall(text)
    }
    assert named - KNOWN_TO_BASE.keys() == set()
    assert KNOWN_TO_BASE.keys() - named == set(), "no longer needed"


def test_every_source_file_opens_with_its_law() -> None:
    """Whoever opens a file reads first what it is for; only an empty package marker needs no words."""
    files = python_files("src/", "tests/", "bench/", "demo/")
    silent = [name for name, text in files if text.strip() and not law_of(text)]
    assert silent == []


def law_of(text: str) -> str | None:
    """Return the docstring of a module."""
    return ast.get_docstring(ast.parse(text))


def test_every_test_promises_something_in_words() -> None:
    """A test whose promise cannot be said in a sentence tests nothing in particular."""
    silent = [
        f"{name}: {function.name}"
        for name, text in python_files("tests/")
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and function.name.startswith("test_")
        and not ast.get_docstring(function)
    ]
    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    """No note in a file says that its work is still to be done."""
    assert lines_with(UNFINISHED) == []


def test_no_registry_is_named() -> None:
    """Packages come from wherever the machine gets its packages; no file says where."""
    assert lines_with(REGISTRIES) == []
    assert '"resolved"' not in (HOME / "package-lock.json").read_text()


def test_no_path_of_somebodys_machine_is_named() -> None:
    """What is in the repository works in any directory of any machine."""
    assert lines_with(MACHINE_PATHS) == []


def test_every_requirement_is_pinned_with_its_hash() -> None:
    """What is installed is what was looked at: no requirement without version and hash."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        entries = re.split(r"\n(?=\S)", (HOME / name).read_text().strip())
        loose = [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
        assert loose == [], name


def test_lists_of_requirements_agree() -> None:
    """The package asks for what requirements.in lists, and tests run with the versions that are served."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[<>=]", line)[0] for line in project["dependencies"]}
    listed = {line for line in (HOME / "requirements.in").read_text().split("\n") if line and not line.startswith("#")}
    assert listed - asked == {"hatchling"}
    assert asked <= listed
    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def pins(name: str) -> set[str]:
    """Return the `package==version` pairs of a hashed list."""
    return set(re.findall(r"^(\S+==\S+)", (HOME / name).read_text(), re.MULTILINE))


def test_no_dependency_has_an_upper_bound() -> None:
    """An application that mounts Twofold decides on its own versions."""
    dependencies = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [line for line in dependencies if "<" in line or "==" in line or "~" in line] == []
