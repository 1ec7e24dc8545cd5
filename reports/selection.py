"""What a page shows: an agency's plan, a quarter, which reports count. It all stands in the address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from indicators.readings import Basis
from objectives.models import Plan, User
from objectives.permissions import can

from .facets import Narrowing, asked
from .moments import At, data_at, read_moment
from .results import current_quarter

BASES = {"official": Basis.OFFICIAL, "provisional": Basis.PROVISIONAL}


@dataclass(frozen=True)
class Choice:
    """A link to the same page with one thing chosen differently."""

    name: Any
    query: str
    current: bool


@dataclass(frozen=True)
class Selection:
    """A plan at a quarter on a basis, among the plans that the visitor may see."""

    plan: Plan
    quarter: int
    basis: Basis
    plans: Sequence[Plan]
    at: At
    narrowing: Narrowing = field(default_factory=dict)

    @property
    def is_provisional(self) -> bool:
        return self.basis is Basis.PROVISIONAL

    @property
    def query(self) -> str:
        """The query string of this selection, for every link."""
        return self._query()

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The same, name by name, for a form."""
        return parse_qsl(self.query.removeprefix("?"))

    @property
    def other_basis_query(self) -> str:
        """The query string with the other basis."""
        return self._query(basis=Basis.OFFICIAL if self.is_provisional else Basis.PROVISIONAL)

    @property
    def whole_query(self) -> str:
        """The query string without what narrows the lists."""
        return self._query(narrowing={})

    @property
    def whole_parameters(self) -> list[tuple[str, str]]:
        """The same, name by name, for a form."""
        return parse_qsl(self.whole_query.removeprefix("?"))

    @property
    def present_query(self) -> str:
        """The query string for the data of today."""
        return self._query(present=True)

    @property
    def present_parameters(self) -> list[tuple[str, str]]:
        """The same, name by name, for a form."""
        return parse_qsl(self.present_query.removeprefix("?"))

    @property
    def quarters(self) -> list[Choice]:
        return [Choice(number, self._query(quarter=number), number == self.quarter) for number in QUARTERS]

    @property
    def years(self) -> list[Choice]:
        """The years for which the agency has a plan."""
        mine = [plan for plan in self.plans if plan.unit_id == self.plan.unit_id]
        return [Choice(plan.year, self._query(plan=plan), plan == self.plan) for plan in mine]

    @property
    def year_before(self) -> Plan | None:
        """The agency's plan of the year before, where there is one."""
        wanted = self.plan.unit_id, self.plan.year - 1
        return next((plan for plan in self.plans if (plan.unit_id, plan.year) == wanted), None)

    @property
    def agencies(self) -> list[Choice]:
        """The agencies with a plan, each in the chosen year or else its latest."""
        latest = {plan.unit: plan for plan in reversed(self.plans)}
        same_year = {plan.unit: plan for plan in self.plans if plan.year == self.plan.year}
        return [
            Choice(unit.name, self._query(plan=same_year.get(unit, plan)), unit == self.plan.unit)
            for unit, plan in sorted(latest.items(), key=lambda item: item[0].code)
        ]

    def query_of(self, plan: Plan) -> str:
        """The query string of another plan at the same quarter."""
        return self._query(plan=plan)

    def _query(
        self,
        *,
        plan: Plan | None = None,
        quarter: int | None = None,
        basis: Basis | None = None,
        present: bool = False,
        narrowing: Narrowing | None = None,
    ) -> str:
        if narrowing is None:
            narrowing = self.narrowing if plan in (None, self.plan) else {}  # another plan has other goals
        plan, basis = plan or self.plan, basis or self.basis
        query: dict[str, Any] = {"year": plan.year, "quarter": quarter or self.quarter}
        if len({plan.unit_id for plan in self.plans}) > 1:
            query["agency"] = plan.unit.code
        if basis is not Basis.OFFICIAL:
            query["basis"] = basis.value
        if self.at.past and not present:
            query["as_of"] = self.at.written
        return f"?{urlencode({**query, **narrowing})}"


def reader(request: HttpRequest) -> User:
    """Return who asks. Raises PermissionDenied for someone without a role."""
    user = request.user
    if not isinstance(user, User) or not can(user, "reports.view_attainment"):
        raise PermissionDenied(_("Your account has no role yet. Please ask an administrator for one."))
    return user


@contextmanager
def asked_data(request: HttpRequest) -> Iterator[At]:
    """Let everything inside read the data of the moment that the address asks for, else of now.

    Raises Http404, with a sentence for people, for a moment that cannot be shown.
    """
    asked = request.GET.get("as_of", "").strip()
    with ExitStack() as stack:
        try:
            at = stack.enter_context(data_at(read_moment(asked) if asked else None))
        except ValidationError as error:
            raise Http404(" ".join(error.messages)) from error
        yield at


def select(request: HttpRequest, at: At) -> Selection:
    """Return what the address asks for; what it leaves open is the newest.

    Raises Http404, with a sentence for people, where there is no such plan, quarter or basis, or none that
    the visitor may see.
    """
    plans = list(Plan.objects.visible_to(reader(request)).select_related("unit"))
    # The newest first, and of one year the ministry's before those of units below it.
    plans.sort(key=lambda plan: (-plan.year, plan.unit.parent_id is not None, plan.unit.code))
    plans.sort(key=lambda plan: plan.in_preparation)
    plan = _plan(plans, request.GET.get("agency"), request.GET.get("year"))
    basis = _basis(request.GET.get("basis", Basis.OFFICIAL.value))
    quarter = request.GET.get("quarter")
    chosen = current_quarter(plan, at.now) if quarter is None else _quarter(quarter)
    return Selection(plan, chosen, basis, plans, at, asked(request.GET))


def _plan(plans: Sequence[Plan], agency: str | None, year: str | None) -> Plan:
    if not plans:
        raise Http404(_("There is no annual plan yet."))
    if agency is not None:
        plans = [plan for plan in plans if plan.unit.code == agency]
        if not plans:
            raise Http404(_("There is no plan of an agency with this code."))
    if year is not None:
        if not re.fullmatch(r"[1-9][0-9]{0,2}", year):
            raise Http404(_("The year in the address is not an ROC year such as 99."))
        plans = [plan for plan in plans if plan.year == int(year)]
        if not plans:
            raise Http404(_("There is no plan for ROC year %(year)s.") % {"year": year})
    return plans[0]


def _quarter(text: str) -> int:
    if not re.fullmatch(r"[1-4]", text):
        raise Http404(_("The quarter in the address is not 1, 2, 3 or 4."))
    return int(text)


def _basis(text: str) -> Basis:
    if text not in BASES:
        raise Http404(_("The address asks for a range of figures that does not exist."))
    return BASES[text]
