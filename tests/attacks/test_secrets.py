"""K01, K02: every feature is used with marked secrets, which are then searched for where they must not be."""

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

from tests.conftest import DATABASES
from tests.support.clients import Answer, Api
from tests.support.cluster import Cluster
from tests.support.cookies import cookie_name
from tests.support.forms import FormBrowser
from tests.support.mailbox import token_in, wait_for_mail
from tests.support.phones import Phone
from tests.support.programs import need
from tests.support.shifted import ShiftedService
from tests.support.users import User, protected

# The most verbose settings of Python and its event loop.
DEBUGGING = ["env", "PYTHONASYNCIODEBUG=1", "PYTHONDEVMODE=1"]
MARK = secrets.token_hex(4)


@dataclass
class Secrets:
    """The secrets used so far.

    Six-digit codes are searched for as whole words, since other numbers contain them by chance.
    """

    texts: dict[str, str] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)

    def note(self, name: str, text: str | None) -> None:
        """Remember a secret."""
        assert text
        self.texts[f"{name} {len(self.texts)}"] = text

    def found_in(self, content: bytes) -> set[str]:
        """Return the names of the secrets that some bytes contain, in any of their forms."""
        return {name for name, text in self.texts.items() if any(form in content for form in forms_of(name, text))}

    def codes_in(self, text: str) -> set[str]:
        """Return the six-digit codes that a text contains as whole words."""
        return self.codes & set(re.findall(r"(?<![0-9A-Za-z])\d{6}(?![0-9A-Za-z])", text))


def forms_of(name: str, text: str) -> Iterator[bytes]:
    """Yield a secret as it is, without separators, and decoded: raw and in hexadecimal."""
    yield text.encode()
    if name.startswith("recovery code"):
        yield text.replace("-", "").encode()
    if name.startswith("seed"):
        raw = b32decode(text)
        yield from (raw, raw.hex().encode(), text.lower().encode())


class RecordingApi(Api):
    """A client that records every refusal and every secret in an answer."""

    def __init__(self, url: str, known: Secrets) -> None:
        super().__init__(url)
        self.known = known
        self.refusals: list[str] = []

    def keep_tokens(self, answer: Answer) -> None:
        """Remember the secrets of an answer."""
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


class RecordedUser(User):
    """A user whose every secret is recorded."""

    api: RecordingApi  # type: ignore[assignment]  # which does not check the descriptions of responses

    def __init__(self, service: ShiftedService, known: Secrets, password: str) -> None:
        super().__init__(service)
        self.password = password
        self.known = known
        self.api = RecordingApi(service.url, known)
        known.note("password", password)

    def code(self) -> str:
        """Return a code, and record it."""
        code = super().code()
        self.known.codes.add(code)
        return code

    def wrong(self, code: str) -> str:
        """Return a wrong code, and record it: it may be a right one with a typo."""
        self.known.codes.add(code)
        return code


# ------------------------------------------------------------------ the deployment


@dataclass
class Deployment:
    """A service with a database of its own, whose every file can be read."""

    kind: str
    folder: Path
    service: ShiftedService
    cluster: Cluster | None
    known: Secrets

    def block_writes(self) -> None:
        """Make the database refuse to write."""
        if self.cluster is not None:
            self.cluster.stop()
        else:
            self.lock = sqlite3.connect(self.service.data_dir / "twofold.db", timeout=10)
            self.lock.execute("PRAGMA wal_autocheckpoint = 0")
            self.lock.execute("BEGIN IMMEDIATE")

    def allow_writes(self) -> None:
        """Let it write again."""
        if self.cluster is not None:
            self.cluster.start()
        else:
            self.lock.rollback()
            self.lock.close()

    def files(self) -> Iterator[Path]:
        """Yield all files that the service and its database have written, except the key file."""
        folders = [self.folder, *([self.cluster.folder] if self.cluster else [])]
        found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return (path for path in found if path.name != "marked-keys")

    def sql(self, statement: str) -> str:
        """Return the result of a statement, one row per line."""
        if self.cluster is not None:
            return self.cluster.sql(statement, "secrets")
        with closing(sqlite3.connect(self.service.data_dir / "twofold.db")) as connection, connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            return "\n".join("|".join(map(str, row)) for row in connection.execute(statement))


@pytest.fixture(scope="module", params=DATABASES)
def deployment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Yield a service with verbose logging, marked keys in a file, and a temporary folder of its own."""
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
            with verbose(folder, settings) as running:
                yield Deployment("sqlite", folder, running, None, known)
            return
        need("postgres")
        with Cluster() as cluster:
            url = folder / "database-url"
            url.write_text(cluster.database("secrets").replace("twofold@", f"twofold:marked-{MARK}@"))
            settings["database_url_file"] = str(url)
            with verbose(folder, settings) as running:
                yield Deployment("postgres", folder, running, cluster, known)


def verbose(folder: Path, settings: dict[str, str]) -> ShiftedService:
    """Return a service with verbose logging and a movable clock."""
    service = ShiftedService(folder, settings=settings)
    service.launcher = [*DEBUGGING, *service.launcher]
    return service


# ------------------------------------------------------------------ a life


@pytest.fixture(scope="module")
def person(deployment: Deployment) -> RecordedUser:
    """Return a user who has used every feature, both correctly and with errors."""
    person = RecordedUser(deployment.service, deployment.known, f"hunted walnut {secrets.token_hex(8)}")
    person.api.sign_up(person.email, person.password).expect(201)
    person.sign_in()
    person.enable_totp(name="First phone")
    person.api.set_policy("once_per_computer").expect(200)
    computer = RecordingApi(deployment.service.url, deployment.known)
    person.sign_in(computer, trust_this_computer=True)
    computer.sign_in(person.email, person.password).expect(200)
    use_a_phone(person)
    misplace_secrets(person)
    use_the_pages(person)
    use_mailed_links(deployment, person)
    reset_by_link(deployment, person)
    use_without_database(deployment, person)
    use_the_recovery_code(deployment, person)
    return person


def use_a_phone(person: RecordedUser) -> None:
    """Add a phone, receive codes and remove it; enter the code where it belongs and where it does not."""
    api, phone, client = person.api, Phone(person.url), RecordingApi(person.url, person.known)
    person.known.note("phone number", phone.number.removeprefix("+1"))
    begun = api.begin_phone("sms", phone.number).expect(201)["id"]
    api.begin_phone("sms", f"{phone.number} ext. 9").expect(422)
    api.begin_phone(phone.number, phone.number, name=phone.number).expect(422)
    api.verify(begun, person.wrong(phone.wrong_code())).expect(401)
    person.recovery_code = api.verify(begun, person.wrong(phone.code())).expect(200)["recovery_code"]
    client.sign_in(person.email, person.password).expect(200)
    client.send_code(begun).expect(202)
    client.send_code(phone.number).expect(422)
    client.send_code(begun).expect(429)
    api.unlock(person.password, code=person.wrong(phone.code())).expect(401)
    client.give_code(phone.code()).expect(200)
    api.remove_factor(begun).expect(204)


def misplace_secrets(person: RecordedUser) -> None:
    """Send secrets where they do not belong: in other fields, paths, headers and types."""
    api, password = person.api, person.password
    wrong = person.wrong(person.authenticator.wrong_code()) if person.authenticator else ""
    half_open = RecordingApi(person.url, person.known)
    half_open.sign_in(person.email, password).expect(200)
    half_open.give_code(wrong).expect(401)
    half_open.give_code(f"{wrong} and more").expect(422)
    right = person.recovery_code or ""
    half_open.give_recovery_code(right[:-1] + ("B" if right.endswith("A") else "A")).expect(401)
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
    api.call("PUT", "/two-factor", {"policy": password, "default_factor_id": token}).expect(422)
    api.call("POST", "/factors", {"kind": password, "name": token}).expect(422)
    api.call("POST", f"/factors/{token}/verify", {"code": wrong}).expect(404)
    api.call("GET", f"/events?before={token}&limit={wrong}").expect(422)
    api.call("GET", f"/{token}/{sign_in}?password={password}").expect(404)
    api.call("POST", "/session/unlock", {"password": password, "code": wrong}).expect(401)
    api.call("PUT", "/account/password", {"current_password": wrong, "new_password": password}).expect(401)
    api.call("GET", "/session", headers={"Authorization": f"Basic {token}"}).expect(401)
    api.call("GET", "/session", headers={"Authorization": f"Bearer {token}{sign_in}"}).expect(401)
    api.call("GET", "/session", headers={"X-Forwarded-For": token, "Forwarded": f"for={sign_in}", "User-Agent": token})


def use_the_pages(person: RecordedUser) -> None:
    """Do the same in a browser, and record its cookies."""
    browser = FormBrowser(person.url)
    browser.get(f"/sign-in?email={person.email}&password={person.password}&return_to=/{person.api.token}")
    browser.sign_in(person.email, person.password[::-1])
    browser.sign_in(person.email, person.password, person.code(), trust=True).goes_to("/settings")
    for name, value in browser.cookies.items():
        person.known.note(f"cookie {name}", value)
    browser.get(f"/settings/activity?before={browser.cookies['twofold_session']}")
    browser.get(f"/setup/{browser.cookies['twofold_session']}")
    browser.post("/settings/recovery-code/download", {"recovery_code": person.recovery_code or ""})


def use_mailed_links(deployment: Deployment, person: RecordedUser) -> None:
    """Change the address and the password by mailed links, each also opened once with a typo."""
    other = f"other-{person.email}"
    person.unlock()
    person.api.call("POST", "/account/email/confirmation").expect(202)
    confirmation = token_in(
        wait_for_mail(deployment.service, person.email, "Confirm your email address"), "/confirm-email/"
    )
    deployment.known.note("mailed token", confirmation)
    FormBrowser(person.url).get(f"/confirm-email/{confirmation}").goes_to("/sign-in")
    person.api.call("POST", "/account/email/confirmation/complete", {"token": confirmation}).expect(204)
    person.api.call("PUT", "/account/email", {"email": other}).expect(202)
    change = token_in(wait_for_mail(deployment.service, other, "Confirm your new email"), "/change-email/")
    deployment.known.note("mailed token", change)
    person.api.call("POST", "/account/email/complete", {"token": change[::-1]}).expect(404)
    person.api.call("POST", "/account/email/complete", {"token": change}).expect(204)
    person.email = other
    person.api.call("POST", "/password-reset", {"email": other}).expect(202)
    reset = token_in(wait_for_mail(deployment.service, other, "Choose a new password"), "/reset-password/")
    deployment.known.note("mailed token", reset)
    body = {"token": reset[::-1], "new_password": person.password[::-1]}
    person.api.call("POST", "/password-reset/complete", body).expect(404)


def reset_by_link(deployment: Deployment, person: RecordedUser) -> None:
    """Use a password reset link from the command line; the new password is refused once, then accepted."""
    made = deployment.service.command("account", "reset-password", person.email, "--json")
    token = json.loads(made.stdout)["link"].rpartition("/")[2]
    deployment.known.note("link token", token)
    browser = FormBrowser(person.url)
    browser.get(f"/reset-password/{token}").expect(200)
    person.api.call("POST", "/password-reset/complete", {"token": token, "new_password": "short"}).expect(422)
    renewed = f"hunted meadow {secrets.token_hex(8)}"
    deployment.known.note("password", renewed)
    browser.post(f"/reset-password/{token}", {"new_password": renewed}).expect(200)
    browser.post(f"/reset-password/{token}", {"new_password": renewed}).expect(404)
    person.password = renewed


def use_without_database(deployment: Deployment, person: RecordedUser) -> None:
    """Try every entry point while nothing can be written, or nothing read."""
    browser = RecordingApi(person.url, deployment.known)
    browser.sign_in(person.email, person.password).expect(200)
    deployment.block_writes()
    try:
        browser.give_code(person.code()).refused(503, "unavailable")
        RecordingApi(person.url, deployment.known).sign_in(person.email, person.password).refused(503, "unavailable")
        link = {"token": browser.sign_in_token, "new_password": person.password}
        assert person.api.call("POST", "/password-reset/complete", link).status in (404, 503)
    finally:
        deployment.allow_writes()


def use_the_recovery_code(deployment: Deployment, person: RecordedUser) -> None:
    """Sign in with the recovery code, then set up a new authenticator."""
    person.api.sign_in(person.email, person.password).expect(200)
    used = person.api.give_recovery_code(person.recovery_code or "").expect(200)
    person.recovery_code = used["recovery_code"]
    person.enable_totp(replaces=person.factor_id or "")
    person.api.renew_recovery_code().expect(201)
    added = deployment.service.command(
        "account", "add", f"x{person.email}", "--password-file", "-", stdin=person.password
    )
    assert added.returncode == 0, added.stderr
    assert not deployment.known.found_in((added.stdout + added.stderr).encode())


# ------------------------------------------------------------------ the hunt


def test_output_contains_no_secret(deployment: Deployment, person: RecordedUser) -> None:
    """The output of a service with verbose logging contains no secret (standard_id 0.26.2)."""
    output = deployment.service.whole_output()
    assert person.email
    assert deployment.known.found_in(output.encode()) == set()
    assert deployment.known.codes_in(output) == set()
    assert f"marked-{MARK}" not in output


def test_refusals_contain_no_secret(deployment: Deployment, person: RecordedUser) -> None:
    """No refusal repeats the refused value or reveals what it was compared with."""
    refused = "\n".join(person.api.refusals)
    assert len(person.api.refusals) >= 8
    assert deployment.known.found_in(refused.encode()) == set()
    assert deployment.known.codes_in(refused) == set()


def test_events_contain_no_secret(deployment: Deployment, person: RecordedUser) -> None:
    """Neither the history that users see nor its table contains a secret."""
    shown = person.api.events(limit="100").expect(200).text
    kept = deployment.sql("SELECT name, outcome, source, agent, data FROM event")
    assert "sign_in:code" in shown
    assert "sign_in:password" in kept
    for text in (shown, kept):
        assert deployment.known.found_in(text.encode()) == set()
        assert deployment.known.codes_in(text) == set()


def test_no_secret_is_shown_again(deployment: Deployment, person: RecordedUser) -> None:
    """Pages and calls that list factors, sessions and computers show no secret (Mattermost CVE-2025-11794)."""
    own = {cookie_name(person.url): person.api.token or ""}
    lists = ("/two-factor", "/session", "/sessions", "/trusted-computers", "/events")
    shown = [person.api.call("GET", path).expect(200).text for path in lists]
    shown += [
        httpx2.get(f"{person.url}/{page}", cookies=own, trust_env=False).text
        for page in ("settings", "settings/activity")
    ]
    assert deployment.known.found_in("\n".join(shown).encode()) == set()


def test_process_table_contains_no_secret(deployment: Deployment, person: RecordedUser) -> None:
    """The service's command line and environment, which other users of the machine may read, contain no secret."""
    assert person.email
    for process in process_tree(deployment.service.running().pid):
        seen = b"".join(Path(f"/proc/{process}/{name}").read_bytes() for name in ("cmdline", "environ"))
        assert deployment.known.found_in(seen) == set()
        assert MARK.encode() not in seen


def process_tree(process: int) -> list[int]:
    """Return a process and all its descendants."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [process, *(each for child in listed.stdout.split() for each in process_tree(int(child)))]


def test_files_contain_no_secret(deployment: Deployment, person: RecordedUser) -> None:
    """No file except the keys contains a secret: not the database, its journal or temporary files."""
    assert person.email
    if deployment.cluster is not None:
        deployment.cluster.sql("CHECKPOINT")
    files = list(deployment.files())
    assert any(person.email.encode() in path.read_bytes() for path in files), "the hunt looks in the wrong deployment"
    found = {(path.name, name) for path in files for name in deployment.known.found_in(path.read_bytes())}
    assert found == set()


def test_data_directory_is_readable_by_its_owner_only(deployment: Deployment, person: RecordedUser) -> None:
    """No other user of the machine can open the data directory."""
    assert person.email
    assert deployment.service.data_dir.stat().st_mode & 0o077 == 0


# ------------------------------------------------------------------ swapped seeds


def test_swapped_seeds_are_refused(deployment: Deployment, person: RecordedUser) -> None:
    """A seed moved to another user's row does not work for either user, and this is logged."""
    assert person.email
    one, other = protected(deployment.service), protected(deployment.service)
    swap_seeds(deployment, one, other)
    browsers = [whose.another_browser() for whose in (one, other)]
    for whose, browser in zip((one, other), browsers, strict=True):
        browser.sign_in(whose.email).expect(200)
        for code in (one.code(), other.code()):
            browser.give_code(code).refused(503, "unavailable")
    assert deployment.service.output().count("cannot be opened") >= 4
    assert "Traceback" not in deployment.service.output()
    assert deployment.known.found_in(deployment.service.output().encode()) == set()
    swap_seeds(deployment, one, other)
    one.sign_in(browsers[0])
    FormBrowser(deployment.service.url, session=browsers[0].token).get("/settings").expect(200)


def swap_seeds(deployment: Deployment, one: User, other: User) -> None:
    """Exchange the sealed secrets of two users' factors."""
    deployment.service.stop()
    both = f"id IN ('{one.factor_id}', '{other.factor_id}')"
    deployment.sql(f"CREATE TABLE swapped AS SELECT id, sealed FROM factor WHERE {both}")  # noqa: S608 - ids of our own
    others = "SELECT swapped.sealed FROM swapped WHERE swapped.id <> factor.id"
    deployment.sql(f"UPDATE factor SET sealed = ({others}) WHERE {both}")  # noqa: S608 - as above
    deployment.sql("DROP TABLE swapped")
    deployment.service.start()
