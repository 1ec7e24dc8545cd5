"""Figures of many reports written at once: by the rules of one, all of them or none."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from indicators import workflow
from indicators.models import Figure, Indicator, QuarterReport, ReportingPeriod, Status, Variable
from indicators.workflow import Closed, Conflict, Draft, DraftsRefused, Refusal, Texts
from ledger.models import Action, Entry
from objectives.models import Goal, Plan
from objectives.roles import Role

HANDS = QuarterReport.editors.through


@pytest.fixture
def k11(report):
    return report("K1-1", 1)


@pytest.fixture
def k22(report):
    """The draft that nothing is the matter with."""
    return report("K2-2", 1)


@pytest.fixture
def shared(plan, department):
    """K5-2, whose projects the ministry and the department count each for themselves."""
    indicator = Indicator.objects.get(code="K5-2")
    indicator.contributing_units.add(department)
    indicator.variables.update(by_unit=True)
    return indicator


@pytest.fixture
def many(plan, ministry):
    """Make reports of the fourth quarter, each of an indicator of its own with two variables."""

    def make(number):
        goal = Goal.objects.earliest("pk")
        last = Indicator.objects.latest("number").number
        indicators = Indicator.objects.bulk_create(
            Indicator(
                goal=goal, code=f"X1-{each}", number=each, title="指標", scheme=1, method="統計數據",
                standard="次數", target=1, unit="次", formula="a + b", lead_unit=ministry,
            )
            for each in range(last + 1, last + 1 + number)
        )  # fmt: skip
        Variable.objects.bulk_create(
            Variable(indicator=each, symbol=symbol, name=symbol, rollup="SUM", kind="COUNT", position=place)
            for each in indicators
            for place, symbol in enumerate("ab")
        )
        return QuarterReport.objects.bulk_create(
            QuarterReport(indicator=each, quarter=4) for each in indicators
        )

    return make


def save(*drafts, by, now, **options):
    return workflow.save_drafts(drafts=drafts, by=by, now=now, **options)


def outbound(report, value, **options):
    return Draft(report, {"outbound": Decimal(value)}, **options)


def meetings(report, value=3, **options):
    return Draft(report, {"meetings": Decimal(value)}, **options)


def entries_since(seq):
    return Entry.objects.filter(seq__gt=seq).order_by("seq")


# -- What is written ---------------------------------------------------------------------------------------


def test_figures_and_texts_of_several_reports_are_written(k11, k22, planner, now):
    first = Draft(k11, {"outbound": Decimal(4), "inbound": Decimal(8)}, {"remark": "說明"})
    saved = save(meetings(k22), first, by=planner, now=now)
    assert saved == [k22, k11]
    assert {figure.variable.symbol: figure.value for figure in Figure.objects.select_related("variable")} == {
        "outbound": 4,
        "inbound": 8,
        "meetings": 3,
    }
    assert set(Figure.objects.values_list("changed_by", "changed_at", "demo")) == {(planner.pk, now, False)}
    for returned in saved:
        stored = QuarterReport.objects.get(pk=returned.pk)
        assert (stored.version, stored.changed_by, stored.changed_at) == (1, planner, now)
        assert (returned.version, returned.changed_by, returned.changed_at) == (1, planner, now)
        assert list(stored.editors.all()) == [planner]
    assert saved[1].remark == QuarterReport.objects.get(pk=k11.pk).remark == "說明"


def test_each_report_gets_its_own_texts_and_keeps_the_others(k11, k22, report, planner, now):
    third = report("K8-1", 1)
    save(Draft(k11, texts={"remark": "舊", "response": "對策"}), by=planner, now=now)
    save(
        Draft(k11, texts={"remark": " 甲 "}),
        Draft(k22, texts={"remark": "乙", "improve_by": date(2011, 2, 1)}),
        Draft(third, texts={"improve_by": date(2011, 3, 1), "remark": "丙"}),
        by=planner,
        now=now,
    )
    written = QuarterReport.objects.filter(pk__in=[k11.pk, k22.pk, third.pk]).order_by("pk")
    assert set(written.values_list("indicator__code", "remark", "response", "improve_by")) == {
        ("K1-1", "甲", "對策", None),
        ("K2-2", "乙", "", date(2011, 2, 1)),
        ("K8-1", "丙", "", date(2011, 3, 1)),
    }


def test_what_is_as_it_was_is_not_written_again(k11, k22, planner, person, ministry, now):
    save(outbound(k11, 4), meetings(k22), by=planner, now=now)
    colleague = person("colleague", (Role.PLANNER, ministry))
    seq = Entry.objects.head().seq
    saved = save(outbound(k11, "4.0"), meetings(k22, 5), by=colleague, now=now)
    assert [each.version for each in saved] == [1, 2]
    assert list(k11.editors.all()) == [planner]
    assert set(k22.editors.all()) == {planner, colleague}
    assert {(entry.table, entry.key) for entry in entries_since(seq)} == {
        ("indicators_figure", str(k22.figures.get().pk)),
        ("indicators_quarterreport_editors", str(HANDS.objects.get(user=colleague).pk)),
        ("indicators_quarterreport", str(k22.pk)),
    }


def test_whoever_had_a_hand_in_a_report_is_not_written_down_again(k11, k22, planner, now):
    save(outbound(k11, 4), by=planner, now=now)
    seq = Entry.objects.head().seq
    save(outbound(k11, 5), meetings(k22), by=planner, now=now)
    hands = entries_since(seq).filter(table=HANDS._meta.db_table)
    assert [entry.parent for entry in hands] == [str(k22.pk)]


def test_figures_are_taken_back_altered_and_added_in_one_go(k11, k22, planner, now):
    save(Draft(k11, {"outbound": Decimal(4), "inbound": Decimal(8)}), meetings(k22), by=planner, now=now)
    save(
        Draft(k11, {"outbound": None, "inbound": Decimal(9)}),
        Draft(k22, {"meetings": None}),
        by=planner,
        now=now,
    )
    assert [(each.report_id, each.value) for each in Figure.objects.all()] == [(k11.pk, 9)]


def test_a_demonstration_becomes_the_writers_own_where_a_file_states_it(k11, k22, planner, now):
    save(outbound(k11, 4), meetings(k22), by=planner, now=now, demo=True)
    save(outbound(k11, 4), by=planner, now=now)
    assert Figure.objects.filter(demo=True).count() == 2
    save(outbound(k11, 4), meetings(k22, 5), by=planner, now=now, restate=True)
    assert not Figure.objects.filter(demo=True).exists()
    assert not QuarterReport.objects.filter(demo=True).exists()


def test_a_new_response_has_not_been_followed_up(k11, k22, planner, now):
    save(Draft(k11, texts={"response": "甲"}), by=planner, now=now)
    QuarterReport.objects.filter(pk=k11.pk).update(
        followed_up_by=planner, followed_up_at=now, followed_up_note="已辦"
    )
    save(Draft(k11, texts={"response": "乙"}), Draft(k22, texts={"response": "丙"}), by=planner, now=now)
    found = QuarterReport.objects.get(pk=k11.pk)
    assert (found.response, found.followed_up_by, found.followed_up_at) == ("乙", None, None)
    assert found.followed_up_note == ""


def test_no_draft_is_nothing_to_do(planner, now, plan):
    seq = Entry.objects.head().seq
    assert save(by=planner, now=now) == []
    assert not entries_since(seq).exists()


def test_a_report_with_two_drafts_is_a_mistake(k11, planner, now):
    with pytest.raises(ValueError, match="several drafts"):
        save(outbound(k11, 4), outbound(k11, 5), by=planner, now=now)


def test_a_report_that_is_gone_is_missed(k11, k22, planner, now):
    k11.delete()
    with pytest.raises(QuarterReport.DoesNotExist):
        save(outbound(QuarterReport(pk=10**6), 4), meetings(k22), by=planner, now=now)
    assert not Figure.objects.exists()


# -- The same as one by one --------------------------------------------------------------------------------


def rows_and_images(seq):
    """Return what is stored, and what the ledger recorded since, without what tells two runs apart."""
    figures = Figure.objects.order_by("report", "variable").values_list(
        "report", "variable", "unit", "value", "changed_by", "changed_at", "demo"
    )
    reports = QuarterReport.objects.order_by("pk").values_list()
    hands = HANDS.objects.order_by("quarterreport", "user").values_list("quarterreport", "user")
    images = [
        (entry.action, entry.table, entry.parent, entry.actor, bare(entry.before), bare(entry.after))
        for entry in entries_since(seq)
    ]
    return list(figures), list(reports), list(hands), sorted(images, key=repr)


def bare(image):
    row = json.loads(image) if image else {}
    return {name: value for name, value in row.items() if name != "id" or "remark" in row}


ROUNDS: list[list[tuple[str, dict[str, str | None], Texts]]] = [
    [
        ("K1-1", {"outbound": "4", "inbound": "8"}, {"remark": "甲"}),
        ("K7-1", {"remitted": "1250.5", "budget": "99999999.999999"}, {}),
        ("K8-1", {}, {"lag_reason": "乙", "improve_by": date(2011, 1, 31)}),
    ],
    [
        ("K1-1", {"outbound": "5", "inbound": None}, {}),
        ("K7-1", {"remitted": "0.000001", "budget": "99999999.999999"}, {"remark": "丙", "response": "丁"}),
        ("K8-1", {"rotations": "0"}, {"improve_by": None}),
    ],
]


def test_many_at_once_leave_the_same_rows_and_images_as_one_by_one(report, planner, now):
    outcomes = []
    for at_once in (True, False):
        Figure.objects.all().delete()
        HANDS.objects.all().delete()
        QuarterReport.objects.update(
            remark="",
            lag_reason="",
            response="",
            improve_by=None,
            changed_by=None,
            changed_at=None,
            version=0,
        )
        seq = Entry.objects.head().seq
        for written in ROUNDS:
            drafts = [
                Draft(
                    report(code, 1),
                    {symbol: value if value is None else Decimal(value) for symbol, value in figures.items()},
                    texts,
                )
                for code, figures, texts in written
            ]
            if at_once:
                save(*drafts, by=planner, now=now)
                continue
            for each in drafts:
                workflow.save_draft(
                    report=each.report, by=planner, now=now, figures=each.figures, **each.texts
                )
        outcomes.append(rows_and_images(seq))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) == 4


@pytest.mark.parametrize("value", ["5", "1250.5", "0.000001", "99999999999999", "-12345678.9"])
def test_an_altered_figure_is_stored_as_a_new_one_is(report, planner, now, value):
    Variable.objects.filter(symbol="remitted").update(may_be_negative=True)
    for quarter in (1, 2):
        target = report("K7-1", quarter)
        if quarter == 2:
            save(Draft(target, {"remitted": Decimal(7)}), by=planner, now=now)
        save(Draft(target, {"remitted": Decimal(value)}), by=planner, now=now)
    images = [
        Entry.objects.of("indicators_figure", figure.pk).latest("seq").new["value"]
        for figure in Figure.objects.all()
    ]
    assert images[0] == images[1]
    assert {figure.value for figure in Figure.objects.all()} == {Decimal(value)}


def test_the_ledger_sees_every_row(many, planner, now):
    reports = many(30)
    seq = Entry.objects.head().seq
    save(*(Draft(each, {"a": Decimal(1), "b": Decimal(2)}) for each in reports), by=planner, now=now)
    written = entries_since(seq)
    assert {entry.actor for entry in written} == {"planner"}
    assert [
        sum(entry.table == table for entry in written)
        for table in ("indicators_figure", HANDS._meta.db_table, "indicators_quarterreport")
    ] == [60, 30, 30]
    assert len(written) == 120


# -- What is refused ---------------------------------------------------------------------------------------


def submit(target, planner, now):
    QuarterReport.objects.filter(pk=target.pk).update(
        status=Status.SUBMITTED, submitted_by=planner, submitted_at=now
    )


@pytest.fixture
def refused_together(k22, planner, now):
    """Save a draft with a good one: return why it is refused, having seen that nothing was written."""

    def refuse(draft, by=planner):
        good = meetings(k22)
        with pytest.raises((ValidationError, PermissionDenied)) as single:
            workflow.save_draft(
                report=draft.report, by=by, now=now, figures=draft.figures, version=draft.version,
                seen=draft.seen, **draft.texts,
            )  # fmt: skip
        before = (Figure.objects.count(), QuarterReport.objects.filter(version__gt=0).count())
        judged = workflow.judge_drafts(drafts=[good, draft], by=by, now=now)
        with pytest.raises(DraftsRefused) as refused:
            save(good, draft, by=by, now=now)
        assert before == (Figure.objects.count(), QuarterReport.objects.filter(version__gt=0).count())
        error = refused.value.refusals[draft.report.pk]
        for other in (judged[draft.report.pk], single.value):
            assert (type(other), str(other)) == (type(error), str(error))
            assert getattr(other, "cells", None) == getattr(error, "cells", None)
        assert judged.keys() == refused.value.refusals.keys()
        return error

    return refuse


@pytest.mark.parametrize(
    ("code", "symbol", "value"),
    [
        ("K1-1", "outbound", "-1"),
        ("K1-1", "outbound", "1.5"),
        ("K4-2", "sent_to_ly", "2"),
        ("K3-1", "baseline", "3"),
    ],
)
def test_a_value_that_the_variable_cannot_have_is_refused(report, refused_together, code, symbol, value):
    refused_together(Draft(report(code, 1), {symbol: Decimal(value)}))


def test_a_stale_version_is_refused(k11, planner, refused_together, now):
    save(outbound(k11, 4), by=planner, now=now)
    assert isinstance(refused_together(outbound(k11, 5, version=0)), Conflict)


def test_a_cell_that_moved_on_is_refused_and_named(k11, planner, refused_together, now):
    save(outbound(k11, 4, texts={"remark": "甲"}), by=planner, now=now)
    seen = {"outbound": Decimal(3), "remark": ""}
    error = refused_together(outbound(k11, 5, texts={"remark": "乙"}, seen=seen))
    assert error.cells == ["outbound", "remark"]


def test_a_submitted_report_is_refused(k11, planner, refused_together, now):
    submit(k11, planner, now)
    error = refused_together(outbound(k11, 5))
    assert isinstance(error, Refusal)
    assert "送審" in str(error)


@pytest.mark.parametrize("closing", ["closed", "ended", "to come"])
def test_a_quarter_that_is_not_open_is_refused(report, refused_together, planner, now, closing):
    period = ReportingPeriod.objects.filter(quarter=2)
    if closing == "closed":
        period.update(closed_at=now, closed_by=planner)
    else:
        day = now.date().replace(day=1) if closing == "ended" else date(2011, 2, 1)
        period.update(
            opens_on=day, submit_by=day, endorse_by=day, approve_by=day,
            closes_on=day if closing == "ended" else None,
        )  # fmt: skip
    assert isinstance(refused_together(outbound(report("K1-1", 2), 4)), Closed)


def test_a_closed_year_is_refused(k11, k22, planner, now):
    Plan.objects.update(closed_at=now, closed_by=planner)
    with pytest.raises(DraftsRefused) as refused:
        save(outbound(k11, 4), meetings(k22), by=planner, now=now)
    assert {type(each) for each in refused.value.refusals.values()} == {Closed}


def test_a_reopening_lets_the_unit_in_and_no_other(
    shared, report, planner, neighbour, administrator, ministry, department, now
):
    target = report("K5-2", 1)
    period = ReportingPeriod.objects.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now)
    far = now.replace(year=2100)
    workflow.reopen_period(period=period, unit=department, until=far, reason="補", by=administrator, now=now)
    share = Draft(target, {("projects", department.pk): Decimal(4)})
    assert save(share, by=neighbour, now=now)
    mine = Draft(target, {("projects", ministry.pk): Decimal(4)})
    judged = workflow.judge_drafts(drafts=[mine], by=planner, now=now)
    assert isinstance(judged[target.pk], Closed)


def test_another_units_report_is_refused(k11, stranger, refused_together):
    assert isinstance(refused_together(outbound(k11, 4), by=stranger), PermissionDenied)


def test_another_units_share_and_the_reports_words_are_refused(
    shared, report, neighbour, ministry, department, refused_together
):
    target = report("K5-2", 1)
    for draft in (
        Draft(target, {("projects", ministry.pk): Decimal(3)}),
        Draft(target, {("projects", department.pk): Decimal(3)}, {"remark": "x"}),
        Draft(target, {}, {"remark": "x"}),
    ):
        assert isinstance(refused_together(draft, by=neighbour), PermissionDenied)


def test_shares_that_cannot_be_are_refused(shared, report, stranger, ministry, refused_together):
    target, elsewhere = report("K5-2", 1), stranger.memberships.get().unit
    assert "請指明單位" in str(refused_together(Draft(target, {"projects": Decimal(3)})))
    unknown = Draft(target, {("projects", elsewhere.pk): Decimal(3)})
    assert "非本項之填報單位" in str(refused_together(unknown))
    whole = Draft(report("K8-1", 1), {("rotations", ministry.pk): Decimal(3)})
    assert "非按單位填報" in str(refused_together(whole))


def test_a_share_beside_a_whole_is_refused(shared, report, planner, ministry, refused_together, now):
    target = report("K5-2", 1)
    shared.variables.update(by_unit=False)
    save(Draft(target, {"projects": Decimal(3)}), by=planner, now=now)
    shared.variables.update(by_unit=True)
    error = refused_together(Draft(target, {("projects", ministry.pk): Decimal(4)}))
    assert f"{ministry.name}）: 4" in str(error).replace("：", ": ")


def test_figures_beside_a_reason_are_refused_and_named(k11, planner, refused_together, now):
    reason = Texts(not_applicable_reason="無")
    error = refused_together(Draft(k11, {"inbound": Decimal(2), "outbound": Decimal(1)}, reason))
    [first, second] = (
        str(error).find(name) for name in k11.indicator.variables.values_list("name", flat=True)
    )
    assert 0 < first < second
    save(Draft(k11, {"outbound": Decimal(1)}), by=planner, now=now)
    refused_together(Draft(k11, texts=reason))
    assert save(Draft(k11, {"outbound": None}, reason), by=planner, now=now)


def test_control_characters_in_a_text_are_refused(k11, refused_together):
    refused_together(Draft(k11, texts={"remark": "a\x07b"}))


def test_every_refused_draft_is_named_and_none_is_written(k11, k22, report, planner, now):
    third, fourth = report("K8-1", 1), report("K6-1", 1)
    submit(third, planner, now)
    drafts = [
        outbound(k11, -1),
        meetings(k22),
        Draft(third, {"rotations": Decimal(1)}),
        Draft(fourth, {"offering": Decimal(1)}, version=7),
    ]
    seq = Entry.objects.head().seq
    with pytest.raises(DraftsRefused) as refused:
        save(*drafts, by=planner, now=now)
    assert {report: type(error) for report, error in refused.value.refusals.items()} == {
        k11.pk: ValidationError,
        third.pk: Refusal,
        fourth.pk: Conflict,
    }
    assert [message.split()[0] for message in refused.value.messages] == ["K1-1", "K8-1", "K6-1"]
    assert not Figure.objects.exists()
    [entry] = entries_since(seq)
    assert (entry.action, entry.actor) == (Action.REFUSED, "planner")
    assert "K6-1" in entry.reason


def test_judging_writes_nothing_and_locks_nothing(k11, k22, planner, now):
    seq = Entry.objects.head().seq
    with CaptureQueriesContext(
        connection,
    ) as queries:
        refusals = workflow.judge_drafts(drafts=[outbound(k11, -1), meetings(k22)], by=planner, now=now)
    assert list(refusals) == [k11.pk]
    assert all(query["sql"].startswith("SELECT") and " FOR " not in query["sql"] for query in queries)
    assert not entries_since(seq).exists()


def test_what_the_database_refuses_is_closed_and_rolled_back(k11, report, planner, administrator, now):
    """A reopening that is over by the database's clock, though not at the moment that the verb was given."""
    target = report("K2-2", 2)
    period = ReportingPeriod.objects.get(quarter=2)
    workflow.close_period(period=period, by=administrator, now=now)
    workflow.reopen_period(
        period=period, unit=target.indicator.lead_unit, until=now.replace(year=2012), reason="補",
        by=administrator, now=now,
    )  # fmt: skip
    drafts = [outbound(k11, 4), meetings(target)]
    assert not workflow.judge_drafts(drafts=drafts, by=planner, now=now)
    with pytest.raises(Closed):
        save(*drafts, by=planner, now=now)
    assert not Figure.objects.exists()


# -- How many queries --------------------------------------------------------------------------------------


def queries_for(action):
    with CaptureQueriesContext(connection) as queries:
        action()
    return len(queries)


def test_many_drafts_take_as_many_queries_as_few(many, planner, now):
    def counts(reports):
        new = [Draft(each, {"a": Decimal(1), "b": Decimal(2)}, {"remark": f"{each.pk}"}) for each in reports]
        other = [Draft(each, {"a": Decimal(3), "b": None}, {"remark": "改"}) for each in reports]
        bad = [Draft(each, {"a": Decimal(-1)}) for each in reports]
        planner.rights  # noqa: B018 (read once for every request)
        return [
            queries_for(lambda: workflow.judge_drafts(drafts=bad, by=planner, now=now)),
            queries_for(lambda: save(*new, by=planner, now=now)),
            queries_for(lambda: save(*other, by=planner, now=now)),
        ]

    assert counts(many(5)) == counts(many(50))


def test_more_drafts_than_one_statement_takes_are_read_and_written_in_batches(
    many, planner, now, monkeypatch
):
    monkeypatch.setattr("indicators.workflow.judging.BATCH", 7)
    reports = many(20)
    save(*(Draft(each, {"a": Decimal(1)}, {"remark": "甲"}) for each in reports), by=planner, now=now)
    save(*(Draft(each, {"a": Decimal(2)}) for each in reports), by=planner, now=now)
    assert {
        (each.version, each.remark) for each in QuarterReport.objects.filter(pk__in=[r.pk for r in reports])
    } == {(2, "甲")}
    assert set(Figure.objects.values_list("value", flat=True)) == {2}
    save(*(Draft(each, {"a": None}) for each in reports), by=planner, now=now)
    assert not Figure.objects.exists()
