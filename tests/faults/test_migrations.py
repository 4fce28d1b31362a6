"""A migration that fails or is killed leaves the version before it, with which the service goes on."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import twofold
from tests.clients import Person
from tests.conftest import new_database
from tests.faults.test_start import refusal
from tests.service import Service

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
def lived_in(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Service, Person]:
    """A service that stands still, with somebody in it."""
    url = None if request.param == "sqlite" else new_database("postgres", request, tmp_path)
    service = Service(tmp_path / "service", database_url=url)
    with service:
        return service, Person.signed_in(service.url)


def newer(service: Service, script: str) -> Service:
    """The same service in a newer version, which brings one more migration."""
    package = service.folder / "newer" / "twofold"
    if not package.exists():
        shutil.copytree(Path(twofold.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "base" / "database" / "migrations" / MIGRATION).write_text(script)
    after = Service(service.folder, launcher=["env", f"PYTHONPATH={package.parent}"], settings=service.settings)
    after.port, after.url = service.port, service.url
    return after


def check_that_the_old_version_works(service: Service, person: Person) -> None:
    """The version before finds its data as it left them: the session lives, the password is known."""
    with service:
        person.api.session().must(200)
        person.another_browser().sign_in(person.email, person.password).must(200)


def test_a_faulty_migration_is_undone(lived_in: tuple[Service, Person]) -> None:
    """It breaks off in the middle: one sentence, the old version goes on, and the mended step can be taken."""
    service, person = lived_in
    assert MIGRATION.removesuffix(".sql") in refusal(newer(service, FAULTY))
    check_that_the_old_version_works(service, person)
    with newer(service, FAULTY.replace("SELECT * FROM nothing_like_it", "UPDATE account SET stamp = 1")):
        person.api.session().must(200)


def test_a_killed_migration_is_undone(lived_in: tuple[Service, Person]) -> None:
    """It is killed at work: the old version goes on, and no lock is left behind."""
    service, person = lived_in
    killed = newer(service, ENDLESS).start(wait=False)
    time.sleep(4)
    assert killed.running().poll() is None, killed.output()
    assert not killed.is_healthy(), "the migration was over before it could be killed"
    killed.kill()
    check_that_the_old_version_works(service, person)


def test_a_newer_database_is_left_alone(lived_in: tuple[Service, Person]) -> None:
    """An older version says that it is too old, and the newer one goes on."""
    service, person = lived_in
    after = newer(service, "CREATE TABLE brought_by_it (id BIGINT PRIMARY KEY);")
    with after:
        person.api.session().must(200)
    assert f"version {NUMBER}" in refusal(service)
    command = [sys.executable, "-m", "twofold", "migrate", "--check"]
    done = subprocess.run(
        command, cwd=service.folder.parent, env=service.environment(), capture_output=True, check=False
    )
    assert done.returncode == 1
    with after:
        person.api.session().must(200)
