"""The real parts are here: a run without them would look complete and prove less than it says."""

import pytest

from tests.support.programs import PACKAGES, need, need_node_module


@pytest.mark.parametrize("part", sorted(PACKAGES))
def test_real_part_is_here(part: str) -> None:
    """Each program that tests are made with is installed; a build server without it fails, here and by name."""
    assert need(part)


@pytest.mark.parametrize("name", ["axe-core", "otplib"])
def test_witness_from_node_is_here(name: str) -> None:
    """Each npm package that tests are made with is installed, as package-lock.json says."""
    assert (need_node_module(name) / "package.json").is_file()
