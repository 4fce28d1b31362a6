"""Styles, scripts and images: read once, compressed once, named after their content, cached for a year."""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from twofold.base.problems import NotFound
from twofold.base.web.conditions import accepts_gzip

_PACKAGE = Path(__file__).parents[2]
_SMALL = 512  # bytes; smaller files are not worth compressing


class StaticFiles:
    """The files of the static folders of all packages, under names that change with their content."""

    def __init__(self, base_path: str) -> None:
        self._base = f"{base_path}/static/"
        self._urls: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, bytes, str]] = {}
        for path in sorted(_PACKAGE.glob("**/static/*")):
            self._add(path)

    def url(self, name: str) -> str:
        """Return the address of a file, for example of `twofold.css`."""
        return self._urls[name]

    async def serve(self, request: Request) -> Response:
        """Answer with a file. Raise NotFound if there is none of this name."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise NotFound
        plain, packed, media_type = file
        zipped = accepts_gzip(request.headers.getlist("accept-encoding")) and len(packed) < len(plain)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return Response(packed if zipped else plain, headers=headers, media_type=media_type)

    def _add(self, path: Path) -> None:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        name = f"{path.stem}.{digest}{path.suffix}"
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        packed = gzip.compress(content, mtime=0) if len(content) > _SMALL else content
        self._urls[path.name] = self._base + name
        self._files[name] = (content, packed, media_type)
