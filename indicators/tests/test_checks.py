"""What is noticed about figures before they are submitted."""

from decimal import Decimal

import pytest

from indicators.checks import Problem, findings, later_findings
from indicators.formula import compile_formula
from indicators.value import Rollup, Rule, VariableRule

EVERY = frozenset({1, 2, 3, 4})


def rule(*variables):
    return Rule(compile_formula(variables[0].symbol), variables)


def flow(symbol="flow", **flags):
    return VariableRule(symbol, Rollup.SUM, EVERY, **flags)


def stock(symbol="stock", **flags):
    return VariableRule(symbol, Rollup.LATEST, EVERY, **flags)


def given(symbol, *values):
    pairs = enumerate(values, start=1)
    return {(quarter, symbol): Decimal(value) for quarter, value in pairs if value is not None}


def noticed(variable, quarter, *values, not_applicable=()):
    found = findings(rule(variable), quarter, given(variable.symbol, *values), not_applicable)
    return [each.problem for each in found]


@pytest.mark.parametrize(
    ("variable", "quarter", "values", "expected"),
    [
        (stock(), 2, (95, 94), [Problem.FALLS]),
        (stock(), 2, (95, 95), []),
        (stock(), 3, (95, None, 94), [Problem.FALLS]),
        (stock(), 3, (95, 90, 94), []),  # it fell before, and was explained then
        (stock(may_fall=True), 2, (95, 94), []),
        (stock(yes_no=True), 2, (1, 0), []),
        (flow(), 2, (95, 94), []),
        (flow(), 2, (5, 15), []),
        (flow(), 2, (5, 16), [Problem.LEAPS]),
        (flow(), 3, (5, 1, 15), []),  # the highest quarter so far counts
        (flow(), 2, (0, 15), []),  # nothing is three times nothing
        (flow(), 1, (1000,), []),
        (flow(), 2, (None, 15), []),
        (flow(), 2, (5, None), []),
        (flow(), 2, (-5, -50), []),
        (stock(), 2, (Decimal("0.1"), Decimal("0.31")), [Problem.LEAPS]),
    ],
)
def test_a_figure_is_compared_with_the_quarters_before(variable, quarter, values, expected):
    assert noticed(variable, quarter, *values) == expected


def test_quarters_that_are_not_applicable_are_passed_over():
    assert noticed(flow(), 3, 5, 1, 15, not_applicable={1}) == [Problem.LEAPS]
    assert noticed(flow(), 2, 5, 16, not_applicable={2}) == []


def test_a_part_is_never_above_its_whole():
    part, whole = stock("part", not_above="whole"), stock("whole")
    definition = Rule(compile_formula("part / whole * 100"), (part, whole))
    both = {**given("part", 3, 5), **given("whole", 4)}
    assert findings(definition, 1, both) == []
    [finding] = findings(definition, 2, both)
    assert (finding.problem, finding.symbol, finding.whole) == (Problem.EXCEEDS, "part", "whole")
    assert (finding.value, finding.other) == (5, 4)
    assert finding.must_be_mended
    assert findings(definition, 2, given("part", 3, 5)) == []  # nothing is known of the whole


def test_a_sum_over_the_quarters_is_compared_with_the_whole():
    part, whole = flow("part", not_above="whole"), stock("whole")
    definition = Rule(compile_formula("part / whole * 100"), (part, whole))
    figures = {**given("part", 20, 21), **given("whole", 40)}
    assert findings(definition, 1, figures) == []
    assert [each.value for each in findings(definition, 2, figures)] == [41]


def later(variable, quarter, *values, not_applicable=(), quarters=(1, 2, 3, 4)):
    rules = {each: rule(variable) for each in quarters if each > quarter}
    found = later_findings(rules, quarter, given(variable.symbol, *values), not_applicable)
    return [(each.later, each.problem) for each in found]


@pytest.mark.parametrize(
    ("variable", "quarter", "values", "expected"),
    [
        (stock(), 1, (500, 60), [(2, Problem.FALLS)]),
        (stock(), 1, (500, 60, 61), [(2, Problem.FALLS)]),
        (stock(), 2, (70, 500, 60), [(3, Problem.FALLS)]),
        (stock(), 1, (70, 50, 40), [(2, Problem.FALLS)]),  # what the third fell from is the second
        (stock(), 1, (50, 60, 70), []),
        (flow(), 1, (5, 16), [(2, Problem.LEAPS)]),
        (flow(), 1, (5, 6, 50), []),  # the second is what the third leaps from, whatever the first is
        (flow(), 1, (6, 5, 50), [(3, Problem.LEAPS)]),
        (flow(), 3, (5, 16, 1), []),
    ],
)
def test_a_later_figure_is_compared_with_the_quarter_that_has_changed(variable, quarter, values, expected):
    assert later(variable, quarter, *values) == expected


def test_only_later_quarters_that_count_are_looked_at():
    assert later(stock(), 1, 500, 60, quarters=(3,)) == []
    assert later(stock(), 1, 500, 60, not_applicable={2}) == []


def test_a_part_above_its_whole_in_a_later_quarter_is_always_told():
    part, whole = flow("part", not_above="whole"), stock("whole")
    rules = dict.fromkeys((2, 3), Rule(compile_formula("part / whole * 100"), (part, whole)))
    figures = {**given("part", 2, 4, 3), **given("whole", 5)}
    found = later_findings(rules, 1, figures)
    assert [(each.later, each.value, each.other) for each in found] == [(2, 6, 5), (3, 9, 5)]
    assert all(each.must_be_mended for each in found)
    assert later_findings({3: rules[3]}, 2, {**figures, (1, "whole"): Decimal(8)})
