"""Couriers' addresses: every form of the contract is taken, and nothing refused or shown repeats a secret."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.config import ConfigError, couriers, load
from twofold.config.couriers import address
from twofold.config.units import Refused

MARKER = "mark3r"
KANNEL = "kannel+https://me:p@sms.example.org:13443/cgi-bin/sendsms?from=%2B15551234567"
TWILIO = f"twilio://AC0123:{MARKER}@+15551234567"
HOOK = f"webhook+https://gw.example.org/sms/{MARKER}?secret={MARKER}"
SMTP = f"smtp://me:{MARKER}@mail.example.org:587?from=login@example.org"


def parsers() -> list[Callable[[str], object]]:
    """The readers of the three settings."""
    return [couriers.mail_url, couriers.sms_urls, couriers.voice_urls]


@pytest.mark.parametrize(
    "url",
    [
        *["console:", SMTP, "smtp://127.0.0.1?from=a@b.org", "smtps://mail.example.org?from=Twofold%20<a@b.org>"],
        *[HOOK, "webhook+https://gw.example.org", "webhook+http://127.0.0.1:8080/x?y=1", "webhook+http://[::1]:80/"],
    ],
)
def test_every_form_of_mail_is_taken(url: str) -> None:
    """Mail servers with STARTTLS and TLS, webhooks, plain ones on this machine, and the console."""
    assert couriers.mail_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        *["console:", TWILIO, HOOK, f"{TWILIO} {HOOK} console:", "webhook+http://localhost:80"],
        *[f"{TWILIO}?api=https://api.example.org", f"{TWILIO}?api=http://127.0.0.1:9999"],
    ],
)
def test_every_form_for_phones_is_taken(text: str) -> None:
    """Twilio, webhooks and the console, several in the order in which they are tried."""
    assert couriers.sms_urls(text) == couriers.voice_urls(text) == tuple(text.split())


def test_texts_may_come_from_a_service_or_a_name_and_calls_may_not() -> None:
    """A messaging service keeps its capital letters; only a number can call."""
    service = f"twilio://AC0123:t@MG{'a1' * 16}"
    assert address(service).host == f"MG{'a1' * 16}"
    assert couriers.sms_urls(f"{service} twilio://AC0123:t@Twofold")
    with pytest.raises(Refused, match="only a number can call"):
        couriers.voice_urls(service)


@pytest.mark.parametrize(
    "text, remedy",
    [
        ("smtp://mail.example.org", "from=login@example.org"),
        ("smtp://mail.example.org?from=nobody", "from=login@example.org"),
        ("smtp://mail.example.org?from=a@b.org&tls=no", "write ca and from only"),
        ("smtp://mail.example.org?from=a@b.org&ca=/no/such/file", "whole path"),
        ("smtp://mail.example.org/inbox?from=a@b.org", "%2F"),
        ("smtp://u:p#x@mail.example.org?from=a@b.org", "%23"),
        ("smtp://?from=a@b.org", "must name a host"),
        ("smtp://mail.example.org:port?from=a@b.org", "port"),
        ("webhook+http://gw.example.org/", "webhook+https://"),
        ("webhook+http://127.0.0.1.example.org/", "webhook+https://"),
        ("webhook+https://gw.example.org/?secret=", "empty secret"),
        ("webhook+https:///path", "must name a host"),
        ("https://gw.example.org", "must begin with"),
        ("console:x", "must begin with"),
        ("twilio://AC0123@+15551234567", "twilio://SID:TOKEN@FROM"),
        ("twilio://AC0123:t@", "twilio://SID:TOKEN@FROM"),
        ("twilio://AC0123:t@+15551234567?api=http://api.example.org", "api of https://"),
        ("twilio://AC0123:t@+15551234567?api=ftp://x", "api=https://host"),
        ("twilio://AC0123:t@+15551234567?key=1", "write api only"),
        ("kannel+http://me:p@sms.example.org?from=Twofold", "kannel+https://"),
        ("kannel+https://me:p@sms.example.org", "from=SENDER"),
        ("kannel+https://sms.example.org?from=Twofold", "user:password"),
    ],
)
def test_a_refused_address_is_told_with_its_remedy(text: str, remedy: str) -> None:
    """One sentence each; what is wrong is named, and what to write instead."""
    with pytest.raises(Refused, match=re.escape(remedy)):
        address(text)


def test_kannel_carries_texts_and_nothing_else() -> None:
    """It has no voice and no mail; on this machine plain http will do, and path and port have defaults."""
    assert couriers.sms_urls(KANNEL) == (KANNEL,)
    plain = address("kannel+http://me:p@127.0.0.1?from=Twofold")
    assert (plain.port, plain.rest, plain.secure) == (13013, "/cgi-bin/sendsms", False)
    for parse in (couriers.voice_urls, couriers.mail_url):
        with pytest.raises(Refused):
            parse(KANNEL)


def test_each_channel_refuses_what_cannot_carry_it() -> None:
    """Mail takes one courier, and no telephone; phones take no mail server."""
    for text in (TWILIO, f"{SMTP} {HOOK}", ""):
        with pytest.raises(Refused):
            couriers.mail_url(text)
    for parse in (couriers.sms_urls, couriers.voice_urls):
        with pytest.raises(Refused, match="twilio://SID:TOKEN@FROM"):
            parse(SMTP)


@pytest.mark.parametrize("scheme", ["", "smtp://", "smtps://", "webhook+https://", "webhook+http://", "twilio://"])
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(scheme: str, text: str) -> None:
    """No text makes a reader fail otherwise, and what is read can be shown."""
    for parse in parsers():
        try:
            parse(scheme + text)
        except Refused:
            continue
        assert all(couriers.shown(url) for url in (scheme + text).split())


@pytest.mark.parametrize(
    "url, expected",
    [
        ("console:", "console:"),
        (SMTP, "smtp://mail.example.org:587"),
        (HOOK, "webhook+https://gw.example.org"),
        (f"webhook+http://u:{MARKER}@[::1]:81/{MARKER}", "webhook+http://[::1]:81"),
        (f"{TWILIO}?api=https://api.example.org", "twilio://+15551234567"),
    ],
)
def test_what_is_shown_holds_no_secret(url: str, expected: str) -> None:
    """Kind and host, nothing more; the parts hide the rest as well."""
    assert couriers.shown(url) == expected
    assert MARKER not in repr(address(url))


@pytest.mark.parametrize("name", ["MAIL_URL", "SMS_URL", "VOICE_URL"])
@pytest.mark.parametrize(
    "scheme", ["x", "smtp", "smtps", "webhook+https", "webhook+http", "twilio", "console"], ids=str
)
def test_no_refusal_repeats_what_was_given(name: str, scheme: str) -> None:
    """The sentence begins with the setting and holds nothing of its value."""
    with pytest.raises(ConfigError) as refused:
        load({f"TWOFOLD_{name}": f"{scheme}://{MARKER}:{MARKER}@{MARKER}/{MARKER}?{MARKER}={MARKER}#{MARKER}"})
    assert refused.value.faults[0].startswith(f"TWOFOLD_{name} ")
    assert MARKER not in str(refused.value)


def test_a_file_of_certificates_must_be_there(tmp_path: Path) -> None:
    """A readable file is taken."""
    ca = tmp_path / "ca.pem"
    ca.write_text("certificate")
    assert address(f"smtp://mail.example.org?from=a@b.org&ca={ca}").options["ca"] == str(ca)
    assert address(f"webhook+https://gw.example.org?ca={ca}&secret=s&keep=1").rest == "/?keep=1"
