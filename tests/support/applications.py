"""Applications that read who is signed in, each started as docs/doors/applications.md says."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.doors import DOCUMENTS, adapt
from tests.support.service import free_port

DOCUMENTED_PORT, DOCUMENTED_HOST = "8001", "app.example.org"
START_WITHIN = 60.0
SETTINGS_OF_DJANGO = """
from pathlib import Path
SECRET_KEY = "for-this-test-only"
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("database")}}
"""
URLS_OF_DJANGO = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(f"Hello, {request.user.get_username()}"))]
"""
WSGI_OF_DJANGO = """
import os
from django.core.wsgi import get_wsgi_application
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
application = get_wsgi_application()
"""


class Application:
    """An application for `with Application(name, folder, host) as application:`, which listens at `port`."""

    def __init__(self, name: str, folder: Path, host: str) -> None:
        self.name, self.host = name, host
        self.folder = folder / name
        self.port = free_port()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        command = PREPARATIONS[self.name](self)
        self.log_file = self.folder / "log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        give_up_at = time.monotonic() + START_WITHIN
        while not self.listens("127.0.0.1"):
            assert self.process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < give_up_at, f"{self.name} does not listen:\n{self.log_file.read_text()}"
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait(10)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of the application, with a home of its own."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)}

    def listens(self, address: str) -> bool:
        """Return whether the application accepts connections at an address of this machine."""
        with socket.socket() as probe:
            return probe.connect_ex((address, self.port)) == 0

    @property
    def document(self) -> str:
        """The part of the document about this application."""
        text = (DOCUMENTS / "applications.md").read_text("utf-8")
        return re.split(rf"^## {self.name}$", text, flags=re.MULTILINE | re.IGNORECASE)[1].partition("\n## ")[0]

    def documented(self, language: str, number: int = 0, changes: Mapping[str, str] | None = None) -> str:
        """Return a block of the part of the document about this application, with its port and other changes."""
        found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", self.document, re.MULTILINE | re.DOTALL)
        return self.adapted(adapt(found[number], changes or {}))

    def documented_command(self) -> list[str]:
        """Return the command of the document that runs this application, with its port."""
        found = re.search(r"Run it with `([^`]+)`", self.document)
        assert found, f"the document does not say how to run {self.name}"
        program, *arguments = self.adapted(found[1]).split()
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def adapted(self, text: str) -> str:
        """Return a text with the port and the name of this test."""
        return text.replace(DOCUMENTED_PORT, str(self.port)).replace(DOCUMENTED_HOST, self.host)


def _prepare_radicale(application: Application) -> list[str]:
    collections = {"/var/lib/radicale/collections": str(application.folder / "collections")}
    (application.folder / "config").write_text(application.documented("ini", changes=collections))
    return [sys.executable, "-m", "radicale", "--config", "config"]


def _prepare_django(application: Application) -> list[str]:
    site = application.folder / "mysite"
    site.mkdir()
    (site / "__init__.py").touch()
    (site / "gate.py").write_text(application.documented("python", 0))
    (site / "settings.py").write_text(SETTINGS_OF_DJANGO + application.documented("python", 1))
    (site / "urls.py").write_text(URLS_OF_DJANGO)
    (site / "wsgi.py").write_text(WSGI_OF_DJANGO)
    migrate = [sys.executable, "-m", "django", "migrate", "--settings", "mysite.settings", "--pythonpath", "."]
    subprocess.run(migrate, cwd=application.folder, env=application.environment, capture_output=True, check=True)
    return application.documented_command()


def _prepare_flask(application: Application) -> list[str]:
    (application.folder / "app.py").write_text(application.documented("python"))
    return application.documented_command()


PREPARATIONS: dict[str, Callable[[Application], list[str]]] = {
    "radicale": _prepare_radicale,
    "django": _prepare_django,
    "flask": _prepare_flask,
}
