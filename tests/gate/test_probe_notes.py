"""The notes of the gate about marked requests: only for marks of ours, for ten minutes, and not without end."""

import pytest

from tests.support.gate import APP, DIALECTS, Gate
from twofold.gate.probe import notes
from twofold.gate.probe.marks import LASTS, Mark, add_mark

pytestmark = pytest.mark.anyio


async def noted(gate: Gate, mark: Mark) -> list[notes.Note]:
    """Return what the gate has noted about a run."""
    return await gate.site.db.read(notes.find_notes, mark.run)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_marked_question_is_noted_in_every_dialect(gate: Gate, dialect: str) -> None:
    """With what was asked and answered, and by the referrer too if the address has lost its query."""
    mark = Mark(f"{DIALECTS.index(dialect):016x}", 7)
    target = add_mark(gate.site.keys, "/page", mark, gate.clock.now)
    await gate.ask(dialect, f"{APP}{target}", headers={"Sec-Fetch-Mode": "cors"})
    await gate.ask(dialect, f"{APP}/page", headers={"Sec-Fetch-Mode": "cors", "Referer": f"{APP}{target}"})
    found = await noted(gate, mark)
    assert {(each.number, each.status, each.method, each.address) for each in found} == {
        (7, 401, "GET", f"{APP}{target}"),
        (7, 401, "GET", f"{APP}/page"),
    }
    await gate.site.db.write(notes.delete_notes, mark.run)
    assert await noted(gate, mark) == []


async def test_mark_is_good_for_ten_minutes(gate: Gate) -> None:
    """And no longer, since applications may have it in their logs."""
    mark = Mark("a" * 16, 1)
    target = add_mark(gate.site.keys, "/", mark, gate.clock.now - LASTS - 1)
    await gate.ask("forward", f"{APP}{target}")
    assert await noted(gate, mark) == []


async def test_mark_that_is_sent_again_and_again_fills_no_table(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address would be another row."""
    monkeypatch.setattr(notes, "MAX_NOTES", 5)
    mark = Mark("b" * 16, 1)
    for number in range(8):
        await gate.ask("forward", f"{APP}{add_mark(gate.site.keys, f'/{number}', mark, gate.clock.now)}")
    assert len(await noted(gate, mark)) == 5
