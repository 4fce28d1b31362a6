"""A courier driver is one new file and one line in the list of features."""

import re
import shutil
from pathlib import Path

import pytest

import twofold
from tests.support.gateway import Gateway
from tests.support.phones import BOUND_CODE
from tests.support.service import Service
from tests.support.users import new_user

SOURCE = Path(twofold.__file__).parent
FILE = '''
"""`pigeon+https://` hands a message to a pigeon."""

from twofold.config.values import InvalidSetting
from twofold.couriers.addresses import Address
from twofold.couriers.contract import CheckResult, Delivery, DriverContext
from twofold.couriers.http import HttpDriver


class Pigeon(HttpDriver):
    """One loft."""

    schemes = ("pigeon+https://", "pigeon+http://")
    channels = ("sms",)
    form = "pigeon+https://host?loft=NAME"
    repeatable = True

    def __init__(self, address: Address, _channel: str, _context: DriverContext) -> None:
        self._url = address.http("/coo")
        self._loft = address.options("loft").get("loft")
        if not self._loft:
            raise InvalidSetting(f"must be {self.form}")
        super().__init__(None)

    async def carry(self, delivery: Delivery) -> None:
        """Let it fly."""
        await self.deliver("POST", f"{self._url}/{self._loft}", body=delivery.message.text.encode())

    async def check(self) -> CheckResult:
        """Look into the loft."""
        await self.ask("OPTIONS", self._url)
        return CheckResult("coos.")
'''


def with_pigeons(folder: Path) -> Path:
    """Return a copy of the source with one file added, and one import and name in the list of features."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "twofold/couriers/drivers/pigeon.py").write_text(FILE)
    rooms = source / "twofold/features.py"
    text, added = re.subn(r"(?m)^    Console,$", "    Console,\n    Pigeon,", rooms.read_text("utf-8"))
    assert added == 1
    rooms.write_text(text.replace("\nfrom ", "\nfrom twofold.couriers.drivers.pigeon import Pigeon\nfrom ", 1))
    return source


def test_new_courier_driver_needs_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings explain and validate its address, the doctor checks it, and a code is sent."""
    monkeypatch.setenv("PYTHONPATH", str(with_pigeons(tmp_path)))
    with Gateway() as loft:
        url = f"pigeon+http://127.0.0.1:{loft.port}?loft=north"
        service = Service(tmp_path / "service", settings={"sms_url": url, "phone_countries": "*"})
        with service:
            assert "pigeon+https://host?loft=NAME" in service.command("config", "reference").stdout
            assert f"pigeon+http://127.0.0.1:{loft.port} coos." in service.command("doctor").stdout
            person = new_user(service)
            person.api.begin_phone("sms", "+12025550123").expect(201)
            assert service.command("config", "check").returncode == 0
            service.settings["sms_url"] = "pigeon+https://loft.example.org"
            refused = service.command("config", "check")
            assert refused.stderr.strip() == "TWOFOLD_SMS_URL must be pigeon+https://host?loft=NAME."
    sent = next(received for received in loft.received if received.method == "POST")
    assert sent.path == "/coo/north"
    assert BOUND_CODE.search(sent.body.decode())
