"""Couriers' addresses: every form of the contract is taken, and nothing refused or shown repeats a secret."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.couriers.authority import Authority
from twofold import Twofold
from twofold.base import clock as clocks
from twofold.config import Config, ConfigError, load
from twofold.config.couriers import shown, urls
from twofold.config.units import Refused
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Driver
from twofold.couriers.registry import driver, faults
from twofold.rooms import DRIVERS, read_settings

MARKER = "mark3r"
KANNEL = "kannel+https://me:p@sms.example.org:13443/cgi-bin/sendsms?from=%2B15551234567"
TWILIO = f"twilio://AC0123:{MARKER}@+15551234567"
HOOK = f"webhook+https://gw.example.org/sms/{MARKER}?secret={MARKER}"
SMTP = f"smtp://me:{MARKER}@mail.example.org:587?from=login@example.org"


AROUND = Around(Config.from_env({}), clocks.now)


def made(url: str, channel: str) -> Driver:
    """The driver that carries a channel to an address; raises Refused."""
    return driver(url, channel, AROUND, DRIVERS)


def refused(url: str) -> str:
    """Why an address is refused on the channel that it is meant for."""
    with pytest.raises(Refused) as refusal:
        made(url, "mail" if url.startswith(("smtp", "webhook")) else "sms")
    return str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        *["console:", SMTP, "smtp://127.0.0.1?from=a@b.org", "smtps://mail.example.org?from=Twofold%20<a@b.org>"],
        *[HOOK, "webhook+https://gw.example.org", "webhook+http://127.0.0.1:8080/x?y=1", "webhook+http://[::1]:80/"],
    ],
)
def test_every_form_of_mail_is_taken(url: str) -> None:
    """Mail servers with STARTTLS and TLS, webhooks, plain ones on this machine, and the console."""
    made(url, "mail")


@pytest.mark.parametrize(
    "text",
    [
        *["console:", TWILIO, HOOK, f"{TWILIO} {HOOK} console:", "webhook+http://localhost:80"],
        *[f"{TWILIO}?api=https://api.example.org", f"{TWILIO}?api=http://127.0.0.1:9999"],
    ],
)
def test_every_form_for_phones_is_taken(text: str) -> None:
    """Twilio, webhooks and the console, several in the order in which they are tried."""
    assert urls(text) == tuple(text.split())
    for url in urls(text):
        made(url, "sms")
        made(url, "voice")


def test_texts_may_come_from_a_service_or_a_name_and_calls_may_not() -> None:
    """A messaging service keeps its capital letters; only a number can call."""
    service = f"twilio://AC0123:t@MG{'a1' * 16}"
    assert Address.of(service).place == f"MG{'a1' * 16}"
    for url in (service, "twilio://AC0123:t@Twofold"):
        made(url, "sms")
        with pytest.raises(Refused, match="only a number can call"):
            made(url, "voice")


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
        ("twilio://AC0123:t@+15551234567?api=https://[", "api=https://host"),
        ("twilio://AC0123:t@+15551234567?api=https://api.example.org:abc", "api=https://host"),
        ("Console:", "or be console:"),
        ("twilio://AC0123:t@+15551234567?key=1", "write api only"),
        ("kannel+http://me:p@sms.example.org?from=Twofold", "kannel+https://"),
        ("kannel+https://me:p@sms.example.org", "from=SENDER"),
        ("kannel+https://sms.example.org?from=Twofold", "user:password"),
    ],
)
def test_a_refused_address_is_told_with_its_remedy(text: str, remedy: str) -> None:
    """One sentence each; what is wrong is named, and what to write instead."""
    assert remedy in refused(text)


def test_kannel_carries_texts_and_nothing_else() -> None:
    """It has no voice and no mail; on this machine plain http will do, and path and port have defaults."""
    made(KANNEL, "sms")
    plain = made("kannel+http://me:p@127.0.0.1?from=Twofold", "sms")
    assert plain._url == "http://127.0.0.1:13013/cgi-bin/sendsms"  # type: ignore[attr-defined]
    for channel in ("voice", "mail"):
        with pytest.raises(Refused, match=re.escape("webhook+https://host/path?secret=… or console:")):
            made(KANNEL, channel)


def test_each_channel_refuses_what_cannot_carry_it() -> None:
    """Mail takes one courier, and no telephone; phones take no mail server."""
    for text in (TWILIO, f"{SMTP} {HOOK}", f"{HOOK} {HOOK}"):
        with pytest.raises(Refused, match="must be smtp://user:password@host:587"):
            made(text, "mail")
    for channel in ("sms", "voice"):
        with pytest.raises(Refused, match=r"must be twilio://SID:TOKEN@FROM.*, separated by spaces"):
            made(SMTP, channel)


@pytest.mark.parametrize("scheme", ["", "smtp://", "smtps://", "webhook+https://", "webhook+http://", "twilio://"])
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(scheme: str, text: str) -> None:
    """No text makes a reader fail otherwise, and what is read can be shown."""
    for channel in ("mail", "sms", "voice"):
        for url in urls(scheme + text):
            try:
                made(url, channel)
            except Refused:
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
def test_what_is_shown_holds_no_secret(url: str, expected: str) -> None:
    """Kind and host, nothing more; the parts hide the rest as well."""
    assert shown(url) == expected
    assert MARKER not in repr(Address.of(url))


@pytest.mark.parametrize("name", ["MAIL_URL", "SMS_URL", "VOICE_URL"])
@pytest.mark.parametrize(
    "scheme", ["x", "smtp", "smtps", "webhook+https", "webhook+http", "twilio", "console"], ids=str
)
def test_no_refusal_repeats_what_was_given(name: str, scheme: str) -> None:
    """The sentence begins with the setting and holds nothing of its value."""
    with pytest.raises(ConfigError) as refused:
        read_settings({f"TWOFOLD_{name}": f"{scheme}://{MARKER}:{MARKER}@{MARKER}/{MARKER}?{MARKER}={MARKER}#{MARKER}"})
    assert refused.value.faults[0].startswith(f"TWOFOLD_{name} ")
    assert MARKER not in str(refused.value)


def test_a_file_of_certificates_must_be_there(tmp_path: Path) -> None:
    """A file of certificates is taken, another is not."""
    ca = Authority(tmp_path).ca
    made(f"smtp://mail.example.org?from=a@b.org&ca={ca}", "mail")
    hook = made(f"webhook+https://gw.example.org?ca={ca}&secret=s&keep=1", "sms")
    assert hook._url == "https://gw.example.org/?keep=1"  # type: ignore[attr-defined]
    for other in ("/etc/passwd", str(tmp_path), "%00"):
        with pytest.raises(Refused, match="file of certificates"):
            made(f"webhook+https://gw.example.org?ca={other}", "sms")


def test_faults_of_couriers_are_told_with_all_others() -> None:
    """One report: every setting that is wrong, each address by its own setting, nothing that follows from another."""
    with pytest.raises(ConfigError) as refused:
        read_settings(
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


async def test_whoever_embeds_twofold_is_told_when_it_opens() -> None:
    """A `Config` that was made without the drivers' knowledge is refused before anything is touched."""
    with pytest.raises(ConfigError, match=r"^TWOFOLD_MAIL_URL must say who mails come from"):
        await Twofold(Config.from_env({"TWOFOLD_MAIL_URL": "smtp://mail.example.org"})).open()


def test_a_default_that_no_driver_carries_is_told() -> None:
    """Without the file of the console the default of mail is a fault as any other."""
    with pytest.raises(ConfigError, match=r"^TWOFOLD_MAIL_URL must begin with smtp://"):
        load({}, check=lambda config: faults(config, DRIVERS[:1]))


def test_only_what_carries_the_channel_is_offered() -> None:
    """Nobody is sent to a mail server for text messages, nor to a gateway for texts with mail."""
    with pytest.raises(Refused, match="must begin with") as texts:
        made("gw.example.org", "sms")
    with pytest.raises(Refused, match="must begin with") as mail:
        made("mail.example.org", "mail")
    assert "twilio://" in str(texts.value)
    assert "smtp" not in str(texts.value)
    assert "smtp://" in str(mail.value)
    assert "twilio://" not in str(mail.value)
