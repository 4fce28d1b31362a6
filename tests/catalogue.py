"""A second language, made by a test: a copy of the source with one catalogue more."""

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

import twofold

SOURCE = Path(twofold.__file__).parent
GERMAN = {
    "": "Content-Type: text/plain; charset=UTF-8\nLanguage: de\n",
    "Sign in": "Anmelden",
    "Confirm your email - {site_name}": "Bestätigen Sie Ihre Adresse - {site_name}",
    "Choose a new password for {site_name}": "Wählen Sie ein neues Passwort für {site_name}",
    "You have an account at {site_name} already": "Sie haben schon ein Konto bei {site_name}",
    "Confirm your new email - {site_name}": "Bestätigen Sie Ihre neue Adresse - {site_name}",
    "{code} is your code for {service}. It works for 5 minutes. Tell it to nobody.": "{code} ist Ihr Code.",
    "Hello. Your code for {service} is: {digits}. Once more: {digits}. Goodbye.": "Hallo. {digits}. {digits}.",
    "Your account was used on a new computer": "Ihr Konto wurde auf einem neuen Computer benutzt",
    "A two-factor method was added": "Ein zweiter Faktor kam dazu",
    "This number is no longer used for codes of {service}. Not your doing? Sign in and check your settings.": "Ade.",
}


def bilingual_source(folder: Path) -> Path:
    """A copy of the source that speaks German, too, for PYTHONPATH."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = source / "twofold/locale/de/LC_MESSAGES/twofold.mo"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(compiled(GERMAN))
    return source


def compiled(texts: Mapping[str, str]) -> bytes:
    """A catalogue as msgfmt compiles it (GNU gettext manual, 10.3): two tables of lengths and places, then texts."""
    pairs = sorted((original.encode(), translated.encode()) for original, translated in texts.items())
    columns = [[pair[0] for pair in pairs], [pair[1] for pair in pairs]]
    place, tables, words = 28 + 16 * len(pairs), b"", b""
    for column in columns:
        for word in column:
            tables += struct.pack("<II", len(word), place + len(words))
            words += word + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + tables + words
