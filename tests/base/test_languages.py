"""Which language a request gets: the one that it prefers among those that there are."""

from pathlib import Path

import pytest

from tests.catalogue import GERMAN, compiled
from twofold.base import languages
from twofold.base.languages import Languages
from twofold.base.letters import Letter, mail
from twofold.base.texts import _, locale


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Languages:
    """English, German, and the Portuguese of Brazil."""
    for folder in ("de", "pt_BR"):  # whatever the file says of itself
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
def test_the_best_language_that_there_is_is_chosen(three: Languages, accepted: str, tag: str | None) -> None:
    """By weight, then by order; a region that we do not have is left out; what cannot be read is no wish."""
    assert three.preferred(accepted) == tag


def test_what_is_written_meanwhile_is_in_the_language_named(three: Languages) -> None:
    """One language in another, none that changes nothing, one that there is not is English; then all is as before."""
    with three.spoken("pt-BR"):
        assert (locale(), _("Sign in")) == ("pt-BR", "Anmelden")
        with three.spoken(None):
            assert locale() == "pt-BR"
        for other in ("en", "tlh"):
            with three.spoken(other):
                assert (locale(), _("Sign in")) == ("en", "Sign in")
        assert locale() == "pt-BR"
    assert locale() == "en"


def test_a_mail_says_which_language_it_is_in(three: Languages) -> None:
    """To couriers, and to programs that read it aloud."""
    with three.spoken("pt-BR"):
        message = mail("ada@example.org", Letter(_("Sign in"), ()))
    assert (message.subject, message.locale) == ("Anmelden", "pt-BR")
    assert message.html is not None
    assert '<html lang="pt-BR">' in message.html
