import os
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from objectives.models import Unit
from objectives.people import add_person, new_password
from objectives.roles import Role


class Command(BaseCommand):
    help = "Add an account with roles. Its password is generated and printed once, or is PERSON_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            choices=[role.lower() for role in Role.values],
            help="may be given several times",
        )
        parser.add_argument("--unit", metavar="CODE", help="code of the unit; the ministry unless named")
        parser.add_argument("--name", default="", help="the person's name as shown on screen")

    def handle(self, *args: Any, **options: Any) -> None:
        given = os.environ.get("PERSON_PASSWORD")
        password = given or new_password()
        try:
            person = add_person(
                username=options["username"],
                name=options["name"],
                password=password,
                roles=dict.fromkeys(Role(role.upper()) for role in options["role"]),
                unit=_unit(options["unit"]),
            )
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        self.stdout.write(_("Account %(username)s was added.") % {"username": person.username})
        if not given:
            self.stdout.write(_("Password, shown only this once: %(password)s") % {"password": password})


def _unit(code: str | None) -> Unit:
    """Find the unit by code; without one, the only unit at the top of the forest."""
    if code:
        unit = Unit.objects.filter(code=code).first()
        if unit is None:
            known = ", ".join(Unit.objects.values_list("code", flat=True))
            raise CommandError(
                _("There is no unit %(code)s. Known: %(known)s") % {"code": code, "known": known}
            )
        return unit
    ministries = list(Unit.objects.filter(parent=None)[:2])
    if not ministries:
        raise CommandError(_("There is no unit yet. Run «python manage.py bootstrap» first."))
    if len(ministries) > 1:
        raise CommandError(_("There are several ministries; name one with --unit CODE."))
    return ministries[0]
