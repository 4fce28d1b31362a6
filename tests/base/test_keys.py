"""Sealed values open only for their own purpose and row, with any listed key.

Key files are checked and never replaced.
"""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.keys import BrokenSealError, KeyFileError, Keyring, create_key_file, read_key_file

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)
PLAIN = b"12345678901234567890"
ROW = "factor-1:alice"


@pytest.fixture(scope="module")
def keys() -> Keyring:
    """Return two keys, the newer one first."""
    return Keyring([NEW, OLD])


# ------------------------------------------------------------------ sealing


@given(
    plain=st.binary(max_size=200), purpose=st.text(max_size=20), row=st.text(st.characters(codec="utf-8"), max_size=40)
)
def test_sealed_value_opens_for_the_same_purpose_and_row(keys: Keyring, plain: bytes, purpose: str, row: str) -> None:
    """It opens for the same purpose and row."""
    assert keys.unseal(purpose, keys.seal(purpose, plain, bound_to=row), bound_to=row) == plain


@pytest.mark.parametrize(
    "purpose, bound_to",
    [("totp", "factor-2:alice"), ("totp", "factor-1:bob"), ("totp", ""), ("other", ROW), ("", ROW)],
    ids=["another row", "another account", "no row", "another purpose", "no purpose"],
)
def test_sealed_value_of_another_row_is_refused(keys: Keyring, purpose: str, bound_to: str) -> None:
    """A secret that was moved to another row does not open (K02)."""
    sealed = keys.seal("totp", PLAIN, bound_to=ROW)
    with pytest.raises(BrokenSealError):
        keys.unseal(purpose, sealed, bound_to=bound_to)


def test_altered_sealed_value_is_refused(keys: Keyring) -> None:
    """This covers the key's name, nonce, ciphertext and tag."""
    sealed = keys.seal("totp", PLAIN, bound_to=ROW)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(BrokenSealError):
            keys.unseal("totp", bytes(altered), bound_to=ROW)


@given(sealed=st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"k2:" + rest))
def test_malformed_sealed_value_raises_only_the_seal_error(keys: Keyring, sealed: bytes) -> None:
    """A value that is too short, empty or of another kind is reported as damaged."""
    with pytest.raises(BrokenSealError):
        keys.unseal("totp", sealed, bound_to=ROW)


def test_sealing_a_value_twice_gives_different_results(keys: Keyring) -> None:
    """Equal rows cannot be recognized."""
    sealed = [keys.seal("totp", PLAIN, bound_to=ROW) for _ in range(100)]
    assert len(set(sealed)) == 100
    assert not any(PLAIN in each for each in sealed)


def test_newest_key_seals_and_older_keys_still_open() -> None:
    """A new key is added in front without sealing anything again."""
    old = Keyring([OLD]).seal("totp", PLAIN, bound_to=ROW)
    both = Keyring([NEW, OLD])
    assert both.unseal("totp", old, bound_to=ROW) == PLAIN
    new = both.seal("totp", PLAIN, bound_to=ROW)
    assert Keyring([NEW]).unseal("totp", new, bound_to=ROW) == PLAIN
    with pytest.raises(BrokenSealError):
        Keyring([OLD]).unseal("totp", new, bound_to=ROW)


def test_different_key_of_the_same_name_opens_nothing() -> None:
    """The name alone is not enough."""
    sealed = Keyring([OLD]).seal("totp", PLAIN, bound_to=ROW)
    with pytest.raises(BrokenSealError):
        Keyring([("k1", b"x" * 32)]).unseal("totp", sealed, bound_to=ROW)


# ------------------------------------------------------------------ keyed hashes


def test_hash_matches_under_every_listed_key() -> None:
    """A recovery code still works after a change of keys."""
    old = Keyring([OLD]).mac("recovery", "code")
    assert Keyring([NEW, OLD]).recognises("recovery", "code", old)
    assert not Keyring([NEW]).recognises("recovery", "code", old)


@given(one=st.text(), other=st.text())
def test_hashes_differ_by_text_and_purpose(keys: Keyring, one: str, other: str) -> None:
    """Purposes do not share a key."""
    assert (keys.mac("a", one) == keys.mac("a", other)) == (
        one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    )
    assert keys.mac("a", one) != keys.mac("b", one)


def test_keyring_repr_and_check_value_reveal_no_key(keys: Keyring) -> None:
    """Both may be logged or stored."""
    printed = repr(keys) + keys.key_check("k1") + keys.key_check("k2")
    assert "k2, k1" in repr(keys)
    for _, key in (OLD, NEW):
        assert key.hex() not in printed
        assert key.decode() not in printed


# ------------------------------------------------------------------ the file


def test_new_key_file_is_private_and_can_be_read_back(tmp_path: Path) -> None:
    """It has mode 0600 from the start, and 32 random bytes."""
    path = tmp_path / "secret.keys"
    made = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path) == made
    assert len(made[0][1]) == 32


def test_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """Another key would make all data unreadable."""
    path = tmp_path / "secret.keys"
    made = create_key_file(path)
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert read_key_file(path) == made


def test_missing_key_file_returns_none(tmp_path: Path) -> None:
    """The caller decides whether to create one."""
    assert read_key_file(tmp_path / "secret.keys") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o666, 0o601])
def test_key_file_accessible_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """The error contains the command that fixes it."""
    path = tmp_path / "secret.keys"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"k1:short\n",
        b"k1\n",
        b":" + b"A" * 43,
        b"k 1:" + b"A" * 43,
        b"\xff\xfe",
        b"k1:" + b"A" * 44,
        b"k1:" + b"!" * 43,
    ],
    ids=ascii,
)
def test_malformed_key_file_is_refused_without_repeating_its_content(tmp_path: Path, content: bytes) -> None:
    """The error names the path, not the content."""
    path = tmp_path / "secret.keys"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=str(path)) as refused:
        read_key_file(path)
    assert "AAAA" not in str(refused.value)


def test_key_file_with_a_duplicate_name_is_refused(tmp_path: Path) -> None:
    """With two keys of one name, only one could be found."""
    path = tmp_path / "secret.keys"
    path.write_text(f"k1:{'A' * 43}\nk1:{'B' * 42}A\n")
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        read_key_file(path)


def test_directory_in_place_of_the_key_file_is_refused(tmp_path: Path) -> None:
    """Container platforms create a folder for a missing mount, in place of which no new key is created."""
    (tmp_path / "secret.keys").mkdir()
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_key_file(tmp_path / "secret.keys")
