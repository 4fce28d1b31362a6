"""Every app reads the same issuer, account and secret from our key URIs, whatever people and sites are called."""

from base64 import b32decode
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.authenticator_apps import (
    APPS,
    Entry,
    aegis,
    free_otp_plus,
    microsoft_authenticator,
    two_fas,
    two_fas_by_parameter,
)
from tests.support.awkward_names import emails, factor_names, site_names
from tests.support.otplib import Otplib
from twofold.factors.totp.rules import SECRET_BYTES, key_uri, text_key

secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def read_by_the_book(uri: str) -> Entry:
    """Return the URI read by RFC 3986 alone, each part decoded once."""
    parts = urlsplit(uri)
    issuer, _, account = parts.path.removeprefix("/").partition(":")
    values = dict(parse_qsl(parts.query, strict_parsing=True))
    assert values["issuer"] == unquote(issuer)
    assert set(values) == {"secret", "issuer"}
    return Entry(unquote(issuer), unquote(account), b32decode(values["secret"]))


@given(secret=secrets, issuer=site_names, account=emails, name=st.none() | factor_names)
def test_every_app_parses_the_same_entry_from_the_key_uri(
    secret: bytes, issuer: str, account: str, name: str | None
) -> None:
    """Google, Microsoft, Aegis, 2FAS and FreeOTP+ agree with each other and with the standard."""
    uri = key_uri(secret, issuer=issuer, account=account, name=name)
    expected = read_by_the_book(uri)
    assert expected.secret == secret
    assert {app(uri) for app in APPS} == {expected}


@given(secret=secrets, issuer=site_names, account=emails, name=st.none() | factor_names)
def test_pyotp_parses_the_same_entry_from_the_key_uri(
    secret: bytes, issuer: str, account: str, name: str | None
) -> None:
    """It refuses a URI whose two issuers differ."""
    uri = key_uri(secret, issuer=issuer, account=account, name=name)
    read, expected = pyotp.parse_uri(uri), read_by_the_book(uri)
    assert isinstance(read, pyotp.TOTP)
    assert (read.issuer, read.name, read.secret) == (expected.issuer, expected.account, text_key(secret))
    assert (read.digits, read.interval) == (6, 30)


@given(secret=secrets, issuer=site_names, account=emails, name=st.none() | factor_names)
def test_otplib_parses_the_same_entry_from_the_key_uri(
    otplib: Otplib, secret: bytes, issuer: str, account: str, name: str | None
) -> None:
    """A reader in another language."""
    uri = key_uri(secret, issuer=issuer, account=account, name=name)
    expected = read_by_the_book(uri)
    label = f"{expected.issuer}:{expected.account}"
    params = {"secret": text_key(secret), "issuer": expected.issuer}
    assert otplib.read(uri) == {"type": "totp", "label": label, "params": params}


@given(issuer=site_names, account=emails, name=factor_names)
def test_second_authenticator_never_overwrites_the_first_entry(issuer: str, account: str, name: str) -> None:
    """No app may overwrite the first entry, whichever part it goes by."""
    first = key_uri(bytes(20), issuer=issuer, account=account, name=None)
    second = key_uri(bytes(20), issuer=issuer, account=account, name=name)
    assert all(app(first) != app(second) for app in APPS)


# ------------------------------------------------------------------ the readers can tell


@pytest.mark.parametrize(
    "app, label, issuer, misread",
    [
        (aegis, "Site:a:b@c.org", "Site", (None, "Site:a:b@c.org")),
        (two_fas, "Site:a%2541b@c.org", "Site", ("Site", "aAb@c.org")),
        (two_fas, "Site:a%23b@c.org", "Site", ("Site", "a-b@c.org")),
        (two_fas_by_parameter, "A%26B:a@c.org", "A%26B", ("A", "a@c.org")),
        (two_fas_by_parameter, "A%2BB:a@c.org", "A%2BB", ("A B", "a@c.org")),
        (free_otp_plus, "Site:a@c.org", "Other", ("Other", "a@c.org")),
        (microsoft_authenticator, "a@c.org", "Site", ("a@c.org", "")),
    ],
)
def test_uris_known_to_confuse_apps_confuse_these_parsers(
    app: Callable[[str], Entry], label: str, issuer: str, misread: tuple[str | None, str]
) -> None:
    """URIs that are known to be misread are misread here too: agreement above means something."""
    read = app(f"otpauth://totp/{label}?secret={KEY}&issuer={issuer}")
    assert (read.issuer, read.account) == misread
