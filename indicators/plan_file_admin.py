"""The download of a plan's workbook in the admin."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.acting import record
from ledger.models import Action
from objectives.models import Plan
from objectives.scoped import signed_in

from .imports.plan_files import CONTENT_TYPES, file_name, plan_workbook


@require_safe
@never_cache
def plan_file(request: HttpRequest, plan_id: int, extension: str) -> HttpResponse:
    """Send the plan's workbook, and record that it was taken."""
    user = signed_in(request)
    plan = Plan.objects.visible_to(user).filter(pk=plan_id).select_related("unit").first()
    if plan is None or extension not in CONTENT_TYPES:
        raise Http404
    content = plan_workbook(plan, extension, by=user, now=timezone.now())
    name = file_name(plan, extension)
    record_plan_file(plan, name, content)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(
        content, content_type=CONTENT_TYPES[extension], headers={"Content-Disposition": disposition or ""}
    )


def record_plan_file(plan: Plan, name: str, content: bytes) -> None:
    """Write into the ledger that a plan's workbook was taken."""
    details = {"file": name, "sha256": hashlib.sha256(content).hexdigest()}
    record(Action.EXPORT, about=plan, details=details)
