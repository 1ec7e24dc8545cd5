"""Text that a spreadsheet program cannot take for a formula.

An apostrophe protects what begins like one, and comes off again when the file is read.
"""

import re

# What does not hide a sign behind it: blanks, control and format characters (Cc, Cf), and double quotes; but
# not TAB, CR and LF, which separate. A test holds these to Unicode.
_UNSEEN = (
    r"[\x00-\x08\x0b\x0c\x0e-\x20\x22\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680"
    r"\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]*"
)
_SIGNS = "-=+@＝＋－＠﹦﹢﹣﹫⁼₌⁺₊﬩⩵⩶"  # with every form of them that NFKC knows
_AT_THE_START = rf"(?='|{_UNSEEN}[{_SIGNS}\t\r\n])"
_LATER = rf"(?='|{_UNSEEN}[{_SIGNS}])"
_SEPARATOR = r"[,;\t|\r\n]"

_LIVE_START = re.compile(_AT_THE_START)
_LIVE_LATER = re.compile(rf"({_SEPARATOR}){_LATER}")
_PROTECTED_START = re.compile(rf"'{_AT_THE_START}")
_PROTECTED_LATER = re.compile(rf"({_SEPARATOR})'{_LATER}")


def harmless(text: str) -> str:
    """Return text with an apostrophe before all that a spreadsheet program might take for a formula.

    That is its beginning and, since a program may split a text where it likes, what follows a `,` `;` `|`
    TAB, CR or LF: wherever `= + - @` or one of their full-width or small forms is the first to be seen, or an
    apostrophe stands there already. A text that begins with TAB, CR or LF is protected too. Text that needs
    nothing comes back as it is.
    """
    if _LIVE_START.match(text):
        text = f"'{text}"
    return _LIVE_LATER.sub(r"\1'", text) if _LIVE_LATER.search(text) else text  # a vain search is fast


def original(text: str) -> str:
    """Return what `harmless` was given: original(harmless(text)) == text for every text.

    One apostrophe comes off wherever harmless would have put it, and no other: «'tis», «it's, 'quoted'» and
    «a,'b'» stay. Of what people type only an apostrophe right at the start or behind a separator is lost, and
    only before a sign or another apostrophe: «'-5», which is meant as a protection, and «a,''b''».
    """
    if _PROTECTED_START.match(text):
        text = text[1:]
    return _PROTECTED_LATER.sub(r"\1", text) if _PROTECTED_LATER.search(text) else text
