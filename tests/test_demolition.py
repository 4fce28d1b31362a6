"""A feature, a courier driver or a factor kind is removed with its package and its lines in the list of features."""

import re
import shutil
from pathlib import Path

import pytest

import twofold
from tests.support.phones import phone_user
from tests.support.shifted import ShiftedService
from tests.support.users import HOUR, User, new_user, pass_time

SOURCE = Path(twofold.__file__).parent
LIST = "features.py"
DEMOLISHED = "this is the copy"
# What is deleted, and where else than in the list of features a line names it.
PARTS = {
    "admin": (["admin", "cli/account.py"], ["cli/__init__.py"]),
    "computers": (["computers"], []),
    "dev": (["dev"], []),
    "gate": (["gate", "cli/gate.py"], ["cli/__init__.py"]),
    "notices": (["notices"], []),
    "address": (["address"], []),
    "deletion": (["deletion"], []),
    "export": (["export"], []),
    "profile": (["profile"], []),
    "totp": (["factors/totp"], []),
    "phone": (["factors/phone"], []),
    "sms": (["factors/phone/sms.py"], []),
    "voice": (["factors/phone/voice.py"], []),
    "console": (["couriers/drivers/console.py"], []),
    "kannel": (["couriers/drivers/kannel.py"], []),
    "smtp": (["couriers/drivers/smtp.py"], []),
    "twilio": (["couriers/drivers/twilio.py", "couriers/hooks.py"], []),
    "webhook": (["couriers/drivers/webhook.py"], []),
}
_HOOK = "webhook+http://127.0.0.1:9/?secret=0123456789abcdef0123456789abcdef"
SETTINGS = {  # of what cannot do without
    "console": {
        "mail_url": "smtp://127.0.0.1:9?from=sign-in@example.org",
        "sms_url": _HOOK,
        "voice_url": _HOOK,
        "phone_countries": "*",
    },
}


def demolish(folder: Path, paths: list[str], more: list[str]) -> Path:
    """Copy the source without these paths, and without the lines that name what they held."""
    home = folder / "src" / "twofold"
    shutil.copytree(SOURCE, home, ignore=shutil.ignore_patterns("__pycache__"))
    for path in paths:
        whole = home / path
        if whole.is_dir():
            shutil.rmtree(whole)
        else:
            whole.unlink()
    modules = "|".join(re.escape(path.removesuffix(".py").replace("/", ".")) for path in paths)
    listed = home / LIST
    lines = listed.read_text().splitlines(keepends=True)
    imports = re.compile(rf"from twofold\.(?:{modules})[. ].*import (.*)")
    names = [each.split()[-1] for line in lines if (found := imports.match(line)) for each in found[1].split(", ")]
    named = re.compile("|".join([imports.pattern, *(rf"\b{name}\b" for name in names)]))
    listed.write_text("".join(line for line in lines if not named.search(line)) + f'print("{DEMOLISHED}")\n')
    for path in more:
        named = re.compile(rf'^\s+"{Path(paths[-1]).stem}":')
        lines = (home / path).read_text().splitlines(keepends=True)
        (home / path).write_text("".join(line for line in lines if not named.search(line)))
    return home.parent


def new_person(service: ShiftedService) -> User:
    """Sign up, or have an operator add the account where mails must be read to sign up."""
    if "mail_url" in service.settings:
        person = User(service)
        added = service.command("account", "add", person.email, "--password-file", "-", stdin=person.password)
        assert added.returncode == 0, added.stderr
        person.sign_in()
    else:
        person = new_user(service)
    return person


def sign_in_with_a_code(service: ShiftedService) -> User:
    """Set up an authenticator, and sign in with it in another browser."""
    person = new_person(service)
    person.enable_totp()
    person.sign_in(person.another_browser())
    return person


def sign_in_with_a_text(service: ShiftedService) -> User:
    """Set up a phone, and sign in with it in another browser."""
    person = phone_user(service)
    pass_time(service, HOUR // 2)
    api = person.half_open()
    api.send_code(person.phone_id).expect(202)
    api.give_code(person.phone.code()).expect(200)
    return person


@pytest.mark.parametrize("part", PARTS)
def test_sign_in_works_after_a_part_is_removed(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service starts; a new person signs up, sets up an authenticator, signs in with it and sees the settings."""
    monkeypatch.setenv("PYTHONPATH", str(demolish(tmp_path, *PARTS[part])))
    with ShiftedService(tmp_path / "service", settings=SETTINGS.get(part)) as service:
        person = sign_in_with_a_text(service) if part == "totp" else sign_in_with_a_code(service)
        page = person.pages().get("/settings").expect(200).html
        assert person.email in page
        assert 'class="part"' in page
        assert DEMOLISHED in service.output()
        assert "Traceback" not in service.output()
