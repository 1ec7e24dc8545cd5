"""Drafts of reports: what is looked through before it is published; each is in the ledger like every file."""

from __future__ import annotations

import hashlib

from indicators.readings import Basis
from ledger.acting import record
from ledger.models import Action
from objectives.models import Plan

from ..moments import At


def draft_name(plan: Plan, quarter: int, basis: Basis, extension: str) -> str:
    """Name the file after what it is: 99年度第3季季報-草稿.pdf."""
    unapproved = "" if basis is Basis.OFFICIAL else "-含未審核"
    return f"{plan.year}年度第{quarter}季季報-草稿{unapproved}.{extension}"


def recorded(plan: Plan, quarter: int, at: At, basis: Basis, name: str, content: bytes) -> str:
    """Write into the ledger that a draft was taken away; return its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    details = {
        "what": "report",
        "file": name,
        "filters": {"year": plan.year, "agency": plan.unit.code, "quarter": quarter, "basis": basis.value},
        "as_of": at.written if at.past else None,
        "head_seq": at.head.seq,
        "head_hash": at.head.hash,
        "sha256": digest,
    }
    record(Action.EXPORT, about=plan, details=details)
    return digest
