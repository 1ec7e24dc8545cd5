"""How tests read the pages' markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Markup(HTMLParser):
    """What of a page tests look at: links, ids, exact numbers, charts' titles, and the words by table row."""

    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._row: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "data":
            self.numbers.append(str(given["value"]))
            if self._row is not None:
                self._row.append(f"[{given['value']}]")
        if tag == "tr":
            self._row = []

    def handle_data(self, data: str) -> None:
        if self._row is not None:
            self._row.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._row is not None:
            self.rows.append(" ".join("".join(self._row).split()))
            self._row = None


def markup(response: Any) -> Markup:
    """Read a response."""
    found = Markup()
    found.feed(response.content.decode())
    return found


def row_of(response: Any, code: str) -> str:
    """Return the words of an indicator's row among the goals; exact numbers stand in brackets."""
    return next(row for row in reversed(markup(response).rows) if row.startswith(code))


def asked(link: str) -> dict[str, str]:
    """Return a link's query."""
    return {key: values[-1] for key, values in parse_qs(urlsplit(link).query).items()}
