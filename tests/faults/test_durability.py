"""No answer before its write is on the disk: read from the system calls, because a page cache survives `kill -9`."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.authenticator import Authenticator
from tests.clients import Answer, Api, Person
from tests.cluster import Cluster
from tests.parts import need
from tests.service import Service

CALLS = "trace=fsync,fdatasync,pwrite64,write,sendto,sendmsg,writev"
WRITTEN = re.compile(r"\bpwrite64\(\d+<[^>]*-wal>")
SYNCED = re.compile(r"\b(fsync|fdatasync)\(\d+<[^>]*-wal>\) += 0")
RESUMED = re.compile(r"<\.\.\. (fsync|fdatasync) resumed>\) += 0")
ANSWERED = re.compile(r"\b(write|sendto|sendmsg|writev)\(.*HTTP/1\.1 \d{3}")


def test_each_acknowledged_write_was_synced_before_its_answer(tmp_path: Path) -> None:
    """For sign-up, sign-in, enrolment, code, trust, settings and sign-out on SQLite, the log reached the disk first."""
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
    """A life's worth of requests that write, one after another."""
    person, phone = Person(service.url), Api(service.url)
    api = person.api
    factor: dict[str, str] = {}

    def begin() -> Answer:
        begun = api.begin_totp().must(201)
        factor.update(begun.body)
        return begun

    def verify() -> Answer:
        person.authenticator = Authenticator(factor["secret"])
        return api.verify(factor["id"], person.code()).must(200)

    return [
        ("sign up", lambda: api.sign_up(person.email).must(201)),
        ("sign in", lambda: api.sign_in(person.email).must(200)),
        ("begin", begin),
        ("verify", verify),
        ("choose the policy", lambda: api.set_policy("once_per_computer").must(200)),
        ("give the password", lambda: phone.sign_in(person.email).must(200)),
        ("give a wrong code", lambda: phone.give_code("000000").must(401)),
        ("give a code and trust", lambda: phone.give_code(person.code(), trust_this_computer=True).must(200)),
        ("renew the recovery code", lambda: phone.renew_recovery_code().must(201)),
        ("change the password", lambda: phone.change_password("quartz-lantern-meadow-71").must(204)),
        ("end the others", lambda: phone.end_other_sessions().must(204)),
        ("sign out", lambda: phone.sign_out().must(204)),
    ]


def check_synced_first(name: str, trace: str) -> None:
    """The answer comes after the log was written, and after a sync that followed its last write."""
    unsynced, synced = False, False
    for line in trace.splitlines():
        if ANSWERED.search(line):
            assert synced, f"{name}: answered without a sync:\n{trace}"
            assert not unsynced, f"{name}: answered before the sync:\n{trace}"
            return
        if WRITTEN.search(line):
            unsynced, synced = True, False
        elif SYNCED.search(line) or RESUMED.search(line):
            unsynced, synced = False, True
    raise AssertionError(f"{name}: no answer in the trace:\n{trace}")


def test_postgres_is_asked_for_its_promises_of_durability(cluster: Cluster, tmp_path: Path) -> None:
    """With all three settings on, `doctor` is content; with a commit that does not wait for the disk it fails."""
    url = cluster.database("durable")
    service = Service(tmp_path, database_url=url)
    assert service.command("migrate").returncode == 0
    assert promises(service) == {"fsync": "ok", "full_page_writes": "ok", "synchronous_commit": "ok"}
    cluster.sql("ALTER DATABASE durable SET synchronous_commit = off")
    assert promises(service)["synchronous_commit"] == "fail"
    with service:
        service.wait_for_output(re.compile("may lose what it acknowledged: synchronous_commit is off"))


def promises(service: Service) -> dict[str, str]:
    """What `doctor` found of the database's durability."""
    found = json.loads(service.command("doctor", "--json").stdout)
    return {
        line["name"].removeprefix("durability: "): line["status"]
        for line in found
        if line["name"].startswith("durability: ")
    }
