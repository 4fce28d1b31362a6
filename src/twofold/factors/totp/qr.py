"""The QR code of a key URI as inline SVG: black on a white card in every theme, whole-pixel modules."""

from markupsafe import escape

from twofold.base.texts import _

_MODULE = 5  # pixels
_QUIET_ZONE = 4  # modules (ISO/IEC 18004)
_MASK = 4  # a fixed mask: choosing the best of eight takes four times as long, and scanners read all of them


def svg(text: str) -> str:
    """Return `text` as an SVG image at error level M; its title does not contain the secret."""
    import segno  # noqa: PLC0415 - 50 ms and 11 MB, needed at enrolment only

    rows = list(segno.make(text, error="m", micro=False, mask=_MASK, boost_error=False).matrix)
    size = len(rows) + 2 * _QUIET_ZONE
    dark = "".join(_runs(y + _QUIET_ZONE, row) for y, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-labelledby="qr-title" '
        f'width="{size * _MODULE}" height="{size * _MODULE}" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<title id="qr-title">{escape(_("QR code to add this account to an authenticator app"))}</title>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{dark}"/></svg>'
    )


def _runs(y: int, row: bytearray) -> str:
    path, x = "", 0
    while x < len(row):
        width = 1
        while x + width < len(row) and row[x + width] == row[x]:
            width += 1
        if row[x]:
            path += f"M{x + _QUIET_ZONE} {y}h{width}v1h-{width}z"
        x += width
    return path
