"""The command line reports which couriers are configured and whether they respond, without secrets."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import twofold
from tests.support.gateway import Gateway, answers, closed_port

MARKER = "mark3r"


def courier_checks(folder: Path, **settings: str) -> dict[str, tuple[str, str]]:
    """Return the status and text of `doctor` by channel, after checking that it prints no secret."""
    run = twofold(folder, "doctor", "--json", **settings)
    assert MARKER not in run.stdout + run.stderr
    found = {line["name"]: (line["status"], line["text"]) for line in json.loads(run.stdout)}
    assert (run.returncode == 1) is any(status == "fail" for status, _ in found.values())
    return {channel: found[channel] for channel in ("mail", "sms", "voice")}


def test_doctor_on_loopback_says_where_messages_are_shown(tmp_path: Path) -> None:
    """The console courier is enough for a first try."""
    found = courier_checks(tmp_path)
    assert {status for status, _ in found.values()} == {"ok"}
    assert all("/dev/outbox" in text for _, text in found.values())


def test_doctor_on_a_public_address_warns_about_the_console_courier(tmp_path: Path) -> None:
    """It sends nothing; channels without a courier are not offered, which is not a fault."""
    found = courier_checks(tmp_path, BASE_URL="https://login.example.org", SMS_URL="console:", PHONE_COUNTRIES="US")
    assert {channel: status for channel, (status, _) in found.items()} == {"mail": "warn", "sms": "warn", "voice": "ok"}
    assert "TWOFOLD_MAIL_URL" in found["mail"][1]
    assert "TWOFOLD_VOICE_URL" in found["voice"][1]


def test_doctor_checks_every_courier_and_sends_nothing(tmp_path: Path) -> None:
    """A courier that does not respond is a failure, or a warning if another one works."""
    with Gateway() as gateway:
        good = f"webhook+http://127.0.0.1:{gateway.port}/{MARKER}?secret={MARKER}"
        bad = f"webhook+http://127.0.0.1:{closed_port()}/{MARKER}?secret={MARKER}"
        found = courier_checks(
            tmp_path,
            MAIL_URL=f"smtp://me:{MARKER}@127.0.0.1:{closed_port()}?from=a@b.org",
            SMS_URL=good,
            VOICE_URL=f"{bad} {good}",
            PHONE_COUNTRIES="*",
        )
        assert {channel: status for channel, (status, _) in found.items()} == {
            "mail": "fail",
            "sms": "ok",
            "voice": "warn",
        }
        assert {received.method for received in gateway.received} == {"OPTIONS"}


def test_doctor_warns_about_a_webhook_without_a_secret(tmp_path: Path) -> None:
    """Without one, the receiver cannot verify who sent a message."""
    with Gateway() as gateway:
        found = courier_checks(tmp_path, SMS_URL=gateway.webhook, PHONE_COUNTRIES="*")
    assert found["sms"][0] == "warn"
    assert "?secret=" in found["sms"][1]


@pytest.mark.parametrize("status, expected", [(200, "ok"), (401, "fail"), (500, "fail")])
def test_doctor_checks_the_twilio_credentials(status: int, expected: str, tmp_path: Path) -> None:
    """A wrong token is reported before users wait for codes."""
    with Gateway(answers(status)) as api:
        url = f"twilio://AC0123:{MARKER}@+15551234567?api={api.url}"
        assert courier_checks(tmp_path, SMS_URL=url, PHONE_COUNTRIES="*")["sms"][0] == expected
    assert [(received.method, received.path) for received in api.received] == [
        ("GET", "/2010-04-01/Accounts/AC0123.json")
    ]


@pytest.mark.parametrize("status, expected", [(400, "ok"), (403, "fail")])
def test_doctor_checks_the_kannel_credentials(status: int, expected: str, tmp_path: Path) -> None:
    """Kannel answers 403 to wrong credentials, and 400 to a request without a number."""
    with Gateway(answers(status)) as gateway:
        url = f"kannel+http://me:{MARKER}@127.0.0.1:{gateway.port}?from=Twofold"
        assert courier_checks(tmp_path, SMS_URL=url, PHONE_COUNTRIES="*")["sms"][0] == expected


def test_config_show_lists_couriers_without_their_secrets(tmp_path: Path) -> None:
    """Couriers are identified by kind and host."""
    run = twofold(
        tmp_path,
        "config",
        "show",
        MAIL_URL=f"smtps://me:{MARKER}@mail.example.org?from=a@b.org",
        SMS_URL=f"twilio://AC0123:{MARKER}@+15551234567 webhook+https://gw.example.org/{MARKER}?secret={MARKER}",
        PHONE_COUNTRIES="US",
    )
    assert run.returncode == 0
    assert MARKER not in run.stdout
    assert "smtps://mail.example.org " in run.stdout
    assert "twilio://+15551234567 webhook+https://gw.example.org " in run.stdout
