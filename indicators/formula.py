"""Formulas over named variables: checked, compiled once, evaluated in decimal arithmetic.

A formula is arithmetic (`+ - * /`), comparisons, `and or not`, parentheses, decimal numbers and lower-case
names. A truth value is the number 1 or 0, so that truths can be added up.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import Enum
from functools import lru_cache
from keyword import iskeyword
from typing import NamedTuple, cast

from .numbers import format_number

MAX_LENGTH = 500
MAX_DEPTH = 100
MAX_DIGITS = 15
QUARTERS_IN_A_YEAR = 4

# Sixteen guard digits: 1 / 3 * 3 is 0.999… in any precision, and 1 again once the guard digits are rounded
# away. So what is returned, compared, taken for a truth or divided by is judged rounded, and what goes on to
# the next operator is not. Emin bounds the decimals too, at 33, or 1 / 3 * 3 - 1 would leave a speck.
WORKING = Context(prec=50, rounding=ROUND_HALF_UP)
RESULT = Context(prec=34, Emin=0, rounding=ROUND_HALF_UP)
ZERO = Decimal(0)

TOKEN = re.compile(
    r"(?P<space>\ +)"
    r"|(?P<number>\.?[0-9][0-9A-Za-z_.]*)"
    r"|(?P<word>[A-Za-z_][0-9A-Za-z_]*)"
    r"|(?P<other>\*\*|//|[^\x00-\x7f]+)"
    r"|(?P<operator>[<>=!]=|[-+*/()<>])"
    r"|(?P<stray>.)",
    re.DOTALL,
)
NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
NAME = re.compile(r"[a-z][a-z0-9_]*")
LOGIC = {"and": " 且 ", "or": " 或 ", "not": "非 "}
NOT_NAMES = {"true", "false", "none", "null", "nan", "inf", "infinity"}
SIGNS = {"*": "×", "/": "÷", ">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}


class FormulaProblem(Enum):
    """Why a formula is refused."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    TOO_DEEP = "TOO_DEEP"
    SYNTAX = "SYNTAX"
    NOT_ALLOWED = "NOT_ALLOWED"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_NAME = "BAD_NAME"
    UNKNOWN_NAME = "UNKNOWN_NAME"


class FormulaError(ValueError):
    """A formula was refused: `code` says why, `excerpt` is the piece at the 0-based offset `position`.

    The excerpt is empty where the formula ends too early.
    """

    def __init__(self, code: FormulaProblem, position: int, excerpt: str) -> None:
        super().__init__(code, position, excerpt)
        self.code = code
        self.position = position
        self.excerpt = excerpt


class Undefined(ArithmeticError):
    """The formula has no value here: its part `denominator`, as written in the source, is zero."""

    def __init__(self, denominator: str) -> None:
        super().__init__(denominator)
        self.denominator = denominator


class Token(NamedTuple):
    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class Formula:
    """A compiled formula; two are equal when their sources are. Made by `compile_formula` alone."""

    source: str
    names: tuple[str, ...] = field(compare=False)
    tree: ast.expr = field(compare=False, repr=False)
    function: Callable[..., Decimal] = field(compare=False, repr=False)

    def evaluate(self, values: Mapping[str, Decimal]) -> Decimal:
        """Return the value, `rounded`, given one value for each of `names`.

        Raises Undefined for a division by zero, 0 ÷ 0 included, and KeyError for a name without a value.
        """
        with localcontext(WORKING):
            result = self.function(*[values[name] for name in self.names])
        return rounded(result)


def rounded(value: Decimal) -> Decimal:
    """Return what was computed under WORKING to 34 significant digits and 33 decimals; zero has no sign."""
    return RESULT.plus(value) or ZERO


@lru_cache(maxsize=1024)
def compile_formula(source: str) -> Formula:
    """Check and compile `source`. Raises FormulaError; whether its names are known is for `check_names`."""
    if len(source) > MAX_LENGTH:
        raise FormulaError(FormulaProblem.TOO_LONG, MAX_LENGTH, source[MAX_LENGTH:][:20])
    if not source.strip(" "):
        raise FormulaError(FormulaProblem.EMPTY, 0, "")
    for _token in _tokens(source):
        pass  # only to refuse the first bad one
    tree = _parse(source)
    names = tuple(dict.fromkeys(node.id for node in _name_nodes(tree)))
    return Formula(source, names, tree, _function(source, names, tree))


def check_names(formula: Formula, known: Collection[str]) -> None:
    """Raise FormulaError (UNKNOWN_NAME) at the first name that is not one of `known`."""
    for node in _name_nodes(formula.tree):
        if node.id not in known:
            raise FormulaError(FormulaProblem.UNKNOWN_NAME, node.col_offset, node.id)


def minuend(formula: Formula, name: str) -> Formula | None:
    """Return the part of the formula from which `name` is subtracted, the first one; None where none is.

    Of `(meetings + visits - baseline) / baseline * 100` and `baseline` that is `meetings + visits`.
    """
    found = [
        node.left
        for node in ast.walk(formula.tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.right, ast.Name)
        and node.right.id == name
    ]
    if not found:
        return None
    first = min(found, key=lambda node: node.col_offset)
    return compile_formula(formula.source[first.col_offset : first.end_col_offset])


def only_grows(formula: Formula, *, growing: Collection[str], counts: Collection[str] = ()) -> bool:
    """Whether the value can never fall while the values named in `growing` do not.

    `growing` are names that are never negative and never fall; `counts` are names that count quarters.
    Judged on the syntax tree, and strictly: sums, comparisons with a number that can only turn true, `and`,
    `or`. A count is also taken in `count == 4`, as a year has four quarters and it cannot pass them.
    """

    def grows(node: ast.expr) -> bool:
        match node:
            case ast.Name():
                return node.id in growing
            case ast.Constant():
                return True
            case ast.BinOp(op=ast.Add()):
                return grows(node.left) and grows(node.right)
            case ast.BoolOp():
                return all(map(grows, node.values))
            case ast.Compare(ops=[ast.Gt() | ast.GtE()], comparators=[ast.Constant()]):
                return grows(node.left)
            case ast.Compare(left=ast.Constant(), ops=[ast.Lt() | ast.LtE()], comparators=[right]):
                return grows(right)
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                return counts_all_quarters(left, right) or counts_all_quarters(right, left)
        return False

    def counts_all_quarters(count: ast.expr, number: ast.expr) -> bool:
        return (
            isinstance(count, ast.Name)
            and count.id in counts
            and isinstance(number, ast.Constant)
            and number.value == QUARTERS_IN_A_YEAR
        )

    return grows(formula.tree)


def only_adds(formula: Formula) -> bool:
    """Whether the formula is nothing but a sum of names, so that the quarters' parts make up the whole."""

    def adds(node: ast.expr) -> bool:
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, ast.Add) and adds(node.left) and adds(node.right)
        return isinstance(node, ast.Name)

    return adds(formula.tree)


def is_linear(formula: Formula, names: Collection[str]) -> bool:
    """Whether the value moves in proportion with the values of `names`, whatever the others are.

    Judged on the syntax tree: sums and differences, and products and quotients with something that holds none
    of `names`. A comparison of them, or a denominator that holds one, is not linear.
    """

    def free(node: ast.expr) -> bool:
        return not any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))

    def linear(node: ast.expr) -> bool:
        if free(node) or isinstance(node, ast.Name):
            return True
        match node:
            case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
                return linear(operand)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                return linear(left) and linear(right)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return (linear(left) and free(right)) or (free(left) and linear(right))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return linear(left) and free(right)
        return False

    return linear(formula.tree)


def substitute(formula: Formula, values: Mapping[str, Decimal]) -> str:
    """Return the formula for people, its names replaced by their values: `(1,200 + 300) ÷ 2,000 × 100`.

    The parentheses are the author's; a negative value gets its own, and a name without a value is `？`.
    """
    pieces = []
    after_operand = False
    for kind, text, _position in _tokens(formula.source):
        pieces.append(_shown(kind, text, values, after_operand))
        after_operand = kind == "number" or text == ")" or (kind == "word" and text not in LOGIC)
    return "".join(pieces)


def _shown(kind: str, text: str, values: Mapping[str, Decimal], after_operand: bool) -> str:
    if kind == "number":
        return format_number(Decimal(text))
    if text in LOGIC:
        return LOGIC[text]
    if kind == "word":
        if text not in values:
            return "？"
        number = format_number(values[text])
        return f"({number})" if number.startswith("-") else number
    if after_operand and text not in "()":
        return f" {SIGNS.get(text, text)} "
    return text


def _tokens(source: str) -> Iterator[Token]:
    """Split the source, refusing whatever can be no part of a formula before Python's parser sees it."""
    for match in TOKEN.finditer(source):
        token = Token(str(match.lastgroup), match[0], match.start())
        if problem := _problem(token):
            raise FormulaError(problem, token.position, token.text)
        if token.kind != "space":
            yield token


def _problem(token: Token) -> FormulaProblem | None:
    match token.kind:
        case "number" if not NUMBER.fullmatch(token.text) or len(token.text.replace(".", "")) > MAX_DIGITS:
            return FormulaProblem.BAD_NUMBER
        case "word" if token.text in NOT_NAMES or not NAME.fullmatch(token.text):
            return FormulaProblem.BAD_NAME
        case "word" if iskeyword(token.text) and token.text not in LOGIC:
            return FormulaProblem.NOT_ALLOWED
        case "other" | "stray":
            return FormulaProblem.NOT_ALLOWED
    return None


def _parse(source: str) -> ast.expr:
    text = source.lstrip(" ")  # Python would take leading spaces for an indentation
    lead = len(source) - len(text)
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        start = min(error.offset or len(text) + 1, len(text) + 1) - 1  # no offset: it ends too early
        end = max((error.end_offset or 0) - 1, start + 1)
        raise FormulaError(FormulaProblem.SYNTAX, lead + start, text[start:end]) from None
    except (MemoryError, RecursionError):
        raise FormulaError(FormulaProblem.TOO_DEEP, 0, source) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset += lead
            node.end_col_offset = lead + (node.end_col_offset or 0)
    if _depth(tree) > MAX_DEPTH:
        raise FormulaError(FormulaProblem.TOO_DEEP, 0, source)
    return tree


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def _name_nodes(tree: ast.expr) -> list[ast.Name]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return sorted(names, key=lambda node: node.col_offset)


def _function(source: str, names: tuple[str, ...], tree: ast.expr) -> Callable[..., Decimal]:
    """Compile to a function of the names, in which every number is a Decimal and every truth 1 or 0.

    The helpers' names begin with an underscore, which no name of a formula does.
    """
    namespace: dict[str, object] = {
        "__builtins__": {},
        "_one": Decimal(1),
        "_zero": ZERO,
        "_rounded": rounded,
        "_nonzero": _nonzero,
    }

    def text(node: ast.expr) -> str:
        return source[node.col_offset : node.end_col_offset]

    def judged(node: ast.expr) -> ast.expr:
        return _call("_rounded", decimal(node))

    def decimal(node: ast.expr) -> ast.expr:
        match node:
            case ast.Name():
                return node
            case ast.Constant():
                # From the source text: Python has already made a binary fraction of the value.
                name = f"_{node.col_offset}"
                namespace[name] = Decimal(text(node))
                return _load(name)
            case ast.BinOp(left=left, op=ast.Div() as op, right=right):
                divisor = _call("_nonzero", decimal(right), ast.Constant(text(right)))
                return ast.BinOp(decimal(left), op, divisor)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                return ast.BinOp(decimal(left), op, decimal(right))
            case ast.UnaryOp(op=ast.UAdd() | ast.USub() as op, operand=operand):
                return ast.UnaryOp(op, decimal(operand))
            case ast.UnaryOp(op=ast.Not() as op, operand=operand):
                return _truth(ast.UnaryOp(op, judged(operand)))
            case ast.BoolOp(op=op, values=values):
                return _truth(ast.BoolOp(op, [judged(value) for value in values]))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return _truth(ast.Compare(judged(left), ops, [judged(side) for side in comparators]))
        raise FormulaError(FormulaProblem.NOT_ALLOWED, node.col_offset, text(node))

    parameters = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    module = ast.Expression(ast.Lambda(parameters, decimal(tree)))
    code = compile(ast.fix_missing_locations(module), "<formula>", "eval")
    return cast(Callable[..., Decimal], eval(code, namespace))  # noqa: S307 (of our own tree, see `decimal`)


def _nonzero(value: Decimal, text: str) -> Decimal:
    if not rounded(value):
        raise Undefined(text)
    return value


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_load(function), list(arguments), [])


def _truth(test: ast.expr) -> ast.IfExp:
    return ast.IfExp(test, _load("_one"), _load("_zero"))
