"""Render our QR code SVG to pixels as a browser does."""

import re
from xml.etree import ElementTree as ET

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_COLOURS = {"#fff": 255, "#000": 0}
_MARGIN = 40  # pixels around the picture


def on_page(svg: str, *, page: int) -> Pixels:
    """Return the picture on a page of one grey value (0 is black, 255 is white)."""
    return np.pad(pixels(svg), _MARGIN, constant_values=page)


def pixels(svg: str) -> Pixels:
    """Return the picture in its natural size; all its shapes are sets of upright rectangles."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn by us
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    _, _, modules, _ = map(int, root.attrib["viewBox"].split())
    scale = width // modules
    assert scale * modules == width == height, "modules are not whole pixels"
    drawn = np.full((height, width), 128, np.uint8)  # transparent
    for shape in root.iter("{http://www.w3.org/2000/svg}path"):
        for left, top, right, bottom in rectangles(shape.attrib["d"]):
            drawn[top * scale : bottom * scale, left * scale : right * scale] = _COLOURS[shape.attrib["fill"]]
    return drawn


def rectangles(path: str) -> list[tuple[int, int, int, int]]:
    """Return left, top, right and bottom of each closed figure of a path (SVG 2, 9.3)."""
    found: list[tuple[int, int, int, int]] = []
    for figure in path.split("z"):
        x, y = 0, 0
        corners: list[tuple[int, int]] = []
        for command, numbers in re.findall(r"([A-Za-z])([-\d ]*)", figure):
            values = [int(number) for number in numbers.split()]
            match command:
                case "M":
                    x, y = values
                case "h":
                    x += values[0]
                case "v":
                    y += values[0]
                case "H":
                    x = values[0]
                case other:
                    raise ValueError(other)
            corners.append((x, y))
        if corners:
            xs, ys = zip(*corners, strict=True)
            found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def png(picture: Pixels) -> bytes:
    """Return the picture as a PNG file."""
    done, data = cv2.imencode(".png", picture)
    assert done
    return data.tobytes()
