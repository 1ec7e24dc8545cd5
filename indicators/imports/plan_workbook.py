"""A plan's workbook as a file: its cover, its sheets with the words that cells may have, XLSX and ODS."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipInfo

from xlsxwriter import Workbook

from objectives.models import Plan, User
from objectives.roc import roc_moment
from objectives.spreadsheets.ods_writing import _NAMES as NAMES
from objectives.spreadsheets.ods_writing import (
    CENTIMETRES,
    CONTENT_TYPE,
    HEAD,
    MANIFEST,
    STYLES,
    _paragraphs,
    _settings,
)
from objectives.spreadsheets.sheets import add, archive, xml_text
from objectives.spreadsheets.text import harmless

COVER = "說明"
FURTHER_ROWS = 200  # below what there is, prepared to be filled in
LONGEST_LIST = 255  # characters of the words that XLSX offers for a cell

HOW_TO = (
    (
        "用途",
        "修改本年度計畫，或編製次年度計畫：將「計畫」工作表之年度改為次年度後上傳，"
        "即另立一份編擬中之計畫，原年度之計畫不變。",
    ),
    (
        "欄位",
        "各工作表第 1 列為欄名，請勿更動；欄名之附註說明其意義，有選單者請自選單選取。欄位順序可調整。",
    ),
    (
        "識別",
        "各列以代碼、順序、項次路徑或符號識別；更改者視為新的一列，原列仍保留。須更改者，請於系統內修改。",
    ),
    ("空白", "儲存格清空後上傳，即清除系統內之內容。"),
    ("刪除", "檔案中未列出之列一律不刪除；須刪除者，請於系統內刪除。"),
    ("數值", "數值請輸入數字，如 1234.5 或 1,234.5，勿加百分號；是否欄位填「是」或「否」。"),
    (
        "下載後之異動",
        "各列隱藏之「版本」欄記載下載時之內容；下載後如有他人修改同一列，"
        "上傳時並列兩者，不予寫入，請重新下載。",
    ),
    ("上傳", "上傳後先顯示每列之新增、修改與錯誤，確認後始一次全部寫入；有任一錯誤即全部不寫入。"),
    (
        "已核定之計畫",
        "計畫核定後，內容依規定不得修改；目標值、計算式及常數之修正，請於系統內依修正程序辦理。",
    ),
)


@dataclass(frozen=True)
class Head:
    """What is above a column: its header, what it means, and the words that its cells may have."""

    header: str
    width: int = 12
    note: str = ""
    choices: tuple[str, ...] = ()
    is_number: bool = False
    is_hidden: bool = False


@dataclass(frozen=True)
class Page:
    """A sheet; its cells are texts, those of a column of numbers plain digits."""

    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[str]]


Pairs = Sequence[tuple[str, str]]


def cover(plan: Plan, *, by: User | None, now: datetime) -> Pairs:
    """Say what the workbook is, and how it is filled in."""
    return [
        ("計畫", f"{plan.unit.name} {plan.year} 年度：{plan.title}"),
        ("下載時間", roc_moment(now)),
        *([("下載者", str(by))] if by else []),
        *HOW_TO,
    ]


def rendered(pairs: Pairs, pages: Sequence[Page], extension: str) -> bytes:
    """Return the workbook as a file, "xlsx" or "ods"."""
    file = io.BytesIO()
    {"xlsx": _write_xlsx, "ods": _write_ods}[extension](pairs, pages, file)
    return file.getvalue()


# -- XLSX --------------------------------------------------------------------------------------------------


def _write_xlsx(pairs: Pairs, pages: Sequence[Page], file: io.BytesIO) -> None:
    with Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(1980, 1, 1)})  # noqa: DTZ001 (the same file for the same data)
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(COVER)
        sheet.set_column(0, 0, 16, book.add_format({"bold": True, "valign": "top"}))
        sheet.set_column(1, 1, 90, wrapped)
        for number, pair in enumerate(pairs):
            for place, text in enumerate(pair):
                sheet.write_string(number, place, harmless(text))
        for page in pages:
            _add_page(book, page)


def _add_page(book: Workbook, page: Page) -> None:
    sheet = book.add_worksheet(page.title)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    text = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    plain = book.add_format({"valign": "top"})
    for place, head in enumerate(page.heads):
        kept = plain if head.is_number else text
        sheet.set_column(place, place, head.width, kept, {"hidden": head.is_hidden})
        sheet.write_string(0, place, head.header, bold)
        if head.note:
            sheet.write_comment(0, place, head.note, {"x_scale": 2})
        if head.choices and len(",".join(head.choices)) <= LONGEST_LIST:
            last = len(page.rows) + FURTHER_ROWS
            offer = {"validate": "list", "source": list(head.choices), "error_type": "warning"}
            sheet.data_validation(1, place, last, place, offer)
    for number, row in enumerate(page.rows, start=1):
        for place, (head, said) in enumerate(zip(page.heads, row, strict=True)):
            if said and head.is_number:
                sheet.write_number(number, place, Decimal(said), plain)
            elif said:
                sheet.write_string(number, place, harmless(said), text)


# -- ODS ---------------------------------------------------------------------------------------------------

_WRAPPED = '<style:table-cell-properties style:vertical-align="top" fo:wrap-option="wrap"/>'
_CELL_STYLES = f"""\
<number:text-style style:name="N-text"><number:text-content/></number:text-style>\
<style:style style:name="row" style:family="table-row">\
<style:table-row-properties style:use-optimal-row-height="true"/></style:style>\
<style:style style:name="heading" style:family="table-cell" style:parent-style-name="Default">{_WRAPPED}\
<style:text-properties fo:font-weight="bold" style:font-weight-asian="bold"/></style:style>\
<style:style style:name="text" style:family="table-cell" style:parent-style-name="Default" \
style:data-style-name="N-text">{_WRAPPED}</style:style>\
<style:style style:name="number" style:family="table-cell" style:parent-style-name="Default">{_WRAPPED}\
</style:style>"""


def _write_ods(pairs: Pairs, pages: Sequence[Page], file: io.BytesIO) -> None:
    with archive(file) as book:
        book.writestr(ZipInfo("mimetype"), CONTENT_TYPE)  # the first, and not compressed
        add(book, "content.xml", "".join(_content(pairs, pages)))
        add(book, "styles.xml", STYLES)
        add(book, "settings.xml", _settings([page.title for page in pages]))
        add(book, "META-INF/manifest.xml", MANIFEST)


def _content(pairs: Pairs, pages: Sequence[Page]) -> Iterator[str]:
    widths = {16, 90, *(head.width for page in pages for head in page.heads)}
    yield f"{HEAD}<office:document-content {NAMES}><office:automatic-styles>"
    for width in sorted(widths):
        yield (
            f'<style:style style:name="w{width}" style:family="table-column">'
            f'<style:table-column-properties style:column-width="{width * CENTIMETRES:.2f}cm"/></style:style>'
        )
    yield f"{_CELL_STYLES}</office:automatic-styles><office:body><office:spreadsheet>"
    yield "<table:content-validations>"
    for page in pages:
        yield from (_validation(page, place) for place, head in enumerate(page.heads) if head.choices)
    yield "</table:content-validations>"
    yield f'<table:table table:name="{COVER}">{_column(Head("", 16))}{_column(Head("", 90))}'
    for heading, text in pairs:
        yield _row([_text(heading, "heading"), _text(text)])
    yield "</table:table>"
    for page in pages:
        yield from _table(page)
    yield "</office:spreadsheet></office:body></office:document-content>"


def _validation_name(page: Page, head: Head) -> str:
    return quoteattr(f"{page.title}-{head.header}")


def _validation(page: Page, place: int) -> str:
    head = page.heads[place]
    words = ";".join('"{}"'.format(each.replace('"', '""')) for each in head.choices)
    condition = quoteattr(f"of:cell-content-is-in-list({words})")
    return (
        f"<table:content-validation table:name={_validation_name(page, head)} table:condition={condition} "
        'table:allow-empty-cell="true" table:display-list="unsorted">'
        '<table:error-message table:message-type="warning" table:display="true"/></table:content-validation>'
    )


def _table(page: Page) -> Iterator[str]:
    yield f"<table:table table:name={quoteattr(page.title)}>{''.join(map(_column, page.heads))}"
    header = _row([_text(head.header, "heading", _annotation(head.note)) for head in page.heads])
    yield f"<table:table-header-rows>{header}</table:table-header-rows>"
    for row in page.rows:
        yield _row([_cell(page, head, said) for head, said in zip(page.heads, row, strict=True)])
    further = "".join(_cell(page, head, "") for head in page.heads)
    yield f'<table:table-row table:number-rows-repeated="{FURTHER_ROWS}">{further}</table:table-row>'
    yield "</table:table>"


def _column(head: Head) -> str:
    style = "number" if head.is_number else "text"
    hidden = ' table:visibility="collapse"' if head.is_hidden else ""
    described = f'table:style-name="w{head.width}" table:default-cell-style-name="{style}"{hidden}'
    return f"<table:table-column {described}/>"


def _row(cells: Sequence[str]) -> str:
    return f'<table:table-row table:style-name="row">{"".join(cells)}</table:table-row>'


def _cell(page: Page, head: Head, said: str) -> str:
    attributes = f" table:content-validation-name={_validation_name(page, head)}" if head.choices else ""
    if not said:
        return f"<table:table-cell{attributes}/>"
    if head.is_number:
        attributes += f' table:style-name="number" office:value-type="float" office:value="{said}"'
        return f"<table:table-cell{attributes}><text:p>{said}</text:p></table:table-cell>"
    return _text(said, "text", attributes=attributes)


def _text(text: str, style: str = "text", before: str = "", attributes: str = "") -> str:
    return (
        f'<table:table-cell table:style-name="{style}" office:value-type="string"{attributes}>{before}'
        f"{_paragraphs(xml_text(harmless(text)))}</table:table-cell>"
    )


def _annotation(note: str) -> str:
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in note.splitlines())
    return f"<office:annotation>{lines}</office:annotation>" if note else ""
