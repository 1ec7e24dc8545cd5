from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from indicators.readings import Basis
from objectives.models import Plan, User
from reports.exports.catalogue import DATASETS
from reports.exports.dataset import Dataset
from reports.exports.dictionary import DICTIONARY
from reports.exports.files import Export, extensions, sha256
from reports.exports.ledger import LEDGER
from reports.exports.scope import Scope
from reports.facets import KEYS
from reports.management.progress import told_on
from reports.moments import At, data_at, read_moment

OFFERED = {each.name: each for each in (*DATASETS.values(), DICTIONARY) if each is not LEDGER}


class Command(BaseCommand):
    help = "Write a table of the pages to a file (export_ledger writes the ledger)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", choices=OFFERED, required=True)
        add_filters(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        taken, count = self._written(OFFERED[options["dataset"]], options)
        with options["output"].open("rb") as file:
            taken.record(file=options["output"].name, rows=count, sha256=sha256(file))
        head = taken.scope.at.head
        self.stdout.write(
            _("%(count)s rows were written to %(file)s; ledger %(seq)s %(hash)s.")
            % {"count": f"{count:,}", "file": options["output"], "seq": head.seq, "hash": head.hash}
        )

    def _written(self, dataset: Dataset, options: dict[str, Any]) -> tuple[Export, int]:
        """Write the file; return what it is and how many rows it has."""
        offered = extensions(dataset)
        if options["format"] not in offered:
            raise CommandError(
                _("The formats of this table are: %(formats)s.") % {"formats": ", ".join(offered)}
            )
        try:
            moment = read_moment(options["as_of"]) if options["as_of"] else None
            with data_at(moment) as at:
                taken = Export(dataset, _scope(dataset, at, options), options["format"])
                with options["output"].open("wb") as file:
                    return taken, taken.write(file, told_on(self.stderr))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error


def add_filters(parser: ArgumentParser) -> None:
    """Add what every table can be asked for."""
    parser.add_argument("--year", type=int, help="ROC year of the plan, such as 99")
    parser.add_argument("--quarter", type=int, choices=QUARTERS)
    parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
    parser.add_argument("--basis", choices=("official", "provisional"), default="official")
    parser.add_argument("--indicator", metavar="CODE", help="of the figures: those of this indicator only")
    for name in KEYS:
        parser.add_argument(f"--{name}", help=f"narrow the list, as {name}= in the dashboard's address does")
    parser.add_argument(
        "--as-of",
        metavar="MOMENT",
        help="the data as they stood then, such as 2026-05-19T12:00 (Taipei's time)",
    )
    parser.add_argument("--as", metavar="USERNAME", dest="reader", help="only what this person may see")
    parser.add_argument("--format", required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")


def _scope(dataset: Dataset, at: At, options: dict[str, Any]) -> Scope:
    reader, more = _reader(dataset, options["reader"]), _more(dataset, options)
    if not dataset.of_a_plan:
        return Scope(at, reader, more=more)
    if options["year"] is None or options["quarter"] is None:
        raise CommandError(_("This table needs --year and --quarter."))
    basis = Basis(options["basis"]) if "basis" in dataset.filters else Basis.OFFICIAL
    plan = plan_of(options["year"], options["agency"])
    scope = Scope(at, reader, plan, options["quarter"], basis, more)
    dataset.in_words(scope)  # which refuses what there is not
    return scope


def _more(dataset: Dataset, options: dict[str, Any]) -> dict[str, str]:
    """Return what narrows the table further. Raises CommandError for what this one cannot be narrowed by."""
    more = {name: options[name] for name in ("indicator", *KEYS) if options[name]}
    for name in more:
        if name not in dataset.filters:
            raise CommandError(_("This table cannot be narrowed by --%(name)s.") % {"name": name})
    return more


def _reader(dataset: Dataset, username: str | None) -> User | None:
    if username is None:
        if dataset.is_of_an_organisation:
            raise CommandError(_("This table needs --as: it is that of a person's organisation."))
        return None
    found = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(_("There is no account «%(name)s».") % {"name": username})
    return found


def plan_of(year: int, agency: str | None) -> Plan:
    """Return the plan that a command is asked about. Raises CommandError unless there is exactly one."""
    plans = Plan.objects.filter(year=year).select_related("unit")
    if agency:
        plans = plans.filter(unit__code=agency)
    if not plans:
        raise CommandError(_("There is no plan for ROC year %(year)s.") % {"year": year})
    if len(plans) > 1:
        codes = ", ".join(plan.unit.code for plan in plans)
        raise CommandError(
            _("Several agencies have a plan; name one with --agency: %(codes)s") % {"codes": codes}
        )
    return plans[0]
