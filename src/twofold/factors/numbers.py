"""Phone numbers: all spellings that people use of a number are the same number, written as E.164 has it.

What may be a number stands in phonenumberslite's tables. They are loaded with the first number that is read (50 ms and
3 MB, 4 MB when every country was asked for): a service without phones never pays for them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twofold.base.problems import FieldError, InvalidRequest, Problem
from twofold.base.texts import N_, _
from twofold.factors.country_names import NAMES

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

FIELD = "phone"
EVERY_COUNTRY = ("*",)
_MISTAKEN = {"UK": "GB", "EL": "GR"}  # what the Union writes, and what ISO 3166 does
_LONGEST = 64  # characters: with every separator there is, a number has fewer
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")
_NUMBER = re.compile(r"\+?[0-9]+")
_EXTENSION = re.compile(r"[0-9][\s.]*(?:[;,#x]|ext)", re.IGNORECASE)
_IN_A_PREFIX = 6  # digits: operators hold their numbers by the ten thousand to the ten million
_FICTION = {  # nobody has these: for films, handbooks and tests. The tables take them for mistyped ones
    re.compile(r"\+447700900[0-9]{3}"): "GB",  # Ofcom, telephone numbers for use in TV and radio drama
    re.compile(r"\+1555[0-9]{7}"): "US",  # an area code that is not given out
}


def country_faults(countries: Sequence[str]) -> Iterator[str]:
    """Tell which of the countries to be served do not exist, each in a sentence that goes on from the setting's name.

    The codes that do are those of ISO 3166 with phone numbers.
    """
    for code in countries:
        if (code,) != EVERY_COUNTRY and code not in NAMES:
            meant = f": write {_MISTAKEN[code]}" if code in _MISTAKEN else "; the codes are those of ISO 3166"
            yield f"names {code}, which is no country with phone numbers{meant}"


class CountryNotServed(Problem):
    """The number's country is not one that the operator sends codes to."""

    code, status, at = "country_not_served", 422, FIELD
    title = N_("No codes are sent to this country")
    text = N_("We do not send codes to numbers in this country. Use another number or an authenticator app.")


@dataclass(frozen=True, slots=True)
class Number:
    """A phone number, and the countries that have it, by ISO 3166: Finland and Åland share theirs.

    Shown to nobody but by its `hint`.
    """

    e164: str = field(repr=False)
    countries: tuple[str, ...]
    takes_texts: bool

    @property
    def country(self) -> str:
        """The main one of its countries."""
        return self.countries[0]

    @property
    def hint(self) -> str:
        """The last two digits."""
        return self.e164[-2:]

    @property
    def prefix(self) -> str:
        """What a million neighbours have in common: all but the last six digits."""
        return self.e164[:-_IN_A_PREFIX]


@dataclass(frozen=True, slots=True)
class Country:
    """A served country for a form: ISO code, name in the reader's language, calling code without plus."""

    code: str
    name: str
    calling_code: int


def normal_number(text: str, *, countries: Sequence[str], region: str | None = None) -> Number:
    """Read a number as people write it, in international form, or in the national form of `region`.

    Without a region the national form is that of the only country served; where there are several it cannot be known.
    `countries` are those served, as the setting has them. Raises InvalidRequest and CountryNotServed.
    """
    plain = _plain(text)
    if region and region not in _calling_codes():
        raise InvalidRequest(FieldError("country", N_("Choose a country from the list.")))
    home = region or _only_region(countries)
    if home is None and not plain.startswith("+"):
        raise _refused(N_("Begin the number with + and its country code, or choose its country."))
    parsed = _parsed(plain, home)
    if not is_served(_regions(parsed), countries):
        raise CountryNotServed
    number = _ordinary(parsed)
    if not is_served(number.countries, countries):
        raise CountryNotServed
    return number


def check_takes(number: Number, channel: str) -> None:
    """Refuse a number that cannot take what is sent by `channel`, sms or voice. Raises InvalidRequest."""
    if channel == "sms" and not number.takes_texts:
        raise _refused(NO_TEXTS)


def read_number(e164: str) -> Number:
    """Read what `normal_number` once gave; the tables may since have changed their mind about it."""
    import phonenumbers  # noqa: PLC0415 - 50 ms and 3 MB, paid with the first number

    parsed = phonenumbers.parse(e164)
    texts = phonenumbers.number_type(parsed) != phonenumbers.PhoneNumberType.FIXED_LINE
    return Number(e164, _fiction(e164) or _countries(parsed) or _regions(parsed), takes_texts=texts)


def is_served(candidates: Sequence[str], countries: Sequence[str]) -> bool:
    """Tell whether codes are sent to one of the countries that a number may be of."""
    return tuple(countries) == EVERY_COUNTRY or not set(candidates).isdisjoint(countries)


def served_countries(countries: Sequence[str]) -> list[Country]:
    """List the countries that are served, by name, for a choice on a form."""
    listed = [
        Country(code, _(NAMES.get(code, code)), calling_code)
        for code, calling_code in _calling_codes().items()
        if is_served((code,), countries)
    ]
    return sorted(listed, key=lambda country: country.name)


NO_TEXTS = N_("This number cannot take text messages. Choose a voice call or another number.")


def _plain(text: str) -> str:
    """Leave nothing but digits, and a plus before them. Raises InvalidRequest."""
    if len(text) > _LONGEST:
        raise _refused(N_("Enter one phone number, such as +1 202 555 0123."))
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")  # address books copy direction marks
    plain = "".join(map(_plain_digit, unicodedata.normalize("NFKC", visible))).strip()
    plain = re.sub(r"\Atel:", "", plain, flags=re.IGNORECASE)  # RFC 3966
    if _EXTENSION.search(plain):
        raise _refused(N_("Enter a number without an extension: nobody could put the call through."))
    plain = _SEPARATORS.sub("", plain)
    if not plain:
        raise _refused(N_("Enter a phone number."))
    if not _NUMBER.fullmatch(plain):
        raise _refused(N_("Enter the phone number using only digits, such as +1 202 555 0123."))
    return re.sub(r"\A00", "+", plain)


def _plain_digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def _parsed(plain: str, region: str | None) -> "PhoneNumber":
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        raise _refused(N_("This is not a phone number. Check its digits, and the country code after the +.")) from None


def _ordinary(parsed: "PhoneNumber") -> Number:
    """Take a number of a person's phone. Raises InvalidRequest for one that nobody has, or that costs the caller."""
    import phonenumbers  # noqa: PLC0415 - as above
    from phonenumbers import PhoneNumberType as Line  # noqa: PLC0415

    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if invented := _fiction(e164):
        return Number(e164, invented, takes_texts=True)
    line, countries = phonenumbers.number_type(parsed), _countries(parsed)
    if line == Line.UNKNOWN or not countries:
        raise _refused(N_("This phone number cannot be in use. Check its digits."))
    if line not in (Line.FIXED_LINE, Line.MOBILE, Line.FIXED_LINE_OR_MOBILE, Line.VOIP) or countries[0] not in NAMES:
        raise _refused(N_("Codes are not sent to special numbers. Enter the number of an ordinary phone."))
    return Number(e164, countries, takes_texts=line != Line.FIXED_LINE)


def _countries(parsed: "PhoneNumber") -> tuple[str, ...]:
    """Give the countries that have a number, the main one first; none when nobody has it."""
    import phonenumbers  # noqa: PLC0415 - as above

    main = phonenumbers.region_code_for_number(parsed)
    others = (each for each in _regions(parsed) if phonenumbers.is_valid_number_for_region(parsed, each))
    return tuple(dict.fromkeys((main, *others))) if main else ()


def _fiction(e164: str) -> tuple[str, ...]:
    return next(((country,) for form, country in _FICTION.items() if form.fullmatch(e164)), ())


def _regions(parsed: "PhoneNumber") -> tuple[str, ...]:
    import phonenumbers  # noqa: PLC0415 - as above

    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(parsed.country_code or 0, ("001",)))


def _calling_codes() -> dict[str, int]:
    import phonenumbers  # noqa: PLC0415 - as above

    listed = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    return {country: code for code, countries in listed for country in countries if country in NAMES}


def _only_region(countries: Sequence[str]) -> str | None:
    """Give the country whose national form is meant: countries that share a calling code write their numbers alike."""
    served = [country for country in countries if country in NAMES]
    codes = {_calling_codes()[country] for country in served}
    return served[0] if len(codes) == 1 else None


def _refused(text: str) -> InvalidRequest:
    return InvalidRequest(FieldError(FIELD, text))
