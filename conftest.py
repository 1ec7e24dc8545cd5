"""What every test stands on. The settings under test are in `mofa_kpi/tests/settings.py`."""

import gc
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, client
from django.utils import translation
from playwright.sync_api import BrowserContext

from indicators import locks
from ledger.acting import current
from ledger.triggers import dismantled
from mofa_kpi.tests.browser import browser_required, chromium
from objectives.models import Plan

pytest_plugins = ["mofa_kpi.tests.cast", "reports.tests.publishing"]

# Playwright's event loop lives in the thread of the tests, where Django would forbid every query.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

NO_BROWSER = "There is no Chromium on this machine (on Debian: apt-get install chromium fonts-noto-cjk)."


def pytest_configure() -> None:
    if importlib.util.find_spec("psycopg"):
        raise pytest.UsageError(
            "psycopg 3 is installed, and Django prefers it silently: «pip uninstall psycopg»"
        )


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    browser_tests = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    for item in browser_tests:
        item.add_marker("browser")
    for item in filter(touches_database, items):
        item.add_marker("database")
    if browser_tests and not chromium() and not browser_required():
        config.hook.pytest_deselected(items=browser_tests)
        items[:] = [item for item in items if item not in browser_tests]
        config.stash[left_out] = len(browser_tests)
    items.sort(key=plan_last)  # what depends on the order of these is sorted by pytest-django after us


def touches_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db"}.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def plan_last(item: pytest.Item) -> bool:
    """Put the tests that find the plan in the database behind those that find empty tables."""
    return "plan" in getattr(item, "fixturenames", ())


left_out = pytest.StashKey[int]()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end anyway: an eighth of the whole time."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if number := config.stash.get(left_out, 0):
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"{number} browser tests. {NO_BROWSER}", red=True, bold=True)


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied() -> Iterator[None]:
    """A test that commits begins and ends with empty tables, which the database's triggers
    would not allow."""
    teardown: Callable[..., None] = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def empty(self: TransactionTestCase | type[TransactionTestCase]) -> None:
        with locks.dismantled(), dismantled():
            teardown(self)

    def without_plan(cls: type[TransactionTestCase]) -> None:
        if Plan.objects.exists():
            empty(cls)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_setup", classmethod(without_plan))
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def pages_alone_are_kept() -> Iterator[None]:
    """Django's test client keeps a copy of the context of every template, of each input of a form too.

    No test asks for more than the page's own, which is the first.
    """
    keep = client.store_rendered_templates  # type: ignore[attr-defined]

    def keep_first(store: dict[str, Any], *arguments: Any, **options: Any) -> None:
        if not store:
            keep(store, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "store_rendered_templates", keep_first)
        yield


@pytest.fixture(autouse=True)
def words_are_chinese() -> None:
    """A request in English leaves its language behind in the thread."""
    translation.activate(settings.LANGUAGE_CODE)


ROW_LOCK = re.compile(r"\bFOR (NO KEY )?UPDATE\b")


@pytest.fixture(autouse=True)
def rows_are_locked_after_the_ledger() -> Iterator[None]:
    """Whoever locks a row before the ledger can deadlock with every writer: fail where that happens.

    SQLite locks no rows.
    """
    if connection.vendor != "postgresql":
        yield
        return

    def refuse(execute: Callable[..., Any], sql: Any, *arguments: Any) -> Any:
        if isinstance(sql, str) and current() is None and ROW_LOCK.search(sql):
            pytest.fail(f"A row is locked outside of ledger.acting: {sql}")
        return execute(sql, *arguments)

    with connection.execute_wrapper(refuse):
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = chromium()
    if not path:
        pytest.fail(NO_BROWSER)
    arguments = ["disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync"]
    if os.geteuid() == 0:
        arguments.append("no-sandbox")  # Chromium's sandbox refuses to start as root
    return {
        **browser_type_launch_args,
        "executable_path": path,
        "args": [f"--{argument}" for argument in [*arguments, "no-first-run"]],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "zh-TW", "timezone_id": "Asia/Taipei"}


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about so far; a test that provokes a complaint checks and clears it."""
    return []


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], complaints: list[str]
) -> Iterator[Callable[..., BrowserContext]]:
    """Watch every browser context: an error on the console or in a script, or a violation of the
    Content-Security-Policy (which Chromium reports on the console), fails the test."""
    contexts = []

    def watched(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda raised: complaints.append(str(raised.error)))
        contexts.append(context)
        return context

    yield watched
    for context in contexts:
        for page in context.pages:
            page.evaluate("0")  # a round trip: what was said before it has arrived
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)
