"""People signed in, and a plan of many indicators."""

import pytest
from django.test import Client

from indicators import locks
from indicators.models import Figure, Indicator, QuarterReport, Status, Variable
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal, Plan, User


@pytest.fixture
def managing(client: Client, manager: User) -> Client:
    """A browser in which the manager is signed in."""
    client.force_login(manager)
    return client


@pytest.fixture
def many_indicators(plan: Plan, planner: User, reviewer: User) -> int:
    """Fill the plan up to 2,000 indicators, each over two variables and with an approved quarter."""
    goal = Goal.objects.get(plan=plan, kind="KEY", number=1)
    model = Indicator.objects.get(goal=goal, number=1)
    total = 2_000
    indicators = Indicator.objects.bulk_create(
        Indicator(
            goal=goal, code=f"X{number}", number=number, title=f"指標 {number}", scheme=1, method="統計數據",
            standard="次數", target=55, unit="次", formula="a / b * 100", lead_unit=model.lead_unit,
        )
        for number in range(100, 100 + total - Indicator.objects.count())
    )  # fmt: skip
    variables = Variable.objects.bulk_create(
        Variable(
            indicator=indicator, symbol=symbol, name=symbol, rollup="SUM", kind="COUNT", position=position
        )
        for indicator in indicators
        for position, symbol in enumerate("ab")
    )
    reports = QuarterReport.objects.bulk_create(
        QuarterReport(
            indicator=indicator, quarter=1, status=Status.APPROVED, submitted_by=planner, submitted_at=NOW,
            approved_by=reviewer, approved_at=NOW,
        )
        for indicator in indicators
    )  # fmt: skip
    by_indicator = {report.indicator_id: report for report in reports}
    with locks.dismantled():  # the reports are approved already
        Figure.objects.bulk_create(
            Figure(
                report=by_indicator[variable.indicator_id], variable=variable, value=variable.position + 1,
                changed_by=planner, changed_at=NOW,
            )
            for variable in variables
        )  # fmt: skip
    return total
