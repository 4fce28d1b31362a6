"""Rendering pages: the templates of all packages, named `package/page.html`, every text escaped and through gettext."""

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from markupsafe import Markup

from twofold.base.clock import rfc3339
from twofold.base.texts import translations
from twofold.base.web.folding import PAGE, FoldingEnvironment
from twofold.base.web.static import StaticFiles
from twofold.config import Config

_PACKAGE = Path(__file__).parents[2]


_values: ContextVar[Mapping[str, Any]] = ContextVar("values")  # of the page that is rendered


class Templates:
    """All templates, each compiled at its first use in a language."""

    def __init__(self, config: Config, static: StaticFiles, problem_links: Mapping[str, str]) -> None:
        self._constants = {"site_name": config.site_name, "password_min": config.password_min}
        self._pure = {"url": lambda path: config.base_path + path, "static": static.url, "field_id": field_id}
        self._others = {
            "base_url": config.base_url,
            "instance": config.instance,
            "problem_links": problem_links,
            PAGE: _Page(),
        }
        self._loader = FunctionLoader(partial(_load, _folders()))
        self._environments: dict[NullTranslations, FoldingEnvironment] = {}

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """Render one page in the current language."""
        before = _values.set(context)
        try:
            return self._environment().get_template(template).render(context)
        finally:
            _values.reset(before)

    def warm_up(self) -> None:
        """Compile all templates in the current language, so that no request has to wait for it."""
        for package, folder in _folders().items():
            for path in folder.glob("*.html"):
                self._environment().get_template(f"{package}/{path.name}")

    def _environment(self) -> FoldingEnvironment:
        """Return the templates in the current language."""
        spoken = translations.get()
        if (found := self._environments.get(spoken)) is None:
            found = self._environments[spoken] = self._made(spoken)
        return found

    def _made(self, spoken: NullTranslations) -> FoldingEnvironment:
        environment = FoldingEnvironment(
            spoken,
            constants=self._constants,
            pure=self._pure,
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {"when": when, "clock": clock, "clock_seconds": clock_seconds}
        environment.globals |= self._others
        return environment


class _Page:
    """The values that the page is rendered with, for macros; None if it has no value of a name."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - each has its own
        return _values.get().get(name)


def field_id(name: str, at: str = "") -> str:
    """Return the id of a field, in a page with several forms with the address that its form posts to."""
    return f"{at.replace('/', '-')[1:]}-{name}" if at else name


def when(seconds: int) -> Markup:
    """Return a date and time as text, in an element with the RFC 3339 form for programs."""
    return _time(seconds, "%-d %B %Y, %H:%M UTC")


def clock(seconds: int) -> Markup:
    """Return the time of day as text."""
    return _time(seconds, "%H:%M UTC")


def clock_seconds(seconds: int) -> Markup:
    """Return the time of day with seconds."""
    return _time(seconds, "%H:%M:%S UTC")


def _time(seconds: int, form: str) -> Markup:
    text = datetime.fromtimestamp(seconds, UTC).strftime(form)
    return Markup(f'<time datetime="{rfc3339(seconds)}">{text}</time>')  # noqa: S704 - letters, digits, colons, commas


def _folders() -> dict[str, Path]:
    return {folder.parent.name: folder for folder in sorted(_PACKAGE.glob("**/templates"))}


def _load(folders: Mapping[str, Path], name: str) -> tuple[str, str, None] | None:
    package, _, page = name.partition("/")
    path = folders.get(package, _PACKAGE / "none") / page
    return (path.read_text("utf-8"), str(path), None) if path.is_file() else None
