"""A workbook to be filled in, as ODS (OpenDocument 1.2)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from xml.sax.saxutils import quoteattr
from zipfile import ZipInfo

from .forms import AUTHOR, BACKGROUNDS, FormCell, FormSheet, Look, Rule
from .ods_writing import CENTIMETRES, CONTENT_TYPE, HEAD, MANIFEST, NAMES, STYLES, paragraphs
from .values import plain
from .workbooks import add, archive, is_exact, letters, xml_text
from .xlsx_forms import condition, quoted

FORM_NAMES = (
    f'{NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"'
)

_BOLD = 'fo:font-weight="bold" style:font-weight-asian="bold"'
TEXTS = {
    Look.TITLE: f'<style:text-properties {_BOLD} fo:font-size="16pt" style:font-size-asian="16pt"/>',
    Look.BOLD: f"<style:text-properties {_BOLD}/>",
    Look.HEADING: f"<style:text-properties {_BOLD}/>",
}
BORDERS = {
    Look.HEADING: "0.5pt solid #9AA5AD", Look.LOCKED: "0.5pt solid #C8CED2", Look.OPEN: "0.5pt solid #9AA5AD",
    Look.WRONG: "1.5pt solid #B3261E",
}  # fmt: skip


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
    validations = _Validations()
    tables = "".join(_table(number, form, validations) for number, form in enumerate(sheets))
    widths = "".join(_width(number, form) for number, form in enumerate(sheets))
    return (
        f"{HEAD}<office:document-content {FORM_NAMES}><office:automatic-styles>{widths}"
        '<number:number-style style:name="N-number"><number:number number:min-integer-digits="1" '
        'number:decimal-places="6" number:min-decimal-places="0" number:grouping="true"/>'
        "</number:number-style>"
        '<number:text-style style:name="N-text"><number:text-content/></number:text-style>'
        '<style:style style:name="sheet" style:family="table" style:master-page-name="Default">'
        '<style:table-properties table:display="true"/></style:style>'
        '<style:style style:name="row" style:family="table-row">'
        '<style:table-row-properties style:use-optimal-row-height="true"/></style:style>'
        f"{''.join(map(_style, Look))}</office:automatic-styles><office:body><office:spreadsheet>"
        f"{validations}{tables}</office:spreadsheet></office:body></office:document-content>"
    )


def _style(look: Look) -> str:
    border = f' fo:border="{BORDERS[look]}"' if look in BORDERS else ""
    colour = f' fo:background-color="{BACKGROUNDS[look]}"' if look in BACKGROUNDS else ""
    protect = "none" if look.is_open else "protected"
    wrap = "no-wrap" if look is Look.TITLE else "wrap"
    cell = (
        f'<style:table-cell-properties style:vertical-align="top" fo:wrap-option="{wrap}" '
        f'style:cell-protect="{protect}"{border}{colour}/>'
    )
    shapes = [
        (f"{look.value}", "N-text" if look.is_open or look is Look.PLAIN else ""),
        (f"{look.value}-number", "N-number"),
    ]
    return "".join(
        f'<style:style style:name="{name}" style:family="table-cell" style:parent-style-name="Default"'
        f"{f' style:data-style-name={quoteattr(data)}' if data else ''}>"
        f"{cell}{TEXTS.get(look, '')}</style:style>"
        for name, data in shapes
    )


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


def _table(number: int, form: FormSheet, validations: _Validations) -> str:
    columns = "".join(
        f'<table:table-column table:style-name="column{number}-{column}"'
        f"{' table:visibility=' + quoteattr('collapse') if column in form.hidden else ''}/>"
        for column in range(len(form.widths))
    )
    rows = [
        _row([_cell(cell, form.name, column, row, validations) for column, cell in enumerate(cells)])
        for row, cells in enumerate(form.rows)
    ]
    head = "".join(rows[: form.frozen[0]])
    head = f"<table:table-header-rows>{head}</table:table-header-rows>" if head else ""
    locked = ' table:protected="true"' if form.protected else ""
    return (
        f'<table:table table:name={quoteattr(form.name)} table:style-name="sheet"{locked}>{columns}{head}'
        f"{''.join(rows[form.frozen[0] :])}</table:table>"
    )


def _row(cells: Sequence[str]) -> str:
    return f'<table:table-row table:style-name="row">{"".join(cells)}</table:table-row>'


def _cell(cell: FormCell, sheet: str, column: int, row: int, validations: _Validations) -> str:
    wants_number = bool(cell.rule and cell.rule.number) or isinstance(cell.value, int | Decimal)
    attributes = f' table:style-name="{cell.look.value}{"-number" if wants_number else ""}"'
    if cell.rule and cell.look is not Look.LOCKED:
        attributes += f' table:content-validation-name="{validations.name(cell.rule, sheet, column, row)}"'
    note = _note(cell.note) if cell.note else ""
    if isinstance(cell.value, int | Decimal) and is_exact(cell.value, plain(cell.value)):
        number = plain(cell.value)
        attributes += f' office:value-type="float" office:value="{number}"'
        return f"<table:table-cell{attributes}>{note}<text:p>{number}</text:p></table:table-cell>"
    text = plain(cell.value) if isinstance(cell.value, int | Decimal) else cell.text
    if not text:
        return f"<table:table-cell{attributes}>{note}</table:table-cell>"
    attributes += ' office:value-type="string"'
    return f"<table:table-cell{attributes}>{note}{paragraphs(xml_text(text))}</table:table-cell>"


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
