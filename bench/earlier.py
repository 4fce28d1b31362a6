"""Add accounts and sessions with the code of an earlier commit, which `PYTHONPATH` names: `python earlier.py FILE`.

Addresses come from standard input, one per line; an empty line ends a part. After each part, the tokens of the
sessions are appended to FILE and `done` is printed, so that the same process can add accounts after an upgrade, too.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN202 - the types are those of commit 61082c0

import asyncio
import sys
from pathlib import Path

from twofold.base.acts import COMMAND_LINE, Acts

from twofold.accounts import actions as accounts
from twofold.app import open_site
from twofold.config import Config
from twofold.sessions import actions as sessions

_AT_ONCE = 500


async def _add(act, emails, password_hash):
    tokens = []
    for email in emails:
        account = await accounts.create(act, email, password_hash, administrator=email.startswith("boss"))
        tokens.append((await sessions.start(act, account.id, ("password",), unlocked=True)).token)
    return tokens


async def _main(file) -> None:
    async with open_site(Config.from_env()) as site:
        password_hash = await site.passwords.hash("four unrelated words here")
        emails = []
        for line in sys.stdin:
            emails += line.split()
            if len(emails) == _AT_ONCE or not line.strip():
                tokens = await Acts(site, COMMAND_LINE).write(_add, emails, password_hash)
                file.write("".join(f"{token}\n" for token in tokens))
                file.flush()
                emails = []
            if not line.strip():
                print("done", flush=True)


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a") as opened:
        asyncio.run(_main(opened))
