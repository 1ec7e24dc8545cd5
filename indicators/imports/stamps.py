"""What a row of a downloaded workbook carries of the report it was made from, to see later what has moved on.

A stamp is `7|1250.5|remark=3f5a9c0b21de`: the report's version, the figure that stood in the row (nothing
where there was none), and in the report's first row a digest of each of its texts that was not empty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Self

HEADER = "版本"

STAMP = re.compile(
    r"(?P<version>[0-9]{1,9})\|(?P<value>-?[0-9]{1,14}(?:\.[0-9]{1,6})?)?(?P<texts>(?:\|[a-z_]{1,30}=[0-9a-f]{12})*)"
)

Text = str | date | None


@dataclass(frozen=True)
class Stamp:
    """What a row held when it was downloaded; texts are digests by the report's field, {} in further rows."""

    version: int
    value: Decimal | None
    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, version: int, value: Decimal | None, texts: Mapping[str, Text] | None = None) -> Self:
        """Make the stamp of a row; texts belong to the first row of a report."""
        written = {name: digest(text) for name, text in (texts or {}).items() if text}
        return cls(version, value, written)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote. Raises ValueError for anything else."""
        match = STAMP.fullmatch(text)
        if match is None:
            raise ValueError(text)
        pairs = (each.split("=") for each in match["texts"].split("|") if each)
        value = Decimal(match["value"]) if match["value"] else None
        return cls(int(match["version"]), value, dict(pairs))

    def __str__(self) -> str:
        value = "" if self.value is None else f"{self.value:f}"
        return "|".join([f"{self.version}", value, *(f"{name}={each}" for name, each in self.texts.items())])

    def held(self, name: str, text: Text) -> bool:
        """Say whether a text of the report is still what it was."""
        return self.texts.get(name, "") == (digest(text) if text else "")


def digest(text: str | date) -> str:
    """Return what tells a text from any other, for its stamp."""
    written = text.isoformat() if isinstance(text, date) else text.replace("\r\n", "\n")  # as cells have it
    return hashlib.sha256(written.encode()).hexdigest()[:12]
