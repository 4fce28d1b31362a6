"""Every fault that prevents startup is a one-line error with exit status 1, and existing data is not replaced."""

import json
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

from tests.support.clients import Api, Person
from tests.support.outages import file_of
from tests.support.programs import need
from tests.support.service import Service

REFUSED_WITHIN = 60.0
# Root may read everything; without these two capabilities, file modes apply to it like to other users.
LIKE_EVERYBODY = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def stopped_service(tmp_path_factory: pytest.TempPathFactory) -> tuple[Service, Person]:
    """Return a stopped service that has data, and its user with an authenticator."""
    service = Service(tmp_path_factory.mktemp("service"), launcher=bound_by_modes())
    with service:
        person = Person.with_totp(service.url)
        assert service.stop() == 0
    return service, person


def bound_by_modes() -> list[str]:
    """Return a launcher for a service to which file modes apply."""
    return [need_setpriv(), *LIKE_EVERYBODY] if os.geteuid() == 0 else []


def need_setpriv() -> str:
    """Return the program that drops capabilities, which is part of util-linux."""
    return shutil.which("setpriv") or need("setpriv")


def refusal(service: Service, **settings: str) -> str:
    """Start a service that must fail to start, and return its one-line error."""
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
    """Start the service again and sign the person in with password and authenticator."""
    with service:
        api = Api(service.url)
        assert api.sign_in(person.email, person.password).expect(200)["status"] == "code_required"
        assert person.authenticator is not None
        # Comparing a wrong code also needs the right key, and takes no wait for a new code.
        api.give_code(person.authenticator.wrong_code()).refused(401, "wrong_code")
        assert service.stop() == 0


# ------------------------------------------------------------------ the key file (K06)


def missing(path: Path) -> None:
    """Delete the key file."""
    path.unlink()


def another_key(path: Path) -> None:
    """Replace the key with another valid one of the same name."""
    path.write_text(f"k1:{fresh_key()}\n")


def another_name(path: Path) -> None:
    """Replace the key with a valid one under a name that the database does not know."""
    path.write_text(f"k9:{fresh_key()}\n")


def readable_by_everyone(path: Path) -> None:
    """Make the file readable by every user."""
    path.chmod(0o644)


def readable_by_nobody(path: Path) -> None:
    """Make the file unreadable even for the service."""
    path.chmod(0o000)


def truncated(path: Path) -> None:
    """Cut off the end of the key."""
    path.write_text(path.read_text()[:20])


def empty(path: Path) -> None:
    """Empty the key file."""
    path.write_text("")


def not_text(path: Path) -> None:
    """Replace the content with bytes that are not text."""
    path.write_bytes(b"\xff\x00\xfe" * 20)


def a_folder(path: Path) -> None:
    """Replace the file with a folder."""
    path.unlink()
    path.mkdir()


def fresh_key() -> str:
    """Return a new key as it is written in a file."""
    return urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


DAMAGED = (
    "The key file {path} is damaged: each line must be `id:base64url` of 32 bytes, each id different. Restore it from"
    " your backup."
)
UNREADABLE = (
    "The key file {path} cannot be read ({reason}): make the user that runs Twofold its owner, or restore it from a"
    " backup."
)
DAMAGES: dict[Callable[[Path], None], str] = {
    missing: "The key file {path} is missing, but the database is encrypted with it: restore it from a backup, or set"
    " TWOFOLD_SECRET_KEYS as on the other nodes.",
    another_key: "The key k1 is not the one of this database: restore the key file of this database from a backup, or"
    " correct TWOFOLD_SECRET_KEYS.",
    another_name: "None of the keys belongs to this database: add k1 after the newer ones.",
    readable_by_everyone: "Other users can read the key file {path}: run `chmod 600 {path}`, and treat the keys as"
    " exposed. If every mount resets the mode, store the keys elsewhere and set TWOFOLD_SECRET_KEYS_FILE to that file.",
    readable_by_nobody: UNREADABLE.replace("{reason}", "Permission denied"),
    a_folder: UNREADABLE.replace("{reason}", "Is a directory"),
    truncated: DAMAGED,
    empty: DAMAGED,
    not_text: DAMAGED,
}
IN_DOCTOR: dict[Callable[[Path], None], str] = {  # where `doctor` and `serve` have different texts
    missing: "The keys of this database are missing: restore them from a backup.",
    another_key: "These do not match the keys of this database: k1. Restore them from a backup.",
    another_name: "None belongs to this database: add k1 after the newer ones.",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_unusable_key_file_is_explained_and_never_replaced(
    damage: Callable[[Path], None], stopped_service: tuple[Service, Person]
) -> None:
    """`serve` and `doctor` say what is wrong and what to do, and no key is created over existing data."""
    service, _ = stopped_service
    path = service.data_dir / "secret.keys"
    right, remembered = path.read_text(), remembered_keys(service)
    try:
        damage(path)
        assert refusal(service) == DAMAGES[damage].format(path=path)
        assert doctor_error(service) == IN_DOCTOR.get(damage, DAMAGES[damage]).format(path=path)
    finally:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_text(right)
        path.chmod(0o600)
    assert remembered_keys(service) == remembered


def doctor_error(service: Service) -> str:
    """Return the error of `doctor` about the keys."""
    command = [*service.launcher, sys.executable, "-m", "twofold", "doctor", "--json"]
    environment = service.environment()
    done = subprocess.run(command, cwd=service.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    (error,) = [line["text"] for line in json.loads(done.stdout) if line["name"] == "keys" and line["status"] == "fail"]
    return str(error)


def test_missing_key_file_is_not_created_over_existing_data(stopped_service: tuple[Service, Person]) -> None:
    """A failed start creates no key that could be mistaken for the lost one."""
    service, _ = stopped_service
    path = service.data_dir / "secret.keys"
    aside = path.rename(path.with_suffix(".aside"))
    try:
        assert "missing" in refusal(service)
        assert not path.exists()
    finally:
        aside.rename(path)


def remembered_keys(service: Service) -> list[tuple[str, str]]:
    """Return what the database stores about its keys."""
    with closing(sqlite3.connect(file_of(service))) as file:
        return file.execute("SELECT id, key_check FROM secret_key ORDER BY id").fetchall()


def test_restoring_the_key_file_restores_access(stopped_service: tuple[Service, Person]) -> None:
    """After all failed starts, the old key still opens the data."""
    check_as_before(*stopped_service)


def test_keys_in_the_environment_must_match_the_database(stopped_service: tuple[Service, Person]) -> None:
    """Another key is refused; the right one works without a file, even after a newer one."""
    service, person = stopped_service
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
def test_unusable_data_directory_is_named_in_the_error(mode: int, stopped_service: tuple[Service, Person]) -> None:
    """This covers directories that cannot be read, written or entered, and no data is lost."""
    service, _ = stopped_service
    service.data_dir.chmod(mode)
    try:
        assert str(service.data_dir) in refusal(service)
    finally:
        service.data_dir.chmod(0o700)


def test_data_directory_that_cannot_be_created_is_named_in_the_error(tmp_path: Path) -> None:
    """Its parent is read-only or a file, and nothing is created."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    (tmp_path / "file").write_text("")
    for parent in (closed, tmp_path / "file"):
        service = Service(tmp_path, launcher=bound_by_modes(), settings={"data_dir": str(parent / "data")})
        assert str(parent) in refusal(service)
    assert list(closed.iterdir()) == []


def test_missing_parents_of_the_data_directory_are_created(tmp_path: Path) -> None:
    """They are created for the service's user only."""
    with Service(tmp_path, settings={"data_dir": str(tmp_path / "some" / "where")}) as service:
        Api(service.url).sign_up("first@example.com").expect(201)
    assert (tmp_path / "some" / "where").stat().st_mode & 0o777 == 0o700


def test_database_file_in_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    """Only the data directory is created, not the folder of a database elsewhere."""
    service = Service(tmp_path, database_url=f"sqlite:///{tmp_path}/nowhere/twofold.db")
    assert f"{tmp_path}/nowhere" in refusal(service)
