"""The measured programs on one database: Twofold, Twofold without a part, and the raw application."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from bench.databases import Database
from bench.measure import record
from bench.people import APPLICATION, Kind, Person, half_sign_in
from bench.processes import Process
from bench.workloads import Workload
from twofold.config import Config

_SETTINGS = {  # gate cookies belong to a base URL, so it does not depend on the port
    "TWOFOLD_LOG": "text",
    "TWOFOLD_BASE_URL": "http://localhost:8000",
    "TWOFOLD_GATE_HOSTS": APPLICATION.authority,
}


class Programs:
    """The programs that serve one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = {**database.settings, **_SETTINGS}
        self.config = Config.from_env(self.settings)
        self._recorded = database.folder / "recorded.json"

    def twofold(self, *arguments: str, part: str = "", around: Sequence[str] = (), **settings: str) -> Process:
        """Return Twofold. `part` names what is removed from it (`bench.served`), `around` a program that runs it."""
        program = ("bench.served", part) if part else ("twofold",)
        command = ("-m", *program, "serve", *arguments)
        return Process(self.database.folder, command, self.settings | settings, "/healthz", around)

    def raw(self) -> Process:
        """Return the raw application; call `record` first."""
        return Process(self.database.folder, ("-m", "bench.baselines", str(self._recorded)), {}, "/sign-in")

    def record(self, workloads: Iterable[Workload], people: Mapping[Kind, Sequence[Person]]) -> None:
        """Record the answers of Twofold to all requests of the workloads, for the raw application to replay."""
        taken = [(workload, people[workload.kind][-1 - place]) for place, workload in enumerate(workloads)]
        with self.twofold() as served:
            asyncio.run(half_sign_in(self.database, [person for _, person in taken]))
            record(served.port, [workload.action(person) for workload, person in taken], self._recorded)
