"""A document as ODT, to be edited on: real headings, tables with repeated headers, page numbers as fields."""

from __future__ import annotations

import io
from zipfile import ZIP_STORED, ZipInfo

from django.template.loader import render_to_string

from objectives.spreadsheets.workbooks import add, archive

from .fonts import FAMILIES
from .tree import Document

MIME_TYPE = "application/vnd.oasis.opendocument.text"
_PARTS = ("content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml")


def odt(document: Document) -> bytes:
    """Return the document as ODT; whoever opens it needs one of the fonts, or gets another one."""
    charts = [block for block in document.blocks if block.kind == "chart"]
    context = {"document": document, "font": FAMILIES[0], "mime_type": MIME_TYPE, "charts": charts}
    file = io.BytesIO()
    with archive(file) as book:
        book.writestr(ZipInfo("mimetype"), MIME_TYPE, ZIP_STORED)  # the first, and as it is
        for part in _PARTS:
            template = f"reports/documents/{part.rpartition('/')[2]}"
            add(book, part, render_to_string(template, context))
        for number, chart in enumerate(charts, start=1):
            picture = render_to_string("reports/documents/chart.svg", {"chart": chart, "font": FAMILIES[0]})
            add(book, f"Pictures/chart{number}.svg", picture)
    return file.getvalue()
