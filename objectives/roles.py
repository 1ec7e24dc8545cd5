"""Who may do what: one table from role to permissions.

A permission is held over the unit of the membership and every unit below it, except for those of
READABLE_BY_ALL_ROLES, which each role gives over its whole organisation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person does for a unit."""

    PLANNER = "PLANNER", _("Planner")
    HEAD = "HEAD", _("Head of unit")
    REVIEWER = "REVIEWER", _("Reviewer")
    MANAGER = "MANAGER", _("Manager")
    AUDITOR = "AUDITOR", _("Auditor")
    ADMINISTRATOR = "ADMINISTRATOR", _("Administrator")


READABLE_BY_ALL_ROLES = frozenset(
    {
        "objectives.view_unit",
        "objectives.view_plan",
        "objectives.view_goal",
        "objectives.view_strategy",
        "objectives.view_workplan",
        "objectives.view_workitem",
        "indicators.view_indicator",
        "indicators.view_variable",
        "indicators.view_plannedvalue",
        "indicators.view_targetrevision",
        "indicators.view_reportingperiod",
        "reports.view_attainment",
        "reports.view_publication",
    }
)

# What a deputy takes over: daily work, and neither the accounts nor the auditors' independence.
DEPUTISED = (Role.PLANNER, Role.HEAD, Role.REVIEWER, Role.MANAGER)

_READ_REPORTS = frozenset({"indicators.view_quarterreport", "indicators.view_figure"})


def _manage(app: str, *models: str) -> frozenset[str]:
    return frozenset(
        f"{app}.{verb}_{model}" for model in models for verb in ("view", "add", "change", "delete")
    )


PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.PLANNER: _READ_REPORTS | {"indicators.change_quarterreport", "indicators.submit_quarterreport"},
    Role.HEAD: _READ_REPORTS | {"indicators.endorse_quarterreport", "indicators.return_quarterreport"},
    Role.REVIEWER: _READ_REPORTS
    | {
        "indicators.approve_quarterreport",
        "indicators.return_quarterreport",
        "indicators.reopen_quarterreport",
        "indicators.approve_targetrevision",
        "reports.add_publication",
    },
    Role.MANAGER: _READ_REPORTS,
    Role.AUDITOR: _READ_REPORTS | {"ledger.view_entry", "indicators.view_importbatch"},
    Role.ADMINISTRATOR: _READ_REPORTS
    | _manage("objectives", "unit", "plan", "goal", "strategy", "workplan", "workitem")
    | _manage("objectives", "user", "membership", "deputy")
    | _manage("indicators", "indicator", "variable", "plannedvalue")
    | {
        "objectives.adopt_plan",
        "objectives.close_plan",
        "objectives.copy_plan",
        "indicators.add_targetrevision",
        "indicators.change_reportingperiod",
        "indicators.view_importbatch",
        "reports.add_publication",
    },
}

ALL_PERMISSIONS = READABLE_BY_ALL_ROLES.union(*PERMISSIONS.values())


@dataclass(frozen=True)
class Tree:
    """The forest of units, as unit id → parent id."""

    parents: Mapping[int, int | None]

    def root(self, unit: int) -> int:
        """Return the topmost unit above unit (itself where it has no parent)."""
        *_, top = self.above(unit)
        return top

    def below(self, unit: int) -> frozenset[int]:
        """Return unit and every unit under it."""
        return frozenset(other for other in self.parents if unit in self.above(other))

    def above(self, unit: int | None) -> Iterable[int]:
        """Yield unit and every unit above it, each once: a circle, which no tree has, ends too."""
        seen = set()
        while unit is not None and unit not in seen:
            seen.add(unit)
            yield unit
            unit = self.parents[unit]


@dataclass(frozen=True)
class Rights:
    """A person's roles, resolved over the forest of units."""

    units_by_role: Mapping[Role, frozenset[int]]
    organisation: frozenset[int]
    principals: frozenset[int] = frozenset()  # the people whose deputy the person is now, by id

    @classmethod
    def of(
        cls, memberships: Iterable[tuple[str, int]], tree: Tree, principals: Iterable[int] = ()
    ) -> "Rights":
        """Resolve (role, unit id) pairs."""
        units_by_role: dict[Role, frozenset[int]] = {}
        organisation: frozenset[int] = frozenset()
        for name, unit in memberships:
            role = Role(name)
            units_by_role[role] = units_by_role.get(role, frozenset()) | tree.below(unit)
            organisation |= tree.below(tree.root(unit))
        return cls(units_by_role, organisation, frozenset(principals))

    def units(self, permission: str) -> frozenset[int]:
        """Return the units over which the person holds the permission."""
        if permission in READABLE_BY_ALL_ROLES:
            return self.organisation
        held = (units for role, units in self.units_by_role.items() if permission in PERMISSIONS[role])
        return frozenset().union(*held)
