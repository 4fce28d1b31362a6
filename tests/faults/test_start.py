"""What stands in the way of a start is told in one sentence and exit status 1; nothing is made anew over what was."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients import Api, Person
from tests.faults.outages import file_of
from tests.parts import need
from tests.service import Service

REFUSED_WITHIN = 60.0
# Root may read everything; without these two rights it is bound by modes like everybody.
LIKE_EVERYBODY = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Service, Person]:
    """A service that has run and stands still, and a person with an authenticator in it."""
    service = Service(tmp_path_factory.mktemp("service"), launcher=bound_by_modes())
    with service:
        person = Person.with_totp(service.url)
        assert service.stop() == 0
    return service, person


def bound_by_modes() -> list[str]:
    """What to start a service with so that it may read and write only what its user may."""
    return [need_setpriv(), *LIKE_EVERYBODY] if os.geteuid() == 0 else []


def need_setpriv() -> str:
    """The program that drops rights; util-linux is on every Linux."""
    return shutil.which("setpriv") or need("setpriv")


def refusal(service: Service, **settings: str) -> str:
    """Starts a service that must not start; gives its one sentence."""
    environment = service.environment() | {f"TWOFOLD_{name.upper()}": value for name, value in settings.items()}
    command = [*service.launcher, sys.executable, "-m", "twofold", "serve", "--port", str(service.port)]
    done = subprocess.run(
        command,
        cwd=service.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=REFUSED_WITHIN,
        check=False,
    )
    assert done.returncode == 1, f"{done.returncode}: {done.stdout}{done.stderr}"
    (line,) = done.stderr.splitlines()
    assert line.endswith("."), line
    return line


def check_as_before(service: Service, person: Person) -> None:
    """Starts the service again; the person signs in with password and authenticator."""
    with service:
        api = Api(service.url)
        assert api.sign_in(person.email, person.password).must(200)["status"] == "code_required"
        assert person.authenticator is not None
        # A wrong code is compared, which takes the right key; a right one would have to be waited for.
        api.give_code(person.authenticator.wrong_code()).refused(401, "wrong_code")
        assert service.stop() == 0


# ------------------------------------------------------------------ the key file (K06)


def no_file(path: Path) -> None:
    """The key file is not there."""
    path.unlink()


def another_key(path: Path) -> None:
    """A sound key of the same name, but not the one that it was."""
    path.write_text(f"k1:{fresh_key()}\n")


def another_name(path: Path) -> None:
    """A sound key that the database has never seen."""
    path.write_text(f"k9:{fresh_key()}\n")


def for_all_to_read(path: Path) -> None:
    """Everybody on the machine can read it."""
    path.chmod(0o644)


def for_nobody_to_read(path: Path) -> None:
    """Not even the service can read it."""
    path.chmod(0o000)


def cut_short(path: Path) -> None:
    """The end of the key is missing."""
    path.write_text(path.read_text()[:20])


def empty(path: Path) -> None:
    """Nothing is in it."""
    path.write_text("")


def no_text(path: Path) -> None:
    """Bytes that are no text."""
    path.write_bytes(b"\xff\x00\xfe" * 20)


def a_folder(path: Path) -> None:
    """A folder stands in its place."""
    path.unlink()
    path.mkdir()


def fresh_key() -> str:
    """32 random bytes as they are written."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


DAMAGES = [no_file, another_key, another_name, for_all_to_read, for_nobody_to_read, cut_short, empty, no_text, a_folder]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_key_file_that_is_not_right_is_never_replaced(
    damage: Callable[[Path], None], house: tuple[Service, Person]
) -> None:
    """The service refuses to start and makes no new key over old data; the right file mends everything."""
    service, _ = house
    path = service.data_dir / "secret.keys"
    right, remembered = path.read_text(), remembered_keys(service)
    try:
        damage(path)
        assert "key" in refusal(service)
    finally:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_text(right)
        path.chmod(0o600)
    assert remembered_keys(service) == remembered


def test_a_missing_key_file_is_not_made_anew(house: tuple[Service, Person]) -> None:
    """After a refused start the place is as empty as it was: nobody can take a new key for the old one."""
    service, _ = house
    path = service.data_dir / "secret.keys"
    aside = path.rename(path.with_suffix(".aside"))
    try:
        assert "missing" in refusal(service)
        assert not path.exists()
    finally:
        aside.rename(path)


def remembered_keys(service: Service) -> list[tuple[str, str]]:
    """What the database remembers of its keys."""
    with closing(sqlite3.connect(file_of(service))) as file:
        return file.execute("SELECT id, key_check FROM secret_key ORDER BY id").fetchall()


def test_the_right_key_file_mends_everything(house: tuple[Service, Person]) -> None:
    """After all those refused starts the old key opens the old data."""
    check_as_before(*house)


def test_keys_by_variable_must_be_the_right_ones(house: tuple[Service, Person]) -> None:
    """A foreign key is refused, the right one works without the file, also behind a newer one."""
    service, person = house
    path = service.data_dir / "secret.keys"
    right = path.read_text().strip()
    assert "k1" in refusal(service, secret_keys=f"k1:{fresh_key()}")
    assert "k1" in refusal(service, secret_keys=f"k2:{fresh_key()}")
    aside = path.rename(path.with_suffix(".aside"))
    try:
        service.settings["secret_keys"] = f"k2:{fresh_key()} {right}"
        check_as_before(service, person)
        assert not path.exists()
    finally:
        del service.settings["secret_keys"]
        aside.rename(path)


# ------------------------------------------------------------------ the data directory


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o600])
def test_a_data_directory_that_cannot_be_used_is_named(mode: int, house: tuple[Service, Person]) -> None:
    """Unreadable, not writable or not to be entered: one sentence names it, and nothing is lost."""
    service, _ = house
    service.data_dir.chmod(mode)
    try:
        assert str(service.data_dir) in refusal(service)
    finally:
        service.data_dir.chmod(0o700)


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Its parent may not be written, or is a file: one sentence, and nothing is left behind."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    (tmp_path / "file").write_text("")
    for parent in (closed, tmp_path / "file"):
        service = Service(tmp_path, launcher=bound_by_modes(), settings={"data_dir": str(parent / "data")})
        assert str(parent) in refusal(service)
    assert list(closed.iterdir()) == []


def test_missing_parents_of_the_data_directory_are_made(tmp_path: Path) -> None:
    """A first start in a place that does not exist yet just works, and the place is private."""
    with Service(tmp_path, settings={"data_dir": str(tmp_path / "some" / "where")}) as service:
        Api(service.url).sign_up("first@example.com").must(201)
    assert (tmp_path / "some" / "where").stat().st_mode & 0o777 == 0o700


def test_a_database_file_in_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Only the data directory is made; a database elsewhere must have its place."""
    service = Service(tmp_path, database_url=f"sqlite:///{tmp_path}/nowhere/twofold.db")
    assert f"{tmp_path}/nowhere" in refusal(service)
