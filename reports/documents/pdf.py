"""A document as PDF: tagged, its fonts embedded, nothing fetched from anywhere."""

from __future__ import annotations

from threading import Lock
from typing import Any, NoReturn

from django.template.loader import render_to_string

from .fonts import family
from .tree import Document

VARIANT = "pdf/ua-1"
"""Accessible PDF: tagged, with title, language and alternative texts."""

_ONE_AT_A_TIME = Lock()  # setting the pages of one report takes some hundred megabytes


def pdf(document: Document) -> bytes:
    """Return the document as PDF. Raises DocumentRefused where no font has its characters."""
    font = family()
    from weasyprint import HTML  # only here: it needs Pango, which a site without documents does without

    page = render_to_string("reports/documents/document.html", {"document": document, "font": font})
    with _ONE_AT_A_TIME:
        written: Any = HTML(string=page, url_fetcher=_refuse).write_pdf(
            pdf_variant=VARIANT, pdf_identifier=document.mark.encode(), pdf_tags=True
        )
    return bytes(written)


def _refuse(url: str, *arguments: Any, **options: Any) -> NoReturn:
    raise ValueError(f"Documents fetch nothing, and so not {url}.")
