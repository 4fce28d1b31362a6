"""Granian is not a condition: the application runs in any ASGI server."""

import sys
from pathlib import Path

from tests.clients import Person
from tests.cluster import Cluster
from tests.service import Service


class UnderUvicorn(Service):
    """The application as another server runs it."""

    def command_line(self) -> list[str]:
        """What is run."""
        factory = ["--factory", "twofold.asgi:application"]
        return [sys.executable, "-m", "uvicorn", *factory, "--port", str(self.port), "--log-level", "warning"]


def test_uvicorn_serves_it_too(cluster: Cluster, tmp_path: Path) -> None:
    """Sign-up, enrolment, a sign-in with a code, sign-out; it opens and closes with the server and ends with 0."""
    with UnderUvicorn(tmp_path, database_url=cluster.database()) as service:
        person = Person.with_totp(service.url)
        api = person.another_browser()
        person.sign_in(api)
        api.session().must(200)
        api.sign_out().must(204)
        assert service.is_healthy("/readyz")
        assert service.stop() in (0, -15)  # uvicorn lets the signal end it once all is closed
        assert "Traceback" not in service.output()
