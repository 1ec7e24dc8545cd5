"""A table in every format: the same values, read back by readers of others, and nothing that is live."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.spreadsheets import workbooks, xlsx_writing
from objectives.spreadsheets.reading import read_sheets
from objectives.spreadsheets.tables import Column, Kind, Table, Value
from objectives.spreadsheets.text import harmless
from objectives.spreadsheets.values import MANY, Remembered, plain
from objectives.spreadsheets.workbooks import is_exact, is_typed, letters, sheet_name
from objectives.spreadsheets.writing import FORMATS, dictionary

COLUMNS = (
    Column("單位", Kind.TEXT, 20, "主辦單位的名稱", source="組織"),
    Column("季別", Kind.WHOLE, 6, "季別", "季"),
    Column("累計實際值", Kind.NUMBER, 14, "截至該季的累計值", "次數", "計算式"),
    Column("填報日期", Kind.DAY, 6, "填報的日期"),
    Column("送審時間", Kind.MOMENT, 6, "送審的時間"),
)
COVER = (("年度施政計畫", "外交部 99 年度施政計畫"), ("篩選", "季別：1\n單位：全部"))
NOON = datetime(2010, 3, 31, 4, 0, 59, 987_654, tzinfo=UTC)
NEW_YORK = timezone(timedelta(hours=-5))
ROWS: list[tuple[Value, ...]] = [
    ("外交部", 1, Decimal("1234.50"), date(2010, 3, 31), NOON),
    ("  兩個  空白\t與定位 ", -2, Decimal("-0.1"), date(1900, 3, 1), NOON.astimezone(NEW_YORK)),
    ("多行\n第二行\n", 0, Decimal("-0.00"), date(9999, 12, 31), datetime(2009, 12, 31, 16, tzinfo=UTC)),
    ("<b>&amp; \"引號\", 'x' _x003D_ ]]>", 999_999_999_999_999, Decimal("1E+5"), None, None),
    (None, None, None, None, None),
    ("𠮷野家\ue000", 1, Decimal("0.00123456789012345"), date(2012, 2, 29), NOON + timedelta(seconds=1)),
    ("", 1, Decimal("99999.9999999999"), None, None),
]  # fmt: skip


def table(rows: Sequence[Sequence[Value]] = ROWS, **changed: Any) -> Table:
    given = {"title": "99年度第1季", "columns": COLUMNS, "cover": COVER, **changed}
    return Table(rows=iter(rows), **given)


def file_of(name: str, *arguments: Any, **changed: Any) -> bytes:
    file = io.BytesIO()
    FORMATS[name].write(table(*arguments, **changed), file)
    return file.getvalue()


def csv_sheet(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def xlsx_sheets(data: bytes) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


ODF = {
    name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("table", "office", "text", "style")
}


def odf(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{ODF[prefix]}}}{local}"


def ods_sheets(data: bytes) -> dict[str, list[list[Any]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        tree = ElementTree.fromstring(book.read("content.xml"))
    return {
        sheet.attrib[odf("table:name")]: [
            [ods_cell(cell) for cell in row.iter(odf("table:table-cell"))]
            for row in sheet.iter(odf("table:table-row"))
        ]
        for sheet in tree.iter(odf("table:table"))
    }


def ods_cell(cell: ElementTree.Element) -> Any:
    match cell.get(odf("office:value-type")):
        case None:
            return None
        case "float":
            return Decimal(cell.attrib[odf("office:value")])
        case "date":
            text = cell.attrib[odf("office:date-value")]
            return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    whole = cell.get(odf("office:string-value"))
    return whole or "\n".join("".join(pieces(line)) for line in cell.iter(odf("text:p")))


def pieces(line: ElementTree.Element) -> Iterator[str]:
    yield re.sub("[ \t\r\n]+", " ", line.text or "")
    for part in line:
        yield " " * int(part.get(odf("text:c"), "1")) if part.tag == odf("text:s") else "\t"
        yield part.tail or ""


def read_back(name: str, data: bytes) -> list[list[str]]:
    """Return the data as CSV would have them."""
    match name:
        case "csv" | "plain.csv":
            return csv_sheet(data)
        case "json":
            found = json.loads(data, parse_float=Decimal, parse_int=Decimal)
            rows = [list(row.values()) for row in found["rows"]]
            return [[harmless(column.header) for column in COLUMNS], *(in_csv(row, harmless) for row in rows)]
    sheets_read = xlsx_sheets(data) if name == "xlsx" else ods_sheets(data)
    return [in_csv(row) for row in list(sheets_read.values())[1]]


def in_csv(row: Sequence[Any], text: Any = str) -> list[str]:
    return [one_in_csv(value, text) for value in row]


def one_in_csv(value: Any, text: Any) -> str:
    match value:
        case None:
            return ""
        case float() | int() | Decimal():
            return plain(Decimal(str(value)))
        case datetime():
            if value.time().isoformat() == "00:00:00" and value.date() in [row[3] for row in ROWS]:
                return value.date().isoformat()  # openpyxl knows no days
            return f"{value.isoformat()}+08:00"
        case date():
            return value.isoformat()
    return text(value.replace("_x005F_", "_")) if isinstance(value, str) else pytest.fail(repr(value))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_the_same_values(name):
    assert read_back(name, file_of(name)) == [
        ["單位", "季別", "累計實際值", "填報日期", "送審時間"],
        ["外交部", "1", "1234.5", "2010-03-31", "2010-03-31T12:00:59+08:00"],
        ["  兩個  空白\t與定位 ", "-2", "-0.1", "1900-03-01", "2010-03-31T12:00:59+08:00"],
        ["多行\n第二行\n", "0", "0", "9999-12-31", "2010-01-01T00:00:00+08:00"],
        ["<b>&amp; \"引號\", 'x' _x003D_ ]]>", "999999999999999", "100000", "", ""],
        ["", "", "", "", ""],
        ["𠮷野家\ue000", "1", "0.00123456789012345", "2012-02-29", "2010-03-31T12:01:00+08:00"],
        ["", "1", "99999.9999999999", "", ""],
    ]


def test_json_has_typed_values_texts_as_they_are_and_says_what_the_columns_mean():
    found = json.loads(file_of("json", [("=1,'2", 1, Decimal("-0.10"), None, NOON)]), parse_float=Decimal)
    assert found["rows"] == [
        {
            "單位": "=1,'2",
            "季別": 1,
            "累計實際值": Decimal("-0.1"),
            "填報日期": None,
            "送審時間": "2010-03-31T12:00:59+08:00",
        }
    ]
    assert found["metadata"] | {"columns": found["metadata"]["columns"][2:3]} == {
        "年度施政計畫": "外交部 99 年度施政計畫",
        "篩選": "季別：1\n單位：全部",
        "columns": [
            {
                "name": "累計實際值",
                "type": "數值",
                "unit": "次數",
                "meaning": "截至該季的累計值",
                "source": "計算式",
            }
        ],
    }


@pytest.mark.parametrize("extension", ["csv", "xlsx", "ods"])
def test_what_is_written_is_read_as_it_was(extension):
    texts = [*(live for live in LIVE if "\x00" not in live), "it's", "''x", "a,'b", "  a  b ", "a\n b\n\n"]
    rows = [(text, number, None, None, None) for number, text in enumerate(texts)]
    _header, *found = read_sheets(file_of(extension, rows), extension)[-1].rows
    if extension != "csv":  # a cell's line breaks are LF
        texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [cells[0] for _number, cells in found] == texts


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_rows_has_its_header(name):
    data = file_of(name, [])
    assert read_back(name, data) == [[column.header for column in COLUMNS]]
    if name in ("xlsx", "ods"):
        assert covers(name, data)["列數"] == "0"


def test_csv_is_utf_8_with_and_without_bom():
    plain_csv, with_bom = file_of("plain.csv"), file_of("csv")
    assert with_bom == b"\xef\xbb\xbf" + plain_csv
    assert plain_csv.startswith("單位,季別,累計實際值,填報日期,送審時間\r\n外交部,1,1234.5,".encode())
    assert b"e-" not in plain_csv.lower()


def covers(name: str, data: bytes) -> dict[str, str]:
    found = xlsx_sheets(data) if name == "xlsx" else ods_sheets(data)
    assert next(iter(found)) == "說明"
    return dict(found["說明"])


@pytest.mark.parametrize("name", ["xlsx", "ods"])
@pytest.mark.parametrize("rows", [ROWS, ROWS * 80, []], ids=len)
def test_the_cover_ends_with_the_number_of_rows_and_the_hash_of_the_plain_csv(name, rows):
    assert covers(name, file_of(name, rows)) == {
        **dict(COVER),
        "列數": str(len(rows)),
        "資料 SHA-256": hashlib.sha256(file_of("plain.csv", rows)).hexdigest(),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_table_gives_the_same_file(name, monkeypatch):
    before = file_of(name)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert file_of(name) == before
    if before.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(before)) as book:
            assert {member.date_time[0] for member in book.infolist()} == {1980}


LIVE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1", " =1", "\u200b=1",
    "'=1", "a,=1", "a;=1", "a\t=1", "a|=1", 'a,"=1"', "a\r\n=1", "_x003D_1", "\x00=1", '"=1',
]  # fmt: skip
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def dead(text: str) -> bool:
    """Whether no sign is the first to be seen, of the text or of what follows a separator in it."""
    return not any(
        part.lstrip(' "\u200b\x00\ufffd').startswith(SIGNS) for part in re.split(r"[,;|\t\r\n]", text)
    )


@pytest.mark.parametrize("name", ["csv", "plain.csv", "xlsx", "ods"])
def test_nothing_anywhere_in_a_file_is_a_formula(name):
    columns = [Column(live, Kind.TEXT, 10, live) for live in LIVE]
    data = file_of(name, [LIVE], columns=columns, title="=1,=2", cover=[(live, live) for live in LIVE])
    if "csv" in name:
        found: dict[str, list[list[Any]]] = {"": csv_sheet(data)}
    else:
        found = xlsx_sheets(data) if name == "xlsx" else ods_sheets(data)
    texts = [cell for rows in found.values() for row in rows for cell in row]
    assert len(texts) == 2 * len(LIVE) + (2 * len(LIVE) + 4 if len(found) > 1 else 0)
    assert [text for text in [*texts, *found] if not dead(text)] == []
    assert [text.count("'") for text in texts[-len(LIVE) :]] == [harmless(live).count("'") for live in LIVE]


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_workbooks_hold_no_formula_link_or_macro(name):
    with zipfile.ZipFile(io.BytesIO(file_of(name, [[live, 1, None, None, None] for live in LIVE]))) as book:
        xml = b"".join(book.read(member) for member in book.namelist())
    assert not re.search(rb"<f[ >]|table:formula|text:a |hyperlink|external|script|<!", xml, re.IGNORECASE)


def test_what_excel_would_decode_is_encoded():
    with zipfile.ZipFile(
        io.BytesIO(file_of("xlsx", [("_x003D_1 _x00_ _x003D", 1, None, None, None)]))
    ) as book:
        assert ">_x005F_x003D_1 _x00_ _x003D<" in book.read("xl/worksheets/sheet2.xml").decode()


@pytest.mark.parametrize(
    ("number", "exact", "typed"),
    [
        ("123456789012345", True, True),
        ("1234567890123456", False, False),
        ("100000000000000000000", True, True),
        ("-0.123456789012345", True, True),
        ("-0.1234567890123456", False, True),
        ("33.33333333333333333333333333", False, True),
        ("0.000000000000000000123456789012345", True, True),
        ("1E+307", True, True),
        ("1E+308", False, False),
        ("1E-320", False, False),
    ],
)
def test_a_number_that_a_cell_cannot_hold_is_text_and_loses_nothing(number, exact, typed):
    given = Decimal(number)
    assert (is_exact(given, plain(given)), is_typed(given, plain(given))) == (exact, typed)
    row = [None, None, given, None, None]
    for name, found in (("xlsx", xlsx_sheets), ("ods", ods_sheets)):
        cell = found(file_of(name, [row]))["99年度第1季"][1][2]
        assert isinstance(cell, str) is not typed
        assert f"{Decimal(cell):.14e}" == f"{given:.14e}"
        assert not exact or Decimal(str(cell)) == given
    assert csv_sheet(file_of("csv", [row]))[1][2] == f"{given:f}"
    of_json = json.loads(file_of("json", [row]), parse_float=Decimal, parse_int=Decimal)
    assert of_json["rows"][0]["累計實際值"] == given


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.decimals(-(10**15), 10**15))
def test_a_number_has_all_its_digits_and_no_more(number):
    text = plain(number)
    assert Decimal(text) == number
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)
    assert text != "-0"


def test_a_day_before_excel_counts_right_is_text_there():
    row = [None, None, None, date(1900, 2, 28), datetime(1899, 6, 1, tzinfo=UTC)]
    assert xlsx_sheets(file_of("xlsx", [row]))["99年度第1季"][1][3:] == [
        "1900-02-28",
        "1899-06-01T08:00:00+08:00",
    ]
    assert ods_sheets(file_of("ods", [row]))["99年度第1季"][1][3:] == [
        date(1900, 2, 28),
        datetime(1899, 6, 1, 8),  # noqa: DTZ001 as a spreadsheet has it
    ]


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_what_xml_cannot_hold_shows_that_it_is_gone(name):
    row = ["a\x00b\x0bc\ud800d\ufffee\x1f", None, None, None, None]
    assert read_back(name, file_of(name, [row]))[1][0] == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd"


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_a_text_longer_than_a_cell_is_cut_and_says_so(name):
    texts = ["外" * 32_767, "外" * 32_768, "𠮷" * 16_383, "𠮷" * 16_384]
    data = file_of(name, [[text, None, None, None, None] for text in texts])
    cut = [row[0] for row in read_back(name, data)[1:]]
    assert cut == [texts[0], "外" * 32_766 + "…", texts[2], "𠮷" * 16_383 + "…"]
    assert csv_sheet(file_of("csv", [[texts[1], None, None, None, None]]))[1][0] == texts[1]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("99年度第1季", "99年度第1季"),
        ("a/b\\c[d]e:f*g?h", "a_b_c_d_e_f_g_h"),
        ("=1+1", "_=1+1"),
        ("'a'", "_'a_"),
        ("it's", "it's"),
        ("a,=1", "a,'=1"),
        ("說明", "說明_"),
        (" ", "_"),
        ("外" * 31, "外" * 31),
        ("外" * 32, "外" * 30 + "…"),
        ("𠮷" * 16, "𠮷" * 15 + "…"),
        ("a\nb\x00", "a_b_"),
    ],
    ids=ascii,
)
def test_a_title_becomes_a_name_that_a_sheet_can_have(title, name):
    assert sheet_name(title) == name
    for written_as in ("xlsx", "ods"):
        data = file_of(written_as, title=title)
        found = xlsx_sheets(data) if written_as == "xlsx" else ods_sheets(data)
        assert list(found) == ["說明", name]


@given(st.text())
def test_every_title_becomes_a_name_that_a_sheet_can_have(title):
    names = {sheet_name(title, number) for number in (1, 2, 3)}
    assert len({name.casefold() for name in names} - {"說明"}) == 3
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"^'|'$|[\[\]:*?/\\]", name)


@pytest.mark.parametrize("name", ["xlsx", "ods"])
@pytest.mark.parametrize(("count", "lengths"), [(0, [1]), (1, [2]), (2, [3]), (3, [3, 2]), (5, [3, 3, 2])])
def test_more_rows_than_a_sheet_holds_go_on_in_the_next(name, count, lengths, monkeypatch):
    monkeypatch.setattr(workbooks, "LONGEST_SHEET", 2)
    data = file_of(name, [[None, number, None, None, None] for number in range(count)])
    found = xlsx_sheets(data) if name == "xlsx" else ods_sheets(data)
    assert list(found) == ["說明", "99年度第1季", "99年度第1季 (2)", "99年度第1季 (3)"][: 1 + len(lengths)]
    data_sheets = list(found.values())[1:]
    assert [len(sheet) for sheet in data_sheets] == lengths
    assert {sheet[0][0] for sheet in data_sheets} == {"單位"}
    assert [row[1] for sheet in data_sheets for row in sheet[1:]] == list(range(count))
    assert found["說明"][-2] == ["列數", str(count)]


def test_a_sheet_that_grows_too_large_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(xlsx_writing, "LARGEST_SHEET", 150)  # reached by the second row of each
    found = xlsx_sheets(file_of("xlsx", [["外", number, None, None, None] for number in range(5)]))
    assert [[row[1] for row in sheet[1:]] for sheet in list(found.values())[1:]] == [[0, 1], [2, 3], [4]]


def test_an_xlsx_file_opens_at_its_data_and_prints_on_a4():
    book = openpyxl.load_workbook(io.BytesIO(file_of("xlsx", title="it's")))
    cover, data = book.worksheets
    assert book.active is data
    assert (data.freeze_panes, data.auto_filter.ref, data.print_title_rows) == ("A2", "A1:E8", "$1:$1")
    for sheet in (cover, data):
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
    assert [data.column_dimensions[letter].width for letter in "ABCDE"] == [20, 6, 14, 12, 20]
    assert data["A1"].font.bold
    assert data["A2"].alignment.wrap_text
    assert [data[f"{letter}2"].number_format for letter in "BCDE"] == [
        "0", "General", r"yyyy\-mm\-dd", r"yyyy\-mm\-dd\ hh:mm:ss",
    ]  # fmt: skip


def test_an_ods_file_opens_at_its_data_and_prints_on_a4():
    with zipfile.ZipFile(io.BytesIO(file_of("ods", title="it's"))) as book:
        first, *others = book.infolist()
        parts = {member.filename: book.read(member).decode() for member in book.infolist()}
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert parts["mimetype"] == "application/vnd.oasis.opendocument.spreadsheet"
    entries = set(re.findall('full-path="([^"]*)"', parts["META-INF/manifest.xml"]))
    assert entries == {"/", *(member.filename for member in others)} - {"META-INF/manifest.xml"}
    for xml in list(parts.values())[1:]:
        ElementTree.fromstring(xml)
    assert 'ActiveTable" config:type="string">it\'s<' in parts["settings.xml"]
    assert 'config:name="VerticalSplitPosition" config:type="int">1<' in parts["settings.xml"]
    assert 'style:print-orientation="landscape"' in parts["styles.xml"]
    assert "<table:table-header-rows>" in parts["content.xml"]
    assert "target-range-address=\"'it''s'.A1:'it''s'.E8\"" in parts["content.xml"]


def test_columns_are_lettered():
    assert [letters(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


@pytest.mark.parametrize("name", ["csv", "plain.csv", "json"])
def test_a_streamed_file_begins_before_its_rows_are_read(name):
    def rows() -> Iterator[Sequence[Value]]:
        yield from ROWS * 100
        pytest.fail("read too early")

    stream = FORMATS[name].lines
    assert stream
    lines = stream(Table("", COLUMNS, rows()))
    assert "單位" in next(lines).decode()
    assert "外交部" in next(lines).decode()


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_a_workbook_is_made_whole(name):
    assert FORMATS[name].lines is None


def test_only_so_much_is_remembered_of_a_table():
    remembered = Remembered(str)
    for number in range(MANY + 10):
        assert remembered[number] == str(number)
    assert len(remembered) == 10
    assert remembered["x" * 1000] == "x" * 1000
    assert len(remembered) == 10


def test_the_dictionary_explains_every_column():
    file = io.BytesIO()
    FORMATS["csv"].write(dictionary(COLUMNS), file)
    assert csv_sheet(file.getvalue())[:4] == [
        ["欄位", "型態", "單位", "說明", "來源"],
        ["單位", "文字", "", "主辦單位的名稱", "組織"],
        ["季別", "整數", "季", "季別", ""],
        ["累計實際值", "數值", "次數", "截至該季的累計值", "計算式"],
    ]
    file = io.BytesIO()
    FORMATS["csv"].write(dictionary(dictionary(()).columns), file)
    assert len(csv_sheet(file.getvalue())) == 6
