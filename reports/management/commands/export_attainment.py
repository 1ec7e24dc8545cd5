from argparse import ArgumentParser
from typing import Any

from reports.exports.attainment import ATTAINMENT

from .export import Command as Export
from .export import add_filters


class Command(Export):
    help = "Write the attainment table of a plan at a quarter to a file: export --dataset attainment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_filters(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options, dataset=ATTAINMENT.name)
