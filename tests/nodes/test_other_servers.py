"""The application also runs in ASGI servers other than Granian."""

import sys
from pathlib import Path

from tests.support.clients import Person
from tests.support.cluster import Cluster
from tests.support.service import Service


class UnderUvicorn(Service):
    """The application in Uvicorn."""

    def command_line(self) -> list[str]:
        """Return the command that is run."""
        factory = ["--factory", "twofold.asgi:application"]
        return [sys.executable, "-m", "uvicorn", *factory, "--port", str(self.port), "--log-level", "warning"]


def test_full_flow_works_under_uvicorn(cluster: Cluster, tmp_path: Path) -> None:
    """Users sign up, enrol, sign in with a code and sign out, and the server exits with 0."""
    with UnderUvicorn(tmp_path, database_url=cluster.database()) as service:
        person = Person.with_totp(service.url)
        api = person.another_browser()
        person.sign_in(api)
        api.session().expect(200)
        api.sign_out().expect(204)
        assert service.is_healthy("/readyz")
        assert service.stop() in (0, -15)  # Uvicorn raises the signal again after closing everything
        assert "Traceback" not in service.output()
