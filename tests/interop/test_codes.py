"""Our codes match those of independent implementations."""

import pyotp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.authenticator import oathtool
from tests.support.otplib import Otplib
from twofold.factors.totp.rules import SECRET_BYTES, STEP, code_at, text_key

secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
moments = st.integers(0, 2**33)


@given(secret=secrets, at=moments)
def test_pyotp_generates_the_same_codes(secret: bytes, at: int) -> None:
    """Python's usual library, from the key as people type it."""
    assert code_at(secret, at // STEP) == pyotp.TOTP(text_key(secret)).at(at)


@given(secret=secrets, at=moments)
@settings(max_examples=50)
def test_oathtool_generates_the_same_codes(secret: bytes, at: int) -> None:
    """The reference tool of the OATH toolkit."""
    assert code_at(secret, at // STEP) == oathtool(text_key(secret), at)


@given(secret=secrets, at=moments)
def test_otplib_generates_the_same_codes(otplib: Otplib, secret: bytes, at: int) -> None:
    """JavaScript's usual library."""
    assert code_at(secret, at // STEP) == otplib.code(text_key(secret), at)
