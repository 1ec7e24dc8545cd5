from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators.numbers import NumberError, NumberProblem, format_number, format_towards, parse_number

deterministic = settings(derandomize=True, max_examples=200, deadline=None)
quantities = st.decimals(min_value=-(10**8), max_value=10**8, places=6) | st.integers(
    -(10**14) + 1, 10**14 - 1
).map(Decimal)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("12", "12"),
        ("007", "7"),
        ("1.50", "1.5"),
        ("5.0", "5"),
        ("100", "100"),
        (" 12 ", "12"),
        ("　12　", "12"),
        ("\u00a012\n", "12"),
        ("１２．５", "12.5"),
        ("1,234.5", "1234.5"),
        ("１，２３４", "1234"),
        ("1,234,567", "1234567"),
        ("1234567", "1234567"),
        ("+5", "5"),
        ("＋5", "5"),
        ("-3", "-3"),
        ("－3", "-3"),
        ("−3", "-3"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0.000001", "0.000001"),
        ("99999999999999", "99999999999999"),
        ("123456789.123456", "123456789.123456"),
        ("000123456789.123456000", "123456789.123456"),
    ],
)
def test_a_number_is_read_as_people_type_it(text: str, number: str) -> None:
    assert str(parse_number(text, negative=True)) == number


@pytest.mark.parametrize(
    ("problem", "texts"),
    [
        (NumberProblem.EMPTY, ["", " ", "　"]),
        (NumberProblem.PERCENT, ["12%", "12 %", "１２％", "-1.5%"]),
        (NumberProblem.NOT_A_NUMBER, ["％", "%", "abc%", "12%%", "NaN", "sNaN", "Infinity", "-inf", "∞"]),
        (NumberProblem.NOT_A_NUMBER, ["1e999", "1E5", "1_000", "0x10", "1 000", "1 .5", "- 5", "+-5", "--5"]),
        (
            NumberProblem.NOT_A_NUMBER,
            [".5", "5.", ".", "1.2.3", "1,23", "1,234,5", ",123", "1234,567", "0,123"],
        ),
        (NumberProblem.NOT_A_NUMBER, ["1,,234", "1,234.", "1.234,5", "1.5,000"]),
        (
            NumberProblem.NOT_A_NUMBER,
            ["٣", "२", "²", "①", "½", "𝟏", "一", "十二", "1\x00", "1\u200b", "$5", "=1+1"],
        ),
        (NumberProblem.TOO_MANY_DIGITS, ["1" * 16, "1234567890.123456", "0.0000001", "1.1234567"]),
        (NumberProblem.TOO_MANY_DIGITS, ["100000000000000", "9" * 100_000]),
        (NumberProblem.NEGATIVE, ["-3", "－3", "−0.5", "-1,000"]),
    ],
)
def test_anything_else_is_refused_with_its_reason(problem: NumberProblem, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(NumberError) as caught:
            parse_number(text)
        assert (caught.value.code, caught.value.text) == (problem, text)


def test_a_count_refuses_a_fraction_and_is_never_cut_to_a_whole_number() -> None:
    assert parse_number("5.0", whole=True) == 5
    with pytest.raises(NumberError) as caught:
        parse_number("5.5", whole=True)
    assert caught.value.code is NumberProblem.DECIMALS


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        ("0", None, "0"),
        ("-0", None, "0"),
        ("1E+2", None, "100"),
        ("1234567.890", None, "1,234,567.89"),
        ("-1234.5", None, "-1,234.5"),
        ("1E-7", None, "0.0000001"),
        ("2.675", 2, "2.68"),
        ("1.005", 2, "1.01"),
        ("-2.5", 0, "-3"),
        ("-0.004", 2, "0"),
        ("90.00", 2, "90"),
        ("100", 0, "100"),
        ("999.995", 2, "1,000"),
        ("0.08", 2, "0.08"),
        ("123456789012345678901234567890.5", 0, "123,456,789,012,345,678,901,234,567,891"),
    ],
)
def test_a_number_is_shown_plainly(number: str, digits: int | None, text: str) -> None:
    assert format_number(Decimal(number), digits=digits) == text


def test_showing_a_number_does_not_depend_on_the_ambient_precision() -> None:
    with localcontext(prec=3):
        assert format_number(Decimal("1234567.125"), digits=2) == "1,234,567.13"


@pytest.mark.parametrize(
    ("number", "bound", "digits", "text"),
    [
        ("89.9999875", "90", 2, "89.99999"),
        ("99.99998611", "100", 2, "99.99999"),
        ("5.001", "5", 2, "5.001"),
        ("4.996", "5", 2, "4.996"),
        ("90", "90", 2, "90"),
        ("57", "100", 2, "57"),
        ("-0.001", "0", 2, "-0.001"),
        ("0.0455", "0", 2, "0.05"),
        ("110", "90", 2, "110"),
    ],
)
def test_a_value_never_looks_like_the_bound_it_has_not_reached(
    number: str, bound: str, digits: int, text: str
) -> None:
    assert format_towards(Decimal(number), Decimal(bound), digits) == text


@deterministic
@given(quantities)
def test_what_is_shown_is_read_back_the_same(number: Decimal) -> None:
    assert parse_number(format_number(number), negative=True) == number


@deterministic
@given(st.text(alphabet="0123456789０９,，.．+-－−%％ 　eE_²٣", max_size=12) | st.text(max_size=12))
def test_any_text_is_a_stored_number_or_refused(text: str) -> None:
    try:
        number = parse_number(text, negative=True)
    except NumberError:
        return
    assert "E" not in str(number)
    assert str(number) == "0" or not str(number).startswith("-0") or number < 0
    _sign, digits, exponent = number.as_tuple()
    assert len(digits) <= 15
    assert -6 <= int(exponent) <= 0
    assert abs(number) < 10**14


@deterministic
@given(
    bound=quantities,
    gap=st.decimals(min_value=-1, max_value=1, places=12),
    digits=st.integers(min_value=0, max_value=4),
)
def test_what_is_shown_is_on_the_same_side_of_the_bound(bound: Decimal, gap: Decimal, digits: int) -> None:
    with localcontext(prec=50):
        value = bound + gap
    shown = Decimal(format_towards(value, bound, digits).replace(",", ""))
    assert (shown < bound, shown > bound) == (value < bound, value > bound)
