"""Other programs that use the same database, and stand in the way of nodes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.parts import need


@contextmanager
def held(url: str, email: str) -> Iterator[None]:
    """Another program locks an account's row and keeps its transaction open."""
    psql = [need("psql"), "-X", "-q", "-A", "-t", url]
    with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        question = f"SELECT id FROM account WHERE email = '{email}' FOR UPDATE"  # noqa: S608 - our own address
        print(f"BEGIN; {question};", file=other.stdin, flush=True)
        assert other.stdout.readline().strip()
        yield
        other.stdin.close()


@contextmanager
def reading(url: str) -> Iterator[None]:
    """A backup reads the accounts for six seconds, during which no column can be added."""
    psql = [need("psql"), "-X", "-q", "-A", "-t", url]
    script = "BEGIN; SELECT count(*) FROM account; SELECT pg_sleep(6); COMMIT;"
    with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        print(script, file=other.stdin, flush=True)
        assert other.stdout.readline().strip()
        yield
        other.stdin.close()
