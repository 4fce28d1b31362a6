"""What is sealed opens only where it belongs, under any key still listed; key files are guarded and never guessed."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.keys import BrokenSealError, KeyFileError, Keyring, make_key_file, read_key_file

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)
PLAIN = b"12345678901234567890"
ROW = "factor-1:alice"


@pytest.fixture(scope="module")
def keys() -> Keyring:
    """Two keys, the newer one first."""
    return Keyring([NEW, OLD])


# ------------------------------------------------------------------ sealing


@given(
    plain=st.binary(max_size=200), purpose=st.text(max_size=20), row=st.text(st.characters(codec="utf-8"), max_size=40)
)
def test_what_is_sealed_opens_again(keys: Keyring, plain: bytes, purpose: str, row: str) -> None:
    """For the same purpose and the same row."""
    assert keys.unseal(purpose, keys.seal(purpose, plain, bound_to=row), bound_to=row) == plain


@pytest.mark.parametrize(
    "purpose, bound_to",
    [("totp", "factor-2:alice"), ("totp", "factor-1:bob"), ("totp", ""), ("other", ROW), ("", ROW)],
    ids=["another row", "another account", "no row", "another purpose", "no purpose"],
)
def test_a_swapped_seal_is_refused(keys: Keyring, purpose: str, bound_to: str) -> None:
    """Who can write to the database cannot move a secret to another's row (K02)."""
    sealed = keys.seal("totp", PLAIN, bound_to=ROW)
    with pytest.raises(BrokenSealError):
        keys.unseal(purpose, sealed, bound_to=bound_to)


def test_any_altered_bit_breaks_the_seal(keys: Keyring) -> None:
    """Name of the key, nonce, text and tag."""
    sealed = keys.seal("totp", PLAIN, bound_to=ROW)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(BrokenSealError):
            keys.unseal("totp", bytes(altered), bound_to=ROW)


@given(sealed=st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"k2:" + rest))
def test_nothing_else_opens_and_nothing_else_is_raised(keys: Keyring, sealed: bytes) -> None:
    """Too short, empty, or of another kind: a row that was damaged is told as such."""
    with pytest.raises(BrokenSealError):
        keys.unseal("totp", sealed, bound_to=ROW)


def test_the_same_secret_never_looks_the_same(keys: Keyring) -> None:
    """Equal rows tell nothing."""
    sealed = [keys.seal("totp", PLAIN, bound_to=ROW) for _ in range(100)]
    assert len(set(sealed)) == 100
    assert not any(PLAIN in each for each in sealed)


def test_the_newest_key_seals_and_older_ones_still_open() -> None:
    """A new key is put in front; nothing has to be sealed anew."""
    old = Keyring([OLD]).seal("totp", PLAIN, bound_to=ROW)
    both = Keyring([NEW, OLD])
    assert both.unseal("totp", old, bound_to=ROW) == PLAIN
    new = both.seal("totp", PLAIN, bound_to=ROW)
    assert Keyring([NEW]).unseal("totp", new, bound_to=ROW) == PLAIN
    with pytest.raises(BrokenSealError):
        Keyring([OLD]).unseal("totp", new, bound_to=ROW)


def test_another_key_of_the_same_name_opens_nothing() -> None:
    """A name is no key."""
    sealed = Keyring([OLD]).seal("totp", PLAIN, bound_to=ROW)
    with pytest.raises(BrokenSealError):
        Keyring([("k1", b"x" * 32)]).unseal("totp", sealed, bound_to=ROW)


# ------------------------------------------------------------------ keyed hashes


def test_a_hash_is_recognised_under_every_key_that_is_listed() -> None:
    """A recovery code outlives a change of keys."""
    old = Keyring([OLD]).mac("recovery", "code")
    assert Keyring([NEW, OLD]).recognises("recovery", "code", old)
    assert not Keyring([NEW]).recognises("recovery", "code", old)


@given(one=st.text(), other=st.text())
def test_different_texts_and_purposes_have_different_hashes(keys: Keyring, one: str, other: str) -> None:
    """Purposes do not share a key."""
    assert (keys.mac("a", one) == keys.mac("a", other)) == (
        one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    )
    assert keys.mac("a", one) != keys.mac("b", one)


def test_neither_the_keyring_nor_its_check_value_tells_a_key(keys: Keyring) -> None:
    """Both may come into a log or the database."""
    told = repr(keys) + keys.key_check("k1") + keys.key_check("k2")
    assert "k2, k1" in repr(keys)
    for _, key in (OLD, NEW):
        assert key.hex() not in told
        assert key.decode() not in told


# ------------------------------------------------------------------ the file


def test_a_new_key_file_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    """Mode 0600 from the first moment, 32 random bytes."""
    path = tmp_path / "secret.keys"
    made = make_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path) == made
    assert len(made[0][1]) == 32


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """A second one would make everything unreadable."""
    path = tmp_path / "secret.keys"
    made = make_key_file(path)
    with pytest.raises(FileExistsError):
        make_key_file(path)
    assert read_key_file(path) == made


def test_a_missing_key_file_is_none(tmp_path: Path) -> None:
    """Whether one may be made is not the file's to say."""
    assert read_key_file(tmp_path / "secret.keys") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_key_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    path = tmp_path / "secret.keys"
    make_key_file(path)
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
def test_a_damaged_key_file_is_refused_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    """One sentence with the path, without what stands in the file."""
    path = tmp_path / "secret.keys"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=str(path)) as refused:
        read_key_file(path)
    assert "AAAA" not in str(refused.value)


def test_a_key_file_names_each_key_once(tmp_path: Path) -> None:
    """Of two keys with one name only one could be found."""
    path = tmp_path / "secret.keys"
    path.write_text(f"k1:{'A' * 43}\nk1:{'B' * 42}A\n")
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        read_key_file(path)


def test_something_else_in_the_place_of_the_key_file_is_refused(tmp_path: Path) -> None:
    """It is there, so no new one is made: a folder, as container platforms make for a missing mount."""
    (tmp_path / "secret.keys").mkdir()
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_key_file(tmp_path / "secret.keys")
