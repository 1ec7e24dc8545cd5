from collections.abc import Collection
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.formula import compile_formula
from indicators.value import (
    Figures,
    Rollup,
    Rule,
    State,
    Value,
    VariableRule,
    brought_by,
    estimate,
    needed_per_quarter,
    value_at,
)

deterministic = settings(derandomize=True, max_examples=100, deadline=None)

EVERY = frozenset({1, 2, 3, 4})


def variable(
    symbol: str, rollup: Rollup, due: Collection[int] = EVERY, *, constant: int | None = None, **flags: Any
) -> VariableRule:
    number = None if constant is None else Decimal(constant)
    return VariableRule(symbol, rollup, frozenset(due), constant=number, **flags)


def rule(formula: str, *variables: VariableRule) -> Rule:
    return Rule(compile_formula(formula), variables)


def figures(**by_symbol: dict[int, int | str]) -> Figures:
    return {
        (quarter, symbol): Decimal(number)
        for symbol, numbers in by_symbol.items()
        for quarter, number in numbers.items()
    }


FLOW = rule("visits", variable("visits", Rollup.SUM))
STOCK = rule("projects", variable("projects", Rollup.LATEST))
COUNTED = rule("posted", variable("posted", Rollup.COUNT))
GROWTH = rule("visits - baseline", variable("visits", Rollup.SUM), variable("baseline", Rollup.CONSTANT, ()))
REVISED = rule(
    "revised / regulations * 100",
    variable("revised", Rollup.SUM),
    variable("regulations", Rollup.LATEST, {1}),
)
EXECUTION = rule(
    "(paid + payable) / budget * 100",
    variable("paid", Rollup.LATEST),
    variable("payable", Rollup.LATEST, {4}, zero_until_given=True),
    variable("budget", Rollup.LATEST, {1}),
)
YEAR_END = rule("done", variable("done", Rollup.LATEST, {4}))


@pytest.mark.parametrize(
    ("definition", "numbers", "amounts"),
    [
        (FLOW, {1: 3, 2: 0, 3: 5, 4: 2}, [3, 3, 8, 10]),
        (STOCK, {1: 96, 2: 101, 3: 99, 4: 98}, [96, 101, 99, 98]),
        (COUNTED, {1: 1, 2: 0, 3: 1, 4: 1}, [1, 1, 2, 3]),
    ],
)
def test_figures_are_added_or_the_latest_taken_or_counted(
    definition: Rule, numbers: dict[int, int | str], amounts: list[int]
) -> None:
    given = figures(**{definition.formula.names[0]: numbers})
    values = [value_at(definition, quarter, given) for quarter in (1, 2, 3, 4)]
    assert [value.amount for value in values] == amounts
    assert {value.state for value in values} == {State.COMPLETE}


def test_running_totals_are_never_added_together() -> None:
    given = figures(paid={1: 200, 2: 500, 3: 800}, budget={1: 2000})
    assert value_at(EXECUTION, 3, given).amount == 40


def test_a_late_change_to_the_first_quarter_does_not_override_later_ones() -> None:
    late = figures(projects={2: 101, 3: 99, 1: 500})
    assert value_at(STOCK, 3, late).amount == 99


def test_figures_after_the_quarter_are_ignored() -> None:
    given = figures(visits={1: 3, 2: 4, 3: 5})
    assert value_at(FLOW, 2, given).amount == 7
    assert value_at(FLOW, 2, given).operands == {"visits": 7}


def test_zero_is_a_figure_and_no_gap() -> None:
    value = value_at(FLOW, 1, figures(visits={1: 0}))
    assert value == Value(Decimal(0), State.COMPLETE, (), {"visits": Decimal(0)})


def test_nothing_reported_is_no_zero() -> None:
    assert value_at(FLOW, 2, {}) == Value(None, State.EMPTY, ((1, "visits"), (2, "visits")))


def test_nothing_due_and_nothing_given_is_empty_without_a_gap() -> None:
    assert value_at(YEAR_END, 3, {}) == Value(None, State.EMPTY)


def test_a_constant_alone_makes_no_value() -> None:
    known = rule(
        "visits - baseline", *GROWTH.variables[:1], variable("baseline", Rollup.CONSTANT, constant=39)
    )
    assert value_at(known, 1, {}).state is State.EMPTY
    assert value_at(known, 1, figures(visits={1: 40})).amount == 1


def test_an_unknown_constant_is_named_and_never_zero() -> None:
    value = value_at(GROWTH, 1, figures(visits={1: 40}))
    assert (value.amount, value.state, value.lacking) == (None, State.UNDEFINED, ("baseline",))


def test_missing_quarters_are_named_and_the_rest_is_provisional() -> None:
    value = value_at(FLOW, 4, figures(visits={1: 12, 3: 11}))
    assert (value.amount, value.state) == (23, State.PROVISIONAL)
    assert value.missing == ((2, "visits"), (4, "visits"))


def test_a_stale_stock_is_provisional() -> None:
    value = value_at(STOCK, 3, figures(projects={1: 96, 2: 101}))
    assert (value.amount, value.state, value.missing) == (101, State.PROVISIONAL, ((3, "projects"),))


def test_a_zero_denominator_is_named_and_gives_no_value() -> None:
    value = value_at(REVISED, 1, figures(revised={1: 0}, regulations={1: 0}))
    assert (value.amount, value.state, value.denominator) == (None, State.UNDEFINED, "regulations")


def test_the_denominator_of_a_ratio_starts_at_what_was_given() -> None:
    assert value_at(REVISED, 1, figures(revised={1: 1}, regulations={1: 4})).amount == 25


def test_a_figure_due_once_holds_until_it_is_amended() -> None:
    given = figures(paid={1: 200, 2: 500, 3: 800}, budget={1: 2000, 3: 2500})
    assert [value_at(EXECUTION, quarter, given).amount for quarter in (1, 2, 3)] == [10, 25, 32]


def test_what_is_zero_until_given_is_missing_once_due() -> None:
    given = figures(paid={1: 200, 2: 500, 3: 800, 4: 1000}, budget={1: 2000})
    assert value_at(EXECUTION, 3, given).state is State.COMPLETE
    value = value_at(EXECUTION, 4, given)
    assert (value.amount, value.state, value.missing) == (50, State.PROVISIONAL, ((4, "payable"),))


def test_memos_neither_make_a_value_nor_make_it_incomplete() -> None:
    with_memo = rule("visits", *FLOW.variables, variable("hours", Rollup.LATEST, memo=True))
    assert value_at(with_memo, 1, figures(visits={1: 3})).state is State.COMPLETE
    assert value_at(with_memo, 1, figures(hours={1: 3})).state is State.EMPTY
    assert value_at(with_memo, 1, figures(visits={1: 3}, hours={1: 9})).operands == {"visits": 3}


@pytest.mark.parametrize(
    ("definition", "quarter", "given", "declared", "amount", "state"),
    [
        (FLOW, 2, figures(visits={1: 3}), {2}, 3, State.COMPLETE),
        (FLOW, 2, figures(visits={1: 3, 2: 9}), {2}, 3, State.COMPLETE),
        (FLOW, 2, figures(visits={2: 9}), {2}, None, State.EMPTY),
        (FLOW, 3, figures(visits={1: 3}), {2}, 3, State.PROVISIONAL),
        (FLOW, 2, {}, {1, 2}, None, State.NOT_APPLICABLE),
        (FLOW, 2, {}, {2}, None, State.EMPTY),
        (STOCK, 2, figures(projects={1: 96}), {2}, 96, State.COMPLETE),
        (YEAR_END, 3, {}, {1, 2, 3}, None, State.EMPTY),
        (YEAR_END, 4, {}, {4}, None, State.NOT_APPLICABLE),
        (REVISED, 2, figures(revised={2: 3}), {1}, None, State.UNDEFINED),
    ],
)
def test_a_quarter_declared_not_applicable_counts_as_reported_and_contributes_nothing(
    definition: Rule,
    quarter: int,
    given: Figures,
    declared: Collection[int],
    amount: int | None,
    state: State,
) -> None:
    value = value_at(definition, quarter, given, declared)
    assert (value.amount, value.state) == (amount, state)


@pytest.mark.parametrize(("rollup", "amount"), [(Rollup.SUM, 5), (Rollup.COUNT, 5), (Rollup.LATEST, None)])
def test_a_flow_wholly_declared_not_applicable_adds_nothing_but_a_stock_stays_unknown(
    rollup: Rollup, amount: int | None
) -> None:
    early = rule("visits + early", *FLOW.variables, variable("early", rollup, {1}))
    assert value_at(early, 2, figures(visits={2: 5}), not_applicable={1}).amount == amount


def test_a_flow_that_is_not_due_yet_is_unknown_and_not_zero() -> None:
    late = rule("visits + late", *FLOW.variables, variable("late", Rollup.SUM, {4}))
    value = value_at(late, 1, figures(visits={1: 5}))
    assert (value.state, value.lacking, value.missing) == (State.UNDEFINED, ("late",), ())


def test_a_year_declared_not_applicable_has_no_value_whatever_was_reported() -> None:
    value = value_at(FLOW, 2, figures(visits={1: 3}), not_applicable_year=True)
    assert value == Value(None, State.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (FLOW, True),
        (COUNTED, True),
        (STOCK, False),
        (GROWTH, False),
        (REVISED, False),
        (rule("visits", variable("visits", Rollup.SUM, may_be_negative=True)), False),
        (rule("visits + k", *FLOW.variables, variable("k", Rollup.CONSTANT, (), constant=3)), True),
        (rule("visits + k", *FLOW.variables, variable("k", Rollup.CONSTANT, (), constant=-3)), False),
        (rule("visits + k", *FLOW.variables, variable("k", Rollup.CONSTANT, ())), False),
        (rule("(visits >= 3) + (posted == 4)", *FLOW.variables, *COUNTED.variables), True),
        (rule("visits == 4", *FLOW.variables), False),
    ],
)
def test_only_non_negative_flows_counts_and_constants_cannot_fall_back(
    definition: Rule, expected: bool
) -> None:
    assert definition.only_grows is expected


@pytest.mark.parametrize(
    ("definition", "quarter", "given", "declared", "expected"),
    [
        (FLOW, 1, figures(visits={1: 3}), (), "12"),
        (FLOW, 1, figures(visits={1: 3}), {3}, "12"),
        (FLOW, 3, figures(visits={1: 3, 2: 4, 3: 3}), (), "13." + "3" * 32),
        (FLOW, 3, figures(visits={1: 3, 3: 3}), (), "12"),
        (FLOW, 2, figures(visits={1: 3}), {2}, "6"),
        (FLOW, 2, figures(visits={1: 0, 2: 0}), (), "0"),
        (FLOW, 2, {}, (), None),
        (FLOW, 2, {}, {1, 2}, None),
        (STOCK, 2, figures(projects={1: 96, 2: 101}), (), "101"),
        (COUNTED, 3, figures(posted={1: 1, 2: 1, 3: 1}), (), "4"),
        (REVISED, 2, figures(revised={1: 2, 2: 3}, regulations={1: 40}), (), "25"),
        (REVISED, 2, figures(revised={1: 2, 2: 3}, regulations={1: 0}), (), None),
        (GROWTH, 2, figures(visits={1: 2, 2: 3}), (), None),
    ],
)
def test_the_estimate_scales_flows_to_four_quarters_and_leaves_stocks(
    definition: Rule, quarter: int, given: Figures, declared: Collection[int], expected: str | None
) -> None:
    scaled = estimate(definition, quarter, given, declared)
    assert scaled == (None if expected is None else Decimal(expected))


BOTH = rule("a + b", variable("a", Rollup.SUM), variable("b", Rollup.SUM))
YEAR_ENDS_FIRST = rule("a", variable("a", Rollup.SUM, {1, 4}))


@pytest.mark.parametrize(
    ("definition", "quarter", "given", "target", "needed"),
    [
        (FLOW, 1, figures(visits={1: 4}), 10, "2"),
        (FLOW, 3, figures(visits={1: 4, 2: 0, 3: 0}), 10, "6"),
        (FLOW, 3, figures(visits={1: 10}), 10, None),
        (FLOW, 4, figures(visits={1: 4}), 10, None),
        (FLOW, 2, {}, 10, None),
        (BOTH, 2, figures(a={1: 2}, b={2: 1}), 9, "3"),
        (YEAR_ENDS_FIRST, 2, figures(a={1: 2}), 9, "7"),
        (REVISED, 2, figures(revised={1: 2, 2: 2}, regulations={1: 40}), 30, "4"),
        (
            rule("a - k", *BOTH.variables, variable("k", Rollup.CONSTANT, (), constant=5)),
            3,
            figures(a={1: 6}),
            2,
            "1",
        ),
        (rule("a + 2 * b", *BOTH.variables), 3, figures(a={1: 2}, b={1: 1}), 9, None),
        (rule("a * b", *BOTH.variables), 3, figures(a={1: 2}, b={1: 1}), 9, None),
        (rule("a / (a + b)", *BOTH.variables), 3, figures(a={1: 2}, b={1: 1}), 9, None),
        (rule("10 - a", *BOTH.variables), 3, figures(a={1: 2}), 9, None),
        (rule("(a >= 3) + b", *BOTH.variables), 3, figures(a={1: 2}, b={1: 1}), 9, None),
        (STOCK, 2, figures(projects={1: 96}), 100, None),
    ],
)
def test_what_each_remaining_quarter_must_bring_is_said_where_the_formula_is_linear_in_its_flows(
    definition: Rule, quarter: int, given: Figures, target: int, needed: str | None
) -> None:
    value = value_at(definition, quarter, given)
    found = needed_per_quarter(definition, quarter, value, Decimal(target))
    assert found == (None if needed is None else Decimal(needed))


def test_thirds_in_an_estimate_add_up_again() -> None:
    given = figures(a={1: 4, 2: 3, 3: 3}, b={1: 1, 2: 1, 3: 0})
    assert estimate(BOTH, 3, given) == 16


QUARTERLY_FIGURES = st.dictionaries(
    st.tuples(st.integers(1, 4), st.sampled_from(["visits", "posted", "projects"])),
    st.integers(0, 50).map(Decimal),
    max_size=12,
)
MIXED = rule("visits + posted * projects", *FLOW.variables, *COUNTED.variables, *STOCK.variables)


@deterministic
@given(QUARTERLY_FIGURES, st.integers(1, 4))
def test_the_order_in_which_quarters_arrive_is_irrelevant(given: Figures, quarter: int) -> None:
    backwards = dict(reversed(list(given.items())))
    assert value_at(MIXED, quarter, given) == value_at(MIXED, quarter, backwards)


def test_every_order_of_four_quarters_gives_the_same_value() -> None:
    numbers = [((quarter, "projects"), Decimal(quarter * 7 % 5)) for quarter in (1, 2, 3, 4)]
    assert {value_at(STOCK, 4, dict(order)).amount for order in permutations(numbers)} == {Decimal(3)}


@deterministic
@given(QUARTERLY_FIGURES, st.integers(1, 4), st.sets(st.integers(1, 4)))
def test_there_is_an_amount_exactly_when_the_state_says_so_and_it_is_decimal(
    given: Figures, quarter: int, declared: set[int]
) -> None:
    value = value_at(MIXED, quarter, given, declared)
    assert (value.amount is not None) == (value.state in (State.COMPLETE, State.PROVISIONAL))
    if value.missing:
        assert value.state is not State.COMPLETE
    assert all(isinstance(operand, Decimal) for operand in value.operands.values())
    assert value.amount is None or isinstance(value.amount, Decimal)


@deterministic
@given(QUARTERLY_FIGURES, st.integers(1, 4))
def test_a_zero_given_is_never_missing_and_a_gap_is_never_zero(given: Figures, quarter: int) -> None:
    zeros: Figures = dict.fromkeys(given, Decimal(0))
    assert value_at(MIXED, quarter, zeros).missing == value_at(MIXED, quarter, given).missing
    reported = {symbol for number, symbol in given if number <= quarter}
    assert set(value_at(MIXED, quarter, given).operands) == reported


@deterministic
@given(st.dictionaries(st.tuples(st.integers(1, 4), st.just("visits")), st.integers(0, 50).map(Decimal)))
def test_what_cannot_fall_back_never_does_from_quarter_to_quarter(given: Figures) -> None:
    amounts = [value_at(FLOW, quarter, given).amount for quarter in (1, 2, 3, 4)]
    known = [amount for amount in amounts if amount is not None]
    assert known == sorted(known)


# -- What a quarter alone brings


@pytest.mark.parametrize(
    ("formula", "rollups", "expected"),
    [
        ("a", (Rollup.SUM,), True),
        ("(a + b) + a", (Rollup.SUM, Rollup.SUM), True),
        ("a + b", (Rollup.SUM, Rollup.LATEST), False),
        ("a - b", (Rollup.SUM, Rollup.SUM), False),
        ("a * 2", (Rollup.SUM,), False),
        ("a + 1", (Rollup.SUM,), False),
        ("(a > 1) + b", (Rollup.SUM, Rollup.SUM), False),
    ],
)
def test_only_a_sum_of_flows_is_made_up_of_its_quarters(
    formula: str, rollups: tuple[Rollup, ...], expected: bool
) -> None:
    variables = (variable(symbol, rollup) for symbol, rollup in zip("ab", rollups, strict=False))
    assert rule(formula, *variables).is_sum is expected


@deterministic
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=4, max_size=4))
def test_what_the_quarters_bring_makes_up_the_years_value(numbers: list[tuple[int, int]]) -> None:
    both = rule("a + b", variable("a", Rollup.SUM), variable("b", Rollup.SUM))
    given_figures = figures(
        a={quarter: a for quarter, (a, _b) in enumerate(numbers, 1)},
        b={quarter: b for quarter, (_a, b) in enumerate(numbers, 1)},
    )
    brought = [brought_by(both, quarter, given_figures) or Decimal(0) for quarter in EVERY]
    assert sum(brought) == value_at(both, 4, given_figures).amount


def test_a_quarter_without_figures_or_declared_brings_nothing_and_zero_is_something() -> None:
    given_figures = figures(visits={1: 0, 2: 3})
    assert brought_by(FLOW, 1, given_figures) == 0
    assert brought_by(FLOW, 2, given_figures, {2}) is None
    assert brought_by(FLOW, 3, given_figures) is None
    assert brought_by(STOCK, 1, figures(projects={1: 3})) is None


def test_a_figure_of_some_units_only_counts_and_is_missing_all_the_same() -> None:
    reported = figures(visits={1: 3, 2: 4})
    value = value_at(FLOW, 2, reported, partial={(2, "visits"), (3, "visits")})
    assert (value.amount, value.state) == (7, State.PROVISIONAL)
    assert value.missing == value.partial == ((2, "visits"),)
    assert value_at(FLOW, 2, reported, not_applicable={2}, partial={(2, "visits")}).state is State.COMPLETE


def test_a_figure_of_some_units_that_was_not_due_is_nothing_missing() -> None:
    first_half = rule("visits", variable("visits", Rollup.SUM, {1, 2}))
    reported = figures(visits={1: 3, 2: 4, 4: 1})
    assert value_at(first_half, 4, reported, partial={(4, "visits")}).state is State.COMPLETE
