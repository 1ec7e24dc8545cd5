"""Small workbooks made by hand, so that a test can put anything into them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
STRICT = {
    SPREADSHEET: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    OFFICE: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}

ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODS_SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for prefix, space in {"office": "office", "table": "table", "text": "text", "draw": "drawing"}.items()
)
CALCEXT = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'

Parts = Mapping[str, str | bytes]


def zipped(parts: Parts) -> bytes:
    """Pack parts by their names, «mimetype» as it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, how)  # without the time of day
    return file.getvalue()


def related(*parts: tuple[str, str, str]) -> str:
    """Relate (id, kind, target) parts."""
    inside = "".join(
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"/>' for key, kind, target in parts
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def sheet(rows: str, before: str = "") -> str:
    """The XML of a worksheet."""
    return f'<worksheet xmlns="{SPREADSHEET}">{before}<sheetData>{rows}</sheetData></worksheet>'


def strings(*items: str) -> str:
    """The XML of the shared strings, each of which is XML itself."""
    inside = "".join(f"<si>{item}</si>" for item in items)
    return f'<sst xmlns="{SPREADSHEET}">{inside}</sst>'


def styles(*codes: int | str) -> str:
    """The XML of styles whose cells have these number formats, built-in ones by their number."""
    numbers = [code if isinstance(code, int) else 164 + place for place, code in enumerate(codes)]
    formats = "".join(
        f"<numFmt numFmtId='{number}' formatCode='{code}'/>"
        for number, code in zip(numbers, codes, strict=True)
        if isinstance(code, str)
    )
    cells = "".join(f'<xf numFmtId="{number}"/>' for number in numbers)
    named = '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    return (
        f'<styleSheet xmlns="{SPREADSHEET}"><numFmts>{formats}</numFmts>{named}'
        f"<cellXfs>{cells}</cellXfs></styleSheet>"
    )


def xlsx_parts(
    sheets: Mapping[str, str], properties: str = "", others: Parts | None = None
) -> dict[str, str | bytes]:
    """The parts of a workbook with these sheets, each the XML of a worksheet."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="s{number}"/>'
        for number, name in enumerate(sheets, start=1)
    )
    targets = [(f"s{each}", "worksheet", f"worksheets/sheet{each}.xml") for each in range(1, len(sheets) + 1)]
    shared = [("t", "sharedStrings", "sharedStrings.xml"), ("y", "styles", "styles.xml")]
    types = f'<Override PartName="/xl/workbook.xml" ContentType="{CONTENT_TYPE}"/>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{types}</Types>',
        "_rels/.rels": related(("w", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><workbookPr {properties}/>'
            f"<sheets>{listed}</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": related(*targets, *shared),
        "xl/sharedStrings.xml": strings(),
        "xl/styles.xml": styles(),
        **{f"xl/worksheets/sheet{n}.xml": each for n, each in enumerate(sheets.values(), start=1)},
        **(others or {}),
    }


def xlsx(rows: str, *, shared: str = "", looks: str = "", properties: str = "", before: str = "") -> bytes:
    """A workbook of one sheet with these rows; shared and looks are the XML of its strings and styles."""
    others = {"xl/sharedStrings.xml": shared or strings(), "xl/styles.xml": looks or styles()}
    return zipped(xlsx_parts({"填報": sheet(rows, before)}, properties, others))


def content(tables: str, before: str = "") -> str:
    """The XML of an ODS file's tables."""
    return (
        f"<office:document-content {ODS_SPACES} {CALCEXT}>{before}<office:body><office:spreadsheet>"
        f"{tables}</office:spreadsheet></office:body></office:document-content>"
    )


def ods_parts(xml: str | bytes) -> dict[str, str | bytes]:
    """The parts of an ODS file with this content.xml."""
    return {"mimetype": ODS_TYPE, "content.xml": xml, "META-INF/manifest.xml": "<manifest/>"}


def ods(rows: str) -> bytes:
    """An ODS file of one table with these rows."""
    return zipped(ods_parts(content(f'<table:table table:name="填報">{rows}</table:table>')))
