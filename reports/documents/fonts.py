"""The font of the documents: one that has the characters, or a clear word about which is missing."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# In this order; each has all characters of Traditional Chinese.
FAMILIES = ("Noto Serif CJK TC", "Noto Sans CJK TC", "AR PL UMing TW", "TW-Kai", "WenQuanYi Zen Hei")


class DocumentRefused(ValidationError):
    """A document cannot be made on this machine."""


def family() -> str:
    """Return the font family to write in. Raises DocumentRefused where none of them is installed."""
    found = next((name for name in FAMILIES if name in _matches(name)), None)
    if found is None:
        raise DocumentRefused(
            _(
                "There is no font with Chinese characters on this machine, so the report would be made of "
                "empty boxes. Install one (on Debian: apt-get install fonts-noto-cjk) and try again."
            )
        )
    return found


def _matches(name: str) -> Iterator[str]:
    """Yield what the family that the machine offers for a name is called."""
    try:
        from weasyprint.text.ffi import ffi, fontconfig
    except OSError as error:
        raise DocumentRefused(
            _(
                "The library Pango, which sets the pages, is missing (on Debian: apt-get install "
                "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)."
            )
        ) from error
    config = fontconfig.FcInitLoadConfigAndFonts()
    pattern = fontconfig.FcPatternCreate()
    fontconfig.FcPatternAddString(pattern, b"family", name.encode())
    fontconfig.FcConfigSubstitute(config, pattern, fontconfig.FcMatchPattern)
    fontconfig.FcDefaultSubstitute(pattern)
    match = fontconfig.FcFontMatch(config, pattern, ffi.new("FcResult *"))
    text, place = ffi.new("FcChar8 **"), 0
    while match and fontconfig.FcPatternGetString(match, b"family", place, text) == fontconfig.FcResultMatch:
        yield ffi.string(text[0]).decode()
        place += 1
    fontconfig.FcConfigDestroy(config)
