"""Phone numbers: parse the common spellings of a number to its E.164 form.

The tables of phonenumberslite define what is a valid number. They are imported when the first number is parsed (50 ms
and 3 MB, or 4 MB once all countries are loaded), so that a service without phones does not need them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from twofold.base.problems import FieldError, InvalidRequest
from twofold.base.texts import N_, _, pasted
from twofold.factors.phone.country_names import NAMES
from twofold.factors.rules import CountryNotServed

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

FIELD = "phone"
EVERY_COUNTRY = ("*",)
_MISTAKEN = {"UK": "GB", "EL": "GR"}  # codes used by the European Union, and those of ISO 3166
_LONGEST = 64  # characters, more than any number has with all its separators
_SEPARATORS = re.compile(r"[()./]+")
_NUMBER = re.compile(r"\+?[0-9]+")
_EXTENSION = re.compile(r"[0-9]\.*(?:[;,#x]|ext)", re.IGNORECASE)
_FORMER = {  # by calling code: numbers as they were written before a country changed them
    52: re.compile(r"(?:1|4[45])([0-9]{10})"),  # Mexico dropped the prefixes of mobile phones in 2019
}
_IN_A_PREFIX = 6  # digits: operators are assigned blocks of ten thousand to ten million numbers
_FICTION = {  # reserved for films, manuals and tests; the tables treat them as invalid
    re.compile(r"\+447700900[0-9]{3}"): "GB",  # Ofcom, telephone numbers for use in TV and radio drama
    re.compile(r"\+1555[0-9]{7}"): "US",  # an area code that is not assigned
}


def country_faults(countries: Sequence[str]) -> Iterator[str]:
    """Yield a message for each configured country that does not exist, to follow the setting's name.

    Valid codes are those of ISO 3166 that have phone numbers.
    """
    for code in countries:
        if (code,) != EVERY_COUNTRY and code not in NAMES:
            meant = f": write {_MISTAKEN[code]}" if code in _MISTAKEN else "; the codes are those of ISO 3166"
            yield f"names {code}, which is not a country with phone numbers{meant}"


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number and its countries (ISO 3166), which may be several: Finland and Åland share theirs.

    Only its `hint` may be shown.
    """

    e164: str = field(repr=False)
    countries: tuple[str, ...]
    takes_texts: bool

    @property
    def country(self) -> str:
        """Return the main one of its countries."""
        return self.countries[0]

    @property
    def hint(self) -> str:
        """Return the last two digits."""
        return self.e164[-2:]

    @property
    def prefix(self) -> str:
        """Return all but the last six digits, which a block of a million numbers has in common."""
        return self.e164[:-_IN_A_PREFIX]


@dataclass(frozen=True, slots=True)
class Country:
    """A served country for a form: ISO code, name in the reader's language, calling code without plus."""

    code: str
    name: str
    calling_code: int


def normal_number(text: str, *, countries: Sequence[str], region: str | None = None) -> Number:
    """Parse a number as users write it, in international form or in the national form of `region`.

    Without a region, the national form is accepted only if a single country is served. `countries` are those served,
    as in the setting. Raise InvalidRequest or CountryNotServed.
    """
    plain = _plain(text)
    if region and region not in _calling_codes():
        raise InvalidRequest(FieldError("country", N_("Choose a country from the list.")))
    home = region or _only_region(countries)
    if home is None and not plain.startswith("+"):
        raise _refused(N_("Start the number with + and its country code, or choose its country."))
    parsed = _parsed(plain, home)
    if not is_served(_regions(parsed), countries):
        raise CountryNotServed
    number = _ordinary(parsed)
    if not is_served(number.countries, countries):
        raise CountryNotServed
    return number


def check_takes(number: Number, channel: str) -> None:
    """Raise InvalidRequest if a number cannot receive what is sent by `channel`, sms or voice."""
    if channel == "sms" and not number.takes_texts:
        raise _refused(NO_TEXTS)


def read_number(e164: str) -> Number:
    """Parse a stored result of `normal_number`, which newer tables may no longer accept."""
    import phonenumbers  # noqa: PLC0415 - 50 ms and 3 MB, needed only once a number is parsed

    parsed = phonenumbers.parse(e164)
    texts = phonenumbers.number_type(parsed) != phonenumbers.PhoneNumberType.FIXED_LINE
    return Number(e164, _fiction(e164) or _countries(parsed) or _regions(parsed), takes_texts=texts)


def is_served(candidates: Sequence[str], countries: Sequence[str]) -> bool:
    """Return whether codes are sent to any of the possible countries of a number."""
    return tuple(countries) == EVERY_COUNTRY or not set(candidates).isdisjoint(countries)


def served_countries(countries: Sequence[str]) -> list[Country]:
    """Return the countries that are served, sorted by name, for a form."""
    listed = [
        Country(code, _(NAMES.get(code, code)), calling_code)
        for code, calling_code in _calling_codes().items()
        if is_served((code,), countries)
    ]
    return sorted(listed, key=lambda country: country.name)


NO_TEXTS = N_("This number cannot receive text messages. Choose a voice call or use another number.")


def _plain(text: str) -> str:
    """Return only the digits, and a leading plus. Raise InvalidRequest if other characters remain."""
    if len(text) > _LONGEST:
        raise _refused(N_("Enter one phone number, such as +1 202 555 0123."))
    plain = re.sub(r"\Atel:", "", pasted(text), flags=re.IGNORECASE)  # RFC 3966
    if _EXTENSION.search(plain):
        raise _refused(N_("Enter a number without an extension. We cannot send codes to extensions."))
    plain = _SEPARATORS.sub("", plain)
    if not plain:
        raise _refused(N_("Enter a phone number."))
    if not _NUMBER.fullmatch(plain):
        raise _refused(N_("Enter the phone number using only digits, such as +1 202 555 0123."))
    return re.sub(r"\A00", "+", plain)


def _parsed(plain: str, region: str | None) -> "PhoneNumber":
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        parsed = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        raise _refused(
            N_("This is not a valid phone number. Check the digits, and the country code after the +.")
        ) from None
    former = _FORMER.get(parsed.country_code or 0)
    if former and (kept := former.fullmatch(str(parsed.national_number))):
        return phonenumbers.PhoneNumber(parsed.country_code, int(kept[1]))
    return parsed


def _ordinary(parsed: "PhoneNumber") -> Number:
    """Return the Number of an ordinary phone. Raise InvalidRequest if it is not in use or costs the caller extra."""
    import phonenumbers  # noqa: PLC0415 - as above
    from phonenumbers import PhoneNumberType as Channel  # noqa: PLC0415

    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if invented := _fiction(e164):
        return Number(e164, invented, takes_texts=True)
    line, countries = phonenumbers.number_type(parsed), _countries(parsed)
    if line == Channel.UNKNOWN or not countries:
        raise _refused(N_("No phone can have this number. Check the digits."))
    if (
        line not in (Channel.FIXED_LINE, Channel.MOBILE, Channel.FIXED_LINE_OR_MOBILE, Channel.VOIP)
        or countries[0] not in NAMES
    ):
        raise _refused(
            N_(
                "We cannot send codes to special numbers, such as premium-rate numbers. Enter the number of an "
                "ordinary phone."
            )
        )
    return Number(e164, countries, takes_texts=line != Channel.FIXED_LINE)


def _countries(parsed: "PhoneNumber") -> tuple[str, ...]:
    """Return the countries that use a number, the main one first; none if it is not in use."""
    import phonenumbers  # noqa: PLC0415 - as above

    main = phonenumbers.region_code_for_number(parsed)
    others = (each for each in _regions(parsed) if phonenumbers.is_valid_number_for_region(parsed, each))
    return tuple(dict.fromkeys((main, *others))) if main else ()


def _fiction(e164: str) -> tuple[str, ...]:
    return next(((country,) for form, country in _FICTION.items() if form.fullmatch(e164)), ())


def _regions(parsed: "PhoneNumber") -> tuple[str, ...]:
    import phonenumbers  # noqa: PLC0415 - as above

    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ("001",)))


@cache
def _calling_codes() -> dict[str, int]:
    import phonenumbers  # noqa: PLC0415 - as above

    listed = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    return {country: code for code, countries in listed for country in countries if country in NAMES}


def _only_region(countries: Sequence[str]) -> str | None:
    """Return the country whose national form applies; countries that share a calling code share its national form."""
    served = [country for country in countries if country in NAMES]
    codes = {_calling_codes()[country] for country in served}
    return served[0] if len(codes) == 1 else None


def _refused(text: str) -> InvalidRequest:
    return InvalidRequest(FieldError(FIELD, text))
