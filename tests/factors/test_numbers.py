"""All spellings of a phone number are the same number; other numbers are refused with what to do."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.problems import InvalidRequest
from twofold.factors.phone.numbers import (
    Number,
    check_takes,
    is_served,
    normal_number,
    read_number,
    served_countries,
)
from twofold.factors.rules import CountryNotServed

ALL = ("*",)
BRITISH, AMERICAN, ROMAN = "+447700900123", "+12025550123", "+390612345678"

spaces = st.sampled_from(["", " ", "  ", "-", ".", "/", "\u00a0", "–", "‑", "−", "\u2009"])


def error_of(text: str, *, countries: Sequence[str] = ALL, region: str | None = None) -> str:
    """Return the error for a number that is refused; it is always on the same field."""
    with pytest.raises(InvalidRequest) as refused:
        normal_number(text, countries=countries, region=region)
    (error,) = refused.value.errors
    assert error.field == "phone"
    return error.message


# ------------------------------------------------------------------ spellings


@pytest.mark.parametrize(
    "text",
    [
        "+447700900123",
        "+44 7700 900123",
        "+44 (0) 7700 900123",
        "(+44) (0)7700 900-123",
        "0044 7700 900123",
        "00 44 (0)7700/900123",
        "07700 900123",
        "(07700) 900 123",
        "7700900123",
        "tel:+44-7700-900123",
        "TEL:07700900123",
        "＋４４７７００９００１２３",
        "٠٧٧٠٠٩٠٠١٢٣",
        "\u202a+44 7700 900123\u202c",
        "\u200f+44\u00a07700\u00a0900123\n",
        "+44\ufe0d 7700 900123",
        "+४४ ७७०० ९००१२३",
        "\ufeff07700\u2060 900123\u2028",
        "07700ー900ー123",
    ],
)
def test_every_spelling_of_a_number_is_the_same_number(text: str) -> None:
    """Numbers are read as typed, dictated, pasted from an address book, or entered with an input method."""
    assert normal_number(text, countries=("GB",)) == Number(BRITISH, ("GB",), takes_texts=True)


@given(
    national=st.sampled_from([(BRITISH, "44", "0"), (AMERICAN, "1", "1"), ("+4915123456789", "49", "0")]),
    data=st.data(),
)
def test_separators_prefixes_and_widths_never_change_a_number(
    national: tuple[str, str, str], data: st.DataObject
) -> None:
    """Separators, prefixes and full-width digits are ignored."""
    e164, code, trunk = national
    digits = e164.removeprefix(f"+{code}")
    begun = data.draw(st.sampled_from([f"+{code}", f"00{code}", f"tel:+{code}", f"(+{code})", trunk, f"+{code} (0)"]))
    if begun.endswith("(0)") and trunk != "0":
        begun = f"+{code}"
    gaps = data.draw(st.lists(spaces, min_size=len(digits), max_size=len(digits)))
    text = begun + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
    if data.draw(st.booleans()):
        text = "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() and sign.isascii() else sign for sign in text)
    region = {"44": "GB", "1": "US", "49": "DE"}[code]
    assert normal_number(text, countries=ALL, region=region).e164 == e164


@given(text=st.text(max_size=80) | st.text("+0123456789()-. ;#xextl:\x00\u202e", max_size=40))
def test_any_text_is_a_number_or_a_refusal(text: str) -> None:
    """No text causes an error, and a parsed number is parsed to itself."""
    for region in (None, "GB", "IT"):
        try:
            number = normal_number(text, countries=ALL, region=region)
        except (InvalidRequest, CountryNotServed):
            continue
        assert number.e164.startswith("+")
        assert number.e164[1:].isascii()
        assert number.e164[1:].isdigit()
        assert normal_number(number.e164, countries=ALL) == number


def test_every_format_of_every_country_is_read() -> None:
    """The tables' example of every country is the same number in international, national and machine form."""
    import phonenumbers  # noqa: PLC0415 - as late as the product does it

    forms = phonenumbers.PhoneNumberFormat
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is None:
            continue
        e164 = phonenumbers.format_number(example, forms.E164)
        for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL, forms.RFC3966):
            text = phonenumbers.format_number(example, form)
            number = normal_number(text, countries=(region,), region=region)
            assert number.e164 == e164
            assert region in number.countries
            assert number.takes_texts
        assert normal_number(f"00{e164[1:]}", countries=(region,), region=region).e164 == e164


def test_huge_text_is_refused_quickly() -> None:
    """It is refused before it is parsed."""
    assert "one phone number" in error_of("+44" + "7" * 10_000_000)


@pytest.mark.parametrize(
    "text, region",
    [
        *[
            ("+52 1 55 1234 5678", None),
            ("+5215512345678", None),
            ("0052 1 55 1234 5678", None),
            ("+52 55 1234 5678", None),
        ],
        *[("1 55 1234 5678", "MX"), ("044 55 1234 5678", "MX"), ("045 55 1234 5678", "MX"), ("01 55 1234 5678", "MX")],
    ],
)
def test_former_mexican_number_is_read(text: str, region: str | None) -> None:
    """Address books still contain the former prefixes of mobile phones."""
    assert normal_number(text, countries=ALL, region=region).e164 == "+525512345678"


def test_leading_zero_of_a_number_is_kept() -> None:
    """Italian numbers keep it."""
    assert normal_number("+39 06 1234 5678", countries=ALL).e164 == ROMAN
    assert normal_number("06 1234 5678", countries=("IT",)).e164 == ROMAN


def test_international_prefix_of_the_country_is_understood() -> None:
    """In America, 011 is the international prefix instead of 00."""
    assert normal_number("011 44 7700 900123", countries=ALL, region="US").e164 == BRITISH


@pytest.mark.parametrize(
    "text, countries, region, e164",
    [
        ("(202) 555-0123", ("US",), None, AMERICAN),
        ("(202) 555-0123", ("US", "CA"), None, AMERICAN),  # one calling code and number format
        ("(202) 555-0123", ALL, "US", AMERICAN),
        ("07700 900123", ("US", "GB"), "GB", BRITISH),
    ],
)
def test_national_number_is_read_if_its_country_is_known(
    text: str, countries: tuple[str, ...], region: str | None, e164: str
) -> None:
    """The country is chosen on the form, or the only one that is served."""
    assert normal_number(text, countries=countries, region=region).e164 == e164


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "text, remedy",
    [
        ("", "Enter a phone number"),
        (" - ", "Enter a phone number"),
        ("call me", "only digits"),
        ("+44 7700 900\x00123", "only digits"),
        ("++44 7700 900123", "only digits"),
        ("1-800-FLOWERS", "only digits"),
        ("+447700900123, +447700900124", "without an extension"),
        ("+44 7700 900123 x 12", "without an extension"),
        ("+44 7700 900123 ext. 12", "without an extension"),
        ("tel:+44-7700-900123;ext=12", "without an extension"),
        ("07700 900123", "choose its country"),
        ("+", "only digits"),
        ("+44", "country code"),
        ("+44 77", "No phone can have this number"),
        ("+44 7700 9001234567", "No phone can have this number"),
        ("+44 7700 90012", "No phone can have this number"),
        ("+9999 12345678", "country code"),
        ("+44 909 8790000", "special numbers"),  # premium rate
        ("+44 871 2345678", "special numbers"),  # shared cost
        ("+44 5555 123456", "special numbers"),  # company number
        ("+44 70 1234 5678", "special numbers"),  # personal number, charged to the caller
        ("+44 7640 123456", "special numbers"),  # a pager
        ("+1 800 234 5678", "special numbers"),
    ],
)
def test_other_number_is_refused_with_what_to_do(text: str, remedy: str) -> None:
    """The error is one sentence that says what to do."""
    assert remedy in error_of(text, countries=("GB", "US", "DE"))


def test_country_that_was_not_offered_is_refused() -> None:
    """A forged choice is refused."""
    for region in ("XX", "gb", "\x00", "001", "*"):
        with pytest.raises(InvalidRequest) as refused:
            normal_number("07700 900123", countries=ALL, region=region)
        assert refused.value.field("country")


@pytest.mark.parametrize(
    "text", ["+1 202 555 0123", "+53 5 2345678", "+1 204 234 5678", "+44 1481 960194", "+44 7911 123456"]
)
def test_country_that_is_not_served_is_named_as_the_reason(text: str) -> None:
    """This also holds where countries share a calling code: Guernsey is not the United Kingdom."""
    with pytest.raises(CountryNotServed):
        normal_number(text, countries=("DE",) if text.endswith("3456") else ("GB", "DE"))


def test_number_of_no_country_is_refused() -> None:
    """Satellite and international freephone numbers are refused, whatever countries are served."""
    assert "special numbers" in error_of("+870 773 111 632")
    assert "special numbers" in error_of("+800 1234 5678")


def test_fixed_line_accepts_only_calls() -> None:
    """The error names both alternatives."""
    fixed = normal_number("+44 20 7946 0123", countries=ALL)
    check_takes(fixed, "voice")
    with pytest.raises(InvalidRequest) as refused:
        check_takes(fixed, "sms")
    assert (
        refused.value.detail == "This number cannot receive text messages. Choose a voice call or use another number."
    )


@pytest.mark.parametrize("e164", [AMERICAN, BRITISH])  # American tables cannot tell them apart
def test_mobile_number_accepts_texts_and_calls(e164: str) -> None:
    """So do numbers that may be mobile."""
    for channel in ("sms", "voice"):
        check_takes(normal_number(e164, countries=ALL), channel)


# ------------------------------------------------------------------ what is known of a number


def test_number_shows_its_last_two_digits_and_no_more() -> None:
    """This holds for its repr in logs, too."""
    number = normal_number(BRITISH, countries=ALL)
    assert number.hint == "23"
    assert BRITISH not in repr(number)


def test_prefix_covers_a_million_numbers() -> None:
    """A prefix leaves out the last six digits."""
    assert normal_number(BRITISH, countries=ALL).prefix == "+447700"
    assert normal_number("+290 22158", countries=ALL).prefix == "+29"  # Saint Helena has few


def test_stored_number_is_read_without_the_tables() -> None:
    """A stored number keeps its country even if newer tables no longer know it."""
    for e164 in (BRITISH, AMERICAN, ROMAN, "+15550000001"):
        assert read_number(e164) == normal_number(e164, countries=ALL)
    assert read_number("+441111111111").country == "GB"


# ------------------------------------------------------------------ countries


def test_countries_served_are_listed_by_name_for_a_form() -> None:
    """Each has its calling code."""
    listed = served_countries(("GB", "US", "AT"))
    assert [(each.code, each.name, each.calling_code) for each in listed] == [
        ("AT", "Austria", 43),
        ("GB", "United Kingdom", 44),
        ("US", "United States", 1),
    ]


def test_every_country_with_phones_has_a_name() -> None:
    """The names cover exactly the countries of the tables."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - as late as the product does it

    listed = served_countries(ALL)
    assert {each.code for each in listed} == set(SUPPORTED_REGIONS)
    assert all(len(each.name) > 2 and is_served((each.code,), ALL) for each in listed)


def test_tables_are_not_loaded_before_the_first_number() -> None:
    """Neither the start nor a service without phones loads them, since they take 3 MB and 50 ms."""
    program = "import sys, twofold.app, twofold.factors.phone.numbers; print('phonenumbers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
