"""A driver is one file to add, and one line in the list of rooms: a driver from outside the house is carried by."""

import re
import shutil
from pathlib import Path

import pytest

import twofold
from tests.couriers.gateway import Gateway
from tests.phones import BOUND_CODE
from tests.residents import resident
from tests.service import Service

SOURCE = Path(twofold.__file__).parent
FILE = '''
"""`pigeon+https://` hands a message to a pigeon."""

from twofold.config.units import Refused as BadAddress
from twofold.couriers.addresses import Address
from twofold.couriers.contract import Around, Look, Parcel
from twofold.couriers.http import HttpDriver


class Pigeon(HttpDriver):
    """One loft."""

    schemes = ("pigeon+https://", "pigeon+http://")
    channels = ("sms",)
    form = "pigeon+https://host?loft=NAME"
    repeatable = True

    def __init__(self, address: Address, _channel: str, _around: Around) -> None:
        self._url = address.http("/coo")
        self._loft = address.options("loft").get("loft")
        if not self._loft:
            raise BadAddress(f"must be {self.form}")
        super().__init__(None)

    async def carry(self, parcel: Parcel) -> None:
        """Let it fly."""
        await self.hand_over("POST", f"{self._url}/{self._loft}", body=parcel.message.text.encode())

    async def check(self) -> Look:
        """Look into the loft."""
        await self.ask("OPTIONS", self._url)
        return Look("coos.")
'''


def with_pigeons(folder: Path) -> Path:
    """A copy of the source with one file more, and with one import and one word more in the list of rooms."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "twofold/couriers/drivers/pigeon.py").write_text(FILE)
    rooms = source / "twofold/rooms.py"
    text, added = re.subn(r"(?m)^(DRIVERS: .*Console)\)$", r"\1, Pigeon)", rooms.read_text("utf-8"))
    assert added == 1
    rooms.write_text(text.replace("\nfrom ", "\nfrom twofold.couriers.drivers.pigeon import Pigeon\nfrom ", 1))
    return source


def test_a_new_driver_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings explain its address and refuse a wrong one in its words, the doctor asks it, and a code goes out."""
    monkeypatch.setenv("PYTHONPATH", str(with_pigeons(tmp_path)))
    with Gateway() as loft:
        url = f"pigeon+http://127.0.0.1:{loft.port}?loft=north"
        service = Service(tmp_path / "service", settings={"sms_url": url, "phone_countries": "*"})
        with service:
            assert "pigeon+https://host?loft=NAME" in service.command("config", "reference").stdout
            assert f"pigeon+http://127.0.0.1:{loft.port} coos." in service.command("doctor").stdout
            person = resident(service)
            person.api.begin_phone("sms", "+12025550123").must(201)
            assert service.command("config", "check").returncode == 0
            service.settings["sms_url"] = "pigeon+https://loft.example.org"
            refused = service.command("config", "check")
            assert refused.stderr.strip() == "TWOFOLD_SMS_URL must be pigeon+https://host?loft=NAME."
    sent = next(received for received in loft.received if received.method == "POST")
    assert sent.path == "/coo/north"
    assert BOUND_CODE.search(sent.body.decode())
