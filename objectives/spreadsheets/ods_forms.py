"""A workbook to be filled in, as ODS (OpenDocument 1.2)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from xml.sax.saxutils import quoteattr
from zipfile import ZipInfo

from .forms import AUTHOR, BACKGROUNDS, FormCell, FormSheet, Look, Rule, Shape, Side
from .ods_writing import CENTIMETRES, CONTENT_TYPE, HEAD, MANIFEST, NAMES, paragraphs
from .values import plain
from .workbooks import add, archive, is_exact, letters, xml_text
from .xlsx_forms import condition, quoted

FORM_NAMES = (
    f'{NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"'
)
BOLD = '<style:text-properties{} fo:font-weight="bold" style:font-weight-asian="bold"/>'

TEXTS = {
    Look.TITLE: BOLD.format(' fo:font-size="16pt" style:font-size-asian="16pt"'),
    Look.BOLD: BOLD.format(""),
    Look.HEADING: BOLD.format(""),
}
BORDERS = {
    Look.HEADING: "0.5pt solid #9AA5AD", Look.LOCKED: "0.5pt solid #C8CED2", Look.OPEN: "0.5pt solid #9AA5AD",
    Look.WRONG: "1.5pt solid #B3261E",
}  # fmt: skip


NUMBERS = {Shape.WHOLE: "N-whole", Shape.AMOUNT: "N-amount"}
SIDES = {Side.CENTRE: "center", Side.RIGHT: "end"}

# A4 across, as wide as a page, its number at the foot.
STYLES = f"""{HEAD}<office:document-styles {NAMES}><office:styles>\
<style:style style:name="Default" style:family="table-cell"/></office:styles><office:automatic-styles>\
<style:page-layout style:name="page"><style:page-layout-properties \
fo:page-width="29.7cm" fo:page-height="21cm" style:print-orientation="landscape" \
fo:margin="1.3cm" style:scale-to-X="1" style:scale-to-Y="0"/>\
<style:header-style/><style:footer-style><style:header-footer-properties fo:min-height="0.8cm" \
fo:margin-top="0.3cm"/></style:footer-style></style:page-layout></office:automatic-styles><office:master-styles>\
<style:master-page style:name="Default" style:page-layout-name="page"><style:header style:display="false"/>\
<style:footer><style:region-left><text:p><text:sheet-name/></text:p></style:region-left><style:region-right>\
<text:p>第 <text:page-number>1</text:page-number> 頁，共 <text:page-count>1</text:page-count> 頁</text:p>\
</style:region-right></style:footer></style:master-page></office:master-styles></office:document-styles>"""

DATA_STYLES = """\
<number:number-style style:name="N-whole"><number:number number:decimal-places="0" \
number:min-integer-digits="1" number:grouping="true"/></number:number-style>\
<number:number-style style:name="N-amount"><number:number number:decimal-places="6" \
number:min-decimal-places="0" number:min-integer-digits="1" number:grouping="true"/></number:number-style>\
<number:text-style style:name="N-text"><number:text-content/></number:text-style>\
<style:style style:name="sheet" style:family="table" style:master-page-name="Default">\
<style:table-properties table:display="true"/></style:style>\
<style:style style:name="row" style:family="table-row">\
<style:table-row-properties style:use-optimal-row-height="true"/></style:style>"""


def ods_form(sheets: Sequence[FormSheet]) -> bytes:
    """Return the workbook; the first sheet is the one that it opens with."""
    stream = io.BytesIO()
    with archive(stream) as book:
        book.writestr(ZipInfo("mimetype"), CONTENT_TYPE)  # the first, and not compressed
        add(book, "content.xml", _content(sheets))
        add(book, "styles.xml", STYLES)
        add(book, "settings.xml", _settings(sheets))
        add(book, "META-INF/manifest.xml", MANIFEST)
    return stream.getvalue()


def _content(sheets: Sequence[FormSheet]) -> str:
    styles, validations = _Styles(), _Validations()
    tables = "".join(_table(number, form, styles, validations) for number, form in enumerate(sheets))
    widths = "".join(_width(number, form) for number, form in enumerate(sheets))
    locked = ' table:structure-protected="true"' if any(form.protected for form in sheets) else ""
    return (
        f"{HEAD}<office:document-content {FORM_NAMES}><office:automatic-styles>{DATA_STYLES}{widths}{styles}"
        f"</office:automatic-styles><office:body><office:spreadsheet{locked}>{validations}{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )


class _Styles:
    """Names the style of each kind of cell that there is."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def name(self, cell: FormCell, side: Side | None, hidden: bool) -> str:
        parts = [cell.look.value, cell.shape.value, *([side.value] if side else []), *(["hidden"] * hidden)]
        name = "-".join(parts)
        if name not in self._known:
            self._known[name] = _style(name, cell, side, wrapped=not hidden and cell.look is not Look.TITLE)
        return name

    def __str__(self) -> str:
        return "".join(self._known.values())


def _style(name: str, cell: FormCell, side: Side | None, *, wrapped: bool) -> str:
    look = cell.look
    data = _data_style(cell)
    data = f' style:data-style-name="{data}"' if data else ""
    wrap = ' fo:wrap-option="wrap"' if wrapped else ""
    border = f' fo:border="{BORDERS[look]}"' if look in BORDERS else ""
    colour = f' fo:background-color="{BACKGROUNDS[look]}"' if look in BACKGROUNDS else ""
    protect = "none" if look.is_open else "protected"
    # What is typed may be a word though a number is asked for, so its side is not left to what it is.
    side = side or (None if cell.shape is Shape.TEXT else Side.RIGHT)
    align = f'<style:paragraph-properties fo:text-align="{SIDES[side]}"/>' if side else ""
    source = ' style:text-align-source="fix"' if side else ""
    return (
        f'<style:style style:name="{name}" style:family="table-cell" style:parent-style-name="Default"{data}>'
        f'<style:table-cell-properties style:vertical-align="top" style:cell-protect="{protect}"'
        f"{source}{wrap}{border}{colour}/>{align}{TEXTS.get(look, '')}</style:style>"
    )


def _data_style(cell: FormCell) -> str:
    as_typed = cell.shape is Shape.TEXT and (cell.look.is_open or cell.look is Look.PLAIN)
    return NUMBERS.get(cell.shape, "N-text" if as_typed else "")


def _width(number: int, form: FormSheet) -> str:
    return "".join(
        f'<style:style style:name="column{number}-{column}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{width * CENTIMETRES:.2f}cm"/></style:style>'
        for column, width in enumerate(form.widths)
    )


class _Validations:
    """Names each rule once; its condition is that of the first cell it is asked for, moved with the cell."""

    def __init__(self) -> None:
        self._known: dict[Rule, tuple[str, str]] = {}

    def name(self, rule: Rule, sheet: str, column: int, row: int) -> str:
        if rule not in self._known:
            cell = f"{letters(column)}{row + 1}"
            name = f"rule{len(self._known) + 1}"
            address = "$'{}'.{}".format(sheet.replace("'", "''"), cell)
            written = (
                f'<table:content-validation table:name="{name}" '
                f"table:condition={quoteattr(_condition(rule, cell))} "
                f'table:allow-empty-cell="true" table:base-cell-address={quoteattr(address)}>'
                '<table:error-message table:message-type="stop" table:display="true">'
                f"{paragraphs(xml_text(rule.message))}</table:error-message></table:content-validation>"
            )
            self._known[rule] = name, written
        return self._known[rule][0]

    def __str__(self) -> str:
        written = "".join(each for _name, each in self._known.values())
        return f"<table:content-validations>{written}</table:content-validations>" if written else ""


def _condition(rule: Rule, cell: str) -> str:
    if rule.is_choice:
        words = ";".join(map(quoted, rule.words))
        return f"of:cell-content-is-in-list({words})"
    if rule.number:
        return f"of:is-true-formula({condition(rule, f'[.{cell}]', ';')})"
    return f"of:cell-content-text-length()<={rule.longest}"


def _table(number: int, form: FormSheet, styles: _Styles, validations: _Validations) -> str:
    columns = "".join(
        f'<table:table-column table:style-name="column{number}-{column}"'
        f"{' table:visibility=' + quoteattr('collapse') if column in form.hidden else ''}/>"
        for column in range(len(form.widths))
    )
    rows = [
        "".join(_cell(form, column, row, styles, validations) for column in range(len(cells)))
        for row, cells in enumerate(form.rows)
    ]
    rows = [f'<table:table-row table:style-name="row">{cells}</table:table-row>' for cells in rows]
    head = "".join(rows[: form.frozen[0]])
    head = f"<table:table-header-rows>{head}</table:table-header-rows>" if head else ""
    locked = ' table:protected="true"' if form.protected else ""
    return (
        f'<table:table table:name={quoteattr(form.name)} table:style-name="sheet"{locked}>{columns}{head}'
        f"{''.join(rows[form.frozen[0] :])}</table:table>"
    )


def _cell(form: FormSheet, column: int, row: int, styles: _Styles, validations: _Validations) -> str:
    cell = form.rows[row][column]
    style = styles.name(cell, form.sides.get(column), column in form.hidden)
    attributes = f' table:style-name="{style}"'
    if cell.rule and cell.look is not Look.LOCKED:
        attributes += (
            f' table:content-validation-name="{validations.name(cell.rule, form.name, column, row)}"'
        )
    kind, content = _value(cell)
    note = _note(cell.note) if cell.note else ""
    return f"<table:table-cell{attributes}{kind}>{note}{content}</table:table-cell>"


def _value(cell: FormCell) -> tuple[str, str]:
    """Return the attributes that say what a cell's value is, and what it shows."""
    text = plain(cell.value) if isinstance(cell.value, int | Decimal) else cell.text
    if not text:
        return "", ""
    if isinstance(cell.value, int | Decimal) and is_exact(cell.value, text):
        return f' office:value-type="float" office:value="{text}"', f"<text:p>{text}</text:p>"
    return ' office:value-type="string"', paragraphs(xml_text(text))


def _note(note: str) -> str:
    return (
        f'<office:annotation office:display="false"><dc:creator>{AUTHOR}</dc:creator>'
        f"{paragraphs(xml_text(note))}</office:annotation>"
    )


def _settings(sheets: Sequence[FormSheet]) -> str:
    """Return how the workbook opens: at its first sheet, rows and columns that stay in sight."""
    views = "".join(
        f"<config:config-item-map-entry config:name={quoteattr(form.name)}>{_frozen(form)}"
        "</config:config-item-map-entry>"
        for form in sheets
    )
    return (
        f"{HEAD}<office:document-settings {NAMES}><office:settings>"
        '<config:config-item-set config:name="ooo:view-settings">'
        '<config:config-item-map-indexed config:name="Views">'
        '<config:config-item-map-entry><config:config-item config:name="ViewId" config:type="string">view1'
        f'</config:config-item><config:config-item-map-named config:name="Tables">{views}'
        '</config:config-item-map-named><config:config-item config:name="ActiveTable" config:type="string">'
        f"{xml_text(sheets[0].name)}</config:config-item></config:config-item-map-entry>"
        "</config:config-item-map-indexed></config:config-item-set></office:settings></office:document-settings>"
    )


def _frozen(form: FormSheet) -> str:
    rows, columns = form.frozen
    items: list[tuple[str, str, int]] = []
    if rows:
        items += [("VerticalSplitMode", "short", 2), ("VerticalSplitPosition", "int", rows)]
        items += [("PositionBottom", "int", rows)]
    if columns:
        items += [("HorizontalSplitMode", "short", 2), ("HorizontalSplitPosition", "int", columns)]
        items += [("PositionRight", "int", columns)]
    if items:
        items.append(("ActiveSplitRange", "short", 3 if rows and columns else 2))
    return "".join(
        f'<config:config-item config:name="{name}" config:type="{kind}">{value}</config:config-item>'
        for name, kind, value in items
    )
