"""The tables of the pages as files: the same numbers in every format, for whom they are, and known to the ledger."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from indicators import workflow
from indicators.formula import compile_formula
from indicators.models import ImportBatch, Indicator, PlannedValue, QuarterReport, Variable
from ledger.models import Entry
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal, Membership, Plan, Unit, User
from objectives.roles import Role
from objectives.tests.pages import signed_in, text
from reports.exports import figures as figures_module
from reports.exports.catalogue import DATASETS
from reports.exports.dictionary import DICTIONARY
from reports.exports.files import data_settled, extensions
from reports.exports.places import Place, places
from reports.exports.status import days_late
from reports.moments import data_at

from .markup import markup

OFFERED = [each for each in (*DATASETS.values(), DICTIONARY) if each.name != "ledger"]
NAMES = [each.name for each in OFFERED]
FILES = [(each.name, extension) for each in OFFERED for extension in extensions(each)]
ATTACKS = ("=1+1", "＝1", "+1", "-1+1", "@SUM(A1)", "＠x", "\t=1", "'=1", "\r=1")

Rows = list[dict[str, Any]]
ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}%s"


@pytest.fixture
def filled(plan, report, approved, planner, administrator, department):
    """A plan in which something is reported of everything that a dataset tells."""
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K2-2"), quarter=1, value=4)
    approved("K1-1", 1, outbound=4, inbound=8)
    approved("K2-2", 1, behind=True, meetings=1)
    shared = Indicator.objects.get(code="K5-2")
    shared.variables.update(by_unit=True)
    shared.contributing_units.add(department)
    given = {("projects", shared.lead_unit_id): Decimal(3), ("projects", department.pk): Decimal("2")}
    ImportBatch.objects.create(
        kind="FIGURES", state="CHECKED", unit=plan.unit, plan=plan, quarter=1, name="第1季.xlsx", size=1234,
        sha256="0" * 64, uploaded_by=planner, uploaded_at=NOW, rows=3, new=2, unchanged=1,
    )  # fmt: skip
    return plan
