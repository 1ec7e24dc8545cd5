"""Results in the shape in which the pages show them: numbers as text, standings in symbol, word and tone.

Nothing is computed here; a display only rounds what `results` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indicators.models import QUARTERS, Indicator, PlannedValue, QuarterReport, Variable
from indicators.numbers import format_number, format_towards
from indicators.readings import Reading
from indicators.value import Assessed, Direction, State
from indicators.wording import STATES
from objectives.models import Goal, Plan, User
from objectives.permissions import can
from objectives.spreadsheets.values import plain

from .attainment import HUNDRED, Light, Mean, Progress
from .attention import Item, Reason
from .charts import Bullet, Column, Point, ValueTrend, bullet, columns, value_trend
from .facets import Narrowing, kept
from .results import PlanResults, Result
from .wording import LIGHT_SYMBOLS, LIGHTS, PROGRESS, PROGRESS_SYMBOLS, REASON_SYMBOLS, REASONS

VALUE_DIGITS = 2
PERCENT_DIGITS = 1
ZERO = Decimal(0)
ARITHMETIC_DIGITS = 6

ROLLUPS: dict[str, Promise] = {
    Variable.Rollup.SUM: gettext_lazy("new in each quarter"),
    Variable.Rollup.LATEST: gettext_lazy("as it stands at the quarter's end"),
    Variable.Rollup.COUNT: gettext_lazy("quarters counted"),
    Variable.Rollup.CONSTANT: gettext_lazy("constant"),
}
REPORT_STEPS = (
    "indicators.change_quarterreport",
    "indicators.endorse_quarterreport",
    "indicators.approve_quarterreport",
    "indicators.return_quarterreport",
)


def towards(value: Decimal, *bounds: Decimal | None, digits: int) -> str:
    """Show value rounded, with as many decimals more as keep it on its side of every bound."""
    given = [bound for bound in bounds if bound is not None]
    return max((format_towards(value, bound, digits) for bound in given), key=len)


def percent(value: Decimal, plan: Plan) -> str:
    """Show a percentage: one that has not reached 100, or a light's threshold, never looks as if it had."""
    return towards(value, HUNDRED, plan.green_threshold, plan.amber_threshold, digits=PERCENT_DIGITS)


def signed(change: Decimal | None, digits: int) -> str:
    """Show a change with its sign: +14, -0.5, ±0; another than 0 never looks like it. None is empty."""
    if change is None:
        return ""
    shown = towards(change, ZERO, digits=digits)
    return f"+{shown}" if change > 0 else shown if change else f"±{shown}"


def equals(value: Decimal, bound: Decimal) -> str:
    """Show the result of an arithmetic: «= 79», or «≈ 41.666667» where digits were left off."""
    shown = towards(value, bound, digits=ARITHMETIC_DIGITS)
    return f"{'=' if Decimal(shown.replace(',', '')) == value else '≈'} {shown}"


@dataclass(frozen=True)
class Number:
    """A number as it is shown, and with every digit."""

    shown: str
    exact: str

    @classmethod
    def of(cls, value: Decimal | None, shown: str = "") -> Number | None:
        return None if value is None else cls(shown or format_number(value), plain(value))


@dataclass(frozen=True)
class Standing:
    """Progress or a light in symbol and word; the tone is a class of the stylesheet."""

    symbol: str
    word: str | Promise
    tone: str


_TONES: dict[Progress | Light, str] = {
    Progress.ACHIEVED: "green",
    Progress.AHEAD: "green",
    Progress.ON_TRACK: "green",
    Progress.BEHIND: "amber",
    Progress.NOT_DUE: "none",
    Progress.INCOMPLETE: "none",
    Light.GREEN: "green",
    Light.AMBER: "amber",
    Light.RED: "red",
    Light.WHITE: "none",
}
_REASON_TONES: dict[Reason, str] = {
    Reason.OVERDUE: "red",
    Reason.BEHIND: "amber",
    Reason.INCOMPLETE: "none",
    Reason.SHORT: "amber",
    Reason.RED: "red",
    Reason.AMBER: "amber",
    Reason.WHITE: "none",
}
NOT_APPLICABLE = Standing("－", STATES[State.NOT_APPLICABLE], "none")


def standing(found: Progress | Light | None) -> Standing:
    """Put progress or a light in symbol, word and tone; neither means 不適用."""
    if isinstance(found, Progress):
        return Standing(PROGRESS_SYMBOLS[found], PROGRESS[found], _TONES[found])
    if isinstance(found, Light):
        return Standing(LIGHT_SYMBOLS[found], LIGHTS[found], _TONES[found])
    return NOT_APPLICABLE


@dataclass(frozen=True)
class Row:
    """One result as a row of a table."""

    result: Result

    @property
    def indicator(self) -> Indicator:
        return self.result.indicator

    @property
    def amount(self) -> Decimal | None:
        return self.result.attainment.value.amount

    @cached_property
    def value(self) -> Number | None:
        if self.amount is None:
            return None
        shown = towards(self.amount, self.result.attainment.target, self.result.planned, digits=VALUE_DIGITS)
        return Number.of(self.amount, shown)

    @cached_property
    def target(self) -> str:
        """The target in force, with its direction where that is not the usual one: 55, ≤ 5."""
        return self._bound(self.result.attainment.target)

    @cached_property
    def original_target(self) -> str:
        """The plan's own target beside a revised one (原訂); empty where the plan's own holds."""
        revised = self.result.definition.revised_target is not None
        return self._bound(self.indicator.target) if revised else ""

    def _bound(self, target: Decimal) -> str:
        sign = "≤ " if self.indicator.direction == Indicator.Direction.AT_MOST else ""
        return sign + format_number(target)

    @cached_property
    def planned(self) -> str:
        return "" if self.result.planned is None else format_number(self.result.planned)

    @cached_property
    def attainment(self) -> Number | None:
        number = self.result.attainment.attainment
        return None if number is None else Number.of(number, percent(number, self.indicator.goal.plan))

    @cached_property
    def raw(self) -> Number | None:
        number = self.result.attainment.raw
        return None if number is None else Number.of(number, percent(number, self.indicator.goal.plan))

    @cached_property
    def estimate(self) -> str:
        """全年推估; empty where there is none."""
        number = self.result.estimate
        return "" if number is None else towards(number, self.result.attainment.target, digits=1)

    @cached_property
    def needed(self) -> str:
        """What each remaining quarter must still bring; empty where that cannot be said."""
        number = self.result.needed
        return "" if number is None else towards(number, ZERO, digits=1)

    @property
    def state(self) -> Promise:
        return STATES[self.result.attainment.value.state]

    @property
    def is_complete(self) -> bool:
        return self.result.attainment.value.state is State.COMPLETE

    @cached_property
    def standing(self) -> Standing:
        return standing(self.result.attainment.light or self.result.attainment.progress)

    @cached_property
    def bullet(self) -> Bullet:
        return bullet(self.amount, self.result.planned, self.result.attainment.target)

    @property
    def bullet_title(self) -> str:
        """The chart in words, numbers included."""
        value = self.value.shown if self.value else self.state
        parts = [_("value %(number)s") % {"number": value}]
        if self.planned:
            parts.append(_("planned %(number)s") % {"number": self.planned})
        parts.append(_("target %(number)s %(unit)s") % {"number": self.target, "unit": self.indicator.unit})
        if self.original_target:
            parts.append(_("originally %(number)s") % {"number": self.original_target})
        return _("%(title)s: %(numbers)s") % {"title": self.indicator, "numbers": _(", ").join(parts)}


@dataclass(frozen=True)
class AttentionRow(Row):
    """One of 落後及待處理項目: the row, why it is listed, and what has changed since the quarter before."""

    item: Item

    @property
    def reasons(self) -> list[Standing]:
        return [
            Standing(REASON_SYMBOLS[reason], REASONS[reason], _REASON_TONES[reason])
            for reason in self.item.reasons
        ]

    @cached_property
    def value_change(self) -> str:
        return signed(self.item.value_change, VALUE_DIGITS)

    @cached_property
    def attainment_change(self) -> str:
        return signed(self.item.attainment_change, PERCENT_DIGITS)

    @property
    def says_something(self) -> bool:
        """Whether the unit explained the lag, or said what it will do."""
        report = self.item.report
        return bool(report and (report.lag_reason or report.response or report.coordination))


@dataclass(frozen=True)
class MeanShown:
    """A mean attainment with its coverage."""

    mean: Mean
    plan: Plan

    @cached_property
    def number(self) -> Number | None:
        found = self.mean.mean
        return None if found is None else Number.of(found, percent(found, self.plan))


@dataclass(frozen=True)
class GoalSection:
    """A goal with its rows."""

    goal: Goal
    rows: Sequence[Row]
    mean: MeanShown


@dataclass(frozen=True)
class Trend:
    """How a mean attainment went over the quarters: as numbers, and as columns of a chart.

    goal is None for the whole plan.
    """

    goal: Goal | None
    means: Sequence[MeanShown]

    @property
    def chart(self) -> Sequence[Column]:
        return columns([shown.mean.mean for shown in self.means])

    @property
    def title(self) -> str:
        """The chart in words."""
        said = [
            _("quarter %(quarter)s: %(mean)s")
            % {"quarter": number, "mean": f"{shown.number.shown}%" if shown.number else "－"}
            for number, shown in enumerate(self.means, start=1)
        ]
        return _("%(title)s: %(numbers)s") % {
            "title": self.goal or _("the whole plan"),
            "numbers": _(", ").join(said),
        }


@dataclass(frozen=True)
class Dashboard:
    """The first page: the answer, what needs attention, then everything by goal."""

    results: PlanResults
    mean: MeanShown
    tally: Sequence[tuple[Standing, int]]
    attention: Sequence[AttentionRow]
    goals: Sequence[GoalSection]
    trends: Sequence[Trend]

    @property
    def shown(self) -> int:
        """How many indicators the lists show."""
        return sum(len(section.rows) for section in self.goals)

    @property
    def quarters(self) -> Sequence[int]:
        """The quarters that the trends have."""
        return QUARTERS[: self.results.quarter]


@dataclass(frozen=True)
class YearBefore:
    """The agency's plan of the year before at the same quarter, and what leads there."""

    dashboard: Dashboard
    query: str


def dashboard_of(
    results: PlanResults, attention: Iterable[Item] = (), narrowing: Narrowing | None = None
) -> Dashboard:
    """Lay out a plan's results, and what of them wants somebody; narrowing is for the lists alone."""
    narrowing = narrowing or {}
    sections = [
        GoalSection(found.goal, [Row(result) for result in rows], MeanShown(found.mean, results.plan))
        for found in results.goals
        if (rows := kept(found.results, narrowing))
    ]
    counts: Mapping[Any, int] = results.light_counts if results.at_year_end else results.progress_counts
    tally = [(standing(kind), count) for kind, count in counts.items()]
    if rest := len(results.results) - sum(counts.values()):
        tally.append((NOT_APPLICABLE, rest))
    return Dashboard(
        results=results,
        mean=MeanShown(results.mean, results.plan),
        tally=tally,
        attention=[AttentionRow(item.result, item) for item in attention if kept([item.result], narrowing)],
        goals=sections,
        trends=list(_trends(results)),
    )


def _trends(results: PlanResults) -> Iterator[Trend]:
    """Yield how the plan's mean went over the quarters, then each goal's."""
    quarters, plan = results.trend, results.plan
    yield Trend(None, [MeanShown(each.mean, plan) for each in quarters])
    for goals in zip(*(each.goals for each in quarters), strict=True):
        yield Trend(goals[0].goal, [MeanShown(each.mean, plan) for each in goals])


# -- One indicator -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A variable in a quarter: a number, or the words that stand in its place.

    Where units gave it, their shares stand below it, by the unit's name.
    """

    number: Number | None = None
    words: str | Promise = ""
    missing: bool = False
    shares: Sequence[tuple[str, Number]] = ()


@dataclass(frozen=True)
class VariableRow:
    """A variable over the quarters, and what enters the formula; the original of a corrected constant."""

    variable: Variable
    rollup: Promise
    cells: Sequence[Cell]
    operand: Number | None
    original: str


@dataclass(frozen=True)
class QuarterRow:
    """A quarter's result beside the report that it came from, where the visitor may read that."""

    quarter: int
    row: Row
    report: QuarterReport | None
    planned: PlannedValue | None
    address: str  # the report's form, for those who may fill it in or judge it
    chosen: bool


def variable_rows(
    results: Sequence[Result], chosen: Result, units: Mapping[int, str]
) -> Iterator[VariableRow]:
    """Yield the variables with what counts in each quarter; results are those of the four quarters.

    units are the names of those that gave shares, in the order in which they are shown.
    """
    reading = results[-1].reading
    constants = {each.symbol: each.constant for each in chosen.rule.variables}
    for variable in chosen.indicator.variables.all():
        constant = constants[variable.symbol]
        operand = chosen.attainment.value.operands.get(variable.symbol, constant)
        yield VariableRow(
            variable=variable,
            rollup=ROLLUPS[variable.rollup],
            cells=[_cell(variable, result.quarter, reading, chosen.quarter, units) for result in results],
            operand=Number.of(operand),
            original="" if constant == variable.constant else _constant(variable),
        )


def _constant(variable: Variable) -> str:
    return _("not given yet") if variable.constant is None else format_number(variable.constant)


def _cell(variable: Variable, quarter: int, reading: Reading, chosen: int, units: Mapping[int, str]) -> Cell:
    if variable.is_constant:
        return Cell(words="")
    if quarter in reading.not_applicable:
        return Cell(words=STATES[State.NOT_APPLICABLE])
    figure = reading.figures.get((quarter, variable.symbol))
    if figure is not None:
        if variable.kind == Variable.Kind.YES_NO:
            return Cell(Number(_("yes") if figure else _("no"), plain(figure)))
        shares = reading.shares.get((quarter, variable.symbol), {})
        by_name = [(name, _number(shares[unit])) for unit, name in units.items() if unit in shares]
        return Cell(_number(figure), shares=by_name)
    if quarter not in variable.due:
        return Cell(words=_("not required"))
    if quarter > chosen:
        return Cell(words="－")
    return Cell(words=_("missing"), missing=True)


def _number(value: Decimal) -> Number:
    return Number(format_number(value), plain(value))


def quarter_rows(
    results: Sequence[Result], reports: Iterable[QuarterReport], user: User, chosen: int
) -> Iterator[QuarterRow]:
    """Yield the quarters; reports are those that user may read."""
    readable = {report.quarter: report for report in reports}
    for result in results:
        report = readable.get(result.quarter)
        planned = {planned.quarter: planned for planned in result.indicator.planned_values.all()}
        yield QuarterRow(
            quarter=result.quarter,
            row=Row(result),
            report=report,
            planned=planned.get(result.quarter),
            address=_address(report, user) if report else "",
            chosen=result.quarter == chosen,
        )


@dataclass(frozen=True)
class ValueTrendShown:
    """A value over the quarters up to the chosen one, against the target that holds there."""

    rows: Sequence[Row]
    target: Row

    @cached_property
    def chart(self) -> ValueTrend:
        numbers = [(row.amount, row.result.planned) for row in self.rows]
        return value_trend(numbers, self.target.result.attainment.target)

    @property
    def labelled(self) -> list[tuple[Point, str]]:
        """The quarters with what stands below each."""
        return list(zip(self.chart.points, map(self._said, self.rows), strict=True))

    @property
    def title(self) -> str:
        """The chart in words."""
        return _("%(title)s: %(numbers)s") % {
            "title": self.target.indicator,
            "numbers": _(", ").join([*map(self._said, self.rows), self._target]),
        }

    def _said(self, row: Row) -> str:
        number = row.value.shown if row.value else "－"
        if row.value and not row.is_complete:
            number = _("%(number)s (%(state)s)") % {"number": number, "state": row.state}
        return _("Quarter %(quarter)s: %(number)s") % {"quarter": row.result.quarter, "number": number}

    @property
    def _target(self) -> str:
        return _("target %(number)s %(unit)s") % {
            "number": self.target.target,
            "unit": self.target.indicator.unit,
        }


def value_trend_of(results: Sequence[Result], quarter: int) -> ValueTrendShown:
    """Show the values of the quarters; those after the chosen one have no bar."""
    rows = [Row(result) for result in results]
    return ValueTrendShown(rows, rows[quarter - 1])


def _address(report: QuarterReport, user: User) -> str:
    if any(can(user, permission, report) for permission in REPORT_STEPS):
        return reverse("admin:indicators_quarterreport_change", args=[report.pk])
    return ""


def value_arithmetic(result: Result) -> str:
    """Show how the value came about: (1,200 + 300) ÷ 2,000 × 100 = 75. Empty where nothing was reported."""
    value = result.attainment.value
    if not value.operands:
        return ""
    if value.amount is None:
        return result.substitution
    return f"{result.substitution} {equals(value.amount, result.attainment.target)}"


def attainment_arithmetic(result: Result) -> list[str]:
    """Show how the attainment came about, or say why there is none; one line each."""
    found = result.attainment
    amount, target, raw = found.value.amount, found.target, found.raw
    if amount is None or raw is None:
        return [_no_attainment(result)]
    value, bound = towards(amount, target, digits=ARITHMETIC_DIGITS), format_number(target)
    numbers = {"value": value, "target": bound}
    at_most = result.indicator.direction == Direction.AT_MOST.value
    if at_most and found.reached:
        return [_("%(value)s is not above the ceiling of %(target)s: 100.") % numbers]
    if target <= 0:
        if found.reached:
            return [_("The target is not above 0, and %(value)s has reached it: 100.") % numbers]
        return [_("The target is not above 0, and %(value)s has not reached it: 0.") % numbers]
    first, second = (bound, _operand(value)) if at_most else (_operand(value), bound)
    lines = [f"{first} ÷ {second} × 100 {equals(raw, HUNDRED)}"]
    if raw > HUNDRED:
        lines.append(_("More than 100 counts as 100."))
    if raw < 0:
        lines.append(_("Less than 0 counts as 0."))
    return lines


def _operand(shown: str) -> str:
    return f"({shown})" if shown.startswith("-") else shown


def _no_attainment(result: Result) -> str:
    if result.attainment.value.state is State.NOT_APPLICABLE:
        return _("The indicator does not apply, so there is no attainment.")
    if result.indicator.assessed == Assessed.YEAR_END.value and result.attainment.light is None:
        return _("This indicator is assessed at year end; within the year it has no attainment.")
    return _("As long as figures are missing there is no attainment.")
