"""What is to be written into reports, and what is refused about it; nothing is written here.

All that decides about drafts is read for all of them together: however many there are, the queries are as
many as for one, apart from batches of `BATCH`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from objectives.fields import refuse_control_characters, trimmed
from objectives.models import Unit, User
from objectives.permissions import can, require

from ..models import Figure, Indicator, QuarterReport, Variable
from ..numbers import format_number
from .periods import Openings
from .refusals import Closed, Conflict, Refusal

BATCH = 1000  # rows of one statement; each may have ten columns of its own, and SQLite takes 32,766 values

CHANGE = "indicators.change_quarterreport"

Key = str | tuple[str, int]
"""A figure within a report: its variable's symbol, and for a share the unit's id."""

Figures = Mapping[Any, Decimal | None]
"""Figures by `Key`, which a mapping's type cannot say: str is no str | tuple to it."""

Cell = Key
"""What can be changed in a report: a figure by its key, or a text by its field's name."""


class Texts(TypedDict, total=False):
    """The words of a report; what is left out stays as it is."""

    remark: str
    not_applicable_reason: str
    lag_reason: str
    response: str
    improve_by: date | None
    coordination: str
    check_note: str


LENGTHS: Mapping[str, int | None] = {
    "remark": 5000,
    "not_applicable_reason": 1000,
    "lag_reason": 2000,
    "response": 2000,
    "improve_by": None,
    "coordination": 2000,
    "check_note": 2000,
}
"""How long each of `Texts` may be, in characters, in the order in which forms show them; None for the day."""

Place = tuple[str, int | None]
"""A figure's symbol and unit; None: it is whole."""

Refused = ValidationError | PermissionDenied


@dataclass(frozen=True)
class Draft:
    """What is to be written into one report; version and seen are as `save_draft` has them."""

    report: QuarterReport
    figures: Figures = field(default_factory=dict)
    texts: Texts = field(default_factory=Texts)
    version: int | None = None
    seen: Mapping[Cell, Any] | None = None


@dataclass(frozen=True)
class Found:
    """A report as it stands, with the units and variables that its indicator has, and its figures."""

    report: QuarterReport
    units: Mapping[int, Unit]
    variables: Mapping[str, Variable]
    stored: Mapping[Place, Figure]


@dataclass(frozen=True)
class Changes:
    """What a draft changes in its report: figures by place (None takes one back), columns of the report."""

    found: Found
    values: Mapping[Place, Decimal | None]
    columns: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.values or self.columns)


def judge(
    drafts: Sequence[Draft], *, by: User, now: datetime, restate: bool, lock: bool
) -> tuple[list[Changes], dict[QuarterReport, Refused]]:
    """Return what the drafts change, and why each of them that is refused is; lock: for writing it then."""
    found = _read([draft.report.pk for draft in drafts], lock=lock)
    openings = Openings({each.report.indicator.goal.plan for each in found.values()}, now)
    changes: list[Changes] = []
    refusals: dict[QuarterReport, Refused] = {}
    for draft in drafts:
        there = found[draft.report.pk]
        try:
            changes.append(_judge(draft, there, by=by, openings=openings, restate=restate))
        except (ValidationError, PermissionDenied) as error:
            refusals[there.report] = error
    return changes, refusals


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids, as many at a time as one statement takes."""
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _read(ids: Collection[int], *, lock: bool) -> dict[int, Found]:
    """Read the reports anew, by id. Raises DoesNotExist for one that is gone, ValueError for a double."""
    if len(set(ids)) < len(ids):
        raise ValueError("A report has several drafts.")
    found = {}
    for batch in batches(sorted(ids)):
        reports = _reports(batch, lock=lock)
        indicators = [report.indicator_id for report in reports]
        variables, units, figures = _variables(indicators), _contributing(indicators), _figures(batch)
        for report in reports:
            symbols = variables[report.indicator_id]
            found[report.pk] = Found(
                report,
                {unit.pk: unit for unit in report.indicator.participants_with(units[report.indicator_id])},
                {variable.symbol: variable for variable in symbols.values()},
                {(symbols[each.variable_id].symbol, each.unit_id): each for each in figures[report.pk]},
            )
    if len(found) < len(ids):
        raise QuarterReport.DoesNotExist
    return found


def _reports(ids: Sequence[int], *, lock: bool) -> QuerySet[QuarterReport]:
    reports = QuarterReport.objects.filter(pk__in=ids).order_by("pk").select_related("indicator")
    reports = reports.select_for_update(of=("self",)) if lock else reports
    return reports.prefetch_related("indicator__goal__plan__closed_by", "indicator__lead_unit")


def _variables(indicators: Collection[int]) -> Mapping[int, dict[int, Variable]]:
    """Return each indicator's variables by their id."""
    variables: defaultdict[int, dict[int, Variable]] = defaultdict(dict)
    for variable in Variable.objects.filter(indicator__in=indicators).order_by("position"):
        variables[variable.indicator_id][variable.pk] = variable
    return variables


def _contributing(indicators: Collection[int]) -> Mapping[int, list[Unit]]:
    units: defaultdict[int, list[Unit]] = defaultdict(list)
    through = Indicator.contributing_units.through.objects.filter(indicator__in=indicators)
    for each in through.select_related("unit"):
        units[each.indicator_id].append(each.unit)
    return units


def _figures(reports: Collection[int]) -> Mapping[int, list[Figure]]:
    figures: defaultdict[int, list[Figure]] = defaultdict(list)
    for figure in Figure.objects.filter(report__in=reports).select_related("unit").order_by("pk"):
        figures[figure.report_id].append(figure)
    return figures


def _judge(draft: Draft, found: Found, *, by: User, openings: Openings, restate: bool) -> Changes:
    """Return what the draft changes; raise what `save_draft` says."""
    report, texts = found.report, _trimmed(draft.texts)
    refuse_stale(report, draft.version)
    if not any(can(by, CHANGE, unit) for unit in found.units.values()):
        require(by, CHANGE, report)
    given = {_place(key, found): value for key, value in draft.figures.items()}
    _require_rights(found, by, given, texts)
    units = _units_of(report, given, texts)
    if why := openings.closed_because(report.indicator.goal.plan, report.quarter, units):
        raise Closed(why)
    if not report.is_open_for_entry:
        raise Refusal(
            _("This report is «%(status)s»; figures can be changed only in a draft or a returned report.")
            % {"status": report.get_status_display()}
        )
    if draft.seen is not None:
        _refuse_unseen(found, given, texts, draft.seen)
    values = dict(_changed_values(found, given, restate=restate))
    columns = _changed_columns(report, texts)
    there = _values_after(found, values)
    _refuse_wholes_beside_shares(found, given, there)
    if columns.get("not_applicable_reason", report.not_applicable_reason):
        _refuse_figures_beside_a_reason(found, there)
    return Changes(found, values, columns)


def refuse_stale(report: QuarterReport, version: int | None) -> None:
    """Raise Conflict where the report is not as it was seen in that version; None: however it is."""
    if version is not None and version != report.version:
        raise Conflict(_("Somebody changed this report in the meantime. Compare both values and save again."))


def _trimmed(texts: Texts) -> Texts:
    """Return the texts as they are stored, so that nothing is written for what nobody sees."""
    written = {name: trimmed(text) if isinstance(text, str) else text for name, text in texts.items()}
    return cast(Texts, written)


def _place(key: Key, found: Found) -> Place:
    """Return symbol and unit; the only unit of a variable that is given by unit need not be named."""
    symbol, unit = key if isinstance(key, tuple) else (key, None)
    variable, units = found.variables[symbol], found.units
    if (symbol, unit) in found.stored:
        return symbol, unit  # whatever is there can be changed or taken back
    if not variable.by_unit and unit is not None:
        raise ValidationError(_("«%(name)s» is not given by unit.") % {"name": variable})
    if variable.by_unit and unit is None:
        if len(units) > 1:
            raise ValidationError(
                _("«%(name)s» is given by unit; say which: %(units)s.")
                % {"name": variable, "units": _(", ").join(each.name for each in units.values())}
            )
        [unit] = units
    if unit is not None and unit not in units:
        raise ValidationError(
            _("«%(name)s»: this unit does not contribute. The units are: %(units)s.")
            % {"name": variable, "units": _(", ").join(each.name for each in units.values())}
        )
    return symbol, unit


def _require_rights(found: Found, by: User, given: Mapping[Place, Any], texts: Texts) -> None:
    """Let the lead unit's planner write everything that is not another unit's share."""
    report = found.report
    shares = {unit for _symbol, unit in given if unit is not None}
    if texts or not shares or any(unit is None for _symbol, unit in given):
        require(by, CHANGE, report)
    for unit in shares:
        # Of a unit that contributes no more the share is the lead unit's to clear.
        require(by, CHANGE, found.units.get(unit, report))


def _units_of(report: QuarterReport, given: Mapping[Place, Any], texts: Texts) -> set[int]:
    """Return the units for which the quarter must be open."""
    lead = report.indicator.lead_unit_id
    units = {lead if unit is None else unit for _symbol, unit in given}
    return units | {lead} if texts or not units else units


def _refuse_unseen(
    found: Found, given: Mapping[Place, Decimal | None], texts: Texts, seen: Mapping[Cell, Any]
) -> None:
    """Refuse to replace what the writer has not seen, unless it is what they write."""
    unlike: list[Cell] = []
    for (symbol, unit), value in given.items():
        key: Key = symbol if unit is None else (symbol, unit)
        figure = found.stored.get((symbol, unit))
        there = figure.value if figure else None
        if key in seen and there != seen[key] and there != value:
            unlike.append(key)
    for name, text in texts.items():
        there = getattr(found.report, name)
        if name in seen and there != seen[name] and there != text:
            unlike.append(name)
    if unlike:
        raise Conflict(
            _("Somebody changed this report in the meantime. Compare both values and save again."), unlike
        )


def _changed_values(
    found: Found, given: Mapping[Place, Decimal | None], *, restate: bool
) -> Iterator[tuple[Place, Decimal | None]]:
    """Yield what is to be written of the given figures, each checked."""
    for place, value in given.items():
        figure = found.stored.get(place)
        if value is None:
            if figure:
                yield place, None
            continue
        check_figure(found.variables[place[0]], value)
        if not (figure and figure.value == value and not (restate and figure.demo)):
            yield place, value


def _changed_columns(report: QuarterReport, texts: Texts) -> dict[str, Any]:
    """Return the texts that are not as they were; a new response has not been followed up yet."""
    changed = {name: text for name, text in texts.items() if text != getattr(report, name)}
    for text in changed.values():
        if isinstance(text, str):
            refuse_control_characters(text)
    if "response" in changed and report.followed_up_by_id:
        changed |= {"followed_up_by": None, "followed_up_at": None, "followed_up_note": ""}
    return changed


def _values_after(found: Found, values: Mapping[Place, Decimal | None]) -> dict[Place, Decimal]:
    """Return the figures that the report has once these are written, in the order of its variables."""
    after = {**{place: figure.value for place, figure in found.stored.items()}, **values}
    order = sorted(after, key=lambda place: found.variables[place[0]].position)
    return {place: value for place in order if (value := after[place]) is not None}


def _refuse_wholes_beside_shares(
    found: Found, given: Mapping[Place, Decimal | None], there: Mapping[Place, Decimal]
) -> None:
    """Refuse to add a whole to shares, or a share to a whole: their sum would count a figure twice."""
    for symbol in {symbol for (symbol, _unit), value in given.items() if value is not None}:
        shares = {place: there[place] for place in there if place[0] == symbol and place[1] is not None}
        if shares and (symbol, None) in there:
            raise ValidationError(
                _("«%(name)s» is given whole or by unit. Clear the one to enter the other: %(units)s.")
                % {"name": found.variables[symbol], "units": _words(found, shares)}
            )


def _refuse_figures_beside_a_reason(found: Found, there: Mapping[Place, Decimal]) -> None:
    """Refuse to declare a report with figures 不適用, and name what whoever gave it has to clear first."""
    if there:
        both = _("A report is either not applicable or has figures. Clear the figures, or clear the reason.")
        clear = _("To be cleared: %(figures)s. A unit's share is cleared by that unit.")
        raise ValidationError([both, clear % {"figures": _words(found, there)}])


def _words(found: Found, figures: Mapping[Place, Decimal]) -> str:
    """Name each figure by its variable, with the unit whose share it is, and its value."""
    return _(", ").join(
        _("%(name)s: %(value)s") % {"name": _name(found, place), "value": format_number(value)}
        for place, value in figures.items()
    )


def _name(found: Found, place: Place) -> str:
    symbol, unit = place
    name = found.variables[symbol].name
    if unit is None:
        return name
    stored = found.stored.get(place)
    whose = stored.unit if stored else found.units[unit]
    return _("%(name)s (%(unit)s)") % {"name": name, "unit": whose}


def check_figure(variable: Variable, value: Decimal) -> None:
    """Raise ValidationError for a value that the variable cannot have."""
    if variable.is_constant:
        raise ValidationError(_("«%(name)s» is given with the plan and not reported.") % {"name": variable})
    variable.check_value(value)
