"""K01, K02: a whole life with marked secrets, errors forced on the way, and a hunt for them where they must not be."""

import json
import re
import secrets
import sqlite3
import subprocess
from base64 import b32decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.clients import Answer, Api, Person
from tests.cluster import Cluster
from tests.conftest import DATABASES
from tests.forms import FormBrowser
from tests.mailbox import token_in, wait_for_mail
from tests.parts import need
from tests.phones import Phone
from tests.service import Service

# Everything that Python and its event loop can be made to tell.
DEBUGGING = ["env", "PYTHONASYNCIODEBUG=1", "PYTHONDEVMODE=1"]
MARK = secrets.token_hex(4)


@dataclass
class Secrets:
    """What was secret on the way. Six digits are looked for as words only: in other numbers they come by chance."""

    texts: dict[str, str] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)

    def note(self, name: str, text: str | None) -> None:
        """Remembers a secret."""
        assert text
        self.texts[f"{name} {len(self.texts)}"] = text

    def found_in(self, content: bytes) -> set[str]:
        """The names of the secrets that stand in some bytes, in any of the forms that they could take."""
        return {name for name, text in self.texts.items() if any(form in content for form in forms_of(name, text))}

    def codes_in(self, text: str) -> set[str]:
        """The six-digit codes that stand in a text as words."""
        return self.codes & set(re.findall(r"(?<![0-9A-Za-z])\d{6}(?![0-9A-Za-z])", text))


def forms_of(name: str, text: str) -> Iterator[bytes]:
    """A secret as it is, without separators, and what it stands for: raw and in hexadecimal digits."""
    yield text.encode()
    if name.startswith("recovery code"):
        yield text.replace("-", "").encode()
    if name.startswith("seed"):
        raw = b32decode(text)
        yield from (raw, raw.hex().encode(), text.lower().encode())


class WatchingApi(Api):
    """A client that keeps every refusal, and every secret that an answer hands out."""

    def __init__(self, url: str, known: Secrets) -> None:
        super().__init__(url)
        self.known = known
        self.refusals: list[str] = []

    def keep_tokens(self, answer: Answer) -> None:
        """Notes what the answer brought."""
        super().keep_tokens(answer)
        if answer.status >= 400:
            self.refusals.append(f"{answer.headers}\n{answer.text}")
        for name in ("session", "trusted_computer"):
            if answer.get(name):
                self.known.note(f"{name} token", answer[name]["token"])
        for name, noted in (("sign_in", "sign-in token"), ("secret", "seed")):
            if answer.get(name):
                self.known.note(noted, answer[name])
        if isinstance(answer.get("recovery_code"), str):
            self.known.note("recovery code", answer["recovery_code"])


class Watched(Person):
    """Somebody all of whose secrets are noted."""

    def __init__(self, url: str, known: Secrets, password: str) -> None:
        super().__init__(url, password=password)
        self.known = known
        self.api: WatchingApi = WatchingApi(url, known)
        known.note("password", password)

    def code(self) -> str:
        """A code, noted."""
        code = super().code()
        self.known.codes.add(code)
        return code

    def wrong(self, code: str) -> str:
        """A wrong code, noted too: it may be a right one with a slip."""
        self.known.codes.add(code)
        return code


# ------------------------------------------------------------------ the place


@dataclass
class Place:
    """A service with a database of its own, whose every file can be read."""

    kind: str
    folder: Path
    service: Service
    cluster: Cluster | None
    known: Secrets

    def take_database_away(self) -> None:
        """Makes the database refuse to write."""
        if self.cluster is not None:
            self.cluster.stop()
        else:
            self.lock = sqlite3.connect(self.service.data_dir / "twofold.db", timeout=10)
            self.lock.execute("PRAGMA wal_autocheckpoint = 0")
            self.lock.execute("BEGIN IMMEDIATE")

    def give_database_back(self) -> None:
        """Lets it write again."""
        if self.cluster is not None:
            self.cluster.start()
        else:
            self.lock.rollback()
            self.lock.close()

    def files(self) -> Iterator[Path]:
        """All files that the service and its database have written, save the file of the keys."""
        folders = [self.folder, *([self.cluster.folder] if self.cluster else [])]
        found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return (path for path in found if path.name != "marked-keys")

    def sql(self, statement: str) -> str:
        """What a statement gives, one row a line."""
        if self.cluster is not None:
            return self.cluster.sql(statement, "secrets")
        with closing(sqlite3.connect(self.service.data_dir / "twofold.db")) as connection, connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            return "\n".join("|".join(map(str, row)) for row in connection.execute(statement))


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service that tells all it can, with marked keys in a file, and its own folder for temporary files."""
    folder = tmp_path_factory.mktemp("secrets")
    known = Secrets()
    key = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    known.note("secret key", key)
    key_file = folder / "marked-keys"
    key_file.write_text(f"k1:{key}\n")
    key_file.chmod(0o600)
    (folder / "temporary").mkdir()
    settings = {"secret_keys_file": str(key_file), "limit_passwords": "100 30s..1h", "limit_codes": "100/5m"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(folder / "temporary"))
        if request.param == "sqlite":
            with Service(folder, launcher=DEBUGGING, settings=settings) as running:
                yield Place("sqlite", folder, running, None, known)
            return
        need("postgres")
        with Cluster() as cluster:
            url = folder / "database-url"
            url.write_text(cluster.database("secrets").replace("twofold@", f"twofold:marked-{MARK}@"))
            settings["database_url_file"] = str(url)
            with Service(folder, launcher=DEBUGGING, settings=settings) as running:
                yield Place("postgres", folder, running, cluster, known)


# ------------------------------------------------------------------ a life


@pytest.fixture(scope="module")
def person(place: Place) -> Watched:
    """Somebody who has been through everything, well and badly."""
    person = Watched(place.service.url, place.known, f"hunted walnut {secrets.token_hex(8)}")
    person.api.sign_up(person.email, person.password).must(201)
    person.sign_in()
    person.enable_totp(name="First phone")
    person.api.set_policy("once_per_computer").must(200)
    computer = WatchingApi(place.service.url, place.known)
    person.sign_in(computer, trust_this_computer=True)
    computer.sign_in(person.email, person.password).must(200)
    live_with_a_phone(person)
    err_in_every_way(person)
    use_the_pages(person)
    use_mailed_links(place, person)
    reset_by_link(place, person)
    with_the_database_away(place, person)
    use_the_recovery_code(place, person)
    return person


def live_with_a_phone(person: Watched) -> None:
    """A number is bound, sent to and given up; its code is given where it belongs and where it does not."""
    api, phone, door = person.api, Phone(person.url), WatchingApi(person.url, person.known)
    person.known.note("phone number", phone.number.removeprefix("+1"))
    begun = api.begin_phone("sms", phone.number).must(201)["id"]
    api.begin_phone("sms", f"{phone.number} ext. 9").must(422)
    api.begin_phone(phone.number, phone.number, name=phone.number).must(422)
    api.verify(begun, person.wrong(phone.wrong_code())).must(401)
    person.recovery_code = api.verify(begun, person.wrong(phone.code())).must(200)["recovery_code"]
    door.sign_in(person.email, person.password).must(200)
    door.send_code(begun).must(202)
    door.send_code(phone.number).must(422)
    door.send_code(begun).must(429)
    api.unlock(person.password, code=person.wrong(phone.code())).must(401)
    door.give_code(phone.code()).must(200)
    api.remove_factor(begun).must(204)


def err_in_every_way(person: Watched) -> None:
    """Secrets where they do not belong: in other fields, addresses, paths, headers, of other types."""
    api, password = person.api, person.password
    wrong = person.wrong(person.authenticator.wrong_code()) if person.authenticator else ""
    half_open = WatchingApi(person.url, person.known)
    half_open.sign_in(person.email, password).must(200)
    half_open.give_code(wrong).must(401)
    half_open.give_code(f"{wrong} and more").must(422)
    right = person.recovery_code or ""
    half_open.give_recovery_code(right[:-1] + ("B" if right.endswith("A") else "A")).must(401)
    token, sign_in, computer = api.token or "", half_open.sign_in_token or "", half_open.computer_token
    assert computer is None
    bodies: list[dict[str, object]] = [
        {"email": password, "password": password},
        {"email": f"{password.replace(' ', '.')}@example.com", "password": password},
        {"email": person.email, "password": [password]},
        {"email": person.email, "password": {password: token}},
        {"email": person.email, "password": password, "trusted_computer": token},
        {"email": person.email, "password": password + "x" * 2000},
        {"email": person.email, "password": password + "\x00"},
    ]
    for body in bodies:
        half_open.call("POST", "/sign-in", body)
    api.call("PUT", "/two-factor", {"policy": password, "default_factor_id": token}).must(422)
    api.call("POST", "/factors", {"kind": password, "name": token}).must(422)
    api.call("POST", f"/factors/{token}/verify", {"code": wrong}).must(404)
    api.call("GET", f"/events?before={token}&limit={wrong}").must(422)
    api.call("GET", f"/{token}/{sign_in}?password={password}").must(404)
    api.call("POST", "/session/unlock", {"password": password, "code": wrong}).must(401)
    api.call("PUT", "/account/password", {"current_password": wrong, "new_password": password}).must(401)
    api.call("GET", "/session", headers={"Authorization": f"Basic {token}"}).must(401)
    api.call("GET", "/session", headers={"Authorization": f"Bearer {token}{sign_in}"}).must(401)
    api.call("GET", "/session", headers={"X-Forwarded-For": token, "Forwarded": f"for={sign_in}", "User-Agent": token})


def use_the_pages(person: Watched) -> None:
    """The same in a browser, whose cookies are noted."""
    browser = FormBrowser(person.url)
    browser.get(f"/sign-in?email={person.email}&password={person.password}&return_to=/{person.api.token}")
    browser.sign_in(person.email, person.password[::-1])
    browser.sign_in(person.email, person.password, person.code(), trust=True).goes_to("/settings")
    for name, value in browser.cookies.items():
        person.known.note(f"cookie {name}", value)
    browser.get(f"/settings/activity?before={browser.cookies['twofold_session']}")
    browser.get(f"/setup/{browser.cookies['twofold_session']}")
    browser.post("/settings/recovery-code/download", {"recovery_code": person.recovery_code or ""})


def use_mailed_links(place: Place, person: Watched) -> None:
    """A link to another address and one to a new password: each read in its mail, opened, and once misspelt."""
    other = f"other-{person.email}"
    person.unlock()
    person.api.call("PUT", "/account/email", {"email": other}).must(202)
    change = token_in(wait_for_mail(place.service, other, "Confirm your new email"), "/change-email/")
    place.known.note("mailed token", change)
    person.api.call("POST", "/account/email/complete", {"token": change[::-1]}).must(404)
    person.api.call("POST", "/account/email/complete", {"token": change}).must(204)
    person.email = other
    person.api.call("POST", "/password-reset", {"email": other}).must(202)
    reset = token_in(wait_for_mail(place.service, other, "Choose a new password"), "/reset-password/")
    place.known.note("mailed token", reset)
    body = {"token": reset[::-1], "new_password": person.password[::-1]}
    person.api.call("POST", "/password-reset/complete", body).must(404)


def reset_by_link(place: Place, person: Watched) -> None:
    """A password reset link from the command line, with the new password refused once, then taken."""
    made = place.service.command("account", "reset-password", person.email, "--json")
    token = json.loads(made.stdout)["link"].rpartition("/")[2]
    place.known.note("link token", token)
    browser = FormBrowser(person.url)
    browser.get(f"/reset-password/{token}").must(200)
    person.api.call("POST", "/password-reset/complete", {"token": token, "new_password": "short"}).must(422)
    renewed = f"hunted meadow {secrets.token_hex(8)}"
    place.known.note("password", renewed)
    browser.post(f"/reset-password/{token}", {"new_password": renewed}).must(200)
    browser.post(f"/reset-password/{token}", {"new_password": renewed}).must(404)
    person.password = renewed


def with_the_database_away(place: Place, person: Watched) -> None:
    """Every door is tried while nothing can be written, or nothing read."""
    browser = WatchingApi(person.url, place.known)
    browser.sign_in(person.email, person.password).must(200)
    place.take_database_away()
    try:
        browser.give_code(person.code()).refused(503, "unavailable")
        WatchingApi(person.url, place.known).sign_in(person.email, person.password).refused(503, "unavailable")
        link = {"token": browser.sign_in_token, "new_password": person.password}
        assert person.api.call("POST", "/password-reset/complete", link).status in (404, 503)
    finally:
        place.give_database_back()


def use_the_recovery_code(place: Place, person: Watched) -> None:
    """Signs in with the recovery code, then goes over to a new authenticator."""
    person.api.sign_in(person.email, person.password).must(200)
    used = person.api.give_recovery_code(person.recovery_code or "").must(200)
    person.recovery_code = used["recovery_code"]
    person.enable_totp(replaces=person.factor_id or "")
    person.api.renew_recovery_code().must(201)
    added = place.service.command("account", "add", f"x{person.email}", "--password-file", "-", stdin=person.password)
    assert added.returncode == 0, added.stderr
    assert not place.known.found_in((added.stdout + added.stderr).encode())


# ------------------------------------------------------------------ the hunt


def test_no_secret_is_in_the_output(place: Place, person: Watched) -> None:
    """Logs and output of a service that tells all it can hold none of what was secret (standard_id 0.26.2)."""
    output = place.service.whole_output()
    assert person.email
    assert place.known.found_in(output.encode()) == set()
    assert place.known.codes_in(output) == set()
    assert f"marked-{MARK}" not in output


def test_no_secret_is_in_a_refusal(place: Place, person: Watched) -> None:
    """No error answer repeats what it refuses, nor tells what it compared it with."""
    refused = "\n".join(person.api.refusals)
    assert len(person.api.refusals) >= 8
    assert place.known.found_in(refused.encode()) == set()
    assert place.known.codes_in(refused) == set()


def test_no_secret_is_in_the_events(place: Place, person: Watched) -> None:
    """The history that a person reads, and the table that it comes from, say what happened and with no secret."""
    shown = person.api.events(limit="100").must(200).text
    kept = place.sql("SELECT name, outcome, source, agent, data FROM event")
    assert "sign_in:code" in shown
    assert "sign_in:password" in kept
    for text in (shown, kept):
        assert place.known.found_in(text.encode()) == set()
        assert place.known.codes_in(text) == set()


def test_no_secret_is_told_again(place: Place, person: Watched) -> None:
    """Pages and calls that list factors, sessions, computers tell no secret again (Mattermost CVE-2025-11794)."""
    own = {"twofold_session": person.api.token or ""}
    lists = ("/two-factor", "/session", "/sessions", "/trusted-computers", "/events")
    told = [person.api.call("GET", path).must(200).text for path in lists]
    told += [
        httpx2.get(f"{person.url}/{page}", cookies=own, trust_env=False).text
        for page in ("settings", "settings/activity")
    ]
    assert place.known.found_in("\n".join(told).encode()) == set()


def test_no_secret_is_in_the_process(place: Place, person: Watched) -> None:
    """Neither command line nor environment of the service, which others on the machine may read, holds a secret."""
    assert person.email
    for process in family(place.service.running().pid):
        seen = b"".join(Path(f"/proc/{process}/{name}").read_bytes() for name in ("cmdline", "environ"))
        assert place.known.found_in(seen) == set()
        assert MARK.encode() not in seen


def family(process: int) -> list[int]:
    """A process and all below it."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [process, *(each for child in listed.stdout.split() for each in family(int(child)))]


def test_no_secret_is_in_any_file(place: Place, person: Watched) -> None:
    """A thief of all files but the keys - database, journal, temporary files - can read no secret in them."""
    assert person.email
    if place.cluster is not None:
        place.cluster.sql("CHECKPOINT")
    files = list(place.files())
    assert any(person.email.encode() in path.read_bytes() for path in files), "the hunt looks in the wrong place"
    found = {(path.name, name) for path in files for name in place.known.found_in(path.read_bytes())}
    assert found == set()


def test_the_data_directory_is_the_owners_alone(place: Place, person: Watched) -> None:
    """Nobody else on the machine can open the directory of the database."""
    assert person.email
    assert place.service.data_dir.stat().st_mode & 0o077 == 0


# ------------------------------------------------------------------ swapped seeds


def test_swapped_seeds_are_refused(place: Place, person: Watched) -> None:
    """Whoever can write to the database cannot move a seed to another's row: nobody gets in, and it is logged."""
    assert person.email
    one, other = Person.with_totp(place.service.url), Person.with_totp(place.service.url)
    swap_seeds(place, one, other)
    browsers = [whose.another_browser() for whose in (one, other)]
    for whose, browser in zip((one, other), browsers, strict=True):
        browser.sign_in(whose.email).must(200)
        for code in (one.code(), other.code()):
            browser.give_code(code).refused(503, "unavailable")
    assert place.service.output().count("cannot be opened") >= 4
    assert "Traceback" not in place.service.output()
    assert place.known.found_in(place.service.output().encode()) == set()
    swap_seeds(place, one, other)
    one.sign_in(browsers[0])
    FormBrowser(place.service.url, session=browsers[0].token).get("/settings").must(200)


def swap_seeds(place: Place, one: Person, other: Person) -> None:
    """Exchanges the sealed secrets of two people's factors, while nobody else writes."""
    place.service.stop()
    both = f"id IN ('{one.factor_id}', '{other.factor_id}')"
    place.sql(f"CREATE TABLE swapped AS SELECT id, sealed FROM factor WHERE {both}")  # noqa: S608 - ids of our own
    others = "SELECT swapped.sealed FROM swapped WHERE swapped.id <> factor.id"
    place.sql(f"UPDATE factor SET sealed = ({others}) WHERE {both}")  # noqa: S608 - as above
    place.sql("DROP TABLE swapped")
    place.service.start()
