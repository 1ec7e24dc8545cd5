"""Attainment: what a value is worth against its target. Nothing else recomputes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import Enum

from indicators.formula import QUARTERS_IN_A_YEAR, WORKING, compile_formula, rounded
from indicators.value import Assessed, Direction, Rule, State, Value, side

ZERO = Decimal(0)
HUNDRED = Decimal(100)
AMBER = Decimal(80)

# A formula like any other, so that a percentage is computed and rounded as the values themselves are.
PERCENTAGE = compile_formula("part / whole * 100")


class Progress(Enum):
    """Where an indicator stands within the year: 已達標, 超前, 符合, 落後, 未屆期, 資料未齊."""

    ACHIEVED = "ACHIEVED"
    AHEAD = "AHEAD"
    ON_TRACK = "ON_TRACK"
    BEHIND = "BEHIND"
    NOT_DUE = "NOT_DUE"
    INCOMPLETE = "INCOMPLETE"


class Light(Enum):
    """系統試算燈號 at year end: ★ green, ▲ amber, ● red, □ white."""

    GREEN = "GREEN"
    AMBER = "AMBER"
    RED = "RED"
    WHITE = "WHITE"


@dataclass(frozen=True)
class Attainment:
    """A value against its target, in per cent.

    `raw` is 達成度（未設上限）, `attainment` the same held between 0 and 100, which is shown and averaged;
    both are None where there is no attainment to speak of. `progress` is for within the year, `light` for its
    end. `reached` is None where there is no value.
    """

    value: Value
    target: Decimal
    raw: Decimal | None
    attainment: Decimal | None
    progress: Progress | None
    light: Light | None
    reached: bool | None
    cannot_fall_back: bool


@dataclass(frozen=True)
class Mean:
    """平均達成度（系統試算）in per cent over `covered` of `total` indicators; None over none."""

    mean: Decimal | None
    covered: int
    total: int


def attain(
    value: Value,
    rule: Rule,
    *,
    quarter: int,
    year_over: bool,
    target: Decimal,
    direction: Direction,
    assessed: Assessed,
    planned: Decimal | None = None,
    green: Decimal = HUNDRED,
    amber: Decimal = AMBER,
) -> Attainment:
    """Judge the value at `quarter` against the annual target.

    Quarter 4 of a year that is over gets a light: `green` and `amber` are the least raw attainments, in per
    cent, for ★ and ▲. Everything else is within the year and gets progress: `planned` is that quarter's
    預定值, None where none was set. The rules are ours, as the plan gives targets and no way to grade them.
    """
    at_year_end = quarter == QUARTERS_IN_A_YEAR and year_over
    reached = None if value.amount is None else side(value.amount, target, direction) >= 0
    cannot_fall_back = direction is Direction.AT_LEAST and rule.only_grows
    secured = cannot_fall_back and reached is True
    meaningful = at_year_end or assessed is Assessed.QUARTERLY
    settled = secured or value.state is State.COMPLETE
    raw = None
    if value.amount is not None and meaningful and settled:
        raw = _raw(value.amount, target, direction)
    return Attainment(
        value=value,
        target=target,
        raw=raw,
        attainment=None if raw is None else min(max(raw, ZERO), HUNDRED),
        progress=None if at_year_end else _progress(value, secured, assessed, planned, direction),
        light=_light(value, raw, green, amber) if at_year_end else None,
        reached=reached,
        cannot_fall_back=cannot_fall_back,
    )


def mean_attainment(items: Iterable[tuple[Attainment, Decimal]]) -> Mean:
    """Return the weighted mean of the attainments, held to 0–100 each, of (attainment, weight) pairs.

    Only indicators that have an attainment enter it: a white light leaves the mean and stays in the total. An
    indicator that is 不適用 leaves the total too, as nothing was expected of it.
    """
    applicable = [item for item in items if item[0].value.state is not State.NOT_APPLICABLE]
    known = [(item.attainment, weight) for item, weight in applicable if item.attainment is not None]
    if not known:
        return Mean(None, 0, len(applicable))
    with localcontext(WORKING):
        total = sum((attainment * weight for attainment, weight in known), ZERO)
        mean = total / sum(weight for _attainment, weight in known)
    return Mean(rounded(mean), len(known), len(applicable))


def _raw(amount: Decimal, target: Decimal, direction: Direction) -> Decimal:
    """Return the uncapped attainment; no ratio says anything about a target of zero or below."""
    met = side(amount, target, direction) >= 0
    if direction is Direction.AT_MOST and met:
        return HUNDRED
    if target <= 0:
        return HUNDRED if met else ZERO
    if direction is Direction.AT_MOST:
        amount, target = target, amount
    return PERCENTAGE.evaluate({"part": amount, "whole": target})


def _light(value: Value, raw: Decimal | None, green: Decimal, amber: Decimal) -> Light | None:
    if value.state is State.NOT_APPLICABLE:
        return None
    if raw is None:
        return Light.WHITE
    if raw >= green:
        return Light.GREEN
    return Light.AMBER if raw >= amber else Light.RED


def _progress(
    value: Value, secured: bool, assessed: Assessed, planned: Decimal | None, direction: Direction
) -> Progress | None:
    if secured:
        return Progress.ACHIEVED
    if value.state is State.NOT_APPLICABLE:
        return None
    if assessed is Assessed.YEAR_END:
        return Progress.NOT_DUE
    if value.missing:
        return Progress.INCOMPLETE
    if planned is None or value.amount is None:
        return Progress.NOT_DUE
    sides = {1: Progress.AHEAD, 0: Progress.ON_TRACK, -1: Progress.BEHIND}
    return sides[side(value.amount, planned, direction)]
