"""What the command line tells of couriers: which ones there are, whether they answer, and never a secret."""

import json
from pathlib import Path

import pytest

from tests.cli.run import twofold
from tests.couriers.gateway import Gateway, answers, closed_port

MARKER = "mark3r"


def told(folder: Path, **settings: str) -> dict[str, tuple[str, str]]:
    """Status and sentence by channel; what the doctor prints holds no secret."""
    run = twofold(folder, "doctor", "--json", **settings)
    assert MARKER not in run.stdout + run.stderr
    found = {line["name"]: (line["status"], line["text"]) for line in json.loads(run.stdout)}
    assert (run.returncode == 1) is any(status == "fail" for status, _ in found.values())
    return {channel: found[channel] for channel in ("mail", "sms", "voice")}


def test_on_one_s_own_machine_the_doctor_says_where_messages_are_shown(tmp_path: Path) -> None:
    """The console is all that a newcomer needs."""
    found = told(tmp_path)
    assert {status for status, _ in found.values()} == {"ok"}
    assert all("/dev/outbox" in text for _, text in found.values())


def test_on_a_public_address_the_doctor_warns_of_the_console(tmp_path: Path) -> None:
    """Nothing would be sent; channels without a courier are not offered, and that is no fault."""
    found = told(tmp_path, BASE_URL="https://login.example.org", SMS_URL="console:", PHONE_COUNTRIES="US")
    assert {channel: status for channel, (status, _) in found.items()} == {"mail": "warn", "sms": "warn", "voice": "ok"}
    assert "TWOFOLD_MAIL_URL" in found["mail"][1]
    assert "TWOFOLD_VOICE_URL" in found["voice"][1]


def test_the_doctor_asks_every_courier_and_sends_nothing(tmp_path: Path) -> None:
    """One that answers is well, one that does not is a failure, and of two one that works is enough for a warning."""
    with Gateway() as gateway:
        good = f"webhook+http://127.0.0.1:{gateway.port}/{MARKER}?secret={MARKER}"
        bad = f"webhook+http://127.0.0.1:{closed_port()}/{MARKER}?secret={MARKER}"
        found = told(
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


def test_the_doctor_warns_of_a_webhook_that_cannot_tell_who_sends(tmp_path: Path) -> None:
    """Without a secret anybody can send through it."""
    with Gateway() as gateway:
        found = told(tmp_path, SMS_URL=gateway.webhook, PHONE_COUNTRIES="*")
    assert found["sms"][0] == "warn"
    assert "?secret=" in found["sms"][1]


@pytest.mark.parametrize("status, expected", [(200, "ok"), (401, "fail"), (500, "fail")])
def test_the_doctor_tries_the_account_at_twilio(status: int, expected: str, tmp_path: Path) -> None:
    """A mistyped token is found before anybody waits for a code."""
    with Gateway(answers(status)) as api:
        url = f"twilio://AC0123:{MARKER}@+15551234567?api={api.url}"
        assert told(tmp_path, SMS_URL=url, PHONE_COUNTRIES="*")["sms"][0] == expected
    assert [(received.method, received.path) for received in api.received] == [
        ("GET", "/2010-04-01/Accounts/AC0123.json")
    ]


@pytest.mark.parametrize("status, expected", [(400, "ok"), (403, "fail")])
def test_the_doctor_tries_the_account_at_kannel(status: int, expected: str, tmp_path: Path) -> None:
    """Kannel says 403 to strangers, and 400 to those whom it knows and who name no number."""
    with Gateway(answers(status)) as gateway:
        url = f"kannel+http://me:{MARKER}@127.0.0.1:{gateway.port}?from=Twofold"
        assert told(tmp_path, SMS_URL=url, PHONE_COUNTRIES="*")["sms"][0] == expected


def test_config_show_names_couriers_without_their_secrets(tmp_path: Path) -> None:
    """Kind and host are enough to know which one is meant."""
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
