#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from mofa_kpi.instance import make_secret_key


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mofa_kpi.settings")
    if sys.argv[1:2] == ["bootstrap"]:
        make_secret_key()  # here, because the command itself starts only once the settings have a key

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
