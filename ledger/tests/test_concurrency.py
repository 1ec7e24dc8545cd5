"""Many writers at once make one unbroken chain, lose nothing, and do not stand in each other's way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from ledger.acting import acting
from ledger.models import Entry
from ledger.verify import Verdict, verify

pytestmark = pytest.mark.django_db(transaction=True)

BASE_DIR = Path(__file__).resolve().parents[2]
TIMES = 10
COUNTER = 1_000_000  # a key that no sequence comes to


def groups() -> Any:
    return apps.get_model("auth.Group").objects


def at_once(*work: Callable[[], None]) -> None:
    """Do all of it in parallel, each on a connection of its own; raise what any of it raised."""
    barrier = Barrier(len(work))

    def start(one: Callable[[], None]) -> None:
        try:
            barrier.wait()
            one()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(start, one) for one in work]:
            done.result()


def count_up(name: str) -> None:
    """Add one to a number that every writer adds to, and a row of one's own, several times."""
    for time in range(TIMES):
        with acting(reason=name):
            counter = groups().select_for_update().get(pk=COUNTER)
            counter.name = str(int(counter.name) + 1)
            counter.save()
            groups().create(name=f"{name} {time}")


def counted(writers: int) -> None:
    """Check that nothing is lost and that the chain is unbroken."""
    total = writers * TIMES
    assert groups().get(pk=COUNTER).name == str(total)
    assert groups().count() == total + 1
    entries = Entry.objects.filter(table="auth_group")
    assert entries.filter(action="UPDATE").count() == total
    assert entries.filter(action="INSERT").count() == total + 1
    verdict = verify()
    assert verdict.problems == []
    assert verdict.entries == verdict.head.seq


def test_sixteen_writers() -> None:
    writers = 16 if connection.vendor == "postgresql" else 4
    groups().create(pk=COUNTER, name="0")
    at_once(*(lambda number=number: count_up(f"writer {number}") for number in range(writers)))
    counted(writers)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="threads say as much on PostgreSQL")
def test_four_processes() -> None:
    groups().create(pk=COUNTER, name="0")
    url = f"sqlite:///{connection.settings_dict['NAME']}"
    code = (
        "import sys, django; django.setup()\n"
        "from ledger.tests.test_concurrency import count_up\n"
        "print('ready', flush=True); sys.stdin.readline(); count_up(sys.argv[1])"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"process {number}"],
            cwd=BASE_DIR,
            env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mofa_kpi.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    counted(4)


# -- Two writers, the same rows in the opposite order -------------------------------------------------------


def within_acting(first: int, second: int, name: str) -> None:
    with acting():
        groups().filter(pk=first).update(name=f"{first} {name}")
        groups().filter(pk=second).update(name=f"{second} {name}")


def locking_rows_first(first: int, second: int, name: str) -> None:
    with acting():
        rows = {key: groups().select_for_update().get(pk=key) for key in (first, second)}
        for key in (second, first):
            rows[key].name = f"{key} {name}"
            rows[key].save()


def raw_statements(first: int, second: int, name: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for key in (first, second):
            cursor.execute("UPDATE auth_group SET name = %s WHERE id = %s", [f"{key} {name}", key])


def one_statement(first: int, second: int, name: str) -> None:
    groups().filter(pk=first).update(name=f"{first} {name}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_group SET name = id || %s WHERE id IN (1, 2)", [f" {name}"])


MANNERS = (within_acting, locking_rows_first, raw_statements, one_statement)


def test_rows_in_opposite_orders_do_not_deadlock() -> None:
    groups().create(pk=1, name="1")
    groups().create(pk=2, name="2")

    def over_and_over(manner: Callable[..., None], first: int, second: int) -> Callable[[], None]:
        def work() -> None:
            for time in range(TIMES):
                manner(first, second, f"{first} before {second}, {time}")

        return work

    for one, other in combinations_with_replacement(MANNERS, 2):
        at_once(over_and_over(one, 1, 2), over_and_over(other, 2, 1))
    assert verify().problems == []


def test_a_reader_neither_waits_nor_sees_half() -> None:
    """Verification reads one state while others write."""
    groups().create(pk=COUNTER, name="0")
    verdicts: list[Verdict] = []

    def read() -> None:
        verdicts.extend(verify() for _time in range(5))

    at_once(read, lambda: count_up("a"), lambda: count_up("b"))
    assert [verdict.problems for verdict in verdicts] == [[]] * 5
    assert verdicts[0].entries <= verdicts[-1].entries
