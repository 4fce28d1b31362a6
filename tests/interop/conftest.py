"""Witnesses that run as programs of their own."""

from collections.abc import Iterator

import pytest

from tests.support.otplib import Otplib


@pytest.fixture(scope="session")
def otplib() -> Iterator[Otplib]:
    """Node's otplib, started once."""
    with Otplib() as running:
        yield running
