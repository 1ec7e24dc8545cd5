"""The plan's indicators as pure rules, read from the fixture without Django, and the worked cases."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from indicators.formula import compile_formula
from indicators.value import Assessed, Direction, Figures, Rollup, Rule, VariableRule

HERE = Path(__file__).parent
PLAN = HERE.parents[1] / "fixtures" / "fy99_plan.json"
CASES = HERE / "attainment_cases.json"


@dataclass(frozen=True)
class Definition:
    """One indicator as the plan defines it."""

    code: str
    rule: Rule
    target: Decimal
    direction: Direction
    assessed: Assessed

    def with_constants(self, constants: Mapping[str, Any]) -> "Definition":
        variables = tuple(
            replace(variable, constant=Decimal(str(constants[variable.symbol])))
            if variable.symbol in constants
            else variable
            for variable in self.rule.variables
        )
        return replace(self, rule=replace(self.rule, variables=variables))


@cache
def definitions() -> dict[str, Definition]:
    """Return the indicators of the plan by code."""
    rows = json.loads(PLAN.read_text(encoding="utf-8"))
    return {
        fields["code"]: Definition(
            code=fields["code"],
            rule=Rule(compile_formula(fields["formula"]), tuple(_variables(rows, fields["code"]))),
            target=Decimal(fields["target"]),
            direction=Direction(fields["direction"]),
            assessed=Assessed(fields["assessed"]),
        )
        for fields in _rows(rows, "indicators.indicator")
    }


def cases() -> list[dict[str, Any]]:
    """Return the worked cases, as written."""
    loaded: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return loaded


def figures(case: Mapping[str, Any]) -> Figures:
    """Return a case's figures as the rules take them."""
    return {
        (int(quarter), symbol): Decimal(str(number))
        for quarter, numbers in case["figures"].items()
        for symbol, number in numbers.items()
    }


def _rows(rows: list[dict[str, Any]], model: str) -> Iterator[dict[str, Any]]:
    return (row["fields"] for row in rows if row["model"] == model)


def _variables(rows: list[dict[str, Any]], code: str) -> Iterator[VariableRule]:
    mine = [fields for fields in _rows(rows, "indicators.variable") if fields["indicator"][-1] == code]
    for fields in sorted(mine, key=lambda fields: int(fields["position"])):
        yield VariableRule(
            symbol=fields["symbol"],
            rollup=Rollup(fields["rollup"]),
            due=frozenset(map(int, fields["due_quarters"])),
            may_be_negative=fields["may_be_negative"],
            zero_until_given=fields["zero_until_given"],
            memo=fields["memo"],
            constant=None if fields["constant"] is None else Decimal(fields["constant"]),
        )
