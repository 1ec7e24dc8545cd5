from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.formula import check_names, compile_formula
from indicators.numbers import format_number, format_towards
from indicators.value import Assessed, Direction, Rollup, Rule, State, Value, VariableRule, value_at
from reports.attainment import Attainment, Light, Mean, Progress, attain, mean_attainment

from .case_definitions import Definition, cases, definitions, figures

deterministic = settings(derandomize=True, max_examples=200, deadline=None)

STATES = {
    "完整": State.COMPLETE,
    "暫計": State.PROVISIONAL,
    "未填": State.EMPTY,
    "不適用": State.NOT_APPLICABLE,
    "無法計算": State.UNDEFINED,
}
PROGRESS = {
    None: None,
    "已達標": Progress.ACHIEVED,
    "超前": Progress.AHEAD,
    "符合": Progress.ON_TRACK,
    "落後": Progress.BEHIND,
    "未屆期": Progress.NOT_DUE,
    "資料未齊": Progress.INCOMPLETE,
}
LIGHTS = {None: None, "★": Light.GREEN, "▲": Light.AMBER, "●": Light.RED, "□": Light.WHITE}

EVERY = frozenset({1, 2, 3, 4})
FLOW = Rule(compile_formula("a"), (VariableRule("a", Rollup.SUM, EVERY),))
STOCK = Rule(compile_formula("a"), (VariableRule("a", Rollup.LATEST, EVERY),))


def judge(definition: Definition, case: dict[str, Any]) -> Attainment:
    quarter = case["quarter"]
    rule = definition.with_constants(case.get("constants", {})).rule
    declared = [int(number) for number in case.get("not_applicable", {})]
    planned = case.get("planned", {}).get(str(quarter))
    return attain(
        value_at(rule, quarter, figures(case), declared),
        rule,
        quarter=quarter,
        year_over=quarter == 4,
        target=definition.target,
        direction=definition.direction,
        assessed=definition.assessed,
        planned=None if planned is None else Decimal(planned),
    )


def judged(
    amount: str | None,
    target: str,
    *,
    rule: Rule = STOCK,
    state: State = State.COMPLETE,
    missing: tuple[tuple[int, str], ...] = (),
    quarter: int = 4,
    year_over: bool = True,
    direction: Direction = Direction.AT_LEAST,
    assessed: Assessed = Assessed.QUARTERLY,
    **options: Decimal,
) -> Attainment:
    return attain(
        Value(None if amount is None else Decimal(amount), state, missing),
        rule,
        quarter=quarter,
        year_over=year_over,
        target=Decimal(target),
        direction=direction,
        assessed=assessed,
        **options,
    )


def assert_digits(found: Decimal | None, expected: str | None) -> None:
    """Exact, or rounded half up at the digits given."""
    if found is not None and expected is not None:
        found = found.quantize(Decimal(expected), ROUND_HALF_UP)
    assert found == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    "case", cases(), ids=lambda case: f"{case['indicator']} Q{case['quarter']} {case['note']}"
)
def test_every_worked_case_holds_to_the_last_digit(case: dict[str, Any]) -> None:
    found = judge(definitions()[case["indicator"]], case)
    assert_digits(found.value.amount, case["value"])
    assert found.value.state is STATES[case["state"]]
    assert_digits(found.raw, case["raw_attainment"])
    assert_digits(found.attainment, case["attainment"])
    assert found.progress is PROGRESS[case["progress"]]
    assert found.light is LIGHTS[case["light"]]


def test_the_worked_cases_cover_every_indicator_of_the_plan() -> None:
    assert {case["indicator"] for case in cases()} == set(definitions())
    assert len(definitions()) == 20


def test_every_formula_of_the_plan_uses_its_own_variables_and_no_memo() -> None:
    for definition in definitions().values():
        official = {variable.symbol for variable in definition.rule.official}
        check_names(definition.rule.formula, official)
        assert set(definition.rule.formula.names) == official


def test_the_indicators_that_cannot_fall_back_are_sums_and_checklists_of_the_plan() -> None:
    growing = {code for code, definition in definitions().items() if definition.rule.only_grows}
    assert growing == {"K1-1", "K2-1", "K2-2", "K4-1", "K4-2", "K5-1", "K5-2", "K8-1"}


@pytest.mark.parametrize(
    ("direction", "amount", "target", "raw", "reached"),
    [
        (Direction.AT_LEAST, "4", "5", "80", False),
        (Direction.AT_LEAST, "5", "5", "100", True),
        (Direction.AT_LEAST, "6", "5", "120", True),
        (Direction.AT_LEAST, "0", "5", "0", False),
        (Direction.AT_LEAST, "-1", "5", "-20", False),
        (Direction.AT_LEAST, "0", "0", "100", True),
        (Direction.AT_LEAST, "-1", "0", "0", False),
        (Direction.AT_LEAST, "-2", "-3", "100", True),
        (Direction.AT_LEAST, "-4", "-3", "0", False),
        (Direction.AT_MOST, "4", "5", "100", True),
        (Direction.AT_MOST, "5", "5", "100", True),
        (Direction.AT_MOST, "8", "5", "62.5", False),
        (Direction.AT_MOST, "-10", "5", "100", True),
        (Direction.AT_MOST, "0", "0", "100", True),
        (Direction.AT_MOST, "1", "0", "0", False),
        (Direction.AT_MOST, "-4", "-3", "100", True),
        (Direction.AT_MOST, "-2", "-3", "0", False),
    ],
)
def test_attainment_follows_the_direction_of_the_target(
    direction: Direction, amount: str, target: str, raw: str, reached: bool
) -> None:
    found = judged(amount, target, direction=direction)
    assert (found.raw, found.reached) == (Decimal(raw), reached)


def test_the_cap_lowers_what_is_above_and_never_raises_what_is_below() -> None:
    assert judged("40", "100").attainment == 40
    assert judged("140", "100").attainment == 100
    assert judged("-40", "100").attainment == 0


def test_an_actual_of_zero_is_a_real_zero() -> None:
    found = judged("0", "5")
    assert (found.raw, found.attainment, found.light) == (0, 0, Light.RED)


def test_a_percentage_stays_a_percentage() -> None:
    found = judged("57", "100")
    assert found.attainment == 57
    assert format_number(Decimal(57), digits=2) == "57"


def test_an_unmet_target_is_shown_neither_as_met_nor_as_a_hundred() -> None:
    found = judged("89.9999875", "90")
    assert found.light is Light.AMBER
    assert found.raw is not None
    assert found.value.amount is not None
    assert format_towards(found.value.amount, found.target, 2) == "89.99999"
    assert format_towards(found.raw, Decimal(100), 2) == "99.99999"


@pytest.mark.parametrize(
    ("amount", "options", "light"),
    [
        ("100", {}, Light.GREEN),
        ("99.999999999", {}, Light.AMBER),
        ("80", {}, Light.AMBER),
        ("79.999999999", {}, Light.RED),
        ("95", {"green": Decimal(95)}, Light.GREEN),
        ("94.9", {"green": Decimal(95)}, Light.AMBER),
        ("70", {"amber": Decimal(70)}, Light.AMBER),
        ("69.9", {"amber": Decimal(70)}, Light.RED),
    ],
)
def test_the_light_is_decided_before_rounding_and_by_the_thresholds(
    amount: str, options: dict[str, Any], light: Light
) -> None:
    assert judged(amount, "100", **options).light is light


@pytest.mark.parametrize(
    ("amount", "state", "rule", "light", "raw"),
    [
        ("60", State.COMPLETE, FLOW, Light.GREEN, "120"),
        ("60", State.PROVISIONAL, FLOW, Light.GREEN, "120"),
        ("60", State.PROVISIONAL, STOCK, Light.WHITE, None),
        ("49", State.PROVISIONAL, FLOW, Light.WHITE, None),
        (None, State.EMPTY, FLOW, Light.WHITE, None),
        (None, State.UNDEFINED, FLOW, Light.WHITE, None),
        (None, State.NOT_APPLICABLE, FLOW, None, None),
    ],
)
def test_at_year_end_there_is_a_light_and_no_progress(
    amount: str | None, state: State, rule: Rule, light: Light | None, raw: str | None
) -> None:
    found = judged(amount, "50", state=state, rule=rule)
    assert (found.light, found.progress) == (light, None)
    assert found.raw == (None if raw is None else Decimal(raw))


def test_a_ceiling_is_never_secured_before_the_figures_are_complete() -> None:
    found = judged("3", "5", rule=FLOW, state=State.PROVISIONAL, direction=Direction.AT_MOST)
    assert (found.cannot_fall_back, found.light, found.raw) == (False, Light.WHITE, None)


MISSING = ((1, "a"),)


@pytest.mark.parametrize(
    ("amount", "options", "progress"),
    [
        ("60", {"rule": FLOW}, Progress.ACHIEVED),
        ("60", {"rule": FLOW, "planned": Decimal(70)}, Progress.ACHIEVED),
        ("60", {"rule": FLOW, "state": State.PROVISIONAL, "missing": MISSING}, Progress.ACHIEVED),
        ("60", {"rule": FLOW, "assessed": Assessed.YEAR_END}, Progress.ACHIEVED),
        ("60", {"rule": STOCK}, Progress.NOT_DUE),
        ("3", {"rule": FLOW, "direction": Direction.AT_MOST}, Progress.NOT_DUE),
        ("40", {"assessed": Assessed.YEAR_END, "planned": Decimal(30)}, Progress.NOT_DUE),
        (None, {"assessed": Assessed.YEAR_END, "state": State.EMPTY, "missing": MISSING}, Progress.NOT_DUE),
        ("40", {"state": State.PROVISIONAL, "missing": MISSING, "planned": Decimal(30)}, Progress.INCOMPLETE),
        (None, {"state": State.EMPTY, "missing": MISSING}, Progress.INCOMPLETE),
        (None, {"state": State.UNDEFINED, "missing": MISSING}, Progress.INCOMPLETE),
        (None, {"state": State.UNDEFINED, "planned": Decimal(30)}, Progress.NOT_DUE),
        (None, {"state": State.EMPTY}, Progress.NOT_DUE),
        (None, {"state": State.NOT_APPLICABLE}, None),
        (None, {"state": State.NOT_APPLICABLE, "assessed": Assessed.YEAR_END}, None),
        ("40", {"planned": Decimal(30)}, Progress.AHEAD),
        ("40", {"planned": Decimal(40)}, Progress.ON_TRACK),
        ("40", {"planned": Decimal(41)}, Progress.BEHIND),
        ("0", {"planned": Decimal(0)}, Progress.ON_TRACK),
        ("40", {"planned": Decimal(30), "direction": Direction.AT_MOST}, Progress.BEHIND),
        ("40", {"planned": Decimal(40), "direction": Direction.AT_MOST}, Progress.ON_TRACK),
        ("40", {"planned": Decimal(41), "direction": Direction.AT_MOST}, Progress.AHEAD),
        ("40", {}, Progress.NOT_DUE),
    ],
)
@pytest.mark.parametrize(("quarter", "year_over"), [(1, False), (3, True), (4, False)])
def test_within_the_year_there_is_progress_and_no_light(
    quarter: int, year_over: bool, amount: str | None, options: dict[str, Any], progress: Progress | None
) -> None:
    found = judged(amount, "50", quarter=quarter, year_over=year_over, **options)
    assert (found.progress, found.light) == (progress, None)


@pytest.mark.parametrize(
    ("amount", "options", "raw"),
    [
        ("40", {}, "80"),
        ("40", {"assessed": Assessed.YEAR_END}, None),
        ("60", {"assessed": Assessed.YEAR_END, "rule": FLOW}, None),
        ("40", {"state": State.PROVISIONAL, "missing": MISSING}, None),
        ("60", {"state": State.PROVISIONAL, "missing": MISSING, "rule": FLOW}, "120"),
        (None, {"state": State.UNDEFINED}, None),
    ],
)
def test_within_the_year_only_complete_quarterly_values_have_an_attainment(
    amount: str | None, options: dict[str, Any], raw: str | None
) -> None:
    found = judged(amount, "50", quarter=2, year_over=False, **options)
    assert found.raw == (None if raw is None else Decimal(raw))
    assert (found.attainment is None) == (raw is None)


@pytest.mark.parametrize(
    ("items", "mean"),
    [
        ([], Mean(None, 0, 0)),
        ([(judged("40", "100"), 1)], Mean(Decimal(40), 1, 1)),
        ([(judged("140", "100"), 1), (judged("40", "100"), 1)], Mean(Decimal(70), 2, 2)),
        ([(judged("-40", "100"), 1), (judged("40", "100"), 1)], Mean(Decimal(20), 2, 2)),
        ([(judged("100", "100"), 3), (judged("0", "100"), 1)], Mean(Decimal(75), 2, 2)),
        (
            [(judged("40", "100", state=State.PROVISIONAL), 1), (judged("0", "100"), 1)],
            Mean(Decimal(0), 1, 2),
        ),
        ([(judged(None, "100", state=State.EMPTY), 1)], Mean(None, 0, 1)),
        (
            [(judged(None, "100", state=State.NOT_APPLICABLE), 5), (judged("40", "100"), 1)],
            Mean(Decimal(40), 1, 1),
        ),
    ],
)
def test_the_mean_is_over_the_indicators_that_have_an_attainment_and_says_how_many(
    items: list[tuple[Attainment, int]], mean: Mean
) -> None:
    assert mean_attainment((item, Decimal(weight)) for item, weight in items) == mean


def test_a_mean_of_thirds_is_not_a_little_less_than_whole() -> None:
    thirds = [judged(amount, "3") for amount in ("1", "1", "2", "2")]
    assert mean_attainment((item, Decimal(1)) for item in thirds).mean == 50
    assert mean_attainment((item, Decimal(1)) for item in thirds[:1]).mean == Decimal("33." + "3" * 32)
    assert mean_attainment((item, Decimal(3)) for item in thirds[:3]).mean == Decimal("44." + "4" * 32)


def test_a_whole_year_of_the_plan_is_judged_at_once() -> None:
    last = {case["indicator"]: case for case in cases() if case["quarter"] == 4}
    found = [judge(definitions()[code], case) for code, case in last.items()]
    mean = mean_attainment((item, Decimal(1)) for item in found)
    lights = Counter(item.light for item in found)
    assert (mean.covered, mean.total) == (len(found) - lights[Light.WHITE], len(found))


amounts = st.decimals(min_value=-1000, max_value=1000, places=3)
targets = st.decimals(min_value=-50, max_value=1000, places=2)


@deterministic
@given(amounts, targets, st.sampled_from(Direction))
def test_attainment_is_held_between_0_and_100_and_100_means_reached(
    amount: Decimal, target: Decimal, direction: Direction
) -> None:
    found = judged(str(amount), str(target), direction=direction)
    assert found.attainment is not None
    assert found.raw is not None
    assert 0 <= found.attainment <= 100
    assert (found.attainment == 100) == (found.raw >= 100) == (found.light is Light.GREEN) == found.reached


@deterministic
@given(amounts, amounts, targets, st.sampled_from(Direction))
def test_a_better_value_never_has_a_lower_attainment(
    one: Decimal, other: Decimal, target: Decimal, direction: Direction
) -> None:
    worse, better = sorted((one, other), reverse=direction is Direction.AT_MOST)
    found = [judged(str(amount), str(target), direction=direction) for amount in (worse, better)]
    assert found[0].raw is not None
    assert found[1].raw is not None
    assert found[0].raw <= found[1].raw
    assert found[0].attainment is not None
    assert found[1].attainment is not None
    assert found[0].attainment <= found[1].attainment


@deterministic
@given(amounts, targets, st.sampled_from(Direction), st.integers(0, 3))
def test_what_is_shown_never_says_reached_of_what_is_not(
    amount: Decimal, target: Decimal, direction: Direction, digits: int
) -> None:
    found = judged(str(amount), str(target), direction=direction)
    assert found.attainment is not None
    shown = format_towards(found.attainment, Decimal(100), digits)
    assert (shown == "100") == found.reached


@deterministic
@given(
    st.dictionaries(st.tuples(st.integers(1, 4), st.just("a")), st.integers(0, 9).map(Decimal)),
    st.integers(1, 4),
    st.sampled_from([FLOW, STOCK]),
    st.sampled_from(Assessed),
)
def test_a_gap_is_never_judged_as_a_zero(
    given_figures: dict[tuple[int, str], Decimal], quarter: int, rule: Rule, assessed: Assessed
) -> None:
    found = attain(
        value_at(rule, quarter, given_figures),
        rule,
        quarter=quarter,
        year_over=quarter == 4,
        target=Decimal(20),
        direction=Direction.AT_LEAST,
        assessed=assessed,
    )
    if found.value.missing:
        assert found.light in (None, Light.WHITE, Light.GREEN)
        assert found.raw is None or found.raw >= 100
    if any(number <= quarter for number, _symbol in given_figures):
        assert found.value.amount is not None
    else:
        assert (found.value.state, found.attainment) == (State.EMPTY, None)


def parts(thing: Any) -> Iterator[Any]:
    yield thing
    if is_dataclass(thing):
        for field in fields(thing):
            yield from parts(getattr(thing, field.name))
    elif isinstance(thing, dict):
        for key, item in thing.items():
            yield from parts(key)
            yield from parts(item)
    elif isinstance(thing, tuple | list):
        for item in thing:
            yield from parts(item)


def test_no_binary_fraction_appears_anywhere_in_a_result() -> None:
    for case in cases():
        found = judge(definitions()[case["indicator"]], case)
        assert not [part for part in parts(found) if isinstance(part, float)]
        assert not [
            part for part in parts(mean_attainment([(found, Decimal("0.5"))])) if isinstance(part, float)
        ]
