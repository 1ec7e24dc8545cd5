"""The dashboard of 20 indicators, on SQLite and PostgreSQL: `python -m bench.dashboard`.

Its requests a second under gunicorn are compared with those of an empty page that has the same base template,
session and user; then with itself once there are a million quarter reports of other agencies' plans. What a
browser fetches for it is counted compressed. Needs no database of its own: both are made for it.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import product

OTHERS = 1_000_000  # quarter reports of other plans
SHARE, SLOWER, SIZE = 0.25, 1.2, 150  # of the empty page's requests; times; kB
PORT, SECONDS = 8765, 6
ADDRESS = "/?year=99&quarter=3"
ZIPPED = b"\x1f\x8b"


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    with tempfile.TemporaryDirectory() as folder:
        on_database("SQLite", f"sqlite:///{folder}/db.sqlite3")
    with cluster() as url:
        on_database("PostgreSQL", url)


def on_database(name: str, url: str) -> None:
    print(f"-- {name}", flush=True)
    with tempfile.TemporaryDirectory() as instance:
        environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "bench", "EVIDENCE_DIR": instance}
        environment["DJANGO_SETTINGS_MODULE"] = "mofa_kpi.settings"
        cookie = in_a_process("fill", environment)
        with served(environment):
            empty, few = rate("/empty/", cookie), rate(ADDRESS, cookie)
            size = weight(cookie)
        in_a_process("crowd", environment)
        with served(environment):
            many = rate(ADDRESS, cookie)
    print(
        f"dashboard {few:>6.1f} requests/s, {few / empty:.2f} of the empty page's {empty:.1f}; with "
        f"{OTHERS:,} other reports {few / many:.2f} times as long; {size:.0f} kB with its assets"
    )
    if few < SHARE * empty or few > SLOWER * many or size > SIZE:
        sys.exit("This is less than is promised.")


def in_a_process(step: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "bench.dashboard", step]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@contextmanager
def served(environment: dict[str, str]) -> Iterator[None]:
    """Serve the site with an empty page beside it, by one process that answers one request at a time."""
    options = ["--bind", f"127.0.0.1:{PORT}", "--workers", "1", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "bench._served", *options]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _attempt in range(100):
            try:
                get("/accounts/login/", "")
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


def get(address: str, cookie: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
    connection.request("GET", address, headers={"Cookie": f"sessionid={cookie}", "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        sys.exit(f"{address} answered {answer.status}.")
    return content


def rate(address: str, cookie: str) -> float:
    """Return how many requests a second are answered."""
    for _round in range(5):
        get(address, cookie)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        get(address, cookie)
        count += 1
    return count / (time.perf_counter() - began)


def weight(cookie: str) -> float:
    """Return how many kB the page and what it links to have, compressed."""
    page = get(ADDRESS, cookie)
    linked = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode()))
    found = (page, *(get(address, cookie) for address in linked))
    return sum(len(each if each[:2] == ZIPPED else gzip.compress(each)) for each in found) / 1000


def fill() -> None:
    """Make the demonstration's figures, and print the session of a manager."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.utils import timezone

    from indicators.demonstration import add_demonstration, add_units
    from ledger.acting import acting
    from objectives.models import Plan
    from objectives.people import add_person, new_password
    from objectives.roles import Role

    call_command("bootstrap", stdout=sys.stderr)
    plan, roles = Plan.objects.get(), (Role.PLANNER, Role.HEAD, Role.REVIEWER, Role.MANAGER)
    with acting():
        add_units(plan)
        planner, head, reviewer, manager = (
            add_person(username=role.lower(), password=new_password(), roles=[role], unit=plan.unit)
            for role in roles
        )
        add_demonstration(plan=plan, planner=planner, head=head, reviewer=reviewer, now=timezone.now())
    session = SessionStore()
    session["_auth_user_id"] = str(manager.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = manager.get_session_auth_hash()
    session.save()
    print(session.session_key)


def crowd() -> None:
    """Add other agencies' plans with so many quarter reports; the triggers rest meanwhile."""
    from django.db import connection, transaction

    from indicators import locks
    from indicators.models import Indicator, QuarterReport
    from ledger.audited import tables
    from ledger.triggers import dialect
    from objectives.models import Goal, Plan, Unit

    with locks.dismantled(), transaction.atomic(), connection.cursor() as cursor:
        dialect().uninstall(cursor)
        units = Unit.objects.bulk_create(Unit(code=f"A{n}", name=f"機關{n}") for n in range(100))
        plans = Plan.objects.bulk_create(
            Plan(unit=unit, year=year, title="x") for unit, year in product(units, range(90, 100))
        )
        goals = Goal.objects.bulk_create(
            Goal(plan=plan, kind="KEY", number=1, title="x", outline_number=1, outline_title="x")
            for plan in plans
        )
        each = OTHERS // 4 // len(goals)
        for goal in goals:
            made = Indicator.objects.bulk_create(
                Indicator(
                    goal=goal, code=f"K1-{n}", number=n, title="x", scheme=1, method="x", standard="x",
                    target=1, unit="x", formula="a", lead_unit_id=goal.plan.unit_id,
                )
                for n in range(1, each + 1)
            )  # fmt: skip
            QuarterReport.objects.bulk_create(
                QuarterReport(indicator=indicator, quarter=quarter)
                for indicator, quarter in product(made, (1, 2, 3, 4))
            )
        dialect().install(cursor, list(tables()))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def step() -> None:
    import django

    django.setup()
    {"fill": fill, "crowd": crowd}[sys.argv[1]]()


if __name__ == "__main__":
    step() if len(sys.argv) > 1 else main()
