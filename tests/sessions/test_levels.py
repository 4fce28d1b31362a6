"""The level of a session by its proofs: the table of levels, and properties of any proofs."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.proofs import Assurance, Level, Proof, Strength
from twofold.factors.contract import Kind
from twofold.features import KINDS
from twofold.sessions.rules import (
    added,
    assurance,
    earlier_proofs,
    of_password,
    password_proof,
    recovery_code_proof,
    without,
)

ONE, TWO, PHR = Level
CODE, TEXT, CALL = Strength(TWO, "otp"), Strength(TWO, "sms"), Strength(TWO, "tel")
TOUCH, ALONE, SYNCED = (
    Strength(PHR, "pop user"),
    Strength(PHR, "pop user", "pop user"),
    Strength(PHR, "pop user", "pop user swk"),
)
YOUNG = Strength(TWO, "pop user", "pop user")
STRENGTHS = {"totp": CODE, "sms": TEXT, "voice": CALL}


def by(method: str, strength: Strength, at: int = 0, source: str = "") -> Proof:
    """Return a proof by a factor."""
    return Proof(method, source or f"my {method}", at, strength)


NOW = 1000
PASSWORD = password_proof(0)
TABLE: dict[str, tuple[list[Proof], str, str, str]] = {
    "nothing": ([], "", "", ""),
    "a code alone": ([by("totp", CODE)], "", "", ""),
    "a recovery code alone": ([recovery_code_proof(0)], "", "", ""),
    "a touch alone": ([by("passkey", TOUCH)], "", "", ""),
    "the password": ([PASSWORD], "password", "1fa", "pwd"),
    "an app": ([PASSWORD, by("totp", CODE)], "password totp", "2fa", "pwd otp mfa"),
    "a text message": ([PASSWORD, by("sms", TEXT)], "password sms", "2fa", "pwd sms mfa"),
    "a call": ([PASSWORD, by("voice", CALL)], "password voice", "2fa", "pwd tel mfa"),
    "the recovery code": ([PASSWORD, recovery_code_proof(0)], "password recovery_code", "2fa", "pwd otp mfa"),
    "a touch": ([PASSWORD, by("passkey", TOUCH)], "password passkey", "phr", "pwd pop user mfa"),
    "a passkey alone": ([by("passkey", ALONE)], "passkey", "phr", "pop user mfa"),
    "a synced passkey alone": ([by("passkey", SYNCED)], "passkey", "phr", "pop user swk mfa"),
    "a young passkey alone": ([by("passkey", YOUNG)], "passkey", "2fa", "pop user mfa"),
    "a young passkey": ([PASSWORD, by("passkey", YOUNG)], "password passkey", "2fa", "pwd pop user mfa"),
}


@pytest.mark.parametrize("proved", TABLE)
def test_proofs_reach_the_level_of_the_table(proved: str) -> None:
    """This covers each row of the contract."""
    proofs, methods, level, amr = TABLE[proved]
    expected = Assurance(0, Level(level), tuple(methods.split()), amr) if level else None
    assert assurance(proofs) == expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_documentation_has_the_row_of_each_kind(kind: type[Kind]) -> None:
    """The row is in the table of `docs/levels.md`."""
    reached = assurance([PASSWORD, by(kind.kind, kind.strength)])
    assert reached
    row = f"| {', '.join(reached.methods)} | `{reached.level}` | `{reached.amr}` |"
    assert row in (Path(__file__).parents[2] / "docs" / "levels.md").read_text("utf-8")


def test_levels_sort_by_strength() -> None:
    """Their names are those of the contract, and comparing them compares strength."""
    assert sorted(Level) == [Level.ONE_FACTOR, Level.TWO_FACTORS, Level.PHISHING_RESISTANT] == list(Level)


HISTORY = [password_proof(100), by("totp", CODE, 100), by("sms", TEXT, 200), by("passkey", ALONE, 50)]


@pytest.mark.parametrize(
    "proofs, wanted, at, methods",
    [
        ([password_proof(100), by("totp", CODE, 160)], None, 100, "password totp"),
        ([password_proof(100), by("totp", CODE, 40)], None, 40, "password totp"),
        ([password_proof(100), by("totp", CODE, 40)], ONE, 100, "password"),
        ([password_proof(100), by("totp", CODE, 40)], TWO, 40, "password totp"),
        ([password_proof(100), by("totp", CODE, 40)], PHR, None, ""),
        ([password_proof(300), by("totp", CODE, 100), by("sms", TEXT, 200)], None, 200, "password sms"),
        ([password_proof(300), by("totp", CODE, 100), by("totp", CODE, 200, "other")], None, 200, "password totp"),
        (HISTORY, None, 50, "password passkey"),
        (HISTORY, TWO, 100, "password totp"),
        (HISTORY, ONE, 100, "password totp"),
        ([password_proof(10), by("passkey", ALONE, 90)], None, 90, "passkey"),
        ([password_proof(10), by("totp", CODE, 10), by("passkey", ALONE, 90)], TWO, 90, "passkey"),
        ([password_proof(90), by("passkey", TOUCH, 10)], ONE, 90, "password"),
    ],
)
def test_combination_whose_oldest_proof_is_newest_counts(
    proofs: list[Proof], wanted: Level | None, at: int | None, methods: str
) -> None:
    """It may be for the requested level or a higher one; the default is the highest level."""
    found = assurance(proofs, wanted)
    assert ((found.authenticated_at, " ".join(found.methods)) if found else (None, "")) == (at, methods)


# ------------------------------------------------------------------ any proofs


IDS = {"f1": "totp", "f2": "sms", "f3": "passkey", "f4": "passkey"}
FACTORS = st.builds(
    lambda source, strength, at: by(IDS[source], strength, at, source),
    st.sampled_from(sorted(IDS)),
    st.sampled_from([CODE, TEXT, CALL, TOUCH, ALONE, SYNCED, YOUNG]),
    st.integers(0, 9),
)
ANY = st.lists(
    FACTORS | st.builds(password_proof, st.integers(0, 9)) | st.builds(recovery_code_proof, st.integers(0, 9))
)


def rank(proofs: Iterable[Proof]) -> tuple[str, list[int]]:
    """Return the level of proofs, and the time for each level."""
    found = assurance(proofs)
    fresh = [each.authenticated_at if (each := assurance(proofs, level)) else -1 for level in Level]
    return found.level if found else "", fresh


def is_at_least(higher: tuple[str, list[int]], lower: tuple[str, list[int]]) -> bool:
    """Return whether no level is missing or older."""
    return higher[0] >= lower[0] and all(new >= old for new, old in zip(higher[1], lower[1], strict=True))


@given(ANY, ANY)
def test_adding_proofs_never_lowers_a_level(proofs: list[Proof], new: list[Proof]) -> None:
    """No level becomes older either, although only the newest proof of each source is stored."""
    assert is_at_least(rank(added(proofs, new, NOW)), rank(added([], proofs, NOW)))


@given(ANY, st.sets(st.sampled_from([*IDS, "password", "recovery_code"])))
def test_removing_sources_never_raises_a_level(proofs: list[Proof], gone: set[str]) -> None:
    """No proof by a removed source remains."""
    left = without(proofs, gone)
    assert is_at_least(rank(proofs), rank(left))
    assert not {each.source for each in left} & gone


@given(ANY)
def test_newest_proof_of_each_source_is_enough(proofs: list[Proof]) -> None:
    """Older proofs change no result, and the number of sources is bounded."""
    kept = added([], proofs, NOW)
    assert rank(kept) == rank(proofs)
    assert [assurance(kept, level) for level in Level] == [assurance(proofs, level) for level in Level]
    assert len({(each.source, each.strength) for each in kept}) == len(kept)


def test_proof_of_the_future_is_replaced_by_any_other() -> None:
    """A clock that was ahead must neither keep a session fresh nor prevent new proofs from counting."""
    ahead = [password_proof(NOW + 3600), by("totp", CODE, NOW + 3600)]
    assert set(added(ahead, [password_proof(NOW)], NOW)) == {password_proof(NOW), ahead[1]}


@given(ANY, st.randoms())
def test_order_of_proofs_does_not_matter(proofs: list[Proof], random: Random) -> None:
    """The result depends only on the set of proofs."""
    shuffled = random.sample(proofs, len(proofs))
    assert [assurance(shuffled, level) for level in Level] == [assurance(proofs, level) for level in Level]


@given(ANY)
def test_higher_level_is_never_fresher_than_a_lower_one(proofs: list[Proof]) -> None:
    """Proofs of a level are also proofs of all lower levels."""
    fresh = rank(proofs)[1]
    assert fresh == sorted(fresh, reverse=True)


@given(ANY)
def test_level_needs_a_proof_of_it(proofs: list[Proof]) -> None:
    """Without the password, only proofs that need none count; with the password alone, the level is the lowest."""
    found = assurance(proofs)
    if not any(each.method == "password" or each.strength.alone for each in proofs):
        assert found is None
    if found and found.level > ONE:
        assert found.level in {each.strength.level for each in proofs}


# ------------------------------------------------------------------ sessions of earlier versions


def test_methods_that_an_earlier_version_stored_count_from_the_sign_in() -> None:
    """Names that no kind has are ignored."""
    proofs = earlier_proofs(["password", "totp"], 70, STRENGTHS)
    assert assurance(proofs) == Assurance(70, TWO, ("password", "totp"), "pwd otp mfa")
    assert assurance(earlier_proofs(["password", "recovery_code"], 70, STRENGTHS)) == Assurance(
        70, TWO, ("password", "recovery_code"), "pwd otp mfa"
    )
    assert assurance(earlier_proofs(["password", "carrier pigeon"], 70, STRENGTHS)) == Assurance(
        70, ONE, ("password",), "pwd"
    )


def test_proof_by_an_unknown_factor_ends_with_any_factor() -> None:
    """An earlier version did not store the factor, so it may be the one that was removed."""
    assert without(earlier_proofs(["password", "totp"], 70, STRENGTHS), {"a factor"}) == (password_proof(70),)


def test_password_alone_counts_after_a_change_by_an_earlier_version() -> None:
    """That change may have removed any other proof."""
    assert of_password(HISTORY) == (password_proof(100),)
