"""Which part of the data a file holds, and for whom it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from indicators.models import QuarterReport
from indicators.models.reports import QuarterReportQuerySet
from indicators.readings import Basis
from objectives.models import Plan, User

from ..moments import At
from ..reporting import Reporting, reporting
from ..results import PlanResults, plan_results


@dataclass(frozen=True)
class Scope:
    """What is asked for: of which moment, by whom, of which plan up to which quarter on which basis.

    reader None is whoever runs a command on the server, and reads everything. plan_asked None: the dataset is
    not one of a plan. more are further filters by their names in the address.
    """

    at: At
    reader: User | None
    plan_asked: Plan | None = None
    quarter: int = 0
    basis: Basis = Basis.OFFICIAL
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The plan asked for. Raises LookupError where none was."""
        if self.plan_asked is None:
            raise LookupError("This dataset was asked for without a plan.")
        return self.plan_asked

    @cached_property
    def results(self) -> PlanResults:
        return plan_results(self.plan, quarter=self.quarter, at=self.at, basis=self.basis)

    @property
    def reports(self) -> QuarterReportQuerySet:
        """The plan's reports up to the quarter whose drafts and remarks the reader may read."""
        reports = QuarterReport.objects.all()
        if self.reader is not None:
            reports = QuarterReport.objects.visible_to(self.reader)
        return reports.filter(indicator__goal__plan=self.plan, quarter__lte=self.quarter)

    @cached_property
    def reporting(self) -> Reporting:
        """How the reports stand that the reader may follow, up to the quarter."""
        return reporting(self.plan, until=self.quarter, reports=self.reports, now=self.at.now)

    @property
    def asked(self) -> dict[str, Any]:
        """The filters as the ledger keeps them, by their names in the address."""
        if self.plan_asked is None:
            return dict(self.more)
        chosen = {
            "year": self.plan.year,
            "agency": self.plan.unit.code,
            "quarter": self.quarter,
            "basis": self.basis.value,
        }
        return chosen | dict(self.more)
