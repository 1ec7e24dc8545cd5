"""Text that a spreadsheet program cannot take for a formula."""

import unicodedata


def harmless(text: str) -> str:
    """Return text with an apostrophe before it where it begins like a formula or with an apostrophe.

    Blanks and invisible characters before the sign do not hide it, nor does its full-width or small form.
    Taking one leading apostrophe away gives the text back unchanged.
    """
    visible = (c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")
    sign = unicodedata.normalize("NFKC", next(visible, ""))
    live = sign in ("=", "+", "-", "@") or text[:1] in ("'", "\t", "\r", "\n")
    return f"'{text}" if live else text
