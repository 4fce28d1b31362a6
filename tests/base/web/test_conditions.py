"""Conditions and encodings are parsed as lists (RFC 9110 8.8.3, 12.5.3, 13.1.2), not searched as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.base.web.conditions import accepts_gzip, has_tag

TAG = '"0123abcd"'


@pytest.mark.parametrize(
    "lines",
    [
        [TAG],
        [f"W/{TAG}"],
        ["*"],
        [" * "],
        [f'"x", {TAG}'],
        [f'"x",W/{TAG} , "y"'],
        [f'"a,b", {TAG}'],
        ['"x"', TAG],
        [f",, {TAG},"],
        [f'W/"x"\t,\t{TAG}'],
    ],
)
def test_etag_is_found_in_a_list(lines: list[str]) -> None:
    """It may be weak or strong, on any line."""
    assert has_tag(lines, TAG)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ['"nope"'],
        [TAG.strip('"')],
        [TAG[:-1]],
        [f"{TAG}x"],
        [f'"x{TAG}"'],
        [f'"x"{TAG}'],
        [f"w/{TAG}"],
        [TAG.upper()],
        ["*, *"],
        [f"x {TAG}"],
        [f'"a {TAG[1:]}'],
    ],
)
def test_etag_inside_other_text_does_not_match(lines: list[str]) -> None:
    """The document is sent again rather than an outdated one kept."""
    assert not has_tag(lines, TAG)


@pytest.mark.parametrize("line", ["gzip", "GZIP", "br, gzip;q=0.5", "gzip;q=1.000", "x-gzip", "deflate ,gzip ; q=0.1"])
def test_gzip_is_sent_to_a_client_that_takes_it(line: str) -> None:
    """The client must name it, with any weight above zero."""
    assert accepts_gzip([line])
    assert accepts_gzip(["br", line])


@pytest.mark.parametrize(
    "line", ["", "gzip;q=0", "gzip; q=0.000", "GZIP;Q=0.0, br", "*", "identity", "xgzip", "gzip2, br"]
)
def test_gzip_is_not_sent_to_a_client_that_refuses_or_does_not_name_it(line: str) -> None:
    """A weight of zero refuses it."""
    assert not accepts_gzip([line])


@given(lines=st.lists(st.text(alphabet=' ,;=q01.gzip"W/x*', max_size=60), max_size=3))
def test_any_conditional_header_is_parsed(lines: list[str]) -> None:
    """Parsing never raises an error."""
    assert has_tag(lines, TAG) in (True, False)
    assert accepts_gzip(lines) in (True, False)
