"""The QR code that we draw is read by scanners that know nothing of us, on light and on dark pages."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.awkward_names import emails, factor_names, site_names
from tests.support.pictures import on_page, pixels, png
from tests.support.programs import need
from twofold.factors.totp.qr import svg
from twofold.factors.totp.rules import SECRET_BYTES, key_uri

DARK, LIGHT = 18, 255
QUIET_ZONE = 4 * 5  # pixels: four modules (ISO/IEC 18004)

uris = st.builds(
    lambda secret, issuer, account, name: key_uri(secret, issuer=issuer, account=account, name=name),
    st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
    site_names,
    emails,
    st.none() | factor_names,
)


@given(uri=uris)
@settings(max_examples=30)
def test_opencv_reads_the_qr_code_on_light_and_dark_pages(uri: str) -> None:
    """Pixel for pixel, as a camera app on a computer does."""
    picture = svg(uri)
    # The older detector of OpenCV misses one QR code in twenty, whichever library drew it.
    scanner = cv2.QRCodeDetectorAruco()
    for page in (DARK, LIGHT):
        read, _, _ = scanner.detectAndDecode(on_page(picture, page=page))
        assert read == uri


@pytest.mark.parametrize("page", [DARK, LIGHT], ids=["dark", "light"])
def test_zbar_reads_every_qr_code(tmp_path: Path, page: int, full: bool) -> None:  # noqa: FBT001 - a fixture
    """Many accounts with random secrets, of short and long names, read by one run of zbarimg."""
    count = 500 if full else 50
    chance = np.random.default_rng(page)
    made = []
    for number in range(count):
        account = "a" * int(chance.integers(1, 64)) + f"{number}@example.org"
        made.append(key_uri(chance.bytes(SECRET_BYTES), issuer="My Site", account=account, name=f"phone {number}"))
    for number, uri in enumerate(made):
        (tmp_path / f"{number:04}.png").write_bytes(png(on_page(svg(uri), page=page)))
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([need("zbarimg"), "--raw", "--quiet", *files], capture_output=True, text=True, check=True)
    assert done.stdout.split() == made


@given(uri=uris)
@settings(max_examples=30)
def test_qr_code_has_a_white_quiet_zone_in_the_image(uri: str) -> None:
    """Four modules of white all round, in the picture itself, so that no theme can take them away."""
    drawn = pixels(svg(uri))
    assert set(np.unique(drawn)) == {0, 255}
    inside = drawn[QUIET_ZONE:-QUIET_ZONE, QUIET_ZONE:-QUIET_ZONE]
    assert int((drawn == 0).sum()) == int((inside == 0).sum())
    assert drawn.shape[0] <= 65 * 5 + 2 * QUIET_ZONE


def test_qr_code_has_alternative_text_without_the_key() -> None:
    """Who hears the page hears what the picture is for; the key stands beside it as text (WCAG 1.1.1)."""
    picture = svg(key_uri(b"12345678901234567890", issuer="a.example", account="a@example.org", name=None))
    assert 'role="img"' in picture
    assert "<title" in picture
    assert "GEZDGNBV" not in picture
    assert "otpauth" not in picture
