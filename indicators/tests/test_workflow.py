"""The verbs: who may do what with a quarter report, and what each leaves behind."""

from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from indicators import workflow
from indicators.models import Figure, PlannedValue, QuarterReport, Status, Variable
from indicators.workflow import Conflict, Refusal, Step
from objectives.models import Plan
from objectives.roles import Role


@pytest.fixture
def draft(report, planner, now):
    return workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(8)}
    )


@pytest.fixture
def submitted(draft, planner, now):
    return workflow.submit(report=draft, by=planner, now=now)


def figures(report):
    return {
        f.variable.symbol: f.value for f in Figure.objects.filter(report=report).select_related("variable")
    }


def test_a_draft_keeps_what_was_typed_and_by_whom(draft, planner, now):
    assert figures(draft) == {"outbound": 4, "inbound": 8}
    assert {(f.changed_by, f.changed_at) for f in draft.figures.all()} == {(planner, now)}
    assert draft.status == Status.DRAFT


def test_zero_is_a_figure_and_taking_one_back_leaves_none(draft, planner, now):
    workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(0), "inbound": None})
    assert figures(draft) == {"outbound": 0}


def test_an_unchanged_figure_keeps_its_author(draft, person, ministry, now):
    colleague = person("colleague", (Role.PLANNER, ministry))
    workflow.save_draft(
        report=draft, by=colleague, now=now, figures={"outbound": Decimal("4.0"), "inbound": Decimal(9)}
    )
    authors = {f.variable.symbol: f.changed_by.username for f in draft.figures.select_related("variable")}
    assert authors == {"outbound": "planner", "inbound": "colleague"}


def test_saving_without_a_change_changes_nothing(draft, planner, now):
    again = workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(4)})
    assert again.version == draft.version


def test_a_stale_version_is_a_conflict_and_writes_nothing(draft, planner, now):
    workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(5)})
    with pytest.raises(Conflict):
        workflow.save_draft(
            report=draft, by=planner, now=now, figures={"outbound": Decimal(6)}, version=draft.version
        )
    assert figures(draft)["outbound"] == 5


@pytest.mark.parametrize(
    ("code", "symbol", "value"),
    [
        ("K1-1", "outbound", "-1"),
        ("K1-1", "outbound", "1.5"),
        ("K4-2", "sent_to_ly", "2"),
        ("K3-1", "baseline", "3"),
    ],
)
def test_a_value_that_the_variable_cannot_have_is_refused_whole(report, planner, now, code, symbol, value):
    target = report(code, 1)
    other = next(v.symbol for v in target.indicator.variables.all() if v.symbol != symbol)
    with pytest.raises(ValidationError):
        workflow.save_draft(
            report=target, by=planner, now=now, figures={other: Decimal(1), symbol: Decimal(value)}
        )
    assert figures(target) == {}


def test_a_report_is_either_not_applicable_or_has_figures(draft, report, planner, now):
    with pytest.raises(ValidationError):
        workflow.save_draft(report=draft, by=planner, now=now, figures={}, not_applicable_reason="無")
    assert QuarterReport.objects.get(pk=draft.pk).not_applicable_reason == ""
    declared = workflow.save_draft(
        report=report("K1-1", 2), by=planner, now=now, figures={}, not_applicable_reason="本季無互訪安排"
    )
    assert workflow.submit(report=declared, by=planner, now=now).status == Status.SUBMITTED


def test_submitting_names_the_figures_that_are_missing(report, planner, now):
    started = workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)}
    )
    with pytest.raises(Refusal, match="訪問我國"):
        workflow.submit(report=started, by=planner, now=now)
    assert QuarterReport.objects.get(pk=started.pk).status == Status.DRAFT


def test_what_is_not_due_and_memos_may_stay_empty(approved):
    approved("C1-2", 1, revised=2, regulations=40)
    approved("C1-2", 2, revised=3)
    approved("C3-2", 4, hours_met=1, programme_met=1, spending_met=0)


def test_only_drafts_and_returned_reports_take_figures(submitted, planner, reviewer, approve, now):
    with pytest.raises(Refusal, match="送審"):
        workflow.save_draft(report=submitted, by=planner, now=now, figures={"outbound": Decimal(5)})
    workflow.return_for_correction(report=submitted, by=reviewer, now=now, reason="請查明")
    workflow.save_draft(report=submitted, by=planner, now=now, figures={"outbound": Decimal(5)})
    approve(workflow.submit(report=submitted, by=planner, now=now))
    with pytest.raises(Refusal, match="審核通過"):
        workflow.save_draft(report=submitted, by=planner, now=now, figures={"outbound": Decimal(6)})
    assert figures(submitted)["outbound"] == 5


def test_approval_keeps_authors_and_says_who_and_when(submitted, planner, head, reviewer, now):
    endorsed = workflow.endorse(report=submitted, by=head, now=now)
    assert (endorsed.status, endorsed.endorsed_by, endorsed.endorsed_at) == (Status.ENDORSED, head, now)
    done = workflow.approve(report=endorsed, by=reviewer, now=now)
    assert (done.status, done.approved_by, done.approved_at) == (Status.APPROVED, reviewer, now)
    assert (done.submitted_by, {f.changed_by for f in done.figures.all()}) == (planner, {planner})


def test_a_return_needs_a_reason_and_keeps_it(submitted, reviewer, now):
    with pytest.raises(Refusal):
        workflow.return_for_correction(report=submitted, by=reviewer, now=now, reason="  ")
    back = workflow.return_for_correction(report=submitted, by=reviewer, now=now, reason="來訪次數與附件不符")
    assert (back.status, back.return_reason, back.returned_by) == (
        Status.RETURNED,
        "來訪次數與附件不符",
        reviewer,
    )
    assert back.submitted_by is None


@pytest.mark.parametrize("head_step", [True, False])
@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("status", Status)
def test_a_step_is_taken_only_from_where_it_may_start(
    plan, report, person, ministry, now, step, status, head_step
):
    Plan.objects.update(head_step=head_step)
    everything = person("all", *((role, ministry) for role in Role))
    other = person("other", (Role.PLANNER, ministry))
    found = report("K8-2", 4)
    workflow.save_draft(report=found, by=other, now=now, figures={"done": Decimal(1)})
    trail = (
        {"submitted_by": other, "submitted_at": now}
        if status in {"SUBMITTED", "ENDORSED", "APPROVED"}
        else {}
    )
    trail |= {"endorsed_by": other, "endorsed_at": now} if status == "ENDORSED" else {}
    trail |= {"approved_by": other, "approved_at": now} if status == "APPROVED" else {}
    trail |= {"returned_by": other, "returned_at": now, "return_reason": "x"} if status == "RETURNED" else {}
    QuarterReport.objects.filter(pk=found.pk).update(status=status, **trail)
    verbs: dict[Step, tuple[Any, Status]] = {
        Step.SUBMIT: (workflow.submit, Status.SUBMITTED),
        Step.WITHDRAW: (workflow.withdraw, Status.DRAFT),
        Step.ENDORSE: (workflow.endorse, Status.ENDORSED),
        Step.APPROVE: (workflow.approve, Status.APPROVED),
        Step.RETURN: (partial(workflow.return_for_correction, reason="x"), Status.RETURNED),
        Step.REOPEN: (partial(workflow.reopen, reason="x"), Status.RETURNED),
    }
    verb, target = verbs[step]
    origins = {
        Step.SUBMIT: {"DRAFT", "RETURNED"},
        Step.WITHDRAW: {"SUBMITTED"},
        Step.ENDORSE: {"SUBMITTED"} if head_step else set(),
        Step.APPROVE: {"ENDORSED"} if head_step else {"SUBMITTED", "ENDORSED"},
        Step.RETURN: {"SUBMITTED", "ENDORSED"},
        Step.REOPEN: {"APPROVED"},
    }[step]
    if status in origins:
        assert verb(report=found, by=everything, now=now).status == target
        assert [(each.step, each.by, each.at) for each in found.steps.all()] == [
            (step.value, everything, now)
        ]
    else:
        with pytest.raises(Refusal):
            verb(report=found, by=everything, now=now)
        assert QuarterReport.objects.get(pk=found.pk).status == status
        assert not found.steps.exists()


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("planner", {"enter", "submit", "withdraw"}),
        ("head", {"endorse", "return"}),
        ("reviewer", {"approve", "return", "reopen"}),
        ("manager", set()),
        ("auditor", set()),
        ("administrator", set()),
        ("outsider", set()),
        ("neighbour", set()),
        ("stranger", set()),
    ],
)
def test_rights_are_checked_in_the_verbs_themselves(request, report, person, ministry, now, who, may):
    someone = request.getfixturevalue(who)
    writer = person("writer", (Role.PLANNER, ministry))
    others = person("others", (Role.HEAD, ministry), (Role.REVIEWER, ministry))

    def ready(quarter, *verbs):
        found = workflow.save_draft(
            report=report("K5-2", quarter), by=writer, now=now, figures={"projects": Decimal(1)}
        )
        for verb in verbs:
            found = verb(report=found, by=writer if verb is workflow.submit else others, now=now)
        return found

    submit, endorse, approve = workflow.submit, workflow.endorse, workflow.approve
    attempts = {
        "enter": partial(workflow.save_draft, report=report("K8-1", 1), figures={"rotations": Decimal(2)}),
        "submit": partial(submit, report=ready(1)),
        "withdraw": partial(workflow.withdraw, report=ready(2, submit)),
        "endorse": partial(endorse, report=ready(3, submit)),
        "approve": partial(approve, report=ready(4, submit, endorse)),
    }
    allowed = set()
    for name, attempt in attempts.items():
        with suppress(PermissionDenied):
            attempt(by=someone, now=now)
            allowed.add(name)
    done = person("decider", (Role.REVIEWER, ministry))
    QuarterReport.objects.filter(quarter=4, status=Status.ENDORSED).update(
        status=Status.APPROVED, approved_by=done, approved_at=now
    )
    waiting = workflow.save_draft(
        report=report("K4-1", 1),
        by=writer,
        now=now,
        figures={"cooperation": Decimal(1), "relief": Decimal(1)},
    )
    later = {
        "return": partial(workflow.return_for_correction, report=submit(report=waiting, by=writer, now=now)),
        "reopen": partial(workflow.reopen, report=report("K5-2", 4)),
    }
    for name, attempt in later.items():
        with suppress(PermissionDenied):
            attempt(by=someone, now=now, reason="x")
            allowed.add(name)
    assert allowed == may


def test_nobody_approves_what_they_submitted_or_ever_changed(report, planner, head, person, ministry, now):
    both = person("both", (Role.PLANNER, ministry), (Role.REVIEWER, ministry))
    second = person("second", (Role.PLANNER, ministry), (Role.REVIEWER, ministry))
    mine = workflow.save_draft(report=report("K8-1", 1), by=both, now=now, figures={"rotations": Decimal(1)})
    mine = workflow.endorse(report=workflow.submit(report=mine, by=planner, now=now), by=head, now=now)
    with pytest.raises(PermissionDenied):
        workflow.approve(report=mine, by=both, now=now)
    assert Step.APPROVE not in workflow.possible_steps(mine, both)
    # Once returned and corrected by somebody else, the first writer's other figures are still theirs.
    mine = workflow.return_for_correction(report=mine, by=second, now=now, reason="x")
    mine = workflow.save_draft(report=mine, by=planner, now=now, figures={"rotations": Decimal(2)})
    mine = workflow.endorse(report=workflow.submit(report=mine, by=planner, now=now), by=head, now=now)
    with pytest.raises(PermissionDenied):
        workflow.approve(report=mine, by=both, now=now)
    assert workflow.approve(report=mine, by=second, now=now).status == Status.APPROVED


def test_a_reviewer_approves_the_version_they_saw(submitted, planner, head, reviewer, now):
    submitted = workflow.endorse(report=submitted, by=head, now=now)
    seen = submitted.version
    workflow.return_for_correction(report=submitted, by=reviewer, now=now, reason="x")
    workflow.save_draft(report=submitted, by=planner, now=now, figures={"outbound": Decimal(40)})
    again = workflow.submit(report=submitted, by=planner, now=now)
    workflow.endorse(report=again, by=head, now=now)
    with pytest.raises(Conflict):
        workflow.approve(report=submitted, by=reviewer, now=now, version=seen)


def test_a_refused_verb_leaves_nothing_behind(report, planner, now):
    found = report("K1-1", 3)
    with pytest.raises(ValidationError):
        workflow.save_draft(
            report=found,
            by=planner,
            now=now,
            figures={"outbound": Decimal(1), "inbound": Decimal("0.5")},
            remark="x",
        )
    found.refresh_from_db()
    assert (found.remark, found.version, figures(found)) == ("", 0, {})


def baseline():
    return Variable.objects.get(indicator__code="K3-1", symbol="baseline")


def test_a_constant_is_set_by_an_administrator_or_by_two_people(
    planner, reviewer, administrator, manager, neighbour
):
    with pytest.raises(Refusal):
        workflow.set_constant(variable=baseline(), value=Decimal(39), by=planner)
    with pytest.raises(PermissionDenied):
        workflow.set_constant(variable=baseline(), value=Decimal(39), by=planner, approver=manager)
    with pytest.raises(PermissionDenied):
        workflow.set_constant(variable=baseline(), value=Decimal(39), by=neighbour, approver=reviewer)
    assert baseline().constant is None
    workflow.set_constant(variable=baseline(), value=Decimal(39), by=planner, approver=reviewer)
    assert baseline().constant == 39
    workflow.set_constant(variable=baseline(), value=Decimal(40), by=administrator)
    assert baseline().constant == 40


def test_an_adopted_plan_takes_an_unknown_constant_and_keeps_it(plan, administrator, now):
    from objectives.workflow import adopt_plan

    adopt_plan(plan=plan, by=administrator, on=now.date(), number="外研字第 1 號")
    workflow.set_constant(variable=baseline(), value=Decimal(39), by=administrator)
    with pytest.raises(Refusal):
        workflow.set_constant(variable=baseline(), value=Decimal(40), by=administrator)
    assert baseline().constant == 39


def test_clearing_the_demonstration_removes_exactly_it(report, planner, approve, now):
    pure = workflow.save_draft(
        report=report("K1-1", 1),
        by=planner,
        now=now,
        figures={"outbound": Decimal(1), "inbound": Decimal(2)},
        remark="示範",
        demo=True,
    )
    approve(workflow.submit(report=pure, by=planner, now=now))
    mixed = workflow.save_draft(
        report=report("K1-1", 2),
        by=planner,
        now=now,
        figures={"outbound": Decimal(1), "inbound": Decimal(2)},
        demo=True,
    )
    mixed = workflow.save_draft(
        report=mixed,
        by=planner,
        now=now,
        figures={"outbound": Decimal(1), "inbound": Decimal(7)},
        remark="實績",
    )
    real = workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(3)}
    )
    PlannedValue.objects.create(indicator=real.indicator, quarter=1, value=3)
    PlannedValue.objects.create(indicator=real.indicator, quarter=2, value=6, demo=True)

    assert workflow.clear_demonstration() == 4
    pure, mixed, real = (QuarterReport.objects.get(pk=r.pk) for r in (pure, mixed, real))
    assert (pure.status, pure.remark, figures(pure)) == (Status.DRAFT, "", {})
    assert (mixed.status, mixed.remark, figures(mixed)) == (Status.DRAFT, "實績", {"inbound": 7})
    assert figures(real) == {"projects": 3}
    assert PlannedValue.objects.get().value == 3
    assert workflow.clear_demonstration() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"status": "APPROVED"},
        {"status": "SUBMITTED"},
        {"status": "ENDORSED"},
        {"status": "RETURNED"},
        {"status": "完成"},
        {"quarter": 5},
    ],
)
def test_the_database_refuses_a_status_without_who_and_when(report, change):
    found = report("K1-1", 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        QuarterReport.objects.filter(pk=found.pk).update(**change)


@pytest.mark.parametrize("value", ["1e999", "100000000000000", "-100000000000000"])
def test_the_database_refuses_a_number_that_could_not_be_read_back(draft, value):
    update = f"UPDATE indicators_figure SET value = {value}"  # noqa: S608 (as a database client would send it)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(update)
    assert figures(draft) == {"outbound": 4, "inbound": 8}


def test_fifteen_digits_survive_the_database(report, planner, now):
    value = Decimal("99999999999.123")
    found = workflow.save_draft(report=report("K7-1", 1), by=planner, now=now, figures={"remitted": value})
    assert figures(found) == {"remitted": value}
    largest = Decimal("99999999999999")
    found = workflow.save_draft(report=found, by=planner, now=now, figures={"remitted": largest})
    assert figures(found) == {"remitted": largest}


def test_an_invented_remark_goes_with_the_demonstration(report, planner, now):
    found = report("K1-1", 1)
    remark = workflow.DEMONSTRATION_REMARK
    figures = {"outbound": Decimal(3)}
    found = workflow.save_draft(report=found, by=planner, now=now, figures=figures, remark=remark, demo=True)
    workflow.save_draft(report=found, by=planner, now=now, figures={"outbound": Decimal(4)})
    workflow.clear_demonstration()
    found.refresh_from_db()
    assert (found.remark, {f.variable.symbol: f.value for f in found.figures.all()}) == ("", {"outbound": 4})


def test_texts_with_control_characters_are_refused_by_the_verbs(submitted, report, planner, reviewer, now):
    with pytest.raises(ValidationError):
        workflow.save_draft(report=report("K1-1", 2), by=planner, now=now, figures={}, remark="a\x00b")
    with pytest.raises(ValidationError):
        workflow.return_for_correction(report=submitted, by=reviewer, now=now, reason="a\x00b")


@pytest.mark.parametrize("value", ["-5", "1.5"])
def test_a_constant_obeys_its_own_definition(plan, administrator, value):
    with pytest.raises(ValidationError):
        workflow.set_constant(variable=baseline(), value=Decimal(value), by=administrator)
    assert baseline().constant is None
