"""What a document consists of, whatever format it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3; a new one of level 1 begins a page where new_page says so."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Facts:
    """Labels and what is said of each; a fact may have several lines."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        return [(label, text.splitlines() or [""]) for label, text in self.pairs]


@dataclass(frozen=True)
class Table:
    """A table whose header is repeated on every page; widths are in per cent of the page's."""

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int]
    numbers: frozenset[int] = field(default_factory=frozenset)  # the columns that hold numbers, from 0


@dataclass(frozen=True)
class Bar:
    """A line of a chart: its label, how long its bar is in per cent (None: none), what stands behind it."""

    label: str
    percentage: str | None
    said: str


@dataclass(frozen=True)
class Chart:
    """Horizontal bars from 0 to 100; title says in words what they show."""

    kind: ClassVar[str] = "chart"
    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Seals:
    """核章欄: boxes for the seals, each below the words for whose it is."""

    kind: ClassVar[str] = "seals"
    labels: Sequence[str]


Block = Heading | Paragraph | Facts | Table | Chart | Seals


@dataclass(frozen=True)
class Document:
    """A report: title and subtitle, what stands on every page, what it rests on, and its blocks.

    number is that of the publication, empty for a draft, which says so on every page.
    """

    title: str
    subtitle: str
    number: str
    proof: str
    blocks: Sequence[Block]

    @property
    def mark(self) -> str:
        """What stands on every page beside the page's number."""
        return f"發布編號 {self.number}" if self.number else "草稿（未經發布）"
