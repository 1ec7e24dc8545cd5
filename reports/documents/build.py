"""One report in one format, as bytes that depend on nothing but what it says."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import override

from indicators.readings import Basis
from objectives.models import Plan, User

from ..moments import At
from .odt import odt
from .pdf import pdf
from .quarterly import quarterly
from .tree import Document

WRITERS: dict[str, Callable[[Document], bytes]] = {"odt": odt, "pdf": pdf}
CONTENT_TYPES = {"odt": "application/vnd.oasis.opendocument.text", "pdf": "application/pdf"}


def build(
    plan: Plan,
    *,
    quarter: int,
    at: At,
    basis: Basis,
    format: str,
    number: str = "",
    reader: User | None = None,
) -> bytes:
    """Return a plan's quarterly report (季報) as odt or pdf.

    number stands on every page; a report without one is a draft. What the units wrote is in it as far as
    reader may read it; None reads everything. Raises DocumentRefused where no font has the characters.
    """
    with override("zh-hant"):  # what a document says is Chinese whatever the language of the screen
        return WRITERS[format](quarterly(plan, quarter, at=at, basis=basis, number=number, reader=reader))
