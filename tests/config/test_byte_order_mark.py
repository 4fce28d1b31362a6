"""A byte order mark at the start of a settings file, which some editors add, is skipped."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from twofold.base.keys import read_key_file
from twofold.config import load

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()


@pytest.mark.parametrize("mark", [b"", MARK])
def test_byte_order_mark_at_the_start_of_a_file_is_skipped(mark: bytes, tmp_path: Path) -> None:
    """This covers the TOML file, files of single values and the key file."""
    toml, value, keys = (tmp_path / name for name in ("t.toml", "value", "secret.keys"))
    toml.write_bytes(mark + b'site_name = "Acme"\n')
    value.write_bytes(mark + b"7d\n")
    keys.write_bytes(mark + b"k1:" + urlsafe_b64encode(bytes(range(32))) + b"\n")
    keys.chmod(0o600)
    config, _ = load({"TWOFOLD_CONFIG": str(toml), "TWOFOLD_TRUST_FILE": str(value)})
    assert (config.site_name, config.trust) == ("Acme", 7 * 86_400)
    assert read_key_file(keys) == [("k1", bytes(range(32)))]
