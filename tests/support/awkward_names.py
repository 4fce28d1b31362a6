"""Hypothesis strategies for names that users and operators choose: awkward, but valid."""

from contextlib import suppress

from hypothesis import strategies as st

from twofold.accounts.rules import normal_email
from twofold.base.problems import InvalidRequest
from twofold.config.values import InvalidSetting, site_name
from twofold.factors.rules import normal_name


def _email(local: str, domain: str) -> str | None:
    with suppress(InvalidRequest):
        return normal_email(f"{local}@{domain}")
    return None


def _name(text: str) -> str | None:
    with suppress(InvalidRequest):
        return normal_name(text)
    return None


def _site(text: str) -> str | None:
    with suppress(InvalidSetting):
        return site_name(text)
    return None


_awkward = st.text("+&%#?=/:;,'\"\\<>()[]{}|^`~$!* .aZ9é漢😀", min_size=1, max_size=40)
_domains = st.sampled_from(["example.org", "sub.example.co.uk", "xn--bcher-kva.example", "bücher.example", "localhost"])

_local = st.text("+&%#?=/'{}|^`~$!*aZ9é漢😀", min_size=1, max_size=40)
emails = st.builds(_email, _local | st.text(min_size=1, max_size=64), _domains).filter(bool).map(str)
factor_names = st.builds(_name, _awkward | st.text(min_size=1, max_size=40)).filter(bool).map(str)
site_names = (
    st.builds(_site, st.text("aZ9éж._- ", min_size=1, max_size=64) | st.just("login.example.org")).filter(bool).map(str)
)
