"""Check a page in every appearance: light and dark, on a desktop and at 320 pixels.

axe must find nothing at WCAG 2.2 AA, and nothing may be scrolled sideways. With PICTURES set to a folder, each look
is kept there as a picture, for people to judge.
"""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

from tests.support.computer import DESKTOP, SMALL, ColorScheme
from tests.support.programs import need_node_module

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
FIND = "rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(found => found.violations)"
# Colours are checked in all four, and rules about layout once for each size.
LOOKS: list[tuple[ViewportSize, ColorScheme, list[str]]] = [
    (DESKTOP, "light", RULES),
    (DESKTOP, "dark", ["color-contrast"]),
    (SMALL, "light", ["color-contrast"]),
    (SMALL, "dark", RULES),
]


class Gallery:
    """Check pages, and report all violations in `close`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.axe = (need_node_module("axe-core") / "axe.min.js").read_text()
        self.found: list[str] = []
        self.shown: set[str] = set()
        self.folder = os.environ.get("PICTURES")

    def shows(self, name: str, heading: str) -> None:
        """Check the open page, which must have this heading, under a unique name."""
        assert name not in self.shown, f"{name} was shown before"
        self.shown.add(name)
        self.page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
        self.page.evaluate(self.axe)
        for size, scheme, rules in LOOKS:
            look = f"{name}-{size['width']}-{scheme}"
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.found += [f"{look}: {fault}" for fault in self.faults(rules)]
            self.keep(look)
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light")

    def faults(self, rules: list[str]) -> list[str]:
        """Return the violations of these axe rules, and whether the page is wider than the screen."""
        kind = "tag" if rules == RULES else "rule"
        found: list[dict[str, Any]] = self.page.evaluate(FIND, {"type": kind, "values": rules})
        faults = [f"{fault['id']} at {node['html']}" for fault in found for node in fault["nodes"]]
        if self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append("is scrolled sideways")
        return faults

    def keep(self, look: str) -> None:
        """Save a screenshot of the whole page if PICTURES is set."""
        if self.folder:
            self.page.screenshot(path=Path(self.folder) / f"{look}.png", full_page=True)

    def close(self) -> None:
        """Fail with every violation that was found."""
        assert not self.found, "\n".join(self.found)
