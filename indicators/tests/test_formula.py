import ast
import operator
import time
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indicators.formula import (
    FormulaError,
    FormulaProblem,
    Undefined,
    check_names,
    compile_formula,
    is_linear,
    only_grows,
    substitute,
)

deterministic = settings(derandomize=True, max_examples=200, deadline=None)

EXECUTION = "(paid + payable + surplus) / (original + supplementary + carried_over) * 100"
DISCLOSURE = "(participated + hosted + posts >= 325) + (sent_to_ly == 4 and posted_online == 4)"


def numbers(**values: int | str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("8 / 4 / 2", "1"),
        ("7 - 2 - 1", "4"),
        ("-3 + +5", "2"),
        ("0 * -5", "0"),
        ("0.1 + 0.2", "0.3"),
        ("0.1 + 0.2 == 0.3", "1"),
        ("1 / 3 * 3", "1"),
        ("1 / 3 * 3 >= 1", "1"),
        ("1000000 / 3 * 3", "1000000"),
        ("1 / 3 + 1 / 3 + 1 / 3", "1"),
        ("2 / 3 * 3 / 2 * 100", "100"),
        ("1 / 3 * 3 - 1", "0"),
        ("1 - 1 / 3 * 3 - 1 / 3 + 1 / 3", "0"),
        ("2 / 3 - 1 / 3 - 1 / 3 <= 0", "1"),
        ("not (1 - 1 / 3 * 3)", "1"),
        ("999999999999999 * 999999999999999", "999999999999998000000000000001"),
        ("3 > 2", "1"),
        ("3 < 2", "0"),
        ("2 <= 2", "1"),
        ("2 != 2", "0"),
        ("1 < 2 < 3", "1"),
        ("1 < 3 < 2", "0"),
        ("5 and 3", "1"),
        ("5 and 0", "0"),
        ("0 or 7", "1"),
        ("not 7", "0"),
        ("not 0", "1"),
        ("(3 > 2) + (2 > 1)", "2"),
        ("(3 > 2) / (2 > 1) / 2", "0.5"),
        ("1 and 2 or 0", "1"),
        ("  1 + 1  ", "2"),
        ("0 and 1 / 0", "0"),
    ],
)
def test_a_formula_means_what_arithmetic_means(source: str, value: str) -> None:
    result = compile_formula(source).evaluate({})
    assert isinstance(result, Decimal)
    assert result == Decimal(value)
    assert result < 0 or not result.is_signed()


def test_names_are_listed_once_in_the_order_in_which_they_appear() -> None:
    assert compile_formula("b / (a + b) * c2_x").names == ("b", "a", "c2_x")
    assert compile_formula("1 + 1").names == ()


def test_values_of_other_names_do_no_harm() -> None:
    assert compile_formula("a + b").evaluate(numbers(a=1, b=2, memo=99)) == 3


def test_the_ambient_precision_does_not_matter() -> None:
    with localcontext(prec=2):
        assert compile_formula("a + b").evaluate(numbers(a=123456, b="0.5")) == Decimal("123456.5")


@pytest.mark.parametrize(
    ("problem", "source", "position", "excerpt"),
    [
        (FormulaProblem.EMPTY, "", 0, ""),
        (FormulaProblem.EMPTY, "   ", 0, ""),
        (FormulaProblem.TOO_LONG, "a" * 501, 500, "a"),
        (FormulaProblem.TOO_DEEP, "-" * 450 + "a", 0, "-" * 450 + "a"),
        (FormulaProblem.SYNTAX, "a +", 3, ""),
        (FormulaProblem.SYNTAX, "  a +", 5, ""),
        (FormulaProblem.SYNTAX, "(a + b", 0, "("),
        (FormulaProblem.SYNTAX, "a + b)", 5, ")"),
        (FormulaProblem.SYNTAX, "a b", 2, "b"),
        (FormulaProblem.SYNTAX, "a <> b", 2, "<>"),
        (FormulaProblem.SYNTAX, "a * * b", 4, "*"),
        (FormulaProblem.NOT_ALLOWED, "a + f(b)", 4, "f(b)"),
        (FormulaProblem.NOT_ALLOWED, "  f(b)", 2, "f(b)"),
        (FormulaProblem.NOT_ALLOWED, "2(b)", 0, "2(b)"),
        (FormulaProblem.NOT_ALLOWED, "a + ()", 4, "()"),
        (FormulaProblem.NOT_ALLOWED, "a.b", 1, "."),
        (FormulaProblem.NOT_ALLOWED, "a ** 9", 2, "**"),
        (FormulaProblem.NOT_ALLOWED, "a // b", 2, "//"),
        (FormulaProblem.NOT_ALLOWED, "a % b", 2, "%"),
        (FormulaProblem.NOT_ALLOWED, "a = b", 2, "="),
        (FormulaProblem.NOT_ALLOWED, "(a := b)", 3, ":"),
        (FormulaProblem.NOT_ALLOWED, "a, b", 1, ","),
        (FormulaProblem.NOT_ALLOWED, "a[0]", 1, "["),
        (FormulaProblem.NOT_ALLOWED, "'a' + b", 0, "'"),
        (FormulaProblem.NOT_ALLOWED, "a is b", 2, "is"),
        (FormulaProblem.NOT_ALLOWED, "a in b", 2, "in"),
        (FormulaProblem.NOT_ALLOWED, "a if b else c", 2, "if"),
        (FormulaProblem.NOT_ALLOWED, "lambda: a", 0, "lambda"),
        (FormulaProblem.NOT_ALLOWED, "a\n+ b", 1, "\n"),
        (FormulaProblem.NOT_ALLOWED, "a # b", 2, "#"),
        (FormulaProblem.NOT_ALLOWED, "a\0", 1, "\0"),
        (FormulaProblem.NOT_ALLOWED, "a × b", 2, "×"),
        (FormulaProblem.NOT_ALLOWED, "a ÷ b", 2, "÷"),
        (FormulaProblem.NOT_ALLOWED, "（a + b）", 0, "（"),
        (FormulaProblem.NOT_ALLOWED, "a + 互訪次數", 4, "互訪次數"),
        (FormulaProblem.NOT_ALLOWED, "а + b", 0, "а"),  # Cyrillic
        (FormulaProblem.NOT_ALLOWED, "a + ａ", 4, "ａ"),
        (FormulaProblem.BAD_NUMBER, "a + .5", 4, ".5"),
        (FormulaProblem.BAD_NUMBER, "a + 5.", 4, "5."),
        (FormulaProblem.BAD_NUMBER, "1e9 * a", 0, "1e9"),
        (FormulaProblem.BAD_NUMBER, "1_000", 0, "1_000"),
        (FormulaProblem.BAD_NUMBER, "0x1F", 0, "0x1F"),
        (FormulaProblem.BAD_NUMBER, "2j", 0, "2j"),
        (FormulaProblem.BAD_NUMBER, "007", 0, "007"),
        (FormulaProblem.BAD_NUMBER, "1.2.3", 0, "1.2.3"),
        (FormulaProblem.BAD_NUMBER, "a + 2b", 4, "2b"),
        (FormulaProblem.BAD_NUMBER, "1" * 16, 0, "1" * 16),
        (FormulaProblem.BAD_NAME, "A + b", 0, "A"),
        (FormulaProblem.BAD_NAME, "a + _b", 4, "_b"),
        (FormulaProblem.BAD_NAME, "__import__", 0, "__import__"),
        (FormulaProblem.BAD_NAME, "True", 0, "True"),
        (FormulaProblem.BAD_NAME, "true", 0, "true"),
        (FormulaProblem.BAD_NAME, "nan", 0, "nan"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_place(
    problem: FormulaProblem, source: str, position: int, excerpt: str
) -> None:
    with pytest.raises(FormulaError) as caught:
        compile_formula(source)
    assert (caught.value.code, caught.value.position, caught.value.excerpt) == (problem, position, excerpt)


@pytest.mark.parametrize(
    "source", ["(" * 250 + "a" + ")" * 249, "(" * 500, "not " * 124 + "a", "-" * 499 + "a"]
)
def test_deep_nesting_is_refused_and_crashes_nothing(source: str) -> None:
    with pytest.raises(FormulaError):
        compile_formula(source)


def test_a_sum_of_many_variables_is_not_too_deep() -> None:
    names = [f"v{number}" for number in range(80)]
    assert compile_formula("+".join(names)).evaluate(dict.fromkeys(names, Decimal(1))) == 80


def test_an_unknown_name_is_refused_with_its_place() -> None:
    formula = compile_formula(" paid / budgit * 100")
    check_names(formula, {"paid", "budgit", "memo"})
    with pytest.raises(FormulaError) as caught:
        check_names(formula, ["paid", "budget"])
    error = caught.value
    assert (error.code, error.position, error.excerpt) == (FormulaProblem.UNKNOWN_NAME, 8, "budgit")


@pytest.mark.parametrize(
    ("source", "denominator"),
    [
        ("a / b", "b"),
        ("b / b", "b"),
        ("0 / 0", "0"),
        ("a / (b + b) * 100", "b + b"),
        ("a / a + a / (b * 2)", "b * 2"),
        ("1 / (a / (b - 0))", "b - 0"),
        ("a / (b > 1)", "b > 1"),
        ("a / (1 / 3 * 3 - 1)", "1 / 3 * 3 - 1"),
        ("  a / (a-a)", "a-a"),
    ],
)
def test_a_zero_denominator_is_named(source: str, denominator: str) -> None:
    with pytest.raises(Undefined) as caught:
        compile_formula(source).evaluate(numbers(a=5, b=0))
    assert caught.value.denominator == denominator


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a + b", True),
        ("a + k + 3", True),
        ("a >= 325", True),
        ("a + b > 3", True),
        ("325 <= a", True),
        ("3 < a + b", True),
        ("(a + b >= 325) + (c == 4 and d == 4)", True),
        ("4 == c", True),
        ("c == 4 or a", True),
        ("+a", False),
        ("a - b", False),
        ("a * b", False),
        ("a * 2", False),
        ("a / 2", False),
        ("-a", False),
        ("not a", False),
        ("a <= 3", False),
        ("a < 3", False),
        ("3 > a", False),
        ("3 >= a", False),
        ("a != 0", False),
        ("a == 4", False),
        ("c == 3", False),
        ("c + d == 4", False),
        ("a >= b", False),
        ("3 <= a <= 5", False),
        ("stock", False),
        ("a + stock", False),
        ("stock >= 3", False),
    ],
)
def test_only_sums_and_comparisons_of_what_cannot_fall_cannot_fall(source: str, expected: bool) -> None:
    growing = {"a", "b", "c", "d", "k"}
    assert only_grows(compile_formula(source), growing=growing, counts={"c", "d"}) is expected


GROWING = st.recursive(
    st.sampled_from(["a", "b", "c", "3", "0.5", "(c == 4)", "(4 == c)"]),
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from([" + ", " and ", " or "]), parts).map(lambda p: f"({''.join(p)})"),
        st.tuples(parts, st.sampled_from([" >= ", " > "]), st.sampled_from("0259")).map(
            lambda p: f"({''.join(p)})"
        ),
    ),
    max_leaves=6,
)


@deterministic
@given(source=GROWING, figures=st.tuples(*[st.integers(0, 4)] * 3))
def test_what_is_judged_never_to_fall_never_falls(source: str, figures: tuple[int, ...]) -> None:
    formula = compile_formula(source)
    assert only_grows(formula, growing={"a", "b", "c"}, counts={"c"})
    before = formula.evaluate(numbers(**dict(zip("abc", figures, strict=True))))
    for rise in product((0, 1, 7), repeat=3):
        later = [figure + step for figure, step in zip(figures, rise, strict=True)]
        later[2] = min(later[2], 4)  # a count of quarters
        assert formula.evaluate(numbers(**dict(zip("abc", later, strict=True)))) >= before


@pytest.mark.parametrize(
    ("source", "values", "shown"),
    [
        (
            EXECUTION,
            numbers(paid=1200, payable=300, surplus=80, original=1500, supplementary=0, carried_over=500),
            "(1,200 + 300 + 80) ÷ (1,500 + 0 + 500) × 100",
        ),
        (
            DISCLOSURE,
            numbers(participated=245, hosted=60, posts=20, sent_to_ly=4, posted_online=3),
            "(245 + 60 + 20 ≥ 325) + (4 = 4 且 3 = 4)",
        ),
        ("a-b", numbers(a="-3.50", b=-2), "(-3.5) - (-2)"),
        ("-a", numbers(a=3), "-3"),
        ("a*-b", numbers(a=3, b=4), "3 × -4"),
        ("(a)-(b)", numbers(a=3, b=4), "(3) - (4)"),
        ("a + baseline", numbers(a=3), "3 + ？"),
        ("not a or a<=1500 or a != 0", numbers(a=3), "非 3 或 3 ≤ 1,500 或 3 ≠ 0"),
        ("not(a)", numbers(a=3), "非 (3)"),
        ("a+0.50", numbers(a="0"), "0 + 0.5"),
    ],
)
def test_the_worked_arithmetic_is_shown_as_people_write_it(
    source: str, values: dict[str, Decimal], shown: str
) -> None:
    assert substitute(compile_formula(source), values) == shown


@pytest.mark.parametrize(
    ("source", "linear"),
    [
        ("a + b - c", True),
        ("(a + b - c) / c * 100", True),
        ("-a * (2 + c)", True),
        ("100 * a / (c * c)", True),
        ("c / a", False),
        ("a * b", False),
        ("a >= 3", False),
        ("(a >= 3) + b", False),
        ("not a", False),
        ("(c > 1) + a", True),
        ("c", True),
    ],
)
def test_what_is_linear_in_some_names_is_judged_on_the_syntax_tree(source: str, linear: bool) -> None:
    assert is_linear(compile_formula(source), {"a", "b"}) is linear


def outcome(source: str) -> Decimal | FormulaError | Undefined:
    try:
        formula = compile_formula(source)
        return formula.evaluate(dict.fromkeys(formula.names, Decimal("2.5")))
    except (FormulaError, Undefined) as error:
        return error


@deterministic
@given(st.text(max_size=40) | st.text(alphabet="ab19.+-*/()<>=! andort%,\0（×", max_size=40))
def test_any_text_is_computed_or_refused_at_its_place_and_nothing_else(source: str) -> None:
    started = time.perf_counter()
    match outcome(source):
        case FormulaError(position=position, excerpt=excerpt):
            assert 0 <= position <= len(source)
            assert source.startswith(excerpt, position)
        case Undefined(denominator=denominator):
            assert denominator in source
        case result:
            assert isinstance(result, Decimal)
            assert substitute(compile_formula(source), {})
    assert time.perf_counter() - started < 1


FORMULAS = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5"]),
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from("+-*/<>"), parts).map(lambda p: f"({' '.join(p)})"),
        st.tuples(parts, st.sampled_from([">=", "==", "!=", "and", "or"]), parts).map(
            lambda p: f"({' '.join(p)})"
        ),
        st.tuples(st.sampled_from(["-", "+", "not "]), parts).map(lambda p: f"({''.join(p)})"),
    ),
    max_leaves=8,
)


@deterministic
@given(FORMULAS, st.fractions(0, 1, max_denominator=4))
def test_a_linear_formula_lies_on_the_line_between_any_two_values(source: str, share: Fraction) -> None:
    formula, at = compile_formula(source), Decimal(share.numerator) / share.denominator
    assume(is_linear(formula, formula.names) and isinstance(outcome(source), Decimal))
    ends = [formula.evaluate(dict.fromkeys(formula.names, Decimal(end))) for end in (2, 7)]
    between = formula.evaluate(dict.fromkeys(formula.names, 2 + 5 * at))
    assert abs(between - (ends[0] + (ends[1] - ends[0]) * at)) < Decimal("1e-20") * max(
        Decimal(1), abs(between)
    )


def exact(node: ast.expr, values: dict[str, Fraction], source: str) -> Fraction:
    """Evaluate in exact fractions: slow, naive and separate from the formula module."""

    def of(child: ast.expr) -> Fraction:
        return exact(child, values, source)

    match node:
        case ast.Name():
            return values[node.id]
        case ast.Constant():
            return Fraction(source[node.col_offset : node.end_col_offset])
        case ast.BinOp(left, op, right):
            return Fraction(ARITHMETIC[type(op)](of(left), of(right)))
        case ast.UnaryOp(op, operand):
            return Fraction(ARITHMETIC[type(op)](of(operand)))
        case ast.BoolOp(ast.And(), parts):
            return Fraction(all(of(part) for part in parts))
        case ast.BoolOp(_, parts):
            return Fraction(any(of(part) for part in parts))
        case ast.Compare(left, [op], [right]):
            return Fraction(ARITHMETIC[type(op)](of(left), of(right)))
    raise AssertionError(ast.dump(node))


ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}


@deterministic
@given(FORMULAS, st.integers(0, 60), st.integers(0, 60))
def test_every_formula_agrees_with_exact_fractions(source: str, a: int, b: int) -> None:
    formula = compile_formula(source)
    try:
        expected = exact(ast.parse(source, mode="eval").body, {"a": Fraction(a), "b": Fraction(b)}, source)
    except ZeroDivisionError:
        with pytest.raises(Undefined):
            formula.evaluate(numbers(a=a, b=b))
        return
    result = formula.evaluate(numbers(a=a, b=b))
    assert isinstance(result, Decimal)
    assert abs(Fraction(result) - expected) < Fraction(1, 10**25)


def test_no_binary_fraction_is_left_in_a_compiled_formula() -> None:
    formula = compile_formula("0.1 * a + 2.5 / (a > 0.3)")
    constants = formula.function.__code__.co_consts
    assert not [constant for constant in constants if isinstance(constant, float | int)]
    assert any(isinstance(node, ast.Constant) for node in ast.walk(formula.tree))
