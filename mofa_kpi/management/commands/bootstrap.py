import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.demonstration import CONTRIBUTING_UNIT, add_demonstration, add_units
from indicators.models import Indicator, PlannedValue, QuarterReport
from indicators.workflow import create_reports
from ledger.acting import acting
from mofa_kpi.instance import make_instance
from objectives.models import Plan, Unit, User
from objectives.people import add_person, new_password
from objectives.roles import Role

# The contributor's role is for one unit, everybody else's for the whole agency.
PEOPLE = {
    "planner": (Role.PLANNER, "示範承辦人"),
    "contributor": (Role.PLANNER, "示範協辦單位承辦人"),
    "head": (Role.HEAD, "示範單位主管"),
    "reviewer": (Role.REVIEWER, "示範研考人員"),
    "manager": (Role.MANAGER, "示範督導主管"),
    "auditor": (Role.AUDITOR, "示範稽核人員"),
    "administrator": (Role.ADMINISTRATOR, "示範系統管理者"),
}


class Command(BaseCommand):
    help = (
        "Set the site up: database tables, the plan of ROC year 99 unless it is there, static files. "
        "Running it again changes nothing in the data."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="add demonstration accounts and figures to a fresh site"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self._load_plan()
        if options["demo"]:
            self._add_demonstration()

    def _load_plan(self) -> None:
        """Load the plan only where there is none: loading it again would undo what was edited since."""
        if Plan.objects.exists():
            return
        with acting(reason="bootstrap"):
            call_command("loaddata", "fy99_plan", verbosity=0)
            create_reports(Indicator.objects.all())
        self.stdout.write(_("The plan was loaded: %(plan)s.") % {"plan": Plan.objects.get()})

    def _add_demonstration(self) -> None:
        """Add accounts and figures once: neither comes back after it was removed or changed."""
        if User.objects.filter(username__in=PEOPLE).exists():
            return
        if PlannedValue.objects.exists() or QuarterReport.objects.filter(changed_by__isnull=False).exists():
            self.stdout.write(_("There are entries already, so no demonstration was added."))
            return
        plan = Plan.objects.earliest("year")
        passwords = {username: new_password() for username in PEOPLE}
        with acting():
            add_units(plan)
            units = {"contributor": Unit.objects.get(code=CONTRIBUTING_UNIT)}
            people = {
                username: add_person(
                    username=username,
                    name=name,
                    email=f"{username}@example.invalid",  # reminders are written to it, and reach nobody
                    password=passwords[username],
                    roles=[role],
                    unit=units.get(username, plan.unit),
                )
                for username, (role, name) in PEOPLE.items()
            }
            add_demonstration(
                plan=plan,
                planner=people["planner"],
                head=people["head"],
                reviewer=people["reviewer"],
                now=timezone.now(),
            )
        file = make_instance() / "demo-accounts.txt"
        lines = "".join(f"{username}\t{password}\n" for username, password in passwords.items())
        write_private(file, lines)
        self.stdout.write(_("Demonstration accounts, also kept in %(file)s:") % {"file": file})
        self.stdout.write(lines)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
