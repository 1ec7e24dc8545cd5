import io
import random
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from objectives.spreadsheets import archive, csv_reading, parsing
from objectives.spreadsheets.number_formats import BUILT_IN, Shows, shows
from objectives.spreadsheets.reading import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHEETS,
    MAX_TEXT,
    Bad,
    Sheet,
    SheetProblem,
    SheetRefused,
    read_sheets,
)
from objectives.spreadsheets.sheets import MAX_BAD, MAX_CHARACTERS, MAX_NAME
from objectives.spreadsheets.text import original

from .workbooks import (
    STRICT,
    content,
    ods,
    ods_parts,
    related,
    sheet,
    strings,
    styles,
    xlsx,
    xlsx_parts,
    zipped,
)


def only(data: bytes, extension: str = "xlsx") -> Sheet:
    [found] = read_sheets(data, extension)
    return found


def cells(data: bytes, extension: str = "xlsx") -> list[str]:
    """The cells of the only row."""
    [(_, row)] = only(data, extension).rows
    return list(row)


def refused(data: bytes, extension: str = "xlsx") -> SheetProblem:
    with pytest.raises(SheetRefused) as caught:
        read_sheets(data, extension)
    return caught.value.problem


def row_of(*contents: str, number: int = 1) -> str:
    return f'<row r="{number}">{"".join(contents)}</row>'


def value_row(*values: str, kind: str = "n", style: int = 0) -> str:
    return row_of(*(f'<c t="{kind}" s="{style}"><v>{value}</v></c>' for value in values))


def table_row(*contents: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(contents)}</table:table-row>"


def table_cell(inside: str = "", more: str = "") -> str:
    return f"<table:table-cell {more}>{inside}</table:table-cell>"


def p(inside: str) -> str:
    return f"<text:p>{inside}</text:p>"


def typed(kind: str, name: str = "", value: str = "", inside: str = "", formula: str = "") -> str:
    """A cell of a kind, with an attribute for its value and with a formula where these are given."""
    more = f'office:value-type="{kind}"' if kind else ""
    more += f' office:{name}="{value}"' if name else ""
    more += f' table:formula="of:={formula}"' if formula else ""
    return table_cell(inside, more)


def times(what: str, number: int) -> str:
    return f'table:number-{what}-repeated="{number}"'


def saved(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    fill(book)
    book.save(file)
    return file.getvalue()


VALUES = [
    "a",
    1,
    0.1 + 0.2,
    1e20,
    -0.5,
    1e-7,
    True,
    date(2010, 3, 31),
    datetime(2010, 3, 31, 14, 5),  # noqa: DTZ001
    time(9, 5),
]
TEXTS = [
    "a",
    "1",
    "0.3",
    "100000000000000000000",
    "-0.5",
    "0.0000001",
    "TRUE",
    "2010-03-31",
    "2010-03-31T14:05:00",
    "09:05:00",
]


# What programs write


def test_cells_are_the_texts_that_a_person_would_type() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.title = "填報"
        book.active.append(VALUES)
        book.active["C3"] = " 兩行\n字 "
        book.active["D3"] = timedelta(hours=27, minutes=5)

    found = only(saved(fill))
    assert found == Sheet("填報", [(1, TEXTS), (3, ["", "", " 兩行\n字 ", "27:05:00"])], {})


def test_formulas_that_nobody_computed_and_errors_are_bad_cells() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.append(["=1+1", "#N/A", "x", "=1/0"])

    found = only(saved(fill))
    assert found.rows == [(1, ["", "", "x", ""])]
    assert found.bad == {
        (1, 1): Bad.NO_CACHED_VALUE,
        (1, 2): Bad.ERROR_VALUE,
        (1, 4): Bad.NO_CACHED_VALUE,
    }


@pytest.mark.parametrize("inline", [True, False])
def test_shared_and_inline_texts_read_alike(inline: bool) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": inline}) as book:
        page = book.add_worksheet("填報")
        page.write_row(0, 0, ["a<b>&", "x\x01y", "_x0041_", "\uf98e報"])
        page.write_formula(0, 4, "=1+1", None, 2)
        page.write_datetime(0, 5, datetime(2010, 3, 31), book.add_format({"num_format": "[$-404]e/m/d"}))  # noqa: DTZ001
        page.write_rich_string(0, 6, "甲", book.add_format({"bold": True}), "乙", " 丙")
        page.write_comment(0, 0, "官方衡量標準")
    assert cells(file.getvalue()) == ["a<b>&", "x\x01y", "_x0041_", "年報", "2", "2010-03-31", "甲乙 丙"]


def test_hidden_sheets_are_read_and_charts_are_none() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.append(["一"])
        book.create_chartsheet("圖")
        hidden = book.create_sheet("隱藏")
        hidden.append(["二"])
        hidden.sheet_state = "veryHidden"

    assert [found.name for found in read_sheets(saved(fill), "xlsx")] == ["Sheet", "隱藏"]


# XLSX by hand


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.30000000000000004", "0.3"),
        ("1E+20", "1" + "0" * 20),
        ("1.5e-3", "0.0015"),
        ("-0", "0"),
        ("0", "0"),
        ("007", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("123456789012345", "123456789012345"),
        ("1234567890123456", "1234567890123460"),
        ("-1234567.12345678", "-1234567.12345678"),
        ("0.1", "0.1"),
        ("1e300", "1" + "0" * 300),
    ],
)
def test_a_number_has_fifteen_digits_and_no_exponent(written: str, read: str) -> None:
    assert cells(xlsx(value_row(written))) == [read]


@pytest.mark.parametrize("written", ["abc", "1_000", "１", "nan", "1e999", "0x1", "1 2"])
def test_a_number_that_is_none_spoils_the_file(written: str) -> None:
    assert refused(xlsx(value_row(written))) is SheetProblem.MALFORMED


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_as_what_fifteen_digits_say(value: float) -> None:
    [text] = cells(xlsx(value_row(repr(value))))
    assert float(text) == float(format(value, ".15g"))
    assert "e" not in text


@pytest.mark.parametrize(
    ("look", "serial", "read"),
    [
        (14, "40268", "2010-03-31"),
        (22, "40268.5868055556", "2010-03-31T14:05:00"),
        (36, "40268", "2010-03-31"),
        (58, "40268", "2010-03-31"),
        (20, "0.5", "12:00:00"),
        (46, "1.5", "36:00:00"),
        ("[h]:mm", "1.5", "36:00:00"),
        ("[$-404]e/m/d", "40268", "2010-03-31"),
        ('yyyy"年"m"月"d"日"', "1", "1900-01-01"),
        ("yyyy/m/d", "59", "1900-02-28"),
        ("yyyy/m/d", "61", "1900-03-01"),
        ("yyyy/m/d", "2958465", "9999-12-31"),
        ("yyyy/m/d", "40268.9999999", "2010-04-01"),
        (0, "40268", "40268"),
        (2, "40268", "40268"),
        ("General", "40268", "40268"),
        ("0.00E+00", "40268", "40268"),
        ('0 "days"', "40268", "40268"),
        (r"\d0", "40268", "40268"),
        ("[Red]0;[$-404]0", "40268", "40268"),
        (9, "0.5", "50%"),
        (10, "0.293", "29.3%"),
        ("0.0%;[Red]-0.0%", "1.1", "110%"),
        ('0"%"', "50", "50"),
        (r"0\%", "50", "50"),
    ],
)
def test_a_number_is_a_day_or_a_percentage_where_its_format_shows_one(
    look: int | str, serial: str, read: str
) -> None:
    assert cells(xlsx(value_row(serial), looks=styles(look))) == [read]


def test_days_may_be_counted_from_1904() -> None:
    book = xlsx(value_row("38806", "0"), looks=styles(14), properties='date1904="1"')
    assert cells(book) == ["2010-03-31", "1904-01-01"]


@pytest.mark.parametrize("serial", ["60", "-1", "2958466", "1e300"])
def test_a_day_that_is_not_in_the_calendar_is_an_error(serial: str) -> None:
    assert only(xlsx(value_row(serial), looks=styles(14))).bad == {(1, 1): Bad.ERROR_VALUE}


def test_the_built_in_formats_of_days_are_known() -> None:
    days = {*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)}
    assert days == BUILT_IN
    assert shows(14, None) is Shows.MOMENT
    assert shows(13, None) is Shows.NUMBER


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ('<c t="b"><v>1</v></c>', "TRUE"),
        ('<c t="b"><v>0</v></c>', "FALSE"),
        ('<c t="d"><v>2010-03-31T14:05:00.4Z</v></c>', "2010-03-31T14:05:00"),
        ('<c t="str"><f>A1</f><v>甲</v></c>', "甲"),
        ('<c t="str"><f>""</f><v></v></c>', None),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        ('<c t="inlineStr"><is><t>甲</t><phoneticPr fontId="1"/></is></c>', "甲"),
        ('<c t="inlineStr"><is><r><t>甲</t></r><r><t xml:space="preserve"> 乙</t></r></is></c>', "甲 乙"),
        ('<c t="inlineStr"><is><t>甲</t><rPh sb="0" eb="1"><t>ㄐㄧㄚˇ</t></rPh><t>乙</t></is></c>', "甲乙"),
        ('<c t="inlineStr"><is><t>a_x000D_\nb_x0000_c_xD800_</t></is></c>', "a\r\nb_x0000_c_xD800_"),
        ('<c t="inlineStr"><is><t>\'=1</t></is></c>', "=1"),
        ('<c t="s"><v>1</v></c>', "二三"),
        ('<c t="s"/>', None),
        ('<c t="n"/>', None),
        ("<c><v></v></c>", None),
        ('<c><v>3</v><extLst><ext><x14:f xmlns:x14="urn:x">9</x14:f></ext></extLst></c>', "3"),
    ],
)
def test_each_kind_of_cell_reads_as_its_text(cell: str, read: str | None) -> None:
    shared = strings("<t>一</t>", "<r><t>二</t></r><r><rPr/><t>三</t></r><rPh><t>ㄦˋ</t></rPh>")
    found = only(xlsx(row_of(cell), shared=shared))
    assert found.rows == ([(1, [read])] if read else [])
    assert not found.bad


@pytest.mark.parametrize(
    ("cell", "bad"),
    [
        ("<c><f>1+1</f></c>", Bad.NO_CACHED_VALUE),
        ("<c><f>1+1</f><v/></c>", Bad.NO_CACHED_VALUE),
        ('<c t="str"><f>A1</f></c>', Bad.NO_CACHED_VALUE),
        ('<c t="b"><f>A1</f><v/></c>', Bad.NO_CACHED_VALUE),
        ('<c t="s"><f>A1</f></c>', Bad.NO_CACHED_VALUE),
        ('<c t="e"><v>#DIV/0!</v></c>', Bad.ERROR_VALUE),
        ('<c t="e"><f>1/0</f><v>#DIV/0!</v></c>', Bad.ERROR_VALUE),
        ('<c t="d"><v>2010-02-30</v></c>', Bad.ERROR_VALUE),
        (f'<c t="inlineStr"><is><t>{"字" * (MAX_TEXT + 1)}</t></is></c>', Bad.TOO_LONG),
        (f'<c t="inlineStr"><is>{"<r><t>一二</t></r>" * 16_384}</is></c>', Bad.TOO_LONG),
    ],
)
def test_a_cell_that_cannot_be_read_says_why(cell: str, bad: Bad) -> None:
    assert only(xlsx(row_of('<c r="C1"><v>1</v></c>', cell))) == Sheet(
        "填報", [(1, ["", "", "1", ""])], {(1, 4): bad}
    )


def test_the_longest_text_is_taken() -> None:
    text = "字" * MAX_TEXT
    assert cells(xlsx(row_of(f'<c t="inlineStr"><is><t>{text}</t></is></c>'))) == [text]


def test_cells_without_references_follow_each_other() -> None:
    rows = "<row><c><v>1</v></c><c/><c><v>2</v></c></row><row/><row><c><v>3</v></c></row>"
    assert only(xlsx(rows)).rows == [(1, ["1", "", "2"]), (3, ["3"])]


def test_cells_stand_where_their_references_say() -> None:
    rows = '<row r="2"><c r="B2"><v>1</v></c><c r="AA2"><v>2</v></c><c r="BL2"><v>3</v></c></row>'
    [(number, row)] = only(xlsx(rows)).rows
    assert (number, row[1], row[26], row[63], len(row)) == (2, "1", "2", "3", 64)


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="1"/><row r="1"/>',
        '<row r="0"/>',
        '<row r="x"/>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="A11"><v>1</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c t="s"><v>0</v></c></row>',
        '<row r="1"><c t="s"><v>-1</v></c></row>',
        '<row r="1"><c t="other"><v>0</v></c></row>',
        '<row r="1"><c s="1"><v>1</v></c></row>',
        "<row>",
    ],
)
def test_a_sheet_that_no_program_writes_is_malformed(rows: str) -> None:
    assert refused(xlsx(rows, looks=styles(0))) is SheetProblem.MALFORMED


def test_names_may_be_prefixed() -> None:
    parts = xlsx_parts({"填報": sheet('<row r="1"><c r="A1"><v>1</v></c></row>')})
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        xml = str(parts[name]).replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
        parts[name] = xml.replace("xmlns=", "xmlns:x=")
    assert cells(zipped(parts)) == ["1"]


def test_strict_workbooks_are_read() -> None:
    parts = xlsx_parts({"填報": sheet('<row r="1"><c r="A1"><v>1</v></c></row>')})
    for name, xml in parts.items():
        for loose, strict in STRICT.items():
            xml = str(xml).replace(loose, strict)
        parts[name] = xml
    assert cells(zipped(parts)) == ["1"]


@pytest.mark.parametrize(
    "target", ["/xl/worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml", "Worksheets/Sheet1.xml"]
)
def test_a_sheet_is_found_wherever_it_is_said_to_be(target: str) -> None:
    parts = xlsx_parts({"填報": sheet(value_row("1"))})
    parts["xl/_rels/workbook.xml.rels"] = related(("s1", "worksheet", target))
    assert cells(zipped(parts)) == ["1"]


@pytest.mark.parametrize(
    "part", ["_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"]
)
def test_a_workbook_without_a_part_is_malformed(part: str) -> None:
    parts = xlsx_parts({"填報": sheet(value_row("1"))})
    del parts[part]
    assert refused(zipped(parts)) is SheetProblem.MALFORMED


# ODS by hand


INNER_TABLE = f"<table:table>{table_row(table_cell(p('inner')))}</table:table>"
NOTE = f"<office:annotation>{p('note')}</office:annotation>"
BOX = f"<draw:frame><draw:text-box>{p('box')}</draw:text-box></draw:frame>"
RUBY = "<text:ruby><text:ruby-base>甲</text:ruby-base><text:ruby-text>ㄐ</text:ruby-text></text:ruby>"
BLANKS = 'a<text:s text:c="3"/>b<text:tab/>c<text:line-break/>d<text:s/>'


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (typed("float", "value", "0.30000000000000004", p("0.3")), "0.3"),
        (typed("percentage", "value", "0.05", p("5%")), "5%"),
        (typed("percentage", "value", "0.293", p("29.3%")), "29.3%"),
        (typed("currency", "value", "5", p("$5")), "5"),
        (typed("date", "date-value", "2010-03-31"), "2010-03-31"),
        (typed("date", "date-value", "2010-03-31T00:00:00"), "2010-03-31"),
        (typed("date", "date-value", "2010-03-31T14:05:00"), "2010-03-31T14:05:00"),
        (typed("time", "time-value", "PT27H05M00.000S"), "27:05:00"),
        (typed("boolean", "boolean-value", "true"), "TRUE"),
        (typed("string", inside=p("一") + p("二")), "一\n二"),
        (typed("string", "string-value", "meant", p("shown")), "meant"),
        (typed("float", inside=p("no value")), "no value"),
        (table_cell(p("untyped")), "untyped"),
        (table_cell(p(BLANKS)), "a   b\tc\nd "),
        (table_cell(p("年  <text:span>x</text:span><text:a>y</text:a>")), "年  xy"),
        (table_cell(NOTE + p("a")), "a"),
        (table_cell(p(f"a{NOTE}b")), "ab"),
        (table_cell(BOX + p("a")), "a"),
        (table_cell(p(f"a{BOX}")), "a"),
        (table_cell(p(RUBY)), "甲"),
        (table_cell(p("'=1")), "=1"),
        (typed("float", "value", "2", p("2"), formula="1+1"), "2"),
        (typed("string", inside=p("#A1"), formula="A1"), "#A1"),
        (typed("string", inside=p("#N/A")), "#N/A"),
        (typed("string", "string-value", "", formula="A1"), None),
        (table_cell(INNER_TABLE), None),
        (table_cell(), None),
    ],
)
def test_each_kind_of_ods_cell_reads_as_its_text(cell: str, read: str | None) -> None:
    found = only(ods(table_row(cell)), "ods")
    assert found.rows == ([(1, [read])] if read else [])
    assert not found.bad


@pytest.mark.parametrize(
    ("cell", "bad"),
    [
        (typed("", formula="1+1"), Bad.NO_CACHED_VALUE),
        (typed("float", formula="1+1"), Bad.NO_CACHED_VALUE),
        (typed("string", formula="A1"), Bad.NO_CACHED_VALUE),
        (typed("", inside=p("Err:502"), formula="X("), Bad.ERROR_VALUE),
        (typed("string", inside=p("#DIV/0!"), formula="1/0"), Bad.ERROR_VALUE),
        (table_cell(p("x"), 'calcext:value-type="error"'), Bad.ERROR_VALUE),
        (typed("date", "date-value", "2010-02-30"), Bad.ERROR_VALUE),
        (typed("time", "time-value", "soon"), Bad.ERROR_VALUE),
        (table_cell(p("字" * (MAX_TEXT + 1))), Bad.TOO_LONG),
        (table_cell(p("x") * MAX_TEXT), Bad.TOO_LONG),
        (table_cell(p('<text:s text:c="999999999999"/>')), Bad.TOO_LONG),
    ],
)
def test_an_ods_cell_that_cannot_be_read_says_why(cell: str, bad: Bad) -> None:
    found = only(ods(table_row(table_cell(), cell)), "ods")
    assert found == Sheet("填報", [(1, ["", ""])], {(1, 2): bad})


def test_the_longest_ods_text_is_taken() -> None:
    text = "字" * MAX_TEXT
    assert cells(ods(table_row(table_cell(f"<text:p>{text}</text:p>"))), "ods") == [text]


def test_repeated_cells_and_rows_stand_for_what_they_are() -> None:
    twice = table_cell(p("a"), times("columns", 2))
    gap = table_cell("", times("columns", 3)) + "<table:covered-table-cell/>"
    empty = table_cell("", times("columns", 16_384))
    group = f"<table:table-row-group>{table_row(twice, more=times('rows', 2))}</table:table-row-group>"
    rows = [
        table_row(empty, more=times("rows", 4)),
        table_row(twice, gap, twice, empty),
        group,
        table_row(empty, more=times("rows", 1_048_569)),
    ]
    filled = ["a", "a", "", "", "", "", "a", "a"]
    assert only(ods("".join(rows)), "ods").rows == [(5, filled), (6, ["a", "a"]), (7, ["a", "a"])]


def test_what_ods_keeps_of_other_files_is_no_sheet() -> None:
    row = table_row(table_cell(p("a")))
    tables = (
        f'<table:table table:name="填報">{row}</table:table>'
        f'<table:table table:name="file"><table:table-source/>{row}</table:table>'
        f'<table:dde-links><table:dde-link><table:table table:name="x">{row}</table:table></table:dde-link>'
        "</table:dde-links>"
        f'<table:table table:name="二">{row}</table:table>'
    )
    found = read_sheets(zipped(ods_parts(content(tables))), "ods")
    assert found == [Sheet("填報", [(1, ["a"])]), Sheet("二", [(1, ["a"])])]


# CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_is_read_in_any_usual_form(encoding: str, end: str) -> None:
    lines = ["年度,備註", '99,"引""號,與', '換行"', "", "'=1,,", ",-5"]
    found = only(end.join(lines).encode(encoding), "csv")
    assert found == Sheet(
        "", [(1, ["年度", "備註"]), (2, ["99", f'引"號,與{end}換行']), (4, ["=1"]), (5, ["", "-5"])]
    )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_may_have_another_separator(separator: str) -> None:
    text = f"a{separator}b\n1{separator}x y"
    assert only(text.encode(), "csv").rows == [(1, ["a", "b"]), (2, ["1", "x y"])]


def test_a_comma_in_the_header_decides() -> None:
    assert only(b"a,b;c\n1;2,3", "csv").rows == [(1, ["a", "b;c"]), (2, ["1;2", "3"])]


def test_a_quotation_mark_within_a_cell_is_one() -> None:
    assert cells(b'5" pipe, "x"', "csv") == ['5" pipe', ' "x"']


@pytest.mark.parametrize("data", [b'a,b\n"1,2\n3,4\n', b'a\n"1"2\n', b'a\n"'])
def test_a_quotation_mark_left_open_is_named_with_its_row(data: bytes) -> None:
    with pytest.raises(SheetRefused) as caught:
        read_sheets(data, "csv")
    assert (caught.value.problem, caught.value.details) == (SheetProblem.OPEN_QUOTE, {"row": 2})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a,\0b", SheetProblem.NOT_TEXT),
        ("a,b".encode("utf-16"), SheetProblem.NOT_TEXT),
        (b"\xff\xff\xff", SheetProblem.UNKNOWN_ENCODING),
        (b"a\n" * (MAX_ROWS + 1), SheetProblem.TOO_MANY_ROWS),
        (b"," * MAX_COLUMNS + b"a", SheetProblem.TOO_MANY_COLUMNS),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused_by_name(data: bytes, problem: SheetProblem) -> None:
    assert refused(data, "csv") is problem


def test_a_csv_cell_that_is_too_long_is_bad_and_the_rest_is_read() -> None:
    long = "字" * 200_000
    assert only(f'a,b\n{long},1\n"{long}",2'.encode(), "csv") == Sheet(
        "",
        [(1, ["a", "b"]), (2, ["", "1"]), (3, ["", "2"])],
        {(2, 1): Bad.TOO_LONG, (3, 1): Bad.TOO_LONG},
    )


def test_a_csv_of_nothing_but_line_ends_is_not_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reading, "LAST_ROW", 10)
    assert only(b"\n" * 9 + b"a", "csv").rows == [(10, ["a"])]
    assert refused(b"\n" * 10 + b"a", "csv") is SheetProblem.TOO_MANY_ROWS


def test_an_empty_csv_has_no_rows() -> None:
    assert only(b"", "csv").rows == []


# Limits


def far(reference: str, row: int) -> bytes:
    return xlsx(f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>')


def test_a_value_far_away_is_refused_at_once() -> None:
    assert refused(far("XFD1048576", 1_048_576)) is SheetProblem.TOO_MANY_COLUMNS
    assert refused(far("A1048576", 1_048_576)) is SheetProblem.TOO_MANY_ROWS
    assert refused(far("BM1", 1)) is SheetProblem.TOO_MANY_COLUMNS
    assert only(far(f"BL{MAX_ROWS}", MAX_ROWS)).rows[0][0] == MAX_ROWS


def test_what_is_empty_far_away_costs_nothing() -> None:
    assert only(xlsx('<row r="1048576"><c r="XFD1048576" s="0"/></row>', looks=styles(0))).rows == []


def test_a_declared_dimension_is_not_believed() -> None:
    assert cells(xlsx(value_row("1"), before='<dimension ref="A1:XFD1048576"/>')) == ["1"]


def test_rows_are_counted_over_all_sheets() -> None:
    half = sheet("".join(f'<row r="{n}"><c><v>1</v></c></row>' for n in range(1, MAX_ROWS // 2 + 2)))
    assert refused(zipped(xlsx_parts({"一": half, "二": half}))) is SheetProblem.TOO_MANY_ROWS


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('table:number-rows-repeated="1048576"', SheetProblem.TOO_MANY_ROWS),
        ('table:number-rows-repeated="99999999999999"', SheetProblem.TOO_MANY_ROWS),
        ('table:number-rows-repeated="-1"', SheetProblem.MALFORMED),
        ('table:number-rows-repeated="0"', SheetProblem.MALFORMED),
        ('table:number-rows-repeated="x"', SheetProblem.MALFORMED),
    ],
)
def test_repeated_rows_with_something_in_them_have_the_same_limits(more: str, problem: SheetProblem) -> None:
    assert refused(ods(table_row(table_cell(p("a")), more=more)), "ods") is problem


def test_repeated_cells_with_something_in_them_have_the_same_limits() -> None:
    cell = table_cell(p("a"), times("columns", MAX_COLUMNS + 1))
    assert refused(ods(table_row(cell)), "ods") is SheetProblem.TOO_MANY_COLUMNS


def test_too_many_sheets_are_refused() -> None:
    pages = {f"s{each}": sheet("") for each in range(MAX_SHEETS + 1)}
    assert refused(zipped(xlsx_parts(pages))) is SheetProblem.TOO_MANY_SHEETS
    tables = "".join(f'<table:table table:name="{name}"/>' for name in pages)
    assert refused(zipped(ods_parts(content(tables))), "ods") is SheetProblem.TOO_MANY_SHEETS


def test_a_sheet_with_an_endless_name_is_refused() -> None:
    name = "長" * (MAX_NAME + 1)
    assert refused(zipped(xlsx_parts({name: sheet("")}))) is SheetProblem.MALFORMED
    tables = f'<table:table table:name="{name}"/>'
    assert refused(zipped(ods_parts(content(tables))), "ods") is SheetProblem.MALFORMED


def test_more_bad_cells_than_anybody_mends_are_refused() -> None:
    row = table_row(
        table_cell("", f'table:formula="x" {times("columns", 50)}'),
        more=times("rows", MAX_BAD // 50 + 1),
    )
    assert refused(ods(row), "ods") is SheetProblem.TOO_LARGE


def test_more_text_than_anybody_types_is_refused_however_briefly_the_file_says_it() -> None:
    text = "字" * MAX_TEXT
    most = MAX_CHARACTERS // MAX_TEXT
    assert len(only(ods(table_row(table_cell(p(text)), more=times("rows", most))), "ods").rows) == most
    assert refused(ods(table_row(table_cell(p(text)), more=times("rows", most + 1))), "ods") is (
        SheetProblem.TOO_LARGE
    )
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("填報").write_column(0, 0, [text] * (most + 1))
    assert refused(file.getvalue()) is SheetProblem.TOO_LARGE


def test_letters_with_more_marks_than_any_script_has_are_refused() -> None:
    text = "a" + "\u0301\u0316" * 16
    assert refused(f"a\n{text}".encode(), "csv") is SheetProblem.MALFORMED


@pytest.mark.parametrize(
    ("limit", "value", "rows", "problem"),
    [
        ("MAX_DEPTH", 10, "<a>" * 12 + "</a>" * 12, None),
        ("MAX_DEPTH", 10, "<a>" * 30_000 + "</a>" * 30_000, SheetProblem.MALFORMED),
        ("MAX_NAMES", 500, "".join(f"<a{n}/>" for n in range(10_000)), SheetProblem.MALFORMED),
        ("MAX_NAMES", 500, "".join(f'<a b{n}=""/>' for n in range(10_000)), SheetProblem.MALFORMED),
        ("MAX_PREFIXES", 50, "".join(f'<a xmlns:p{n}="x"/>' for n in range(60)), SheetProblem.MALFORMED),
        ("MAX_TAG", 1000, f"<a b='{'x' * 200_000}'/>", SheetProblem.MALFORMED),
        ("MAX_TAG", 1000, f"<!--{'x' * 200_000}-->", SheetProblem.MALFORMED),
        ("MAX_UNPACKED", 100_000, " " * 200_000, SheetProblem.TOO_LARGE),
    ],
)
def test_markup_that_would_cost_too_much_is_refused(
    limit: str, value: int, rows: str, problem: SheetProblem | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive if limit == "MAX_UNPACKED" else parsing, limit, value)
    data = xlsx(rows + value_row("1"))
    if problem:
        assert refused(data) is problem
    else:
        assert cells(data) == ["1"]


@pytest.mark.parametrize(("elements", "characters"), [(5, 10**9), (10**9, 5)])
def test_the_allowance_is_for_the_whole_file(
    elements: int, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowance = parsing.Allowance(elements, characters)
    monkeypatch.setattr(archive, "Allowance", lambda: allowance)
    page = sheet("<row><c><v>123</v></c></row>")
    assert refused(zipped(xlsx_parts({"一": page, "二": page}))) is SheetProblem.TOO_LARGE


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a PUBLIC "x" "http://127.0.0.1/x">',
    ],
)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "_rels/.rels"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_in_every_part(doctype: str, part: str, encoding: str) -> None:
    parts = xlsx_parts({"填報": sheet(value_row("1"))})
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    xml = str(parts[part])
    assert cells(zipped({**parts, part: f"{declared}{xml}".encode(encoding)})) == ["1"]
    harmful = f"{declared}{doctype}{xml}".encode(encoding)
    assert refused(zipped({**parts, part: harmful})) is SheetProblem.MALFORMED


def test_an_encoding_that_only_some_readers_know_is_refused() -> None:
    xml = f'<?xml version="1.0" encoding="big5"?>{sheet(value_row("1"))}'
    parts = xlsx_parts({"填報": xml})
    assert refused(zipped(parts)) is SheetProblem.MALFORMED


# Whatever the bytes are

XLSX = xlsx(
    row_of('<c r="A1" t="s"><v>0</v></c>', '<c r="B1" s="1"><v>40268.5</v></c>', "<c><f>1</f></c>")
    + row_of('<c r="A3" t="inlineStr"><is><r><t>甲</t></r></is></c>', '<c t="e"><v>#N/A</v></c>', number=3),
    shared=strings("<t>一</t>"),
    looks=styles(0, "[$-404]e/m/d"),
)
ODS = ods(
    table_row(table_cell(p("a<text:s text:c='2'/>b"), times("columns", 2)))
    + table_row(typed("float", "value", "1.5"), more=times("rows", 2))
)
CSV = b'a,b\n1,"x ""y"",z"\n'


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return data with bytes changed, cut out, repeated or put in."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        here, there = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
        there = min(there, here + chance.choice([1, 4, 40]))
        new = [
            b"",
            bytes(changed[here:there]) * 2,
            chance.randbytes(1),
            b"\xff\xff\xff\xff",
            b"9",
            b"<",
            b'"',
        ]
        changed[here:there] = chance.choice(new)
    return bytes(changed)


def read_or_refused(data: bytes, extension: str) -> bool:
    """Say whether a file was read; anything but sheets or a refusal fails the test."""
    try:
        return all(isinstance(found, Sheet) for found in read_sheets(data, extension))
    except SheetRefused:
        return False


@pytest.mark.parametrize(("extension", "data"), [("xlsx", XLSX), ("ods", ODS), ("csv", CSV)])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(extension: str, data: bytes) -> None:
    chance = random.Random(extension)
    outcomes = [read_or_refused(mutated(data, chance), extension) for _ in range(300)]
    assert {*outcomes} == {True, False}


@pytest.mark.parametrize(("extension", "data"), [("xlsx", XLSX), ("ods", ODS)])
def test_damaged_xml_is_read_or_refused_and_nothing_else(extension: str, data: bytes) -> None:
    chance = random.Random(extension)
    parts = parts_of(data)
    outcomes = set()
    for _ in range(300):
        name = chance.choice([each for each in parts if each.endswith((".xml", ".rels"))])
        outcomes.add(read_or_refused(zipped({**parts, name: mutated(parts[name], chance)}), extension))
    assert outcomes == {True, False}


@settings(max_examples=150)
@given(
    st.sampled_from(["xlsx", "ods", "csv"]), st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04"])
)
def test_any_bytes_are_read_or_refused_and_nothing_else(extension: str, data: bytes, start: bytes) -> None:
    assert read_or_refused(start + data, extension) in (True, False)


@settings(max_examples=150)
@given(st.text("ab\"',;=\r\n\t 字\u0301\uf98e😀", max_size=40))
def test_any_csv_text_that_is_written_is_read_back(text: str) -> None:
    assume(original(text) == text)
    quoted = text.replace('"', '""')
    found = only(f'a,b\n"{quoted}",1'.encode(), "csv")
    assert found.rows[1] == (2, [unicodedata.normalize("NFC", text), "1"])
