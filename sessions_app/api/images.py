"""QR codes as pictures: renderers that `?format=` or `Accept` choose."""

import io
from collections.abc import Mapping
from typing import Any

import segno
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer

_SCALE = 8  # pixels per module
_BORDER = 4  # modules: the quiet zone that ISO/IEC 18004 asks for


class _QrRenderer(BaseRenderer):
    """Draws the answer's `qr`; a problem document stays JSON."""

    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the picture, black on white."""
        if "qr" not in data:
            return JSONRenderer().render(data)
        picture = io.BytesIO()
        code = segno.make(data["qr"], error="m", micro=False)
        code.save(picture, kind=self.format, scale=_SCALE, border=_BORDER, light="white")
        return picture.getvalue()


class PngRenderer(_QrRenderer):
    """`?format=png` or `Accept: image/png`."""

    media_type = "image/png"
    format = "png"


class SvgRenderer(_QrRenderer):
    """`?format=svg` or `Accept: image/svg+xml`."""

    media_type = "image/svg+xml"
    format = "svg"


class KnownFormats(DefaultContentNegotiation):
    """Answers an unknown `?format=` with 406; DRF's own 404 would deny the session."""

    def filter_renderers(self, renderers: Any, format: str) -> list[BaseRenderer]:  # noqa: A002
        """Return the renderers of that format."""
        known = [renderer for renderer in renderers if renderer.format == format]
        if not known:
            raise NotAcceptable("Give png, svg or json as the format.")
        return known
