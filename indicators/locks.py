"""The database's own refusal: no figure and no evidence under an approved report, or in a closed quarter.

Nor does what decides about that move: a report keeps its indicator and its quarter, a figure has a variable
of its report's indicator, 不適用 is declared only where figures may be written, a closed period stays.

The verbs look first, and say why in words. These triggers stand behind them, so that raw SQL, bulk writes
and whatever else goes round the verbs cannot slip by, on SQLite and PostgreSQL alike. A reopening in force
for the unit lets its rows through; a closed year lets none. The clock is the database's.

What the database keeps for an app above is added by that app (`add`), and then treated like these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connection, transaction

MESSAGE = "Figures and evidence under an approved report, or in a closed quarter, cannot be changed."

# Each locked table, and for which unit a row of it is entered; {row} is NEW or OLD.
_UNITS = {
    "indicators_figure": "coalesce({row}.unit_id, indicator.lead_unit_id)",
    "indicators_evidence": "indicator.lead_unit_id",
}

# Whether the row may be written. Without its report it may not: else whoever deletes the report first, which
# the foreign key minds only at the end of the transaction, could do what they like with the rest.
_MAY_BE_WRITTEN = """EXISTS (
    SELECT 1 FROM indicators_quarterreport AS report
    JOIN indicators_indicator AS indicator ON indicator.id = report.indicator_id
    JOIN objectives_goal AS goal ON goal.id = indicator.goal_id
    JOIN objectives_plan AS plan ON plan.id = goal.plan_id
    LEFT JOIN indicators_reportingperiod AS period
        ON period.plan_id = plan.id AND period.quarter = report.quarter
    WHERE report.id = {report} AND report.status <> 'APPROVED' AND plan.closed_at IS NULL
        AND (period.closed_at IS NULL OR EXISTS (
            SELECT 1 FROM indicators_reopening AS reopening
            WHERE reopening.period_id = period.id AND reopening.unit_id = {unit}
                AND reopening.ended_at IS NULL AND {in_force}
        ))
)"""

_MOMENT = "strftime('%Y-%m-%d %H:%M:%f', {})"  # Django leaves the fraction out where it is zero
_IN_FORCE = {
    "sqlite": f"{_MOMENT.format('reopening.until')} > {_MOMENT.format(repr('now'))}",
    "postgresql": "reopening.until > clock_timestamp()",
}


def _may_be_written(report: str, unit: str) -> str:
    return _MAY_BE_WRITTEN.format(report=report, unit=unit, in_force=_IN_FORCE[connection.vendor])


@dataclass(frozen=True)
class Lock:
    """What must hold for a row of a table to be written, and what is said where it does not."""

    name: str
    table: str
    event: str
    condition: str
    message: str = MESSAGE

    @property
    def tables(self) -> set[str]:
        """The tables that it names."""
        return {self.table, *re.findall(r"(?:FROM|JOIN) (\w+) AS", self.condition)}


_added: list[Lock] = []


def add(locks: Iterable[Lock]) -> None:
    """Have the locks of an app above kept as well: to be called once, when that app is ready."""
    _added.extend(locks)


def _locks(cursor: Any) -> list[Lock]:
    """Return the locks whose tables all exist, as not all do while only some migrations are applied."""
    existing = set(connection.introspection.table_names(cursor))
    return [lock for lock in (*_own(), *_added) if lock.tables <= existing]


def _own() -> Iterator[Lock]:
    for table, unit in _UNITS.items():
        for event, rows in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])):
            allowed = (_may_be_written(f"{row}.report_id", unit.format(row=row)) for row in rows)
            yield Lock(f"locks_{table}_{event.lower()}", table, event, " AND ".join(allowed))
    yield from _belongings()
    yield Lock(
        "locks_reports_not_applicable",
        "indicators_quarterreport",
        "UPDATE",
        "NEW.not_applicable_reason = OLD.not_applicable_reason OR "
        + _may_be_written("OLD.id", "indicator.lead_unit_id"),
    )
    yield Lock(
        "locks_closed_periods",
        "indicators_reportingperiod",
        "DELETE",
        "OLD.closed_at IS NULL",
        "The period of a closed quarter cannot be deleted.",
    )


def _belongings() -> Iterator[Lock]:
    """What a figure counts for cannot be changed round about, by moving what it hangs on."""
    yield Lock(
        "locks_reports_stay",
        "indicators_quarterreport",
        "UPDATE",
        "NEW.indicator_id = OLD.indicator_id AND NEW.quarter = OLD.quarter",
        "The indicator and the quarter of a report cannot be changed.",
    )
    yield Lock(
        "locks_reports_go_last",
        "indicators_quarterreport",
        "DELETE",
        "NOT EXISTS (SELECT 1 FROM indicators_figure AS figure WHERE figure.report_id = OLD.id)",
        "A report that has figures cannot be deleted.",
    )
    yield Lock(
        "locks_variables_stay",
        "indicators_variable",
        "UPDATE",
        "NEW.indicator_id = OLD.indicator_id",
        "The indicator of a variable cannot be changed.",
    )
    for event in ("INSERT", "UPDATE"):
        yield Lock(
            f"locks_figures_variable_{event.lower()}",
            "indicators_figure",
            event,
            """EXISTS (
    SELECT 1 FROM indicators_variable AS variable
    JOIN indicators_quarterreport AS report ON report.indicator_id = variable.indicator_id
    WHERE variable.id = NEW.variable_id AND report.id = NEW.report_id
)""",
            "The variable of a figure belongs to its report: this cannot be changed.",
        )


# -- SQLite ------------------------------------------------------------------------------------------------


def _on_sqlite(locks: Iterable[Lock]) -> Iterator[tuple[str, str]]:
    for lock in locks:
        yield (
            lock.name,
            f'CREATE TRIGGER "{lock.name}" BEFORE {lock.event} ON "{lock.table}"\n'
            f"WHEN NOT ({lock.condition})\nBEGIN SELECT RAISE(ABORT, '{lock.message}'); END",
        )


# -- PostgreSQL --------------------------------------------------------------------------------------------


def _check(lock: Lock) -> str:
    return f"""
    IF TG_OP = '{lock.event}' THEN
        IF NOT ({lock.condition}) THEN
            RAISE EXCEPTION USING MESSAGE = '{lock.message}', ERRCODE = 'check_violation';
        END IF;
    END IF;"""


def _body(locks: Iterable[Lock]) -> str:
    checks = "".join(_check(lock) for lock in locks)
    return f"""
BEGIN{checks}
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
"""


def _schema(cursor: Any) -> str:
    cursor.execute("SELECT current_schema()")
    return str(cursor.fetchone()[0])


def _on_postgresql(locks: Iterable[Lock], schema: str) -> Iterator[tuple[str, str]]:
    # The path is fixed: a temporary table named like one of ours must not answer in its place.
    by_table: dict[str, list[Lock]] = {}
    for lock in locks:
        by_table.setdefault(lock.table, []).append(lock)
    for table, its in by_table.items():
        yield (
            f"function locks_{table}",
            f"CREATE FUNCTION locks_{table}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = {schema}, pg_temp AS $locks${_body(its)}$locks$",
        )
        yield (
            f"trigger {table}.locks_rows",
            f"CREATE TRIGGER locks_rows BEFORE INSERT OR DELETE OR UPDATE ON {schema}.{table}"
            f" FOR EACH ROW EXECUTE FUNCTION locks_{table}()",
        )


_INSTALLED = {
    "sqlite": """
        SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'locks~_%' ESCAPE '~'""",
    # A disabled trigger is not there.
    "postgresql": r"""
        SELECT 'function ' || proname, format(
            'CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET %s AS $locks$%s$locks$',
            proname, replace(array_to_string(proconfig, ' '), '=', ' = '), prosrc)
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'locks\_%'
        UNION ALL
        SELECT format('trigger %s.%s', relname, tgname), pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'O'
            AND tgname LIKE 'locks\_%'""",
}

# -- Putting them in, and looking whether they are there ---------------------------------------------------


def definitions(cursor: Any) -> dict[str, str]:
    """Return what must be in the database, by name."""
    locks = _locks(cursor)
    if connection.vendor == "sqlite":
        return dict(_on_sqlite(locks))
    return dict(_on_postgresql(locks, _schema(cursor)))


def installed(cursor: Any) -> dict[str, str]:
    """Return what there is of it in the database, by name."""
    cursor.execute(_INSTALLED[connection.vendor])
    return dict(cursor.fetchall())


def deviations() -> list[str]:
    """Name what is missing, disabled, superfluous or altered."""
    with connection.cursor() as cursor:
        wanted, found = definitions(cursor), installed(cursor)
    return sorted(name for name in {**wanted, **found} if wanted.get(name) != found.get(name))


def install(cursor: Any) -> None:
    for statement in definitions(cursor).values():
        cursor.execute(statement)


def uninstall(cursor: Any) -> None:
    if connection.vendor == "sqlite":
        for name in installed(cursor):
            cursor.execute(f'DROP TRIGGER "{name}"')
        return
    cursor.execute(
        "SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc"
        r" WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'locks\_%'"
    )
    for (statement,) in cursor.fetchall():  # a disabled trigger too, which goes with its function
        cursor.execute(statement)


def before_migrations(plan: Any = (), **kwargs: Any) -> None:
    """Take the triggers out where a migration follows: tables named in triggers cannot be rebuilt."""
    if plan:
        with transaction.atomic(), connection.cursor() as cursor:
            uninstall(cursor)


def after_migrations(**kwargs: Any) -> None:
    """Put the triggers in, as far as the tables that they name exist."""
    with transaction.atomic(), connection.cursor() as cursor:
        if deviations():
            uninstall(cursor)
            install(cursor)


@contextmanager
def dismantled() -> Iterator[None]:
    """Take the triggers out for a while: for tests, which empty every table between them."""
    if connection.in_atomic_block:
        connection.check_constraints()  # PostgreSQL drops no trigger while a check is to come
    with transaction.atomic(), connection.cursor() as cursor:
        uninstall(cursor)
    try:
        yield
    finally:
        after_migrations()


@register(Tags.database)
def check_locks(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of locks that are not as they should be: `manage.py check --database default`.

    A warning and no error, for `migrate` checks first, and is what puts them right.
    """
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    found = deviations()
    if not found:
        return []
    hint = "Run «manage.py migrate», and ask who changed them."
    return [Warning(f"The locks are not as they should be: {', '.join(found)}.", hint, id="indicators.W001")]
