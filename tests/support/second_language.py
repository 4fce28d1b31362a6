"""A copy of the source with an additional language."""

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

import twofold

SOURCE = Path(twofold.__file__).parent
GERMAN = {
    "": "Content-Type: text/plain; charset=UTF-8\nLanguage: de\n",
    "Sign in": "Anmelden",
    "Confirm your email address - {site_name}": "Bestätigen Sie Ihre Adresse - {site_name}",
    "Choose a new password for {site_name}": "Wählen Sie ein neues Passwort für {site_name}",
    "You already have an account at {site_name}": "Sie haben schon ein Konto bei {site_name}",
    "Confirm your new email address - {site_name}": "Bestätigen Sie Ihre neue Adresse - {site_name}",
    "{code} is your code for {service}. Valid for 5 minutes. Don't share it with anyone.": "{code} ist Ihr Code.",
    "Hello. Your code for {service} is: {digits}. Again, your code is: {digits}. Goodbye.": "Hallo. {digits} {digits}",
    "Your account was used on a new computer": "Ihr Konto wurde auf einem neuen Computer benutzt",
    "A two-factor method was added": "Ein zweiter Faktor kam dazu",
    "This number no longer gets codes for {service}. If you did not remove it, sign in and check your "
    "settings.": "Ade.",
}


def bilingual_source(folder: Path) -> Path:
    """Return a copy of the source with a German catalogue, for PYTHONPATH."""
    source = folder / "src"
    shutil.copytree(SOURCE, source / "twofold", ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = source / "twofold/locale/de/LC_MESSAGES/twofold.mo"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(compiled(GERMAN))
    return source


def compiled(texts: Mapping[str, str]) -> bytes:
    """Compile a catalogue as msgfmt does (GNU gettext manual, 10.3).

    Two tables of lengths and offsets, then the texts.
    """
    pairs = sorted((original.encode(), translated.encode()) for original, translated in texts.items())
    columns = [[pair[0] for pair in pairs], [pair[1] for pair in pairs]]
    place, tables, words = 28 + 16 * len(pairs), b"", b""
    for column in columns:
        for word in column:
            tables += struct.pack("<II", len(word), place + len(words))
            words += word + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + tables + words
