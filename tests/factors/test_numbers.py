"""All spellings of a phone number are the same number; what is not a person's phone is refused with a remedy."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.problems import InvalidRequest
from twofold.factors.numbers import (
    CountryNotServed,
    Number,
    check_takes,
    is_served,
    normal_number,
    read_number,
    served_countries,
)

ALL = ("*",)
BRITISH, AMERICAN, ROMAN = "+447700900123", "+12025550123", "+390612345678"

spaces = st.sampled_from(["", " ", "  ", "-", ".", "/", "\u00a0", "–", "‑", "−", "\u2009"])


def told(text: str, *, countries: Sequence[str] = ALL, region: str | None = None) -> str:
    """What is said about a number that cannot be taken, which is always said of the same field."""
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
    ],
)
def test_every_spelling_of_a_number_is_the_same_number(text: str) -> None:
    """As people type it, dictate it, paste it from an address book, or leave an input method on."""
    assert normal_number(text, countries=("GB",)) == Number(BRITISH, ("GB",), takes_texts=True)


@given(
    national=st.sampled_from([(BRITISH, "44", "0"), (AMERICAN, "1", "1"), ("+4915123456789", "49", "0")]),
    data=st.data(),
)
def test_separators_prefixes_and_widths_never_change_a_number(
    national: tuple[str, str, str], data: st.DataObject
) -> None:
    """Whatever stands between the digits, whichever way they begin, wide or narrow."""
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
    """Nothing that can be sent breaks the reader, and what it gives it reads again to the same."""
    for region in (None, "GB", "IT"):
        try:
            number = normal_number(text, countries=ALL, region=region)
        except (InvalidRequest, CountryNotServed):
            continue
        assert number.e164.startswith("+")
        assert number.e164[1:].isascii()
        assert number.e164[1:].isdigit()
        assert normal_number(number.e164, countries=ALL) == number


def test_every_country_writes_its_numbers_its_own_way() -> None:
    """In international, national and machine form the tables' examples of every country are read to the same number."""
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


def test_a_huge_text_costs_nothing() -> None:
    """It is refused before anybody looks at it."""
    assert "one phone number" in told("+44" + "7" * 10_000_000)


def test_a_zero_that_belongs_to_the_number_stays() -> None:
    """In Italy it does."""
    assert normal_number("+39 06 1234 5678", countries=ALL).e164 == ROMAN
    assert normal_number("06 1234 5678", countries=("IT",)).e164 == ROMAN


def test_the_way_out_of_the_readers_own_country_is_understood() -> None:
    """Americans dial 011 where others dial 00."""
    assert normal_number("011 44 7700 900123", countries=ALL, region="US").e164 == BRITISH


@pytest.mark.parametrize(
    "text, countries, region, e164",
    [
        ("(202) 555-0123", ("US",), None, AMERICAN),
        ("(202) 555-0123", ("US", "CA"), None, AMERICAN),  # one calling code, one way of writing
        ("(202) 555-0123", ALL, "US", AMERICAN),
        ("07700 900123", ("US", "GB"), "GB", BRITISH),
    ],
)
def test_a_national_number_is_read_where_its_country_is_known(
    text: str, countries: tuple[str, ...], region: str | None, e164: str
) -> None:
    """Chosen on the form, or because no other can be meant."""
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
        ("+44 77", "cannot be in use"),
        ("+44 7700 9001234567", "cannot be in use"),
        ("+44 7700 90012", "cannot be in use"),
        ("+9999 12345678", "country code"),
        ("+44 909 8790000", "special numbers"),  # premium rate
        ("+44 871 2345678", "special numbers"),  # so are those at shared cost
        ("+44 5555 123456", "special numbers"),  # a company's own
        ("+44 70 1234 5678", "special numbers"),  # follows a person, at the caller's cost
        ("+44 7640 123456", "special numbers"),  # a pager
        ("+1 800 234 5678", "special numbers"),
    ],
)
def test_what_is_no_persons_phone_is_refused_with_a_remedy(text: str, remedy: str) -> None:
    """One sentence says what to do."""
    assert remedy in told(text, countries=("GB", "US", "DE"))


def test_a_country_that_nobody_offered_is_refused() -> None:
    """The choice on the form was made by hand."""
    for region in ("XX", "gb", "\x00", "001", "*"):
        with pytest.raises(InvalidRequest) as refused:
            normal_number("07700 900123", countries=ALL, region=region)
        assert refused.value.field("country")


@pytest.mark.parametrize(
    "text", ["+1 202 555 0123", "+53 5 2345678", "+1 204 234 5678", "+44 1481 960194", "+44 7911 123456"]
)
def test_a_country_that_is_not_served_is_named_as_the_reason(text: str) -> None:
    """Where several countries share a calling code, too: Guernsey is not the United Kingdom."""
    with pytest.raises(CountryNotServed):
        normal_number(text, countries=("DE",) if text.endswith("3456") else ("GB", "DE"))


def test_a_number_of_no_country_is_refused() -> None:
    """Satellites and the international freephone are nobody's home, wherever codes are sent."""
    assert "special numbers" in told("+870 773 111 632")
    assert "special numbers" in told("+800 1234 5678")


def test_a_fixed_line_takes_calls_and_no_texts() -> None:
    """It is told in one sentence, with both ways out."""
    fixed = normal_number("+44 20 7946 0123", countries=ALL)
    check_takes(fixed, "voice")
    with pytest.raises(InvalidRequest) as refused:
        check_takes(fixed, "sms")
    assert refused.value.detail == "This number cannot take text messages. Choose a voice call or another number."


@pytest.mark.parametrize("e164", [AMERICAN, BRITISH])  # in America the tables cannot tell one from the other
def test_a_mobile_takes_texts_and_calls(e164: str) -> None:
    """So does what may be one."""
    for channel in ("sms", "voice"):
        check_takes(normal_number(e164, countries=ALL), channel)


# ------------------------------------------------------------------ what is told of a number


def test_a_number_shows_its_last_two_digits_and_no_more() -> None:
    """Not in a log either, where somebody prints all that there is."""
    number = normal_number(BRITISH, countries=ALL)
    assert number.hint == "23"
    assert BRITISH not in repr(number)


def test_a_prefix_has_a_million_neighbours() -> None:
    """The last six digits are free."""
    assert normal_number(BRITISH, countries=ALL).prefix == "+447700"
    assert normal_number("+290 22158", countries=ALL).prefix == "+29"  # Saint Helena has few


def test_what_was_read_once_is_read_again_without_asking_the_tables() -> None:
    """A factor lasts longer than the tables; one that they no longer know keeps its country."""
    for e164 in (BRITISH, AMERICAN, ROMAN, "+15550000001"):
        assert read_number(e164) == normal_number(e164, countries=ALL)
    assert read_number("+441111111111").country == "GB"


# ------------------------------------------------------------------ countries


def test_the_countries_served_are_listed_by_name_for_a_form() -> None:
    """With the calling codes by which people know them."""
    listed = served_countries(("GB", "US", "AT"))
    assert [(each.code, each.name, each.calling_code) for each in listed] == [
        ("AT", "Austria", 43),
        ("GB", "United Kingdom", 44),
        ("US", "United States", 1),
    ]


def test_every_country_with_phones_has_a_name() -> None:
    """None is missing and none is made up: the list is the tables' own."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - as late as the product does it

    listed = served_countries(ALL)
    assert {each.code for each in listed} == set(SUPPORTED_REGIONS)
    assert all(len(each.name) > 2 and is_served((each.code,), ALL) for each in listed)


def test_nobody_pays_for_the_tables_before_the_first_number() -> None:
    """They are 3 MB and 50 ms: neither the start nor a service without phones has them in memory."""
    program = "import sys, twofold.app, twofold.factors.numbers; print('phonenumbers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
