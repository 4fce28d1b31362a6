"""What docs/gate.md shows is what Twofold does."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from twofold.cli import main
from twofold.config import Config
from twofold.gate.reading import read_rules

TEXT = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")
COMMAND = re.compile(r"^    \$ \.venv/bin/twofold (gate test https.*)\n    (.*)$", re.MULTILINE)


@pytest.fixture
def rules() -> str:
    """Return the rules of the document."""
    found = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


def test_rules_of_the_document_are_valid(rules: str) -> None:
    """All of them."""
    names = [rule.name for rule in read_rules(rules, Config.from_env({"TWOFOLD_BASE_URL": "https://auth.example.org"}))]
    assert names == [f"rule {number}" for number in range(1, 5)]


def test_decisions_in_the_document_are_printed(rules: str) -> None:
    """Word for word, by the commands that it shows."""
    commands = COMMAND.findall(TEXT)
    assert len(commands) == 2
    settings = {"TWOFOLD_BASE_URL": "https://auth.example.org", "TWOFOLD_GATE_RULES": rules}
    for command, output in commands:
        assert CliRunner().invoke(main, command.split(), env=settings).output == f"{output}\n"
