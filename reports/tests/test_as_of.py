"""Looking back: pages and files show the data of a moment, and do so the same whenever one asks."""

import csv
import hashlib
import io
import zipfile
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from indicators import locks, workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Variable
from ledger.models import Action, Entry
from ledger.past import as_of
from mofa_kpi.tests.cast import NOW
from objectives.models import Membership, Plan
from objectives.roc import TAIPEI
from reports.exports.attainment import HEAD_COLUMNS
from reports.moments import read_moment


@pytest.fixture
def changes_afterwards(approved, report, reviewer, planner):
    """Change about everything that a file holds, behind the workflow's back too."""

    def change() -> None:
        approved("K2-2", 3, meetings=5)
        with locks.dismantled():
            Figure.objects.update(value=1)
            Figure.objects.earliest("pk").delete()
        QuarterReport.objects.filter(indicator__code="K5-1").update(remark="改")
        Plan.objects.update(title="另一份計畫", green_threshold=95)
        Indicator.objects.filter(code="K1-1").update(target=1, title="另一指標", weight=3, formula="outbound")
        Indicator.objects.get(code="K1-2").strategies.clear()
        Variable.objects.filter(symbol="baseline").update(constant=1)
        PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-2"), quarter=1, value=1)
        report("C3-2", 4).delete()

    return change


def test_the_file_of_a_moment_is_the_same_whatever_happens_afterwards(
    managing, approved, a_moment_later, changes_afterwards
):
    """The golden test: CSV to the byte, XLSX to the data sheet."""
    approved("K1-1", 1, outbound=4, inbound=8)
    approved("K1-2", 1, projects=92)
    query = f"?year=99&quarter=3&as_of={a_moment_later()}"
    files = [f"/export/attainment.{extension}{query}" for extension in ("csv", "xlsx")]
    table, book = (managing.get(file).content for file in files)
    changes_afterwards()
    assert managing.get(files[0]).content == table
    again = managing.get(files[1]).content
    assert again == book
    assert managing.get("/export/attainment.csv?year=99&quarter=3").content != table


def sheets(book: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(book))
    return {name: archive.read(name) for name in archive.namelist()}


def test_the_command_writes_the_very_file_of_the_page(
    managing, approved, a_moment_later, changes_afterwards, tmp_path
):
    approved("K1-1", 1, outbound=4, inbound=8)
    moment = a_moment_later()
    changes_afterwards()
    for extension in ("csv", "xlsx"):
        file = tmp_path / f"out.{extension}"
        call_command(
            "export_attainment", "--year=99", "--quarter=1", f"--format={extension}", f"--as-of={moment}",
            f"--output={file}",
        )  # fmt: skip
        page = managing.get(f"/export/attainment.{extension}?year=99&quarter=1&as_of={moment}")
        if extension == "csv":
            assert file.read_bytes() == page.content
        else:  # the cover says who took it away
            data = "xl/worksheets/sheet2.xml"
            assert sheets(file.read_bytes())[data] == sheets(page.content)[data]


def test_a_file_names_the_ledgers_last_entry_of_its_moment(managing, approved, a_moment_later):
    approved("K1-1", 1, outbound=4, inbound=8)
    then, moment = Entry.objects.head(), a_moment_later()
    Plan.objects.update(title="另一份計畫")
    now = Entry.objects.head()
    for query, head in (("", now), (f"?as_of={moment}", then)):
        response = managing.get(f"/export/attainment.csv{query}")
        rows = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
        assert {tuple(row[column.header] for column in HEAD_COLUMNS) for row in rows} == {
            (str(head.seq), head.hash)
        }


def test_a_file_that_is_taken_away_is_in_the_ledger(managing, manager, plan, a_moment_later):
    moment = a_moment_later()
    before = Entry.objects.head()
    content = managing.get(f"/export/attainment.csv?quarter=2&as_of={moment}").content
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor, entry.source) == (Action.EXPORT, manager.username, "page")
    assert (entry.table, entry.key) == (Plan._meta.db_table, str(plan.pk))
    assert entry.new["sha256"] == hashlib.sha256(content).hexdigest()
    assert (entry.new["filters"]["quarter"], entry.new["head_seq"]) == (2, before.seq)
    assert read_moment(entry.new["as_of"]) == read_moment(moment)


def test_pages_show_the_data_of_the_moment_and_say_so(managing, approved, a_moment_later, changes_afterwards):
    approved("K1-1", 1, outbound=4, inbound=8)
    moment = a_moment_later()
    shown = {}
    for address in ("/?quarter=1", "/indicators/K1-1/?quarter=1", "/plan/?year=99"):
        shown[address] = managing.get(f"{address}&as_of={moment}").content.decode()
        assert "回到目前資料" in shown[address]
        assert "回到目前資料" not in managing.get(address).content.decode()
    changes_afterwards()
    for address, before in shown.items():
        page = managing.get(f"{address}&as_of={moment}").content.decode()
        assert page.replace(token(page), "") == before.replace(token(before), "")
        assert "另一" not in page
        assert "另一" in managing.get(address).content.decode()


def token(page: str) -> str:
    _before, _name, after = page.partition('name="csrfmiddlewaretoken" value="')
    return after[:64]


def test_links_stay_at_the_moment(managing, plan, a_moment_later):
    page = managing.get(f"/?quarter=1&as_of={a_moment_later()}")
    selection = page.context["selection"]
    assert "as_of=" in selection.query
    assert "as_of=" in selection.other_basis_query
    assert "as_of=" not in selection.present_query
    assert managing.get(f"/indicators/K1-1/{selection.query}").context["selection"].at.past


def test_rights_are_todays(managing, manager, a_moment_later):
    moment = a_moment_later()
    Membership.objects.filter(user=manager).delete()
    assert managing.get(f"/?as_of={moment}").status_code == 403
    assert managing.get(f"/export/attainment.csv?as_of={moment}").status_code == 403


def test_a_role_given_today_lets_one_look_back(client, person, ministry, plan, a_moment_later):
    newcomer = person("newcomer")
    moment = a_moment_later()
    Membership.objects.create(user=newcomer, unit=ministry, role="MANAGER")
    client.force_login(newcomer)
    assert client.get(f"/?as_of={moment}").status_code == 200


@pytest.mark.parametrize(
    "moment",
    [
        "2999-01-01", "nonsense", "115.13.1", "99999999999", "2026-05-19T25:00", "0.1.1", "0001-01-01",
        "1990-01-01", "9999-12-31T23:59:59-12:00", "\x00", "115.5.19 12:00' OR 1=1",
    ],
)  # fmt: skip
def test_a_moment_that_cannot_be_shown_is_refused_in_words(managing, plan, moment):
    for address in ("/", "/plan/", "/export/attainment.csv"):
        response = managing.get(address, {"as_of": moment})
        assert response.status_code == 404
        words = response.content.decode()
        assert "時間" in words or "時點" in words


def test_moments_are_read_as_people_and_programs_write_them():
    expected = datetime(2026, 5, 19, 12, 0, tzinfo=TAIPEI)
    for text in (
        "2026-05-19T12:00", "2026-05-19 12:00:00", "2026-05-19T04:00:00Z", "2026-05-19T12:00:00.000+08:00",
        "115.5.19 12:00", "115/05/19 12:00:00", "民國115年5月19日 12:00",
    ):  # fmt: skip
        assert read_moment(text) == expected, text
    assert read_moment("115.5.19") == read_moment("2026-05-19") == expected - timedelta(hours=12)


def test_nothing_can_be_written_while_the_past_is_shown(plan, planner, report, a_moment_later):
    found = report("K1-1", 1)
    moment = read_moment(a_moment_later())
    with as_of(moment), pytest.raises(RuntimeError, match="past"):
        workflow.save_draft(report=found, by=planner, now=NOW, figures={})
    workflow.save_draft(report=found, by=planner, now=NOW, figures={})


def test_the_command_says_what_is_wrong_with_a_moment(plan, tmp_path):
    later = timezone.now() + timedelta(days=1)
    for moment in ("soon", f"{later:%Y-%m-%d}"):
        with pytest.raises(CommandError):
            call_command(
                "export_attainment", "--year=99", "--quarter=1", "--format=csv", f"--as-of={moment}",
                f"--output={tmp_path / 'out.csv'}",
            )  # fmt: skip
    assert not list(tmp_path.iterdir())
