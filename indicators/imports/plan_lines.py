"""The rows of a plan's workbook, by sheet and header; what is wrong with its sheets and headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from objectives.spreadsheets.reading import Sheet

from .lines import Line
from .plan_resources import RESOURCES, PlanRow
from .preview import Problem
from .stamps import HEADER as STAMP

COVER = "說明"
HEADERS = {each.sheet: [column.header for column in each.columns] for each in RESOURCES}

Lines = dict[str, list[Line]]


def lines_of_plan(sheets: Sequence[Sheet]) -> tuple[Lines, list[Problem]]:
    """Give the rows of each sheet; a sheet whose header is not the workbook's gives none, and is named."""
    lines: Lines = {}
    problems = list(_wrong_sheets([sheet.name for sheet in sheets]))
    for sheet in sheets:
        if sheet.name not in HEADERS or sheet.name in lines:
            continue
        wrong = list(_wrong_header(sheet))
        lines[sheet.name] = [] if wrong else list(_lines(sheet))
        problems += wrong
    for line in lines.get(PlanRow.sheet, [])[1:]:
        problems.append(line.problem(_("A workbook is of one plan: only the first row says which one.")))
    lines[PlanRow.sheet] = lines.get(PlanRow.sheet, [])[:1]
    if not problems and not lines[PlanRow.sheet]:
        reason = _("The sheet «%(sheet)s» has to say which agency's plan it is, of which year.")
        problems.append(Problem(0, reason % {"sheet": PlanRow.sheet}))
    return lines, problems


def _wrong_sheets(names: Sequence[str]) -> Iterator[Problem]:
    known = _(", ").join([COVER, *HEADERS])
    for name in dict.fromkeys(names):
        if name not in HEADERS and name != COVER:
            reason = _("The sheet «%(sheet)s» is unknown. Rename or remove it; the sheets are: %(known)s.")
            yield Problem(0, reason % {"sheet": name[:40], "known": known}, sheet=name)
        if names.count(name) > 1:
            reason = _("The sheet «%(sheet)s» is there more than once.")
            yield Problem(0, reason % {"sheet": name[:40]}, sheet=name)


def _header(sheet: Sheet) -> list[str]:
    header = [each.strip() for each in sheet.rows[0][1]] if sheet.rows else []
    while header and not header[-1]:
        header.pop()
    return header


def _wrong_header(sheet: Sheet) -> Iterator[Problem]:
    known, header = HEADERS[sheet.name], _header(sheet)
    row = sheet.rows[0][0] if sheet.rows else 1
    reasons = {
        _("The column «%(header)s» is missing. The columns are: %(columns)s."): [
            name for name in known if name not in header
        ],
        _("The column «%(header)s» stands there more than once."): [
            name for name in dict.fromkeys(header) if header.count(name) > 1
        ],
        _("The column «%(header)s» is unknown. The columns are: %(columns)s."): [
            name for name in dict.fromkeys(header) if name not in (*known, STAMP)
        ],
    }
    columns = _(", ").join(known)
    for reason, names in reasons.items():
        for name in names:
            yield Problem(row, reason % {"header": name[:40], "columns": columns}, sheet=sheet.name)


def _lines(sheet: Sheet) -> Iterator[Line]:
    """Yield the rows that say anything: the hidden stamp of a row that was emptied says nothing."""
    columns = {name: place for place, name in enumerate(_header(sheet), start=1)}
    for number, cells in sheet.rows[1:]:
        texts = {name: cells[place - 1].strip() for name, place in columns.items() if place <= len(cells)}
        bad = {
            name: sheet.bad[number, place] for name, place in columns.items() if (number, place) in sheet.bad
        }
        said = [text for name, text in texts.items() if name != STAMP]
        if bad or any(said):
            yield Line(sheet.name, number, texts, columns, bad)
