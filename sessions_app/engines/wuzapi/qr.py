"""Read the code to scan from the picture that is all a gateway gives of it."""

from __future__ import annotations

import base64
import io

import zxingcpp
from PIL import Image

_PREFIX = "data:image/png;base64,"
_QR_CODE = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_MAX_SIDE = 2048  # pixels; gateways draw 256


def text_of(picture: str) -> str:
    """Return the text of a QR code, drawn as PNG in a data URL; "" when there is none."""
    if not picture.startswith(_PREFIX):
        return ""
    try:
        data = base64.b64decode(picture.removeprefix(_PREFIX), validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > _MAX_SIDE:  # known before anything is unpacked
                return ""
            drawn = image.convert("L")
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        return ""
    code = zxingcpp.read_barcode(drawn, formats=_QR_CODE)
    return code.text if code is not None else ""
