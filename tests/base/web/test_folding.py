"""A template that was folded when it was compiled renders the same page as one that was not."""

from collections.abc import Mapping
from gettext import NullTranslations
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError

from twofold.base.web.folding import FoldingEnvironment

MACROS = """
{%- macro mark(text, kind="plain") -%}<b class="{{ kind }}">{{ text }}</b>{%- endmacro -%}
{%- macro typed(name) -%}<i>{{ mark(page[name]) }}</i>{%- endmacro -%}
{%- macro around() -%}<p>{{ caller() }}</p>{%- endmacro -%}
"""
CONSTANTS = {"site": "Tom & Co"}
PURE = {"url": lambda path: f"/base{path}?a&b"}
PAGE = {"typed": "<script>"}


class MadeUp(NullTranslations):
    """Adds markup and a percent sign to every text."""

    def gettext(self, message: str) -> str:
        """Return one text."""
        return f"<u>{message}</u> 100 %% & more"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return one text of two, by number."""
        return self.gettext(msgid1 if n == 1 else msgid2)


def rendered(source: str, values: Mapping[str, Any], *, folding: bool) -> str:
    """Return a page in the made-up language, from a template that is folded or not."""
    loader, spoken = DictLoader({"macros": MACROS, "page": source}), MadeUp()
    environment: Environment
    if folding:
        environment = FoldingEnvironment(
            spoken, constants=CONSTANTS, pure=PURE, loader=loader, autoescape=True, undefined=StrictUndefined
        )
    else:
        environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, extensions=["jinja2.ext.i18n"]
        )
        environment.install_gettext_callables(spoken.gettext, spoken.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {**CONSTANTS, **PURE, "page": PAGE}
    return environment.get_template("page").render(values)


@pytest.mark.parametrize(
    "source",
    [
        "{{ site }} <{{ url('/x') }}> {{ url(path) }}",
        "{% trans %}Sign in{% endtrans %} {{ _('at once') }} {{ _('a') ~ ' & ' ~ _('b') }} {{ _('a') ~ path }}",
        "{% trans %}Sign in to {{ site }}{% endtrans %}, {% trans name=path %}Go to {{ name }}{% endtrans %}",
        "{{ _('Go to %(name)s', name=path) }} {{ _(path) }} {{ _('Go to %(name)s', name='<' ~ path) }}",
        "{% trans count=number %}{{ count }} day{% pluralize %}{{ count }} days{% endtrans %}",
        "{% import 'macros' as ui %}{{ ui.mark('<') }}{{ ui.mark(path) }}{{ ui.mark(_('a'), kind=site) }}",
        "{% import 'macros' as ui %}{{ ui.typed('typed') }}{% call ui.around() %}{{ site }}{{ path }}{% endcall %}",
        "{% import 'macros' as ui %}{% if ui.mark('x') == '<b class=\"plain\">x</b>' %}yes{% endif %}",
        "{% for each in [site, path] %}{{ each }}{{ loop.index }}{% endfor %}{{ number + 1 }}{{ {'a': path}.a }}",
    ],
)
def test_folded_template_renders_the_same_page(source: str) -> None:
    """Escaping, translation, percent signs and macros are as without folding."""
    values = {"path": '/<"&">', "number": 3}
    assert rendered(source, values, folding=True) == rendered(source, values, folding=False)


def test_unknown_name_is_an_error_when_the_page_is_rendered() -> None:
    """A misspelt value in a translated text is not shown as an empty one."""
    with pytest.raises(UndefinedError):
        rendered("{% trans name=missing %}Go to {{ name }}{% endtrans %}", {}, folding=True)


def test_macro_that_reads_the_page_sees_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although its argument is constant, its result is not worked out when the template is compiled."""
    source = "{% import 'macros' as ui %}{{ ui.typed('typed') }}"
    assert "&lt;script&gt;" in rendered(source, {}, folding=True)
    monkeypatch.setitem(PAGE, "typed", "other")
    assert "other" in rendered(source, {}, folding=True)
