"""The checks of the data directory and the proxies."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from twofold.cli.doctor.findings import Finding
from twofold.config import Config

_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p"}


def check_data_dir(config: Config) -> Iterator[Finding]:
    """Check who can open the data directory, and that SQLite is on a local disk."""
    folder = config.data_dir
    if not folder.is_dir():
        yield Finding("warn", "data directory", f"{folder} does not exist yet: `twofold serve` creates it.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("fail", "data directory", f"This user cannot write to {folder}: change its owner.")
    elif mode & 0o077:
        yield Finding("warn", "data directory", f"Other users can open {folder}: run `chmod 700 {folder}`.")
    else:
        yield Finding("ok", "data directory", f"Only this user can open {folder}.")
    kind = _file_system(config.sqlite_path.parent) if config.sqlite_path else None
    if kind in _NETWORK_FILE_SYSTEMS:
        yield Finding("fail", "file system", f"SQLite is not safe on a network file system ({kind}): use a local disk.")


def _file_system(folder: Path) -> str | None:
    """Return the type of file system that a directory is on, or None if the system does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    kinds = {mount.split()[4]: mount.partition(" - ")[2].split()[0] for mount in mounts}
    resolved = folder.resolve()
    return next((kinds[str(parent)] for parent in (resolved, *resolved.parents) if str(parent) in kinds), None)


def check_proxies(config: Config) -> Iterator[Finding]:
    """Check whether the proxies in front are known."""
    if config.trusted_proxies:
        trusted = ", ".join(map(str, config.trusted_proxies))
        yield Finding("ok", "proxies", f"X-Forwarded-For is trusted from {trusted} only.")
    elif config.secure:
        yield Finding(
            "warn",
            "proxies",
            "The public address is https, so there is a proxy in front. Set TWOFOLD_TRUSTED_PROXIES to its network;"
            " without it, all clients share one address and its limits.",
        )
    else:
        yield Finding("ok", "proxies", "None trusted; forwarding headers are ignored.")
