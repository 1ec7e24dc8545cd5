import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from objectives.roc import roc_moment
from reports.publishing import Altered, published_with


class Command(BaseCommand):
    help = "Say of each file which published report it is; exit status 1 where one is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = [problem for file in options["files"] if (problem := self._verify(file))]
        if problems:
            raise CommandError("\n".join(problems))

    def _verify(self, path: Path) -> str:
        """Tell of what published report the file is; return what is wrong, empty where nothing is."""
        try:
            with path.open("rb") as file:
                found = published_with(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            return _("The file cannot be read: %(error)s") % {"error": error}
        except Altered as altered:
            return _("What is stored of %(name)s is not what was published.") % {"name": altered.file.name}
        if found is None:
            return _("%(file)s: no published report has its SHA-256.") % {"file": path}
        publication = found.publication
        said = _("%(file)s: %(number)s, %(title)s, version %(version)s, published %(moment)s.") % {
            "file": path,
            "number": publication.number,
            "title": publication.title,
            "version": publication.version,
            "moment": roc_moment(publication.published_at),
        }
        if correction := publication.correction:
            said += " " + _("Corrected since: %(number)s.") % {"number": correction.number}
        self.stdout.write(said)
        return ""
