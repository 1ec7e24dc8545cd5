"""`as_of`: every audited table as it stood at a moment."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.utils import timezone

from indicators import locks
from indicators.models import Figure, Indicator, QuarterReport
from ledger.acting import acting
from ledger.audited import audited_models
from ledger.models import Entry, Source
from ledger.past import as_of, head_at
from ledger.verify import snapshot
from objectives.models import Membership, Plan, Unit, User
from objectives.roles import Role
from reports.moments import read_moment

EVERYTHING: tuple[str, ...] = ()  # of what stays as it is now: nothing


@pytest.fixture
def then(a_moment_later: Callable[[], str]) -> Callable[[], datetime]:
    return lambda: read_moment(a_moment_later())


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row of every audited table, but for what the ledger leaves out."""
    found = {}
    for label, model in audited_models().items():
        left_out = settings.LEDGER_AUDITED[label].get("exclude", ())
        names = [field.attname for field in model._meta.concrete_fields if field.name not in left_out]
        found[label] = list(model._default_manager.order_by("pk").values(*names))
    return found


@pytest.mark.django_db
def test_every_audited_table_is_as_it_stood(approved, plan, department, planner, then):
    approved("K1-1", 1, outbound=4, inbound=8)
    before, moment = everything(), then()
    approved("K7-1", 1, remitted="1150000.5", budget=8_000_000)
    with locks.dismantled():
        Figure.objects.filter(variable__symbol="outbound").update(value=7)
        Figure.objects.filter(variable__symbol="inbound").delete()
    Indicator.objects.get(code="K1-2").strategies.clear()
    Plan.objects.update(title="另一份計畫")
    department.delete()
    User.objects.filter(pk=planner.pk).update(name="改名")
    Membership.objects.all().delete()
    after = everything()
    with as_of(moment, present=EVERYTHING):
        assert everything() == before
    assert everything() == after != before


@pytest.mark.django_db
def test_people_and_their_roles_are_todays(plan, planner, then):
    moment = then()
    Membership.objects.create(user=planner, unit=plan.unit, role=Role.MANAGER)
    User.objects.filter(pk=planner.pk).update(name="改名")
    with as_of(moment):
        assert planner.memberships.count() == 2
        assert User.objects.get(pk=planner.pk).name == "改名"
    with as_of(moment, present=EVERYTHING):
        assert planner.memberships.count() == 1


@pytest.mark.django_db
def test_it_ends_with_the_block_even_by_an_error(plan, then):
    moment = then()
    Plan.objects.update(title="另一份計畫")
    with suppress(LookupError), as_of(moment):
        assert Plan.objects.get().title != "另一份計畫"
        raise LookupError
    assert Plan.objects.get().title == "另一份計畫"
    Plan.objects.update(note="可以寫入")


@pytest.mark.django_db
def test_raw_sql_sees_the_past_too_and_what_it_writes_there_is_lost(plan, then):
    moment = then()
    Unit.objects.create(code="NEW", name="新設單位")
    with as_of(moment), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM objectives_unit WHERE code = 'NEW'")
        assert cursor.fetchone() == (0,)
        cursor.execute("UPDATE objectives_unit SET name = 'X'")
    assert not Unit.objects.filter(name="X").exists()


@pytest.mark.django_db
def test_one_past_at_a_time_and_no_writing_in_it(plan, then):
    moment = then()
    with as_of(moment):
        with pytest.raises(RuntimeError), as_of(moment):
            pass
        with pytest.raises(RuntimeError), acting():
            pass


@pytest.mark.django_db
def test_a_column_that_a_row_did_not_have_yet_has_its_default(plan, then):
    """An image from before a migration that added columns."""
    image = {"id": 999_999, "unit_id": plan.unit_id, "year": 42, "title": "舊計畫"}
    with acting(source=Source.MIGRATION), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO ledger_event (action, "table", "key", "after") VALUES (%s, %s, %s, %s)',
            ["INSERT", "objectives_plan", "999999", json.dumps(image, ensure_ascii=False)],
        )
    with as_of(then()):
        old = Plan.objects.get(pk=999_999)
        assert (old.title, old.note, old.green_threshold, old.adopted_on) == ("舊計畫", "", 100, None)


@pytest.mark.django_db
def test_a_moment_must_lie_within_the_ledger():
    for moment in (timezone.now() + timedelta(seconds=5), timezone.now() - timedelta(days=365)):
        with pytest.raises(ValidationError):
            head_at(moment)


@pytest.mark.django_db(transaction=True)
def test_a_moment_waits_for_whoever_is_writing_in_it(then):
    """Otherwise the same moment would show less now than it shows a second later."""
    written, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with acting():
            Unit.objects.create(code="SLOW", name="慢")
            written.set()
            go_on.wait(5)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(5)
    moment = then()
    threading.Timer(0.2, go_on.set).start()
    head = head_at(moment)
    writer.join()
    assert Entry.objects.get(seq=head.seq).new["code"] == "SLOW"
    assert head == head_at(moment)


@pytest.mark.django_db
def test_nobody_pays_for_the_past_who_does_not_ask_for_it(plan, django_assert_num_queries, then):
    with as_of(then()):
        pass
    with django_assert_num_queries(1):
        list(QuarterReport.objects.order_by())


@pytest.mark.django_db(transaction=True)
def test_a_page_shows_one_state_of_the_data_whatever_is_written_meanwhile():
    def write() -> None:
        Unit.objects.create(code="NEW", name="新設單位")
        connection.close()

    with snapshot():
        assert not Unit.objects.exists()
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert not Unit.objects.exists()
    assert Unit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_written_where_one_state_is_read():
    with suppress(DatabaseError), snapshot():
        Unit.objects.create(code="NEW", name="新設單位")
    assert not Unit.objects.exists()
    Unit.objects.create(code="NEW", name="新設單位")


@pytest.mark.django_db(transaction=True)
def test_pages_and_files_work_outside_of_any_transaction(client, plan, manager, approved, a_moment_later):
    """As the server runs them; elsewhere in the tests a transaction is around everything."""
    approved("K1-1", 1, outbound=4, inbound=8)
    client.force_login(manager)
    moment = a_moment_later()
    addresses = ("/", "/plan/", "/indicators/K1-1/", "/export/attainment.csv", "/export/attainment.xlsx")
    for address in addresses:
        for query in ({}, {"as_of": moment}):
            assert client.get(address, query).status_code == 200, (address, query)
    assert client.get("/indicators/none/").status_code == 404
    Plan.objects.update(title="仍可寫入")
