"""下載填報檔: the worksheet's workbook, to take away."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ledger.acting import record
from ledger.models import Action, Entry
from ledger.verify import snapshot
from objectives.models import Plan, Unit
from objectives.scoped import signed_in

from .imports.workbook import FORMATS, file_name, workbook
from .worksheet import sheet_for
from .worksheet_pages import OWN, entry_page


@require_GET
def download_workbook(
    request: HttpRequest, year: int, quarter: int, code: str, extension: str
) -> HttpResponse:
    """Give a unit's quarter as a workbook to be filled in; that it was taken is in the ledger."""
    if extension not in FORMATS:
        raise Http404(_("There is no file format of this name."))

    @entry_page
    def give(request: HttpRequest, plan: Plan, quarter: int, unit: Unit) -> HttpResponse:
        return _workbook(request, plan, quarter, unit, extension)

    return give(request, year, quarter, code)


def _workbook(request: HttpRequest, plan: Plan, quarter: int, unit: Unit, extension: str) -> HttpResponse:
    user = signed_in(request)
    own = request.GET.get("scope") == OWN
    units = {unit.pk} if own else Unit.objects.tree().below(unit.pk)
    with snapshot():
        sheet = sheet_for(plan=plan, unit=unit, units=units, quarter=quarter, user=user, now=timezone.now())
        head = Entry.objects.head()
        content = workbook(sheet, by=user, head=head, extension=extension)
    name = file_name(sheet, extension)
    details = {
        "what": "workbook",
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "unit": unit.code,
        "quarter": quarter,
        "head_seq": head.seq,
        "head_hash": head.hash,
    }
    record(Action.EXPORT, about=plan, details=details)
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=FORMATS[extension][0], headers=headers)
