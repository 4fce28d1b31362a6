"""A migration that fails or is killed leaves the previous schema, with which the service continues."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import twofold
from tests.conftest import new_database
from tests.faults.test_start import refusal
from tests.support.clients import Person
from tests.support.service import Service

NUMBER = len(list((Path(twofold.__file__).parent / "base/database/migrations").glob("*.sql"))) + 1
MIGRATION = f"{NUMBER:04}_next.sql"
FAULTY = (
    "CREATE TABLE half_done (id BIGINT PRIMARY KEY);\nUPDATE account SET stamp = 7;\nSELECT * FROM nothing_like_it;"
)
ENDLESS = """
CREATE TABLE half_done (id BIGINT);
UPDATE account SET stamp = 7;
INSERT INTO half_done WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 20000000)
SELECT n FROM counted;
"""


@pytest.fixture(params=["sqlite", "postgres"])
def used_service(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Service, Person]:
    """Return a stopped service with one account, and its user."""
    url = None if request.param == "sqlite" else new_database("postgres", request, tmp_path)
    service = Service(tmp_path / "service", database_url=url)
    with service:
        return service, Person.signed_in(service.url)


def newer(service: Service, script: str) -> Service:
    """Return the same service in a newer version, which has one more migration."""
    package = service.folder / "newer" / "twofold"
    if not package.exists():
        shutil.copytree(Path(twofold.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "base" / "database" / "migrations" / MIGRATION).write_text(script)
    after = Service(service.folder, launcher=["env", f"PYTHONPATH={package.parent}"], settings=service.settings)
    after.port, after.url = service.port, service.url
    return after


def check_that_the_old_version_works(service: Service, person: Person) -> None:
    """Check that the previous version still accepts the session and the password."""
    with service:
        person.api.session().expect(200)
        person.another_browser().sign_in(person.email, person.password).expect(200)


def test_failed_migration_is_rolled_back(used_service: tuple[Service, Person]) -> None:
    """The error is one line, the old version keeps working, and the corrected migration can be applied."""
    service, person = used_service
    assert MIGRATION.removesuffix(".sql") in refusal(newer(service, FAULTY))
    check_that_the_old_version_works(service, person)
    with newer(service, FAULTY.replace("SELECT * FROM nothing_like_it", "UPDATE account SET stamp = 1")):
        person.api.session().expect(200)


def test_killed_migration_is_rolled_back(used_service: tuple[Service, Person]) -> None:
    """The previous version continues, and no lock remains."""
    service, person = used_service
    killed = newer(service, ENDLESS).start(wait=False)
    time.sleep(4)
    assert killed.running().poll() is None, killed.output()
    assert not killed.is_healthy(), "the migration was over before it could be killed"
    killed.kill()
    check_that_the_old_version_works(service, person)


def test_older_version_refuses_a_newer_database(used_service: tuple[Service, Person]) -> None:
    """The older version says that it is too old, and the newer one still works."""
    service, person = used_service
    after = newer(service, "CREATE TABLE brought_by_it (id BIGINT PRIMARY KEY);")
    with after:
        person.api.session().expect(200)
    assert f"version {NUMBER}" in refusal(service)
    command = [sys.executable, "-m", "twofold", "migrate", "--check"]
    done = subprocess.run(
        command, cwd=service.folder.parent, env=service.environment(), capture_output=True, check=False
    )
    assert done.returncode == 1
    with after:
        person.api.session().expect(200)
