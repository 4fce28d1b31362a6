"""Writes are on disk before the response, as shown by system calls, since the page cache survives `kill -9`."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.support.authenticator import Authenticator
from tests.support.clients import Answer, Api, Person
from tests.support.cluster import Cluster
from tests.support.programs import need
from tests.support.service import Service

CALLS = "trace=fsync,fdatasync,pwrite64,write,sendto,sendmsg,writev"
WRITTEN = re.compile(r"\bpwrite64\(\d+<[^>]*-wal>")
SYNCED = re.compile(r"\b(fsync|fdatasync)\(\d+<[^>]*-wal>\) += 0")
RESUMED = re.compile(r"<\.\.\. (fsync|fdatasync) resumed>\) += 0")
ANSWERED = re.compile(r"\b(write|sendto|sendmsg|writev)\(.*HTTP/1\.1 \d{3}")


def test_acknowledged_writes_on_sqlite_are_synced_before_the_response(tmp_path: Path) -> None:
    """This covers sign-up, sign-in, enrolment, code, trust, settings and sign-out."""
    trace = tmp_path / "trace"
    strace = [need("strace"), "-f", "-y", "-s", "24", "-e", CALLS, "-o", str(trace)]
    with Service(tmp_path / "service", launcher=strace) as service:
        requests = writing_requests(service)
        for name, request in requests:
            seen = trace.stat().st_size
            request()
            check_synced_first(name, trace.read_bytes()[seen:].decode(errors="replace"))
    assert len(requests) == 12


def writing_requests(service: Service) -> list[tuple[str, Callable[[], Answer]]]:
    """Return one writing request of each kind, in the order of sending."""
    person, phone = Person(service.url), Api(service.url)
    api = person.api
    factor: dict[str, str] = {}

    def begin() -> Answer:
        begun = api.begin_totp().expect(201)
        factor.update(begun.body)
        return begun

    def verify() -> Answer:
        person.authenticator = Authenticator(factor["secret"])
        return api.verify(factor["id"], person.code()).expect(200)

    return [
        ("sign up", lambda: api.sign_up(person.email).expect(201)),
        ("sign in", lambda: api.sign_in(person.email).expect(200)),
        ("begin", begin),
        ("verify", verify),
        ("choose the policy", lambda: api.set_policy("once_per_computer").expect(200)),
        ("give the password", lambda: phone.sign_in(person.email).expect(200)),
        ("give a wrong code", lambda: phone.give_code("000000").expect(401)),
        ("give a code and trust", lambda: phone.give_code(person.code(), trust_this_computer=True).expect(200)),
        ("renew the recovery code", lambda: phone.renew_recovery_code().expect(201)),
        ("change the password", lambda: phone.change_password("quartz-lantern-meadow-71").expect(204)),
        ("end the others", lambda: phone.end_other_sessions().expect(204)),
        ("sign out", lambda: phone.sign_out().expect(204)),
    ]


def check_synced_first(name: str, trace: str) -> None:
    """Check that a write to the log and a sync precede the response.

    Further writes may follow the sync, since mail is sent in the background.
    """
    written, synced = False, False
    for line in trace.splitlines():
        if ANSWERED.search(line):
            assert synced, f"{name}: answered without a sync:\n{trace}"
            return
        if WRITTEN.search(line):
            written = True
        elif SYNCED.search(line) or RESUMED.search(line):
            synced = synced or written
    raise AssertionError(f"{name}: no answer in the trace:\n{trace}")


def test_doctor_fails_when_a_postgres_durability_setting_is_off(cluster: Cluster, tmp_path: Path) -> None:
    """It passes with all three settings on, and fails if commits do not wait for the disk."""
    url = cluster.database("durable")
    service = Service(tmp_path, database_url=url)
    assert service.command("migrate").returncode == 0
    assert promises(service) == {"fsync": "ok", "full_page_writes": "ok", "synchronous_commit": "ok"}
    cluster.sql("ALTER DATABASE durable SET synchronous_commit = off")
    assert promises(service)["synchronous_commit"] == "fail"
    with service:
        service.wait_for_output(re.compile("may lose confirmed changes: synchronous_commit is off"))


def promises(service: Service) -> dict[str, str]:
    """Return what `doctor` reports about the database's durability."""
    found = json.loads(service.command("doctor", "--json").stdout)
    return {
        line["name"].removeprefix("durability: "): line["status"]
        for line in found
        if line["name"].startswith("durability: ")
    }
