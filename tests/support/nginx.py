"""nginx in front of a service, with additional directives for each test."""

import contextlib
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.programs import missing, need
from tests.support.service import free_port

SETTINGS = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    log_format wire '$request_method $http_origin $http_sec_fetch_site $status';
    access_log {folder}/access.log wire;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=pages:1m;
    {servers}
}}
"""
SERVER = """
    server {{
        listen {address}:{port} {tls};
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            {directives}
        }}
    }}
"""
REDIRECT = """
    server {{
        listen {address}:80;
        {directives}
    }}
"""
TO_HTTPS = "return 301 https://$host$request_uri;"


class Nginx:
    """nginx for `with Nginx(folder, upstream, ...) as proxy:`, which listens at `url`.

    With a `certificate`, it serves https on port 443 of `address` and redirects from port 80; `plain` replaces this
    redirect. Otherwise, it serves http on a free port.
    """

    def __init__(
        self,
        folder: Path,
        upstream: str,
        directives: str = "",
        *,
        address: str = "127.0.0.1",
        certificate: Path | None = None,
        plain: str = TO_HTTPS,
    ) -> None:
        self.folder = folder / f"nginx-{secrets.token_hex(4)}"
        self.address = address
        self.port = 443 if certificate else free_port()
        self.url = f"https://{address}" if certificate else f"http://{address}:{self.port}"
        tls = f"ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}" if certificate else ""
        servers = SERVER.format(address=address, port=self.port, tls=tls, upstream=upstream, directives=directives)
        if certificate:
            servers += REDIRECT.format(address=address, directives=plain)
        user = "user root;" if os.geteuid() == 0 else ""
        self.settings = SETTINGS.format(user=user, folder=self.folder, servers=servers)

    def __enter__(self) -> Self:
        program = need("nginx")
        self.folder.mkdir(parents=True)
        settings = self.folder / "nginx.conf"
        settings.write_text(self.settings)
        self.process = subprocess.Popen(
            [program, "-p", str(self.folder), "-e", str(self.folder / "error.log"), "-c", str(settings)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        give_up_at = time.monotonic() + 10
        while not self.listens():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < give_up_at, "nginx does not listen"
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=5)
        self.process.kill()

    def requests(self) -> list[list[str]]:
        """Return the method, Origin, Sec-Fetch-Site and status of each request so far.

        A header that was not sent is `-`.
        """
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]

    def listens(self) -> bool:
        """Return whether nginx accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0


def own_address() -> str:
    """Return a loopback address with free ports 80 and 443, which usually only root may use."""
    while True:
        address = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        with socket.socket() as https, socket.socket() as plain:
            try:
                https.bind((address, 443))
                plain.bind((address, 80))
            except PermissionError:
                missing("this user may not listen on port 443")
            except OSError:
                continue
            return address
