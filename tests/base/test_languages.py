"""A request gets the available language that it prefers."""

from pathlib import Path

import pytest

from tests.support.second_language import GERMAN, compiled
from twofold.base import languages
from twofold.base.languages import Languages
from twofold.base.letters import Letter, mail
from twofold.base.texts import _, locale


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Languages:
    """Return English, German and Brazilian Portuguese."""
    for folder in ("de", "pt_BR"):  # regardless of the file's own header
        file = tmp_path / folder / "LC_MESSAGES" / "twofold.mo"
        file.parent.mkdir(parents=True)
        file.write_bytes(compiled(GERMAN))
    monkeypatch.setattr(languages, "_FOLDER", tmp_path)
    return Languages()


@pytest.mark.parametrize(
    "accepted, tag",
    [
        ("de", "de"),
        ("de-CH-1996, en", "de"),
        ("DE-de", "de"),
        ("pt-br", "pt-BR"),
        ("pt", None),
        ("en;q=0.5, de;q=0.9", "de"),
        ("fr, en-GB;q=0.8, de;q=0.7", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", None),
        ("de; q=0.2, en;q=0.1", "de"),
        ("*", None),
        ("", None),
        ("de;q=nan, en", "en"),
        ("de;q=viel, en", "en"),
        (",;,=q;q=,-", None),
        ("x," * 1000 + "de", None),
    ],
)
def test_best_available_language_is_chosen_from_the_header(three: Languages, accepted: str, tag: str | None) -> None:
    """Languages are chosen by weight, then order; unknown regions are dropped, and invalid entries ignored."""
    assert three.preferred(accepted) == tag


def test_text_in_a_language_block_is_in_that_language(three: Languages) -> None:
    """Blocks nest, None changes nothing, an unknown language is English, and the previous one is restored."""
    with three.speaking("pt-BR"):
        assert (locale(), _("Sign in")) == ("pt-BR", "Anmelden")
        with three.speaking(None):
            assert locale() == "pt-BR"
        for other in ("en", "tlh"):
            with three.speaking(other):
                assert (locale(), _("Sign in")) == ("en", "Sign in")
        assert locale() == "pt-BR"
    assert locale() == "en"


def test_mail_declares_its_language(three: Languages) -> None:
    """The language is declared to couriers and screen readers."""
    with three.speaking("pt-BR"):
        message = mail("ada@example.org", Letter(_("Sign in"), ()))
    assert (message.subject, message.locale) == ("Anmelden", "pt-BR")
    assert message.html is not None
    assert '<html lang="pt-BR">' in message.html
