"""The workbook of a plan: out and in again, a year later, from → to, and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from indicators.imports.plan_files import check_plan, plan_sheets, write_plan
from indicators.imports.preview import RowState
from indicators.imports.stamps import HEADER as STAMP
from ledger.models import Entry
from objectives.spreadsheets.reading import Sheet


class Book:
    """A plan's workbook as it is read again, to be written into."""

    def __init__(self, plan: Any, by: Any, now: Any) -> None:
        self.tables: dict[str, list[dict[str, str]]] = {}
        self.headers: dict[str, list[str]] = {}
        for sheet in plan_sheets(plan, by=by, now=now):
            name = sheet.resource.sheet
            self.headers[name] = [*sheet.resource.headers, STAMP]
            self.tables[name] = [{**cells, STAMP: str(stamp)} for cells, stamp in sheet.rows]

    def row(self, name: str, **known: str) -> dict[str, str]:
        [found] = [row for row in self.tables[name] if known.items() <= row.items()]
        return found

    def add(self, name: str, **cells: str) -> None:
        self.tables[name].append(cells)

    @property
    def sheets(self) -> list[Sheet]:
        def rows(name: str) -> list[Any]:
            lines = [[row.get(header, "") for header in self.headers[name]] for row in self.tables[name]]
            return list(enumerate([self.headers[name], *lines], start=1))

        return [Sheet(name, rows(name)) for name in self.tables]

    def cells(self) -> dict[str, list[dict[str, str]]]:
        return {
            name: [{header: text for header, text in row.items() if header != STAMP} for row in table]
            for name, table in self.tables.items()
        }


@pytest.fixture
def book(plan, administrator, now) -> Callable[..., Book]:
    def download(of: Any = None, by: Any = None) -> Book:
        return Book(of or plan, by or administrator, now)

    return download


def test_what_went_out_comes_back_without_a_change(plan, book, administrator, now):
    before = Entry.objects.count()
    found = write_plan(book().sheets, by=administrator, now=now)
    assert len(found.rows) == 186
    assert found.count(RowState.UNCHANGED) == len(found.rows)
    assert Entry.objects.count() == before
