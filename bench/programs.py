"""The programs that are measured, on one database: Twofold, Twofold without a part, and the raw application."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from bench.databases import Database
from bench.measure import record
from bench.people import Kind, Person, half_sign_in
from bench.processes import Process
from bench.works import Work
from twofold.config import Config


class Programs:
    """What serves a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = {**database.settings, "TWOFOLD_LOG": "text"}
        self.config = Config.from_env(self.settings)
        self._recorded = database.folder / "recorded.json"

    def twofold(self, *arguments: str, part: str = "", around: Sequence[str] = (), **settings: str) -> Process:
        """Twofold; `part` is what is taken out of it (`bench.served`), `around` a program that runs it."""
        program = ("bench.served", part) if part else ("twofold",)
        command = ("-m", *program, "serve", *arguments)
        return Process(self.database.folder, command, self.settings | settings, "/healthz", around)

    def raw(self) -> Process:
        """The raw application; `record` comes first."""
        return Process(self.database.folder, ("-m", "bench.floors", str(self._recorded)), {}, "/sign-in")

    def record(self, works: Iterable[Work], people: Mapping[Kind, Sequence[Person]]) -> None:
        """Write down what Twofold answers to every request of the works, for the raw application to play back."""
        taken = [(work, people[work.kind][-1 - place]) for place, work in enumerate(works)]
        with self.twofold() as served:
            asyncio.run(half_sign_in(self.database, [person for _, person in taken]))
            record(served.port, [work.act(person) for work, person in taken], self._recorded)
