"""What the database itself refuses, whoever writes: the attacks go round every verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from indicators import locks, workflow
from indicators.models import Evidence, Figure, Indicator, QuarterReport, Reopening, Variable
from ledger import triggers
from ledger.past import as_of
from ledger.verify import verify
from objectives.models import Plan

Attack = Callable[[Figure], Any]


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(IntegrityError, match=r"cannot be (changed|deleted)"), transaction.atomic():
        yield


@pytest.fixture
def draft(report, planner, now) -> QuarterReport:
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    return workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures)


@pytest.fixture
def close(plan, administrator, now) -> Callable[..., Any]:
    def closed(quarter: int = 1) -> Any:
        return workflow.close_period(period=plan.periods.get(quarter=quarter), by=administrator, now=now)

    return closed


@pytest.fixture
def reopening(close, administrator, now) -> Callable[..., Reopening]:
    """A reopening of the first quarter by the database's own clock."""

    def make(unit: Any, ahead: timedelta = timedelta(days=1)) -> Reopening:
        until = timezone.now() + ahead
        return Reopening.objects.create(
            period=close(), unit=unit, until=until, reason="x", by=administrator, at=now
        )

    return make


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def figure_of(report: QuarterReport, symbol: str = "outbound") -> Figure:
    return report.figures.get(variable__symbol=symbol)


def a_new_one(figure: Figure) -> Figure:
    """Another figure for the same report, as bulk code would make it: a share beside a whole."""
    return Figure(
        report_id=figure.report_id,
        variable_id=figure.variable_id,
        unit_id=figure.report.indicator.lead_unit_id,
        value=1,
        changed_by_id=figure.changed_by_id,
        changed_at=figure.changed_at,
    )


def changed(figure: Figure) -> Figure:
    figure.value = Decimal(99)
    return figure


def report_first(figure: Figure) -> None:
    sql("DELETE FROM indicators_quarterreport WHERE id = %s", figure.report_id)
    sql("DELETE FROM indicators_figure WHERE report_id = %s", figure.report_id)


REPORT_FIRST = "report first"  # and its figures afterwards; foreign keys are checked when all is done
ATTACKS: dict[str, Attack] = {
    "save": lambda figure: changed(figure).save(),
    "queryset.update": lambda figure: Figure.objects.filter(pk=figure.pk).update(value=99),
    "bulk_update": lambda figure: Figure.objects.bulk_update([changed(figure)], ["value"]),
    "bulk_create": lambda figure: Figure.objects.bulk_create([a_new_one(figure)]),
    "upsert": lambda figure: Figure.objects.bulk_create(
        [changed(figure)], update_conflicts=True, unique_fields=["id"], update_fields=["value"]
    ),
    "delete": lambda figure: figure.delete(),
    "queryset.delete": lambda figure: Figure.objects.filter(pk=figure.pk).delete(),
    "cascade": lambda figure: figure.report.delete(),
    "raw update": lambda figure: sql("UPDATE indicators_figure SET value = 99 WHERE id = %s", figure.pk),
    "raw update of all": lambda figure: sql("UPDATE indicators_figure SET value = 99"),
    "raw delete": lambda figure: sql("DELETE FROM indicators_figure WHERE id = %s", figure.pk),
    REPORT_FIRST: report_first,
    "raw evidence": lambda figure: Evidence.objects.create(
        report_id=figure.report_id,
        document_number="1",
        added_by_id=figure.changed_by_id,
        added_at=figure.changed_at,
    ),
}
every_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


def rows() -> list[Any]:
    return [*Figure.objects.order_by("pk").values(), *Evidence.objects.values()]


@every_attack
def test_nothing_passes_under_an_approved_report(approved, attack):
    figure = figure_of(approved("K1-1", 1, outbound=4, inbound=8))
    before = rows()
    with refused():
        attack(figure)
    assert rows() == before


@every_attack
def test_nothing_passes_in_a_closed_quarter(draft, close, attack):
    close()
    before = rows()
    with refused():
        attack(figure_of(draft))
    assert rows() == before


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - {REPORT_FIRST}))
def test_all_of_it_passes_in_a_draft_of_an_open_quarter(draft, close, name):
    close(2)
    before = rows()
    ATTACKS[name](figure_of(draft))
    assert rows() != before


def test_evidence_of_an_approved_report_stays_as_it_is(draft, approve, planner, now):
    evidence = Evidence.objects.create(report=draft, document_number="1", added_by=planner, added_at=now)
    approve(workflow.submit(report=draft, by=planner, now=now))
    for attack in (
        lambda: Evidence.objects.update(document_number="2"),
        lambda: Evidence.objects.update(removed_by=planner, removed_at=now),
        evidence.delete,
    ):
        with refused():
            attack()
    assert Evidence.objects.values_list("document_number", "removed_at").get() == ("1", None)


def test_a_figure_moves_neither_into_an_approved_report_nor_out_of_it(approved, report, planner, now):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    other = workflow.save_draft(
        report=report("K1-1", 2), by=planner, now=now, figures={"outbound": Decimal(1)}
    )
    with refused():
        Figure.objects.filter(pk=figure_of(done, "inbound").pk).update(report=other)
    with refused():
        Figure.objects.filter(pk=figure_of(other).pk).update(report=done)


def test_a_figure_moves_neither_into_a_closed_quarter_nor_out_of_it(draft, report, planner, close, now):
    other = workflow.save_draft(
        report=report("K1-2", 2), by=planner, now=now, figures={"projects": Decimal(1)}
    )
    close()
    with refused():
        Figure.objects.filter(report=other).update(report=draft)
    with refused():
        Figure.objects.filter(report=draft).update(report=other)


def test_a_reopening_lets_its_units_figures_through_until_it_is_over(draft, reopening, ministry):
    found = reopening(ministry)
    changed(figure_of(draft)).save()
    for over in ({"until": timezone.now() - timedelta(seconds=1)}, {"ended_at": timezone.now()}):
        with transaction.atomic():
            Reopening.objects.filter(pk=found.pk).update(**over)
            with refused():
                figure_of(draft).delete()
            transaction.set_rollback(True)
    figure_of(draft).delete()


@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_a_reopenings_end_is_told_to_the_millisecond_however_it_is_written(
    draft, reopening, ministry, fraction
):
    """SQLite keeps moments as texts, and Django leaves the fraction out where it is zero."""
    found = reopening(ministry)
    second = timezone.now().replace(microsecond=fraction)
    Reopening.objects.filter(pk=found.pk).update(until=second + timedelta(seconds=2))
    figure_of(draft).delete()
    Reopening.objects.filter(pk=found.pk).update(until=second - timedelta(seconds=1))
    with refused():
        figure_of(draft, "inbound").delete()


def test_another_units_reopening_does_not_help(draft, reopening, department):
    reopening(department)
    with refused():
        figure_of(draft).delete()


def test_a_share_follows_its_own_unit(draft, reopening, department, planner, now):
    """Each unit's share passes by that unit's reopening, and does not become another's."""
    mine, theirs = figure_of(draft), figure_of(draft, "inbound")
    Figure.objects.filter(pk=theirs.pk).update(unit=department)
    reopening(department)
    Figure.objects.filter(pk=theirs.pk).update(value=5)
    with refused():
        Figure.objects.filter(pk=theirs.pk).update(unit=None)
    with refused():
        Figure.objects.filter(pk=mine.pk).update(unit=department)


def test_a_reopening_opens_no_approved_report(approved, reopening, ministry):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    reopening(ministry)
    with refused():
        figure_of(done).delete()


def test_a_closed_year_allows_no_exception(draft, reopening, ministry, administrator, now):
    reopening(ministry)
    Plan.objects.update(closed_at=now, closed_by=administrator)
    with refused():
        figure_of(draft).delete()


def test_approving_and_returning_go_on_under_the_locks(approved, reviewer, now):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    back = workflow.reopen(report=done, by=reviewer, now=now, reason="x")
    figure_of(back).delete()


def test_a_reopening_that_ends_during_a_save_is_told_in_words(draft, reopening, ministry, planner, now):
    """The verb was given an earlier moment than the one at which the database writes."""
    found = reopening(ministry)
    Reopening.objects.filter(pk=found.pk).update(until=now + timedelta(minutes=1))
    with pytest.raises(workflow.Closed):
        workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(5)})
    assert figure_of(draft).value == 4


def test_the_demonstration_goes_from_approved_reports_and_not_from_closed_quarters(
    draft, approve, planner, close, now
):
    figures = {"outbound": Decimal(5), "inbound": Decimal(9)}
    found = workflow.save_draft(report=draft, by=planner, now=now, figures=figures, demo=True)
    approve(workflow.submit(report=found, by=planner, now=now))
    with transaction.atomic():
        assert workflow.clear_demonstration() == 2
        transaction.set_rollback(True)
    close()
    with pytest.raises(CommandError):
        call_command("clear_demo", stdout=StringIO())
    assert Figure.objects.filter(demo=True).count() == 2


# -- What decides about it does not move either ------------------------------------------------------------


def moving(report: QuarterReport) -> QuerySet[QuarterReport]:
    """Return the report, with the place free to which it would move."""
    QuarterReport.objects.filter(indicator=report.indicator, quarter=4).delete()
    QuarterReport.objects.filter(indicator__code="K2-2", quarter=report.quarter).delete()
    return QuarterReport.objects.filter(pk=report.pk)


def test_a_report_keeps_its_quarter_and_its_indicator_in_every_status(draft, approve, planner, now):
    k22 = Indicator.objects.get(code="K2-2")
    for _status in range(2):
        for move in ({"quarter": 4}, {"indicator": k22}, {"indicator": k22, "status": "DRAFT"}):
            with refused():
                moving(draft).update(**move)
        with refused():  # and does not come back under its old key elsewhere
            sql("DELETE FROM indicators_quarterreport WHERE id = %s", draft.pk)
        draft.refresh_from_db()
        if draft.status == "DRAFT":
            approve(workflow.submit(report=draft, by=planner, now=now))
    assert (draft.indicator.code, draft.quarter, draft.status) == ("K1-1", 1, "APPROVED")


def test_a_report_takes_no_other_reason_for_being_not_applicable_once_approved(approved, report):
    found = QuarterReport.objects.filter(pk=approved("K1-1", 1, outbound=4, inbound=8).pk)
    with refused():
        found.update(not_applicable_reason="x")
    with refused():
        found.update(not_applicable_reason="x", status="DRAFT", approved_by=None, approved_at=None)
    assert found.update(remark="x") == 1
    assert QuarterReport.objects.filter(pk=report("K1-1", 2).pk).update(not_applicable_reason="x") == 1


def test_a_report_takes_no_other_reason_for_being_not_applicable_in_a_closed_quarter(
    report, close, reopening, ministry
):
    found = QuarterReport.objects.filter(pk=report("K1-2", 1).pk)
    opened = reopening(ministry)
    assert found.update(not_applicable_reason="x") == 1
    Reopening.objects.filter(pk=opened.pk).update(ended_at=timezone.now())
    for reason in ("y", ""):
        with refused():
            found.update(not_applicable_reason=reason)
    assert found.get().not_applicable_reason == "x"


def test_a_figure_has_a_variable_of_its_reports_indicator(draft, planner, now):
    figure = figure_of(draft)
    foreign = Indicator.objects.get(code="K1-2").variables.earliest("pk")
    with refused():
        Figure.objects.filter(pk=figure.pk).update(variable=foreign)
    with refused():
        Figure.objects.create(report=draft, variable=foreign, value=1, changed_by=planner, changed_at=now)
    with refused():
        Variable.objects.filter(pk=figure.variable_id).update(indicator=foreign.indicator)
    assert figure_of(draft).variable.indicator == draft.indicator


def test_the_period_of_a_closed_quarter_is_not_deleted(plan, close):
    period = close(1)
    with refused():
        period.delete()
    assert plan.periods.get(quarter=2).delete()[0] == 1
    assert plan.periods.count() == 3


# -- Whether they are there --------------------------------------------------------------------------------


def checked() -> str:
    told = StringIO()
    call_command("check", databases=["default"], stdout=told, stderr=told)
    return told.getvalue()


def test_a_lock_that_is_gone_is_noticed_and_comes_back_with_the_next_migration(db):
    assert locks.deviations() == []
    assert "indicators.W001" not in checked()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER locks_indicators_figure_update")
        else:
            cursor.execute("ALTER TABLE indicators_figure DISABLE TRIGGER locks_rows")
    assert len(locks.deviations()) == 1
    assert "indicators.W001" in checked()
    locks.after_migrations()
    assert locks.deviations() == []


def test_the_locks_stand_beside_the_ledgers_triggers(approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    assert triggers.deviations() == []
    assert verify().problems == []


def test_the_past_can_be_read_under_the_locks(approved, a_moment_later):
    figure = figure_of(approved("K1-1", 1, outbound=4, inbound=8))
    with as_of(datetime.fromisoformat(a_moment_later())):
        assert Figure.objects.get(pk=figure.pk).value == 4
    with refused():
        figure.delete()


def test_the_locks_are_back_even_after_a_migration_that_failed(db, monkeypatch):
    def fail(self: Any, *args: Any, **options: Any) -> None:
        locks.before_migrations(plan=["a migration"])
        assert locks.deviations()
        raise ZeroDivisionError

    monkeypatch.setattr(migrate.Command, "handle", fail)
    with pytest.raises(ZeroDivisionError):
        call_command("migrate")
    assert locks.deviations() == []
