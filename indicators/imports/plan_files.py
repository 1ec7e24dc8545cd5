"""The workbook of a plan's definitions, both ways: a whole year's plan can be prepared in a spreadsheet.

A row is known by its code, and says all of what it is about: an empty cell empties what is stored. A row that
was changed since the download, as its hidden stamp tells, is a conflict wherever it says something else than
what is stored; one without a stamp, or made from another plan, is compared by what it says. What is missing
in the file stays as it is: nothing is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from ledger import models as ledger
from ledger.acting import acting
from objectives.models import Plan, Unit, User
from objectives.permissions import can
from objectives.spreadsheets.ods_writing import CONTENT_TYPE as ODS
from objectives.spreadsheets.reading import Sheet
from objectives.spreadsheets.xlsx_writing import CONTENT_TYPE as XLSX

from .. import workflow
from ..forms import unknown_names, why_no_whole
from ..models import Indicator, Variable
from .lines import ImportRefused, Line
from .plan_lines import Lines, lines_of_plan
from .plan_resources import AGENCY, INDICATOR, RESOURCES, YEAR, Desk, PlanResource, PlanRow, plain
from .plan_stamps import PlanStamp
from .plan_workbook import Head, Page, cover, rendered
from .preview import Preview, Problem, Row, RowState
from .stamps import HEADER as STAMP

Place = tuple[Line, Row]
ROC_YEAR = re.compile(r"0{0,2}[1-9][0-9]{0,2}")


class _Checked(Exception):
    """Ends a check: nothing was to be written, so nothing was refused either."""


# -- Out ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanSheet:
    """A sheet of the workbook: whose rows it has, and each row's cells with its stamp."""

    resource: PlanResource
    rows: Sequence[tuple[Mapping[str, str], PlanStamp]]


def plan_sheets(plan: Plan, *, by: User | None, now: datetime) -> list[PlanSheet]:
    """Return all that the plan's workbook says, as far as by may see it; for nobody all of it."""
    desk = Desk(by, now, plan)
    return [PlanSheet(sheet, list(_rows(sheet, plan))) for sheet in (desk.sheets[model] for model in SHOWN)]


SHOWN = [each._meta.model for each in (RESOURCES[1], RESOURCES[0], *RESOURCES[2:])]  # the plan comes first


def _rows(sheet: PlanResource, plan: Plan) -> Iterator[tuple[Mapping[str, str], PlanStamp]]:
    for instance in sheet.exported():
        cells = sheet.cells(instance)
        yield cells, PlanStamp.of(plan, sheet.key(cells), cells)


def plan_workbook(plan: Plan, extension: str, *, by: User | None, now: datetime) -> bytes:
    """Return the plan's workbook, "xlsx" or "ods": each of its sheets as it is to be filled in again."""
    sheets = plan_sheets(plan, by=by, now=now)
    return rendered(cover(plan, by=by, now=now), [_page(sheet) for sheet in sheets], extension)


CONTENT_TYPES = {"xlsx": XLSX, "ods": ODS}


def file_name(plan: Plan, extension: str) -> str:
    return f"施政計畫-{plan.unit.code}-{plan.year}.{extension}"


def _page(sheet: PlanSheet) -> Page:
    resource = sheet.resource
    heads = []
    for column in resource.columns:
        cell = resource.fields[column.attribute].widget
        note = column.explanation(resource.model)
        heads.append(Head(column.header, column.width, note, cell.choices, is_number=cell.is_number))
    rows = [[*cells.values(), str(stamp)] for cells, stamp in sheet.rows]
    return Page(resource.sheet, [*heads, Head(STAMP, is_hidden=True)], rows)


# -- In ----------------------------------------------------------------------------------------------------


def check_plan(sheets: Sequence[Sheet], *, by: User, now: datetime) -> Preview:
    """Say what a workbook would do, row by row; nothing is written, and no refusal recorded."""
    found = Preview([])
    try:
        with acting(actor=by, source=ledger.Source.IMPORT):
            found = _take(sheets, by=by, now=now)
            raise _Checked
    except _Checked:
        return found


def write_plan(sheets: Sequence[Sheet], *, by: User, now: datetime) -> Preview:
    """Write all that a workbook says, or nothing.

    Raises ImportRefused with everything that is wrong, conflicts included.
    """
    with acting(actor=by, source=ledger.Source.IMPORT, about=plan_of(sheets, by)):
        found = _take(sheets, by=by, now=now)
        if problems := [*found.all_problems, *_conflicts(found)]:
            raise ImportRefused(problems)
    return found


def _conflicts(found: Preview) -> Iterator[Problem]:
    words = _(
        "Somebody changed «%(header)s» since the download: it is %(stored)s now, the file says %(said)s. "
        "Download the workbook anew."
    )
    for row in found.rows:
        for change in row.changes:
            if change.conflict and row.state is RowState.CONFLICT:
                said = {"stored": change.before or "—", "said": change.after or "—"}
                yield Problem(
                    row.number, words % {"header": change.label, **said}, "", row.sheet, change.label
                )


def _take(sheets: Sequence[Sheet], *, by: User, now: datetime) -> Preview:
    """Write what the sheets say as far as it can be, and say what cannot; for a transaction."""
    lines, problems = lines_of_plan(sheets)
    desk = Desk(by, now, plan_of(sheets, by))
    desk.plan_is_new = desk.plan is None
    if desk.plan:
        Plan.objects.select_for_update(of=("self",), no_key=True).get(pk=desk.plan.pk)
    rows: list[Row] = []
    for model, sheet in desk.sheets.items():
        if model not in (Unit, Plan) and desk.plan is None:
            break  # there is no plan that anything else could belong to
        rows += sheet.take_all(lines.get(sheet.sheet, []))
        if model is Plan:
            _stand_in(desk, lines)
    if desk.plan:
        _judge_formulas(desk)
        _lay_out(desk)
    order = {sheet.name: place for place, sheet in enumerate(sheets)}
    return Preview(sorted(rows, key=lambda row: (order[row.sheet], row.number)), problems)


def plan_of(sheets: Sequence[Sheet], by: User) -> Plan | None:
    """Find the plan that a workbook is of; None where it is new, or nothing says which one it is."""
    key = _plan_named(lines_of_plan(sheets)[0])
    if key is None:
        return None
    found = Plan.objects.visible_to(by).filter(unit__code=key[0], year=key[1])
    return found.select_related("unit", "closed_by", "predecessor__unit").first()


def _plan_named(lines: Lines) -> tuple[str, int] | None:
    """Return the agency's code and the year that the workbook gives, where it gives them."""
    for line in lines[PlanRow.sheet]:
        agency, year = plain(line[AGENCY]), plain(line[YEAR])
        if agency and ROC_YEAR.fullmatch(year):
            return agency, int(year)
    return None


def _stand_in(desk: Desk, lines: Lines) -> None:
    """Put up a plan where the row of a new one was refused, for the rest to be judged: it is rolled back."""
    key = _plan_named(lines)
    if desk.plan or key is None:
        return
    agency = desk.sheets[Unit].stored.get(key[0])
    if agency and can(desk.by, "objectives.add_plan", agency):
        desk.plan = Plan.objects.create(unit=agency, year=key[1], title=str(key[1]))


def _judge_formulas(desk: Desk) -> None:
    """Complain about formulas with unknown names, and parts of unknown wholes, wherever a row says more."""
    indicators, variables = desk.sheets[Indicator], desk.sheets[Variable]
    rows: dict[str, list[Place]] = {}
    for line, row in variables.rows.values():
        if row.changes:
            rows.setdefault(plain(line[INDICATOR]), []).append((line, row))
    changed = {key for key, (_line, row) in indicators.rows.items() if row.changes}
    for code in sorted(changed | set(rows)):
        if indicator := indicators.stored.get(code):
            known = list(_variables(desk, indicator))
            place = indicators.rows.get(code) or rows[code][0]
            _complain(place, "計算式", unknown_names(indicator.formula, known))
            for line, row in rows.get(code, ()):
                if found := variables.stored.get(variables.key(line.cells)):
                    why = why_no_whole(found, {each.symbol for each in known})
                    _complain((line, row), "不得大於", why)


def _variables(desk: Desk, indicator: Indicator) -> Iterator[Variable]:
    """Yield an indicator's variables, with those that the file has and that were refused: they are coming."""
    sheet = desk.sheets[Variable]
    yield from (each for each in sheet.stored.values() if each.indicator_id == indicator.pk)
    for key in sheet.refused:
        code, _blank, symbol = key.partition(" ")
        if code == indicator.code and key not in sheet.stored:
            yield Variable(symbol=symbol)


def _complain(place: Place, header: str, why: str) -> None:
    line, row = place
    if why and not row.problems:
        row.problems.append(line.problem(why, header if header in line.columns else ""))


def _lay_out(desk: Desk) -> None:
    """Lay out the quarter reports of new indicators, and a new plan's periods."""
    if desk.plan_is_new:
        workflow.create_periods(desk.the_plan)
    sheet = desk.sheets[Indicator]
    new = [
        sheet.stored[key] for key, (_line, row) in sheet.rows.items() if row.is_new and key in sheet.stored
    ]
    if new:
        workflow.create_reports(new)
