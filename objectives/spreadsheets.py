"""Text that a spreadsheet program cannot take for a formula."""

# A cell that begins with one of these is live in some program, full-width forms included.
_LIVE = tuple("=+-@＝＋－＠\t\r\n'")


def harmless(text: str) -> str:
    """Return text with an apostrophe before it where it begins like a formula or with an apostrophe.

    Taking one leading apostrophe away gives the text back unchanged.
    """
    return f"'{text}" if text.lstrip(" \u3000\xa0").startswith(_LIVE) else text
