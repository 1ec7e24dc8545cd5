"""Evaluations a second of the longest ratio of the plan: `python -m bench.formula`."""

from collections.abc import Callable
from decimal import Decimal
from timeit import repeat

from indicators.formula import compile_formula

SOURCE = "(paid + payable + surplus) / (original + supplementary + carried_over) * 100"
VALUES = {
    "paid": Decimal(1200),
    "payable": Decimal(300),
    "surplus": Decimal(80),
    "original": Decimal(1500),
    "supplementary": Decimal(0),
    "carried_over": Decimal(500),
}
EVALUATIONS = 100_000


def rate(function: Callable[[], object]) -> float:
    """Return calls a second, of the best of five rounds."""
    return EVALUATIONS / min(repeat(function, number=EVALUATIONS, repeat=5))


def plain(values: dict[str, Decimal]) -> Decimal:
    """The same arithmetic in Python, without guard digits and without naming a zero denominator."""
    numerator = values["paid"] + values["payable"] + values["surplus"]
    return numerator / (values["original"] + values["supplementary"] + values["carried_over"]) * 100


def main() -> None:
    formula = compile_formula(SOURCE)
    ours = rate(lambda: formula.evaluate(VALUES))
    python = rate(lambda: plain(VALUES))
    print(f"formula  {ours:>12,.0f} evaluations/s")
    print(f"python   {python:>12,.0f} evaluations/s")
    print(f"ratio    {ours / python:>12.2f}")


if __name__ == "__main__":
    main()
