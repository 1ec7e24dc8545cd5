"""Figures from a CSV file: all rows or none, every bad row named."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Status, Variable
from objectives.models import Goal, Plan, Unit
from objectives.roles import Role

HEADER = "年度,季別,指標代碼,填報項目,數值,備註"


@pytest.fixture
def csv_file(tmp_path):
    def write(*rows: str, header: str = HEADER, encoding: str = "utf-8") -> str:
        file = tmp_path / "figures.csv"
        file.write_bytes("\r\n".join([header, *rows]).encode(encoding))
        return str(file)

    return write


def stored() -> dict[tuple[str, int, str], Decimal]:
    return {
        (f.report.indicator.code, f.report.quarter, f.variable.symbol): f.value
        for f in Figure.objects.select_related("report__indicator", "variable")
    }


def refused(*arguments: str) -> str:
    """Run the import, expect it to be refused with nothing written, and return what it said."""
    before = stored(), list(QuarterReport.objects.order_by("pk").values_list("status", "remark", "version"))
    with pytest.raises(CommandError) as error:
        call_command("import_figures", *arguments)
    assert before == (
        stored(),
        list(QuarterReport.objects.order_by("pk").values_list("status", "remark", "version")),
    )
    assert error.value.returncode == 1
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5"])
def test_a_file_becomes_drafts(csv_file, planner, encoding):
    file = csv_file("99,1,K1-1,outbound,4,第一季互訪", "99,1,K1-1,inbound,８,", encoding=encoding)
    call_command("import_figures", file, "--as", "planner")
    assert stored() == {("K1-1", 1, "outbound"): 4, ("K1-1", 1, "inbound"): 8}
    report = QuarterReport.objects.get(indicator__code="K1-1", quarter=1)
    assert (report.status, report.remark) == (Status.DRAFT, "第一季互訪")


def test_items_go_by_symbol_or_name_and_numbers_as_people_type_them(csv_file, planner):
    name = Variable.objects.get(indicator__code="K7-1", symbol="remitted").name
    file = csv_file(f'99,1,K7-1,{name},"1,150,000.５",', "99,1,K7-1,budget,8000000,", "99,4,K8-2,done,是,")
    call_command("import_figures", file, "--as", "planner")
    assert stored() == {
        ("K7-1", 1, "remitted"): Decimal("1150000.5"),
        ("K7-1", 1, "budget"): 8_000_000,
        ("K8-2", 4, "done"): 1,
    }


def test_with_submit_a_head_and_a_reviewer_the_figures_are_official_at_once(
    csv_file, planner, head, reviewer
):
    file = csv_file(
        "99,1,K5-2,projects,3,", "99,2,K5-2,projects,不適用,本季無相關計畫", "99,,K3-1,baseline,39,"
    )
    people = ["--as", "planner", "--endorse-as", "head", "--approve-as", "reviewer"]
    call_command("import_figures", file, *people, "--submit")
    reports = QuarterReport.objects.filter(indicator__code="K5-2", quarter__in=(1, 2)).order_by("quarter")
    assert [(r.status, r.approved_by, r.endorsed_by, r.submitted_by) for r in reports] == [
        (Status.APPROVED, reviewer, head, planner)
    ] * 2
    assert reports[1].not_applicable_reason == "本季無相關計畫"
    assert Variable.objects.get(indicator__code="K3-1", symbol="baseline").constant == 39


def test_without_a_head_the_approver_passes_both_steps_where_they_may(csv_file, planner, person, ministry):
    both = person("both", (Role.HEAD, ministry), (Role.REVIEWER, ministry))
    file = csv_file("99,1,K5-2,projects,3,")
    call_command("import_figures", file, "--as", "planner", "--submit", "--approve-as", "both")
    found = QuarterReport.objects.get(indicator__code="K5-2", quarter=1)
    assert (found.status, found.endorsed_by, found.approved_by) == (Status.APPROVED, both, both)


def test_a_reviewer_who_is_no_head_does_not_pass_the_heads_step(csv_file, planner, reviewer):
    said = refused(
        csv_file("99,1,K5-2,projects,3,"), "--as", "planner", "--submit", "--approve-as", "reviewer"
    )
    assert "無權執行" in said
    Plan.objects.update(head_step=False)
    file = csv_file("99,1,K5-2,projects,3,")
    call_command("import_figures", file, "--as", "planner", "--submit", "--approve-as", "reviewer")
    assert QuarterReport.objects.get(indicator__code="K5-2", quarter=1).status == Status.APPROVED


def test_a_file_gives_each_unit_its_share(csv_file, plan, planner, neighbour, department):
    shared = Indicator.objects.get(code="K5-2")
    shared.contributing_units.add(department)
    shared.variables.update(by_unit=True)
    header = "年度,季別,指標代碼,填報項目,數值,備註,單位"
    file = csv_file("99,1,K5-2,projects,3,,MOFA", "99,1,K5-2,projects,4,,亞東太平洋司", header=header)
    call_command("import_figures", file, "--as", "planner")
    report = QuarterReport.objects.get(indicator__code="K5-2", quarter=1)
    assert {f.unit.code: f.value for f in report.figures.all()} == {"MOFA": 3, "DEPT": 4}
    assert "請指明" in refused(csv_file("99,2,K5-2,projects,3,"), "--as", "planner")
    wrong = csv_file("99,2,K5-2,projects,3,,他司", "99,2,K5-1,seminars,3,,MOFA", header=header)
    said = refused(wrong, "--as", "planner")
    assert "他司" in said
    assert "非按單位填報" in said
    others = csv_file("99,2,K5-2,projects,3,,MOFA", header=header)
    assert "無權執行" in refused(others, "--as", "neighbour")
    mine = csv_file("99,2,K5-2,projects,3,,DEPT", header=header)
    call_command("import_figures", mine, "--as", "neighbour")
    assert report.indicator.reports.get(quarter=2).figures.get().unit == department


def test_a_file_carries_the_texts_that_submitting_needs(csv_file, plan, planner):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K5-2"), quarter=1, value=5)
    bare = csv_file("99,1,K5-2,projects,3,")
    assert "落後" in refused(bare, "--as", "planner", "--submit")
    header = "年度,季別,指標代碼,填報項目,數值,備註,落後原因,因應對策,預定改善期限"
    wrong = csv_file("99,1,K5-2,projects,3,,經費未撥,加速辦理,99/02/30", header=header)
    assert "預定改善期限" in refused(wrong, "--as", "planner", "--submit")
    file = csv_file("99,1,K5-2,projects,3,,經費未撥,加速辦理,99/06/30", header=header)
    call_command("import_figures", file, "--as", "planner", "--submit")
    found = QuarterReport.objects.get(indicator__code="K5-2", quarter=1)
    assert (found.status, found.lag_reason, found.response) == (Status.SUBMITTED, "經費未撥", "加速辦理")
    assert found.improve_by == date(2010, 6, 30)


def test_a_dry_run_checks_everything_and_changes_nothing(csv_file, planner, person, ministry, capsys):
    person("both", (Role.HEAD, ministry), (Role.REVIEWER, ministry))
    arguments = ["--as", "planner", "--submit", "--approve-as", "both", "--dry-run"]
    call_command("import_figures", csv_file("99,1,K5-2,projects,3,", "99,,K3-1,baseline,39,"), *arguments)
    assert "1" in capsys.readouterr().out
    assert stored() == {}
    assert Variable.objects.get(indicator__code="K3-1", symbol="baseline").constant is None
    assert "K9-9" in refused(csv_file("99,1,K9-9,projects,3,"), *arguments)


def test_every_bad_row_is_named_with_its_number_and_reason(csv_file, planner):
    said = refused(
        csv_file(
            "99,1,K1-1,outbound,4,",
            "99,1,K9-9,outbound,4,",
            "99,1,K1-1,nothing,4,",
            "99,5,K1-1,outbound,4,",
            "99,2,K1-1,outbound,NaN,",
            "99,2,K1-1,inbound,1e999,",
            "99,3,K1-1,outbound,-1,",
            "99,3,K1-1,inbound,1.5,",
            "98,1,K1-1,outbound,4,",
            "99,1,K1-1,outbound,5,",
            "99,4,K6-1,offering,12%,",
            "99,4,K6-1,missions,,",
            "99,1,K3-1,baseline,39,",
            "99,2,K5-2,projects,不適用,",
            "九九,2,K5-2,projects,1,",
        ),
        "--as",
        "planner",
    ).splitlines()
    rows = [line for line in said if "K9-9" in line]
    assert len(rows) == 1
    assert [int("".join(c for c in line.split("：")[0] if c.isdigit())) for line in said[:-1]] == [
        *range(3, 17)
    ]


@pytest.mark.parametrize(
    "value", ["1_000", "٣", "Infinity", "１２３４５６７８９０１２３４５６", "12 3", "=1+1", "0x10", "²"]
)
def test_the_one_strict_parser_reads_the_file_too(csv_file, planner, value):
    assert value in refused(csv_file(f"99,1,K7-1,remitted,{value},"), "--as", "planner")


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("年度,季別,指標代碼,填報項目,數值", "備註"),
        ("年度,季別,季別,指標代碼,填報項目,數值,備註", "季別"),
        ("年度,季別,指標代碼,填報項目,數值,備註,狀況", "狀況"),
        ("", "空"),
    ],
)
def test_a_wrong_header_is_refused_by_name(csv_file, planner, header, named):
    rows = () if not header else ("99,1,K1-1,outbound,4,,",)
    assert named in refused(csv_file(*rows, header=header), "--as", "planner")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\0", b"PK\x03\x04\x00", "年度".encode("utf-16"), b'\xef\xbb\xbf"open', b"\xff\xff\xff\xff"],
)
def test_what_is_not_such_a_file_is_refused_in_words(tmp_path, planner, content):
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    assert refused(str(file), "--as", "planner")


def test_control_characters_and_ragged_rows_are_refused(csv_file, planner):
    assert refused(csv_file("99,1,K1-1,outbound,4,a\x07b"), "--as", "planner")
    assert refused(csv_file("99,1,K1-1,outbound"), "--as", "planner")


def test_rights_are_those_of_the_people_named(csv_file, planner, reviewer, manager, neighbour, stranger):
    file = csv_file("99,1,K5-2,projects,3,")
    for username in ("manager", "neighbour", "reviewer"):
        assert refused(file, "--as", username)
    assert "K5-2" in refused(file, "--as", "stranger")
    assert refused(file, "--as", "planner", "--submit", "--approve-as", "manager")
    assert refused(file, "--as", "planner", "--submit", "--approve-as", "planner")
    assert "--submit" in refused(file, "--as", "planner", "--approve-as", "reviewer")
    assert "nobody" in refused(file, "--as", "nobody")
    assert refused("/does/not/exist.csv", "--as", "planner")


def test_one_report_that_cannot_be_submitted_holds_back_the_whole_file(csv_file, planner, head, reviewer):
    file = csv_file("99,1,K5-2,projects,3,", "99,1,K1-1,outbound,4,")
    people = ["--as", "planner", "--endorse-as", "head", "--approve-as", "reviewer"]
    said = refused(file, *people, "--submit")
    assert said.startswith("第 3 列")


def test_approved_figures_cannot_be_imported_over(csv_file, approved):
    approved("K5-2", 1, projects=3)
    assert "審核通過" in refused(csv_file("99,1,K5-2,projects,4,"), "--as", "planner")


def test_a_constant_of_one_person_is_refused(csv_file, planner):
    assert refused(csv_file("99,,K3-1,baseline,39,"), "--as", "planner")


def test_what_is_typed_in_compatibility_characters_is_understood(csv_file, planner):
    # U+F98E looks like 年 and is another character until it is normalised.
    call_command(
        "import_figures",
        csv_file("99,1,K5-2,projects,3,", header=HEADER.replace("年", "\uf98e")),
        "--as",
        "planner",
    )
    assert stored() == {("K5-2", 1, "projects"): 3}


def test_an_indicator_that_several_agencies_have_is_not_guessed(csv_file, planner, plan):
    department = Unit.objects.create(code="DEPT", name="領事事務局", parent=plan.unit)
    twin = Plan.objects.create(unit=department, year=99, title="領事事務局 99 年度施政計畫")
    goal = Goal.objects.create(
        plan=twin, kind="KEY", number=1, title="x", outline_number=1, outline_title="x"
    )
    ours = Indicator.objects.get(code="K5-2")
    theirs = Indicator.objects.create(
        goal=goal, code="K5-2", number=2, title="x", scheme=1, method="x", standard="x", target=1, unit="項",
        formula="projects", lead_unit=department,
    )  # fmt: skip
    variable = {"symbol": "projects", "name": "x", "rollup": "SUM", "kind": "COUNT", "position": 1}
    Variable.objects.create(indicator=theirs, **variable)
    file = csv_file("99,1,K5-2,projects,3,")
    assert "--agency" in refused(file, "--as", "planner")
    call_command("import_figures", file, "--as", "planner", "--agency", "MOFA")
    assert Figure.objects.get().variable.indicator == ours


def test_what_a_colleague_entered_is_neither_replaced_nor_submitted_unseen(
    csv_file, planner, person, report, now
):
    colleague = person("colleague", (Role.PLANNER, report("K1-1", 1).indicator.lead_unit))
    draft = report("K1-1", 1)
    workflow.save_draft(report=draft, by=colleague, now=now, figures={"inbound": Decimal(77)})
    assert "77" in refused(csv_file("99,1,K1-1,inbound,8,"), "--as", "planner")
    assert "77" in refused(csv_file("99,1,K1-1,outbound,4,"), "--as", "planner", "--submit")
    call_command("import_figures", csv_file("99,1,K1-1,outbound,4,"), "--as", "planner")
    call_command(
        "import_figures",
        csv_file("99,1,K1-1,outbound,4,", "99,1,K1-1,inbound,77,"),
        "--as",
        "planner",
        "--submit",
    )
    assert QuarterReport.objects.get(pk=draft.pk).status == Status.SUBMITTED


def test_what_a_colleague_wrote_is_neither_replaced_nor_submitted_unseen(
    csv_file, planner, person, report, now
):
    """Whoever wrote a text, not whoever changed the report last: the ledger knows."""
    colleague = person("colleague", (Role.PLANNER, report("K5-2", 1).indicator.lead_unit))
    header = f"{HEADER},落後原因,預定改善期限"
    workflow.save_draft(
        report=report("K5-2", 1),
        by=colleague,
        now=now,
        figures={"projects": Decimal(3)},
        remark="兩小時寫成的執行情形",
        improve_by=date(2010, 6, 30),
    )
    workflow.save_draft(report=report("K5-2", 1), by=planner, now=now, figures={}, lag_reason="我的原因")
    said = refused(csv_file("99,1,K5-2,projects,3,短"), "--as", "planner")
    assert "兩小時寫成的執行情形" in said
    assert "colleague" in said
    later = csv_file("99,1,K5-2,projects,3,,,99/07/31", header=header)
    assert "99 年 6 月 30 日" in refused(later, "--as", "planner")
    assert "兩小時" in refused(csv_file("99,1,K5-2,projects,3,"), "--as", "planner", "--submit")
    mine = csv_file("99,1,K5-2,projects,3,,改寫我的原因,", header=header)
    call_command("import_figures", mine, "--as", "planner")
    assert report("K5-2", 1).lag_reason == "改寫我的原因"

    workflow.save_draft(
        report=report("K5-2", 2), by=colleague, now=now, figures={}, not_applicable_reason="甲之理由"
    )
    assert "甲之理由" in refused(csv_file("99,2,K5-2,projects,不適用,乙之理由"), "--as", "planner")
    same = csv_file(
        "99,1,K5-2,projects,3,兩小時寫成的執行情形,,99/06/30",
        "99,2,K5-2,projects,不適用,甲之理由,,",
        header=header,
    )
    call_command("import_figures", same, "--as", "planner")
    assert report("K5-2", 1).remark == "兩小時寫成的執行情形"


@pytest.mark.parametrize(("value", "words"), [("0", "「執行情形」超過 5000 字"), ("不適用", "超過 1000 字")])
def test_texts_that_are_too_long_together_are_refused(csv_file, planner, value, words):
    variables = Indicator.objects.get(code="K4-2").variables.values_list("symbol", flat=True)
    rows = [f"99,1,K4-2,{symbol},{value},{number}{'長' * 999}" for number, symbol in enumerate(variables)]
    said = refused(csv_file(*rows), "--as", "planner")
    assert said.startswith("第 2 列")
    assert words in said


def test_a_figure_stated_in_a_file_is_no_demonstration_any_more(csv_file, planner, report, now):
    figures = {"outbound": Decimal(3), "inbound": Decimal(7)}
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures, demo=True)
    call_command("import_figures", csv_file("99,1,K1-1,outbound,3,"), "--as", "planner")
    workflow.clear_demonstration()
    assert stored() == {("K1-1", 1, "outbound"): 3}


def test_rows_are_counted_as_a_spreadsheet_counts_them(csv_file, planner):
    said = refused(csv_file('99,1,K5-2,projects,3,"two\nlines"', "99,1,K9-9,projects,3,"), "--as", "planner")
    assert said.startswith("第 3 列")


@pytest.mark.parametrize("row", ["９９,１,K5-2,projects,３,", "099,1,K5-2,projects,3,"])
def test_years_and_quarters_go_through_the_strict_parser(csv_file, planner, row):
    call_command("import_figures", csv_file(row), "--as", "planner")
    assert stored() == {("K5-2", 1, "projects"): 3}


@pytest.mark.parametrize(
    "row", ["⑨9,1,K5-2,projects,3,", "99,²,K5-2,projects,3,", f"99,1,K5-2,projects,3,{'長' * 5001}"]
)
def test_other_digits_and_endless_remarks_are_refused(csv_file, planner, row):
    assert refused(csv_file(row), "--as", "planner")


def test_rows_of_every_kind_of_fault_are_named_in_one_run(csv_file, planner, reviewer, approved):
    approved("K5-2", 1, projects=3)
    said = refused(
        csv_file(
            "99,1,K9-9,projects,3,",
            "99,1,K5-2,projects,4,",
            "99,1,K1-1,outbound",
            "99,2,K1-1,outbound,4,",
            "99,,K1-1,inbound,4,",
            "99,,K3-1,baseline,39,",
        ),
        "--as",
        "planner",
        "--submit",
        "--approve-as",
        "reviewer",
    )
    assert [line[: line.index("列")] for line in said.splitlines()[:-1]] == [
        "第 2 ",
        "第 3 ",
        "第 4 ",
        "第 6 ",
    ]
