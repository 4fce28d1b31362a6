"""Rendering pages: templates of all rooms, named `room/page.html`, every text escaped and through gettext."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from twofold.base.clock import rfc3339
from twofold.base.texts import translations
from twofold.base.web.static import StaticFiles
from twofold.config import Config

_PACKAGE = Path(__file__).parents[2]


class Templates:
    """All templates, compiled at their first use and kept."""

    def __init__(self, config: Config, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=FunctionLoader(partial(_load, _folders())),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
            lambda text: translations.get().gettext(text),
            lambda one, many, number: translations.get().ngettext(one, many, number),
            newstyle=True,
        )
        self._environment.filters |= {"when": when, "clock": clock, "clock_seconds": clock_seconds}
        self._environment.globals |= {
            "site_name": config.site_name,
            "base_url": config.base_url,
            "password_min": config.password_min,
            "url": lambda path: config.base_path + path,
            "static": static.url,
        }

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """Render one page."""
        return self._environment.get_template(template).render(context)

    def warm_up(self) -> None:
        """Compile all templates, so that nobody waits for it."""
        for room, folder in _folders().items():
            for path in folder.glob("*.html"):
                self._environment.get_template(f"{room}/{path.name}")


def when(seconds: int) -> Markup:
    """Write a moment for people, with the machine's form beside it."""
    return _time(seconds, "%-d %B %Y, %H:%M UTC")


def clock(seconds: int) -> Markup:
    """Write the time of day."""
    return _time(seconds, "%H:%M UTC")


def clock_seconds(seconds: int) -> Markup:
    """Write the time of day for those who wait for it."""
    return _time(seconds, "%H:%M:%S UTC")


def _time(seconds: int, form: str) -> Markup:
    text = datetime.fromtimestamp(seconds, UTC).strftime(form)
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(seconds), text)


def _folders() -> dict[str, Path]:
    return {folder.parent.name: folder for folder in sorted(_PACKAGE.glob("**/templates"))}


def _load(folders: Mapping[str, Path], name: str) -> tuple[str, str, None] | None:
    room, _, page = name.partition("/")
    path = folders.get(room, _PACKAGE / "none") / page
    return (path.read_text("utf-8"), str(path), None) if path.is_file() else None
