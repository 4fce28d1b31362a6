"""Courier addresses: every form of the contract is accepted, and no error or display repeats a secret."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.certificate_authority import Authority
from twofold import Twofold
from twofold.base import clock as clocks
from twofold.config import Config, ConfigError, load
from twofold.config.couriers import shown, urls
from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Driver, DriverContext
from twofold.couriers.registry import driver, faults
from twofold.features import DRIVERS, FEATURES

MARKER = "mark3r"
KANNEL = "kannel+https://me:p@sms.example.org:13443/cgi-bin/sendsms?from=%2B15551234567"
TWILIO = f"twilio://AC0123:{MARKER}@+15551234567"
HOOK = f"webhook+https://gw.example.org/sms/{MARKER}?secret={MARKER}"
SMTP = f"smtp://me:{MARKER}@mail.example.org:587?from=login@example.org"


AROUND = DriverContext(Config.from_env({}), clocks.now)


def made(url: str, channel: str) -> Driver:
    """Return the driver of a channel for an address. Raise InvalidSetting if there is none."""
    return driver(url, channel, AROUND, DRIVERS)


def refused(url: str) -> str:
    """Return why an address is refused for its channel."""
    with pytest.raises(InvalidSetting) as refusal:
        made(url, "mail" if url.startswith(("smtp", "webhook")) else "sms")
    return str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        *["console:", SMTP, "smtp://127.0.0.1?from=a@b.org", "smtps://mail.example.org?from=Twofold%20<a@b.org>"],
        *[HOOK, "webhook+https://gw.example.org", "webhook+http://127.0.0.1:8080/x?y=1", "webhook+http://[::1]:80/"],
    ],
)
def test_every_form_of_mail_courier_address_is_accepted(url: str) -> None:
    """This covers mail servers with STARTTLS and TLS, webhooks, unencrypted ones on this machine, and the console."""
    made(url, "mail")


@pytest.mark.parametrize(
    "text",
    [
        *["console:", TWILIO, HOOK, f"{TWILIO} {HOOK} console:", "webhook+http://localhost:80"],
        *[f"{TWILIO}?api=https://api.example.org", f"{TWILIO}?api=http://127.0.0.1:9999"],
    ],
)
def test_every_form_of_phone_courier_address_is_accepted(text: str) -> None:
    """This covers Twilio, webhooks and the console, and several in the order of use."""
    assert urls(text) == tuple(text.split())
    for url in urls(text):
        made(url, "sms")
        made(url, "voice")


def test_only_texts_accept_a_messaging_service_or_a_name_as_sender() -> None:
    """A messaging service keeps its capital letters; only a number can call."""
    service = f"twilio://AC0123:t@MG{'a1' * 16}"
    assert Address.of(service).authority == f"MG{'a1' * 16}"
    for url in (service, "twilio://AC0123:t@Twofold"):
        made(url, "sms")
        with pytest.raises(InvalidSetting, match="only numbers can make calls"):
            made(url, "voice")


@pytest.mark.parametrize(
    "text, remedy",
    [
        ("smtp://mail.example.org", "from=login@example.org"),
        ("smtp://mail.example.org?from=nobody", "from=login@example.org"),
        ("smtp://mail.example.org?from=a@b.org&tls=no", "use only ca and from"),
        ("smtp://mail.example.org?from=a@b.org&ca=/no/such/file", "full path"),
        ("smtp://mail.example.org/inbox?from=a@b.org", "%2F"),
        ("smtp://u:p#x@mail.example.org?from=a@b.org", "%23"),
        ("smtp://?from=a@b.org", "must name a host"),
        ("smtp://mail.example.org:465?from=a@b.org", "must begin with smtps:// for port 465"),
        ("smtp://mail.example.org:port?from=a@b.org", "port"),
        ("webhook+http://gw.example.org/", "webhook+https://"),
        ("webhook+http://127.0.0.1.example.org/", "webhook+https://"),
        ("webhook+https://gw.example.org/?secret=", "empty secret"),
        ("webhook+https:///path", "must name a host"),
        ("https://gw.example.org", "must begin with"),
        ("console:x", "must begin with"),
        ("twilio://AC0123@+15551234567", "twilio://SID:TOKEN@FROM"),
        ("twilio://AC0123:t@", "twilio://SID:TOKEN@FROM"),
        ("twilio://AC0123:t@+15551234567?api=http://api.example.org", "use https:// for the api"),
        ("twilio://AC0123:t@+15551234567?api=ftp://x", "api=https://host"),
        ("twilio://AC0123:t@+15551234567?api=https://[", "api=https://host"),
        ("twilio://AC0123:t@+15551234567?api=https://api.example.org:abc", "api=https://host"),
        ("Console:", "or be console:"),
        ("twilio://AC0123:t@+15551234567?key=1", "use only api"),
        ("kannel+http://me:p@sms.example.org?from=Twofold", "kannel+https://"),
        ("kannel+https://me:p@sms.example.org", "from=SENDER"),
        ("kannel+https://sms.example.org?from=Twofold", "user:password"),
    ],
)
def test_refused_courier_address_explains_what_to_write_instead(text: str, remedy: str) -> None:
    """One sentence names what is wrong and what to write instead."""
    assert remedy in refused(text)


def test_kannel_is_accepted_for_texts_only() -> None:
    """It cannot carry voice or mail; plain http is accepted on this machine, and path and port have defaults."""
    made(KANNEL, "sms")
    plain = made("kannel+http://me:p@127.0.0.1?from=Twofold", "sms")
    assert plain._url == "http://127.0.0.1:13013/cgi-bin/sendsms"  # type: ignore[attr-defined]
    for channel in ("voice", "mail"):
        with pytest.raises(InvalidSetting, match=re.escape("webhook+https://host/path?secret=… or console:")):
            made(KANNEL, channel)


def test_each_channel_refuses_couriers_that_cannot_carry_it() -> None:
    """Mail accepts one mail courier; phones accept no mail server."""
    for text in (TWILIO, f"{SMTP} {HOOK}", f"{HOOK} {HOOK}"):
        with pytest.raises(InvalidSetting, match="must be smtp://user:password@host:587"):
            made(text, "mail")
    for channel in ("sms", "voice"):
        with pytest.raises(InvalidSetting, match=r"must be twilio://SID:TOKEN@FROM.*, separated by spaces"):
            made(SMTP, channel)


@pytest.mark.parametrize("scheme", ["", "smtp://", "smtps://", "webhook+https://", "webhook+http://", "twilio://"])
@given(text=st.text(max_size=60))
def test_any_courier_address_is_parsed_or_refused(scheme: str, text: str) -> None:
    """No text causes any other error, and accepted addresses can be displayed."""
    for channel in ("mail", "sms", "voice"):
        for url in urls(scheme + text):
            try:
                made(url, channel)
            except InvalidSetting:
                continue
            assert shown(url)


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
def test_displayed_courier_address_contains_no_secret(url: str, expected: str) -> None:
    """It shows only kind and host, and the reprs of its parts hide the rest, too."""
    assert shown(url) == expected
    assert MARKER not in repr(Address.of(url))


@pytest.mark.parametrize("name", ["MAIL_URL", "SMS_URL", "VOICE_URL"])
@pytest.mark.parametrize(
    "scheme", ["x", "smtp", "smtps", "webhook+https", "webhook+http", "twilio", "console"], ids=str
)
def test_error_never_repeats_the_courier_address(name: str, scheme: str) -> None:
    """The error begins with the setting's name and contains nothing of its value."""
    with pytest.raises(ConfigError) as refused:
        FEATURES.read_settings(
            {f"TWOFOLD_{name}": f"{scheme}://{MARKER}:{MARKER}@{MARKER}/{MARKER}?{MARKER}={MARKER}#{MARKER}"}
        )
    assert refused.value.faults[0].startswith(f"TWOFOLD_{name} ")
    assert MARKER not in str(refused.value)


def test_ca_must_name_a_file_of_certificates(tmp_path: Path) -> None:
    """Any other file is refused."""
    ca = Authority(tmp_path).ca
    made(f"smtp://mail.example.org?from=a@b.org&ca={ca}", "mail")
    hook = made(f"webhook+https://gw.example.org?ca={ca}&secret=s&keep=1", "sms")
    assert hook._url == "https://gw.example.org/?keep=1"  # type: ignore[attr-defined]
    for other in ("/etc/passwd", str(tmp_path), "%00"):
        with pytest.raises(InvalidSetting, match="file of certificates"):
            made(f"webhook+https://gw.example.org?ca={other}", "sms")


def test_courier_errors_are_reported_with_all_other_setting_errors() -> None:
    """One report names every invalid setting, without errors that follow from others."""
    with pytest.raises(ConfigError) as refused:
        FEATURES.read_settings(
            {
                "TWOFOLD_MAIL_URL": "smtp://mail.example.org",
                "TWOFOLD_SMS_URL": f"{HOOK} carrier-pigeon://loft",
                "TWOFOLD_TRUST": "soon",
            }
        )
    assert [fault.split()[0] for fault in refused.value.faults] == [
        "TWOFOLD_TRUST",
        "TWOFOLD_MAIL_URL",
        "TWOFOLD_SMS_URL",
    ]


async def test_invalid_courier_in_an_embedded_config_is_refused_on_opening() -> None:
    """A `Config` built without the drivers is refused before anything is opened."""
    with pytest.raises(ConfigError, match=r"^TWOFOLD_MAIL_URL must have a sender"):
        await Twofold(Config.from_env({"TWOFOLD_MAIL_URL": "smtp://mail.example.org"})).open()


def test_default_courier_without_a_driver_is_reported() -> None:
    """Without the console's file, the default of mail is reported like any other error."""
    with pytest.raises(ConfigError, match=r"^TWOFOLD_MAIL_URL must begin with smtp://"):
        load({}, check=lambda config: faults(config, DRIVERS[:1]))


def test_error_suggests_only_couriers_that_carry_the_channel() -> None:
    """A mail server is never suggested for text messages, nor a text gateway for mail."""
    with pytest.raises(InvalidSetting, match="must begin with") as texts:
        made("gw.example.org", "sms")
    with pytest.raises(InvalidSetting, match="must begin with") as mail:
        made("mail.example.org", "mail")
    assert "twilio://" in str(texts.value)
    assert "smtp" not in str(texts.value)
    assert "smtp://" in str(mail.value)
    assert "twilio://" not in str(mail.value)
