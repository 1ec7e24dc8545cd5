"""The rows of a file of figures by their headers, whatever the file's format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.spreadsheets.reading import Bad, Sheet

from .preview import Problem
from .stamps import HEADER as STAMP

SHEET = "填報"
SUMMARY = "檢核結果"  # the sheet that a marked copy has besides; it is not read

# The columns of the file, whatever the language of the screen.
YEAR, QUARTER, CODE, ITEM, VALUE, REMARK = "年度", "季別", "指標代碼", "填報項目", "數值", "備註"
HEADERS = (YEAR, QUARTER, CODE, ITEM, VALUE, REMARK)
UNIT, AGENCY = "單位", "機關代碼"
REASON = "不適用理由"
# Columns that a file may have besides, and what of a report they fill in.
TEXTS = {
    REASON: "not_applicable_reason",
    "落後原因": "lag_reason",
    "因應對策": "response",
    "預定改善期限": "improve_by",
    "需協調事項": "coordination",
    "異常說明": "check_note",
}
OPTIONAL = (UNIT, AGENCY, *TEXTS)
# Columns of the downloaded workbook that tell and are not read.
TELLING = ("指標", "計量單位", "狀態", "第1季", "第2季", "第3季")

UNREADABLE: dict[Bad, Promise] = {
    Bad.NO_CACHED_VALUE: gettext_lazy(
        "The formula was never computed. Open the file in a spreadsheet program, save it and upload that, or "
        "type the value itself."
    ),
    Bad.ERROR_VALUE: gettext_lazy("The cell shows an error such as #DIV/0!. Type the value itself."),
    Bad.TOO_LONG: gettext_lazy("The text is longer than a cell can be. Shorten it."),
}


class ImportRefused(ValidationError):
    """The file was not taken; nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.sheet, problem.row))
        super().__init__([placed(problem) for problem in self.problems])


def placed(problem: Problem) -> str:
    """Say in one sentence where a problem is and what it is."""
    if not problem.row:
        return problem.reason
    words = _("Row %(row)s: %(reason)s")
    if problem.column:
        words = _("Row %(row)s, column %(column)s (%(header)s): %(reason)s")
    said = words % vars(problem)
    return (
        _("Sheet «%(sheet)s», %(said)s") % {"sheet": problem.sheet, "said": said} if problem.sheet else said
    )


@dataclass(frozen=True)
class Line:
    """A row of the file: the text of each of its cells by its header, "" where it is empty."""

    sheet: str
    number: int
    cells: Mapping[str, str]
    columns: Mapping[str, int]  # by header, from 1
    bad: Mapping[str, Bad] = field(default_factory=dict)

    def __getitem__(self, header: str) -> str:
        return self.cells.get(header, "")

    @property
    def is_stamped(self) -> bool:
        """Whether the row is of a downloaded workbook."""
        return STAMP in self.columns

    def problem(self, reason: str, header: str = "") -> Problem:
        """Say that something is wrong with the row, or with its cell under a header."""
        column = letter(self.columns[header]) if header in self.columns else ""
        return Problem(self.number, reason, column, self.sheet, header)

    def problems(self, error: ValidationError) -> list[Problem]:
        """The same of an error with messages by header; those by "" are the whole row's."""
        return [
            self.problem(message, header) for header, told in error.message_dict.items() for message in told
        ]


def letter(column: int) -> str:
    """Return a column as spreadsheets call it: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def lines_of(sheets: Sequence[Sheet]) -> tuple[list[Line], list[Problem]]:
    """Give the rows of the sheet of figures, and what is wrong with those that do not fit its header.

    Raises ImportRefused where there is no such sheet, or its header is not that of a file of figures.
    """
    sheet = figures_sheet(sheets)
    if sheet is None:
        raise ImportRefused(
            [Problem(0, _("The file has no sheet «%(name)s». Download the workbook anew.") % {"name": SHEET})]
        )
    if not sheet.rows:
        raise ImportRefused([Problem(1, _("The file is empty."), sheet=sheet.name)])
    (first, header), *rows = sheet.rows
    header = [each.strip() for each in header]
    while header and not header[-1]:
        header.pop()
    _check_header(sheet, first, header)
    columns = {name: place for place, name in enumerate(header, start=1)}
    lines, problems = [], []
    for number, cells in rows:
        if any(each.strip() for each in cells[len(header) :]):
            reason = _("The row has %(found)s cells, the header has %(expected)s.")
            count = {"found": len(cells), "expected": len(header)}
            problems.append(Problem(number, reason % count, sheet=sheet.name))
            continue
        texts = {name: cells[place - 1].strip() for name, place in columns.items() if place <= len(cells)}
        bad = {
            name: sheet.bad[number, place] for name, place in columns.items() if (number, place) in sheet.bad
        }
        if bad or any(texts.values()):
            lines.append(Line(sheet.name, number, texts, columns, bad))
    if not lines and not problems:
        raise ImportRefused([Problem(first, _("The file has no figures."), sheet=sheet.name)])
    return lines, problems


def figures_sheet(sheets: Sequence[Sheet]) -> Sheet | None:
    """Return the sheet of figures: by its name, or the only one there is."""
    sheets = [sheet for sheet in sheets if sheet.name != SUMMARY]
    named = [sheet for sheet in sheets if sheet.name == SHEET]
    found = named or (sheets if len(sheets) == 1 else [])
    return found[0] if found else None


def _check_header(sheet: Sheet, row: int, header: Sequence[str]) -> None:
    known = (*HEADERS, *OPTIONAL)
    columns = _(", ").join(known)
    problems = [
        _("The column «%(header)s» is missing. The columns are: %(columns)s.")
        % {"header": name, "columns": columns}
        for name in HEADERS
        if name not in header
    ]
    problems += [
        _("The column «%(header)s» stands there more than once.") % {"header": name}
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    problems += [
        _("The column «%(header)s» is unknown. The columns are: %(columns)s.")
        % {"header": name[:40], "columns": columns}
        for name in dict.fromkeys(header)
        if name not in (*known, *TELLING, STAMP)
    ]
    if problems:
        raise ImportRefused(Problem(row, problem, sheet=sheet.name) for problem in problems)
