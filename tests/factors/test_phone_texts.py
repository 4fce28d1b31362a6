"""Messages as phones and people read them."""

from gettext import NullTranslations

import pytest

from twofold.base.keys import Keyring
from twofold.base.texts import language, translations
from twofold.config import Config
from twofold.factors.contract import Factor
from twofold.factors.phone.sms import Sms, with_bound_code
from twofold.factors.phone.voice import Voice
from twofold.features import FEATURES

KEYS = Keyring([("k1", bytes(32))])
WHITE = "\t\n\f\r "  # ASCII white space (Infra Standard)
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


def parse_bound_code(message: str) -> tuple[str, str] | None:
    """Return host and code of a message (draft "Origin-bound one-time codes delivered via SMS", 3.2)."""
    line = message.replace("\r\n", "\n").replace("\r", "\n").split("\n")[-1]
    host, position = extract_marked_token(line, 0, "@")
    if host is None or line[position : position + 1] != " ":
        return None
    code, position = extract_marked_token(line, position + 1, "#")
    return None if code is None else (host, code)


def extract_marked_token(text: str, position: int, marker: str) -> tuple[str | None, int]:
    """Return the token after its marker, and where it ends (the draft's "extract a marked token")."""
    if text[position : position + 1] != marker:
        return None, position
    end = position = position + 1
    while end < len(text) and text[end] not in WHITE:
        end += 1
    return text[position:end] or None, end


def site(site_name: str = "Example", host: str = "example.org") -> Config:
    """Return the settings of a site."""
    return FEATURES.read_settings({"TWOFOLD_SITE_NAME": site_name, "TWOFOLD_BASE_URL": f"https://{host}"})[0]


def sms(site_name: str = "login.example.org", host: str = "login.example.org") -> Sms:
    """Return the text message kind of a site."""
    return Sms(site(site_name, host), KEYS)


def factor(sealed: bytes) -> Factor:
    """Return an enrolled phone."""
    return Factor("f", "a", "sms", "Phone", sealed, -1, 0, None, 0, None, 0, None)


@pytest.mark.parametrize(
    "message", ["747723 is your code.\n\n@example.com #747723", "@example.com #747723 %shop.example"]
)
def test_parser_accepts_the_examples_of_the_draft(message: str) -> None:
    """The parser finds the codes of the draft's examples."""
    assert parse_bound_code(message) == ("example.com", "747723")


@pytest.mark.parametrize(
    "message", ["something @example.com #747723", "#747723 @example.com", "@example.com code #747723"]
)
def test_parser_rejects_what_the_draft_rejects(message: str) -> None:
    """The parser rejects lines that phones do not read."""
    assert parse_bound_code(message) is None


@pytest.mark.parametrize("host", ["login.example.org", "127.0.0.1", "localhost", "xn--bcher-kva.example"])
def test_phones_find_code_and_site_in_a_message(host: str) -> None:
    """The last line binds the code to the host of the pages, without scheme and port."""
    text = sms(host=host).code_message("+15551234567", "042137").text
    assert parse_bound_code(text) == (host, "042137")


def test_ipv6_host_is_in_brackets() -> None:
    """The draft parses the host as in an address bar."""
    assert parse_bound_code(with_bound_code("", host="::1", code="123456")) == ("[::1]", "123456")


def test_text_begins_with_its_code_and_fits_into_one_part() -> None:
    """It is readable on a locked screen, and its 160 characters of the basic alphabet cost one message."""
    message = sms().code_message("+15551234567", "042137")
    assert message.text.startswith("042137 is your code for login.example.org.")
    assert len(message.text) <= 160
    assert set(message.text) <= GSM_7
    assert (message.channel, message.to, message.locale) == ("sms", "+15551234567", "en")


def test_text_ends_with_its_code() -> None:
    """The draft ignores text after the code, but may not always do so."""
    assert sms().code_message("+15551234567", "042137").text.endswith(" #042137")


def test_call_says_each_digit_twice() -> None:
    """The digits are read one by one with pauses, and the whole code twice."""
    message = Voice(site(), KEYS).code_message("+15551234567", "042137")
    assert message.channel == "voice"
    assert message.text.count("0, 4, 2, 1, 3, 7") == 2
    assert "042137" not in message.text


@pytest.mark.parametrize("make", [Sms, Voice])
def test_removal_notice_names_the_site_and_no_number(make: type[Sms | Voice]) -> None:
    """The new owner of the number learns only the name of the service."""
    message = make(site(), KEYS).removal_notice("+15551234567")
    assert "no longer gets codes for Example" in message.text
    assert "555" not in message.text
    assert message.to == "+15551234567"


class Klingon(NullTranslations):
    """A made-up language."""

    def gettext(self, message: str) -> str:
        """Translate into something like Klingon."""
        return f"Qapla' {message}"


def test_call_is_spoken_in_the_language_of_its_text() -> None:
    """The text and the voice have the same language."""
    before, named = translations.set(Klingon()), language.set("tlh")
    try:
        message = Voice(site(), KEYS).code_message("+15551234567", "042137")
    finally:
        translations.reset(before)
        language.reset(named)
    assert message.text.startswith("Qapla' Hello.")
    assert message.locale == "tlh"


def test_number_can_be_decrypted_only_in_its_own_row() -> None:
    """Moved to another factor it cannot be decrypted, and its missing hint causes no error."""
    kind = sms()
    sealed = kind.seal("+15551234567", factor_id="f", account_id="a")
    assert kind.number(factor(sealed)) == "+15551234567"
    assert kind.describe(factor(sealed)).hint == "67"
    assert b"5551234567" not in sealed
    assert kind.describe(factor(kind.seal("+15551234567", factor_id="other", account_id="a"))).hint == ""
