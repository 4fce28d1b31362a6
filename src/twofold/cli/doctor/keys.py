"""The check of the secret keys."""

from collections.abc import Sequence

from twofold.base.keys import KeyFileError, Keyring, read_key_file
from twofold.base.keystore import KEY_FILE
from twofold.cli.doctor.findings import Finding
from twofold.config import Config

_MIN_DIFFERENT_BYTES = 8  # 32 random bytes have at least this many different values


def check_keys(config: Config, checks: dict[str, str]) -> Finding:
    """Compare the current keys with the check values in the database."""
    try:
        keys = config.secret_keys or read_key_file(config.data_dir / KEY_FILE)
    except KeyFileError as error:
        return Finding("fail", "keys", str(error))
    if not keys:
        if checks:
            return Finding("fail", "keys", "The keys of this database are missing: restore them from a backup.")
        return Finding("warn", "keys", "None yet: `twofold serve` creates them in the data directory.")
    return _compare(keys, checks)


def _compare(keys: Sequence[tuple[str, bytes]], checks: dict[str, str]) -> Finding:
    ring = Keyring(keys)
    wrong = [key_id for key_id, check in checks.items() if key_id in ring.ids and ring.key_check(key_id) != check]
    if wrong:
        listed = ", ".join(wrong)
        return Finding(
            "fail", "keys", f"These do not match the keys of this database: {listed}. Restore them from a backup."
        )
    if checks and not set(checks) & set(ring.ids):
        listed = ", ".join(checks)
        return Finding("fail", "keys", f"None belongs to this database: add {listed} after the newer ones.")
    if missing := sorted(set(checks) - set(ring.ids)):
        return Finding(
            "warn",
            "keys",
            f"Older keys are missing: add {', '.join(missing)}, or data encrypted with them cannot be read.",
        )
    if any(len(set(key)) < _MIN_DIFFERENT_BYTES for _, key in keys):
        return Finding("warn", "keys", "One of them does not look random: generate 32 random bytes.")
    return Finding("ok", "keys", f"In use, newest first: {', '.join(ring.ids)}.")
