"""An indicator's value at a quarter: figures rolled up over the quarters, and the formula over them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from enum import Enum
from typing import cast

from .formula import (
    QUARTERS_IN_A_YEAR,
    WORKING,
    Formula,
    Undefined,
    is_linear,
    minuend,
    only_adds,
    only_grows,
    rounded,
)

ZERO = Decimal(0)

Figures = Mapping[tuple[int, str], Decimal]
"""What was reported, by quarter (1 to 4) and symbol. A figure not reported is absent; zero is a figure."""


class Rollup(Enum):
    """How a variable's quarterly figures become one operand."""

    SUM = "SUM"
    LATEST = "LATEST"
    COUNT = "COUNT"
    CONSTANT = "CONSTANT"


class State(Enum):
    """What a value rests on: 完整, 暫計, 未填, 不適用, 無法計算."""

    COMPLETE = "COMPLETE"
    PROVISIONAL = "PROVISIONAL"
    EMPTY = "EMPTY"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNDEFINED = "UNDEFINED"


class Direction(Enum):
    """Whether a target is a floor or a ceiling."""

    AT_LEAST = "AT_LEAST"
    AT_MOST = "AT_MOST"


class Assessed(Enum):
    """Whether a value within the year means something against the annual target."""

    QUARTERLY = "QUARTERLY"
    YEAR_END = "YEAR_END"


@dataclass(frozen=True)
class VariableRule:
    """One named input: its roll-up and the quarters (1 to 4) in which it is due.

    `constant` is the value of a CONSTANT, None while it is unknown. A memo is recorded beside the formula.
    """

    symbol: str
    rollup: Rollup
    due: frozenset[int]
    may_be_negative: bool = False
    zero_until_given: bool = False
    memo: bool = False
    constant: Decimal | None = None
    yes_no: bool = False
    may_fall: bool = False
    not_above: str = ""  # the symbol of the whole that it is a part of

    @property
    def never_falls(self) -> bool:
        """Whether the operand is never negative and no further quarter can lower it."""
        match self.rollup:
            case Rollup.SUM:
                return not self.may_be_negative
            case Rollup.CONSTANT:
                return self.constant is not None and self.constant >= 0
        return self.rollup is Rollup.COUNT


@dataclass(frozen=True)
class Rule:
    """An indicator's computable definition: a formula and the variables it is over."""

    formula: Formula
    variables: tuple[VariableRule, ...]

    @property
    def official(self) -> tuple[VariableRule, ...]:
        """The variables that the value rests on: all but the memos."""
        return tuple(variable for variable in self.variables if not variable.memo)

    def supposing(self, constants: Mapping[str, Decimal]) -> "Rule":
        """Return the rule as it would be with these constants."""
        return replace(
            self,
            variables=tuple(
                replace(each, constant=constants.get(each.symbol, each.constant)) for each in self.variables
            ),
        )

    @property
    def only_grows(self) -> bool:
        """Whether the value can never fall from one quarter to the next."""
        return only_grows(
            self.formula,
            growing={variable.symbol for variable in self.official if variable.never_falls},
            counts={variable.symbol for variable in self.official if variable.rollup is Rollup.COUNT},
        )

    @property
    def is_sum(self) -> bool:
        """Whether the year's value is the sum of what each quarter brought."""
        rollups = {variable.symbol: variable.rollup for variable in self.official}
        return only_adds(self.formula) and all(rollups.get(name) is Rollup.SUM for name in self.formula.names)


@dataclass(frozen=True)
class Value:
    """A value and what it rests on; `amount` is None unless the state is COMPLETE or PROVISIONAL.

    `missing` are the due figures not given, as (quarter, symbol), `partial` those of them that some units
    gave; `operands` the rolled-up variables. For UNDEFINED, either `lacking` names the variables without any
    figure or constant, or `denominator` is the part of the formula that is zero.
    """

    amount: Decimal | None
    state: State
    missing: tuple[tuple[int, str], ...] = ()
    operands: Mapping[str, Decimal] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    denominator: str | None = None
    partial: tuple[tuple[int, str], ...] = ()


def value_at(
    rule: Rule,
    quarter: int,
    figures: Figures,
    not_applicable: Collection[int] = (),
    not_applicable_year: bool = False,
    partial: Collection[tuple[int, str]] = (),
) -> Value:
    """Return the value at the end of `quarter`; later figures are ignored.

    `not_applicable` are the quarters declared 不適用: they count as reported and contribute nothing, so that
    figures left in them are ignored. Figures may also come in quarters in which they are not due. `partial`
    are figures of which a unit's share is missing: they contribute what is there, and count as missing.
    """
    if not_applicable_year:
        return Value(None, State.NOT_APPLICABLE)
    whole = figures.keys() - set(partial)
    missing = tuple(_missing(rule, quarter, whole, not_applicable))
    if not any(_given(variable, quarter, figures, not_applicable) for variable in rule.official):
        return Value(None, _state_of_nothing(rule, quarter, missing), missing)
    begun = tuple(place for place in missing if place in figures)
    operands = _operands(rule, quarter, figures, not_applicable)
    lacking = tuple(name for name in rule.formula.names if name not in operands)
    if lacking:
        return Value(None, State.UNDEFINED, missing, operands, lacking, partial=begun)
    try:
        amount = rule.formula.evaluate(operands)
    except Undefined as error:
        return Value(None, State.UNDEFINED, missing, operands, (), error.denominator, begun)
    state = State.PROVISIONAL if missing else State.COMPLETE
    return Value(amount, state, missing, operands, partial=begun)


def brought_by(
    rule: Rule, quarter: int, figures: Figures, not_applicable: Collection[int] = ()
) -> Decimal | None:
    """Return what `quarter` alone adds to the year's value; None where it is no sum, or nothing is given."""
    if not rule.is_sum or quarter in not_applicable:
        return None
    places = [(quarter, name) for name in rule.formula.names]
    given = [figures[place] for place in places if place in figures]
    with localcontext(WORKING):
        return sum(given, ZERO) if given else None


def side(amount: Decimal, bound: Decimal, direction: Direction) -> int:
    """Return 1 where the amount is better than the bound, 0 where it is the same, -1 where it is worse."""
    better = (amount > bound) - (amount < bound)
    return better if direction is Direction.AT_LEAST else -better


def estimate(
    rule: Rule, quarter: int, figures: Figures, not_applicable: Collection[int] = ()
) -> Decimal | None:
    """Return the 全年推估 seen from `quarter`: SUM and COUNT operands × 4 ÷ their reported quarters.

    A quarter declared 不適用 counts as reported. None where there is no value to start from. It means
    something for QUARTERLY indicators before quarter 4 only, which is the caller's to know.
    """
    value = value_at(rule, quarter, figures, not_applicable)
    if value.amount is None:
        return None
    operands = dict(value.operands)
    with localcontext(WORKING):
        for variable in rule.official:
            if variable.rollup in (Rollup.SUM, Rollup.COUNT) and operands.get(variable.symbol):
                given = _given(variable, quarter, figures, not_applicable)
                reported = len(given) + sum(declared <= quarter for declared in set(not_applicable))
                operands[variable.symbol] = operands[variable.symbol] * QUARTERS_IN_A_YEAR / reported
    try:
        return rule.formula.evaluate(operands)
    except Undefined:
        return None


def needed_per_quarter(rule: Rule, quarter: int, value: Value, target: Decimal) -> Decimal | None:
    """Return what the SUM variables together must still bring in each quarter after `quarter`, for `target`.

    None where the formula is not linear in them, or one of one counts for more than one of another; where
    nothing further is due, or there is no value yet; and where the target, a floor, is reached already.
    """
    sums = [each for each in rule.official if each.rollup is Rollup.SUM and each.symbol in rule.formula.names]
    left = {later for each in sums for later in each.due if later > quarter}
    if not left or value.amount is None or value.amount >= target:
        return None
    if not is_linear(rule.formula, {each.symbol for each in sums}):
        return None
    worths = {_worth(rule.formula, each.symbol, value) for each in sums}
    if len(worths) > 1 or (worth := worths.pop()) <= 0:
        return None
    with localcontext(WORKING):
        return rounded((target - value.amount) / worth / len(left))


def _worth(formula: Formula, symbol: str, value: Value) -> Decimal:
    """Return by how much the value of a linear formula rises with one more of `symbol`."""
    more = formula.evaluate({**value.operands, symbol: value.operands[symbol] + 1})
    with localcontext(WORKING):
        return rounded(more - cast(Decimal, value.amount))


def offered_baseline(
    rule: Rule,
    constant: str,
    figures: Figures,
    not_applicable: Collection[int] = (),
    not_applicable_year: bool = False,
    partial: Collection[tuple[int, str]] = (),
) -> Value | None:
    """Return what this year's figures make of the next year's `constant`, such as 較上年度增加 compares with.

    That is the value, at the year's end, of what the formula subtracts the constant from. None where it
    subtracts it from nothing.
    """
    compared = minuend(rule.formula, constant)
    if compared is None:
        return None
    needed = tuple(variable for variable in rule.variables if variable.symbol in compared.names)
    return value_at(
        Rule(compared, needed), QUARTERS_IN_A_YEAR, figures, not_applicable, not_applicable_year, partial
    )


def _missing(
    rule: Rule, quarter: int, whole: Collection[tuple[int, str]], not_applicable: Collection[int]
) -> Iterator[tuple[int, str]]:
    """Yield the places of the due figures that are not among the whole ones."""
    for due in range(1, quarter + 1):
        for variable in rule.official:
            if due in variable.due and due not in not_applicable and (due, variable.symbol) not in whole:
                yield due, variable.symbol


def _given(
    variable: VariableRule, quarter: int, figures: Figures, not_applicable: Collection[int]
) -> list[Decimal]:
    """Return the variable's figures up to `quarter`, the latest last; a constant has none."""
    if variable.rollup is Rollup.CONSTANT:
        return []
    quarters = [number for number in range(1, quarter + 1) if number not in not_applicable]
    return [figures[number, variable.symbol] for number in quarters if (number, variable.symbol) in figures]


def _state_of_nothing(rule: Rule, quarter: int, missing: Collection[object]) -> State:
    """Return the state without any figure: 不適用 if something was due and all of it was declared so."""
    due = any(number <= quarter for variable in rule.official for number in variable.due)
    return State.NOT_APPLICABLE if due and not missing else State.EMPTY


def _operands(
    rule: Rule, quarter: int, figures: Figures, not_applicable: Collection[int]
) -> dict[str, Decimal]:
    """Roll every variable up; one about which nothing is known is left out, and never 0."""
    operands = {}
    for variable in rule.official:
        operand = rolled_up(variable, quarter, figures, not_applicable)
        if operand is None and _counts_as_zero(variable, quarter, not_applicable):
            operand = ZERO
        if operand is not None:
            operands[variable.symbol] = operand
    return operands


def rolled_up(
    variable: VariableRule, quarter: int, figures: Figures, not_applicable: Collection[int] = ()
) -> Decimal | None:
    """Return the variable's figures up to `quarter` as one number; None where there is none."""
    given = _given(variable, quarter, figures, not_applicable)
    if variable.rollup is Rollup.CONSTANT:
        return variable.constant
    if not given:
        return None
    match variable.rollup:
        case Rollup.SUM:
            with localcontext(WORKING):
                return sum(given, ZERO)
        case Rollup.COUNT:
            return Decimal(sum(figure != 0 for figure in given))
    return given[-1]


def _counts_as_zero(variable: VariableRule, quarter: int, not_applicable: Collection[int]) -> bool:
    """Whether a variable without figures is 0: by definition, or as a flow wholly declared 不適用."""
    if variable.zero_until_given:
        return True
    due = {number for number in variable.due if number <= quarter}
    return variable.rollup in (Rollup.SUM, Rollup.COUNT) and bool(due) and due <= set(not_applicable)
