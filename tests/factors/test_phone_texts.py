"""What is sent, as phones and people take it."""

from gettext import NullTranslations

import pytest

from twofold.base.keys import Keyring
from twofold.base.texts import language, translations
from twofold.factors.contract import Factor
from twofold.factors.sms.factor import Sms
from twofold.factors.sms.rules import with_bound_code
from twofold.factors.voice.factor import Voice

KEYS = Keyring([("k1", bytes(32))])
WHITE = "\t\n\f\r "  # ASCII white space (Infra Standard)
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


def parse_bound_code(message: str) -> tuple[str, str] | None:
    """Host and code of a message by the steps of the draft "Origin-bound one-time codes delivered via SMS", 3.2."""
    line = message.replace("\r\n", "\n").replace("\r", "\n").split("\n")[-1]
    host, position = extract_marked_token(line, 0, "@")
    if host is None or line[position : position + 1] != " ":
        return None
    code, position = extract_marked_token(line, position + 1, "#")
    return None if code is None else (host, code)


def extract_marked_token(text: str, position: int, marker: str) -> tuple[str | None, int]:
    """A token behind its marker, and where it ends (the draft's "extract a marked token")."""
    if text[position : position + 1] != marker:
        return None, position
    end = position = position + 1
    while end < len(text) and text[end] not in WHITE:
        end += 1
    return text[position:end] or None, end


def sms(site_name: str = "login.example.org", host: str = "login.example.org") -> Sms:
    """The kind of a site."""
    return Sms(KEYS, site_name=site_name, host=host)


def factor(sealed: bytes) -> Factor:
    """An enrolled phone."""
    return Factor("f", "a", "sms", "Phone", sealed, -1, 0, None, 0, None, 0, None)


@pytest.mark.parametrize(
    "message", ["747723 is your code.\n\n@example.com #747723", "@example.com #747723 %shop.example"]
)
def test_the_parser_of_these_tests_takes_the_examples_of_the_draft(message: str) -> None:
    """The witness reads what the draft says is a code, so that it is one."""
    assert parse_bound_code(message) == ("example.com", "747723")


@pytest.mark.parametrize(
    "message", ["something @example.com #747723", "#747723 @example.com", "@example.com code #747723"]
)
def test_the_parser_of_these_tests_refuses_what_the_draft_refuses(message: str) -> None:
    """The witness would notice a last line that phones do not read."""
    assert parse_bound_code(message) is None


@pytest.mark.parametrize("host", ["login.example.org", "127.0.0.1", "localhost", "xn--bcher-kva.example"])
def test_phones_find_code_and_site_in_a_text(host: str) -> None:
    """The last line binds the code to the host of the pages, without scheme and port."""
    text = sms(host=host).code_message("+15551234567", "042137").text
    assert parse_bound_code(text) == (host, "042137")


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    """As in an address bar: the draft's host is parsed as one."""
    assert parse_bound_code(with_bound_code("", host="::1", code="123456")) == ("[::1]", "123456")


def test_a_text_begins_with_its_code_and_fits_into_one_part() -> None:
    """Read at a glance on a locked screen; one part of 160 characters of the plain alphabet costs one message."""
    message = sms().code_message("+15551234567", "042137")
    assert message.text.startswith("042137 is your code for login.example.org.")
    assert len(message.text) <= 160
    assert set(message.text) <= GSM_7
    assert (message.channel, message.to, message.locale) == ("sms", "+15551234567", "en")


def test_a_text_ends_with_its_code_and_leaves_nothing_behind() -> None:
    """What stands behind the code the draft ignores today, and may not tomorrow."""
    assert sms().code_message("+15551234567", "042137").text.endswith(" #042137")


def test_a_call_says_each_digit_twice() -> None:
    """One by one, with a pause behind each, and the whole once more."""
    message = Voice(KEYS, site_name="Example", host="example.org").code_message("+15551234567", "042137")
    assert message.channel == "voice"
    assert message.text.count("0, 4, 2, 1, 3, 7") == 2
    assert "042137" not in message.text


@pytest.mark.parametrize("make", [Sms, Voice])
def test_a_farewell_names_the_site_and_no_number(make: type[Sms | Voice]) -> None:
    """Whoever has the number now learns nothing but what it was used for."""
    message = make(KEYS, site_name="Example", host="example.org").farewell("+15551234567")
    assert "no longer used for codes of Example" in message.text
    assert "555" not in message.text
    assert message.to == "+15551234567"


class Klingon(NullTranslations):
    """A language of its own."""

    def gettext(self, message: str) -> str:
        """Says it in Klingon, more or less."""
        return f"Qapla' {message}"


def test_a_message_speaks_the_language_that_it_is_written_in() -> None:
    """The words and the voice that says them are of one language."""
    before, named = translations.set(Klingon()), language.set("tlh")
    try:
        message = Voice(KEYS, site_name="Example", host="example.org").code_message("+15551234567", "042137")
    finally:
        translations.reset(before)
        language.reset(named)
    assert message.text.startswith("Qapla' Hello.")
    assert message.locale == "tlh"


def test_a_number_opens_in_its_own_row_only() -> None:
    """Moved to another factor it is nobody's, and its hint keeps nobody out."""
    kind = sms()
    sealed = kind.seal("+15551234567", factor_id="f", account_id="a")
    assert kind.number(factor(sealed)) == "+15551234567"
    assert kind.hint(factor(sealed)) == "67"
    assert b"5551234567" not in sealed
    assert kind.hint(factor(kind.seal("+15551234567", factor_id="other", account_id="a"))) == ""
