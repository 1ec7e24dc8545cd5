"""Indicators and what is reported for them, in four rooms: definitions, reports, periods, imports."""

from .definitions import QUARTERS, Definition, Indicator, PlannedValue, TargetRevision, Variable
from .imports import ImportBatch, ImportFile
from .periods import Reminder, Reopening, ReportingPeriod
from .reports import OPEN_FOR_ENTRY, Evidence, Figure, ItemProgress, QuarterReport, ReportStep, Status

__all__ = [
    "OPEN_FOR_ENTRY",
    "QUARTERS",
    "Definition",
    "Evidence",
    "Figure",
    "ImportBatch",
    "ImportFile",
    "Indicator",
    "ItemProgress",
    "PlannedValue",
    "QuarterReport",
    "Reminder",
    "Reopening",
    "ReportStep",
    "ReportingPeriod",
    "Status",
    "TargetRevision",
    "Variable",
]
