"""Other programs that use the same database and delay nodes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.programs import need


@contextmanager
def row_locked(url: str, email: str) -> Iterator[None]:
    """Lock an account's row in another program until the end of the block."""
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
def long_read(url: str) -> Iterator[None]:
    """Read the accounts for six seconds, as a backup does; meanwhile, no column can be added."""
    psql = [need("psql"), "-X", "-q", "-A", "-t", url]
    script = "BEGIN; SELECT count(*) FROM account; SELECT pg_sleep(6); COMMIT;"
    with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        print(script, file=other.stdin, flush=True)
        assert other.stdout.readline().strip()
        yield
        other.stdin.close()
