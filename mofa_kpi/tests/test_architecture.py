"""The shape of the whole: which app may know which, what stays pure, which versions are safe."""

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.staticfiles import finders
from packaging.version import Version

BASE_DIR = Path(__file__).resolve().parents[2]

# From the ground up: each app may know itself and those before it.
LAYERS = ["ledger", "objectives", "indicators", "reports"]

PURE = [
    "indicators.numbers",
    "indicators.formula",
    "indicators.value",
    "indicators.file_check",
    "reports.attainment",
    "ledger.check_export",
]

# Older versions have known vulnerabilities.
FLOORS = {
    "Django": "5.2.19",
    "djangorestframework": "3.18.2",
    "django-import-export": "4.4.3",
    "gunicorn": "22",
}


def test_relations_go_one_way() -> None:
    """import-linter sees imports; a foreign key to "reports.Something" is a string, and escapes it."""
    upwards = []
    for model in apps.get_models(include_auto_created=True):
        app = model._meta.app_label
        if app not in LAYERS:
            continue
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            target = field.related_model._meta.app_label if field.is_relation and field.related_model else app
            if target in LAYERS and LAYERS.index(target) > LAYERS.index(app):
                upwards.append(f"{model._meta.label}.{field.name} → {target}")
    assert not upwards


def test_every_app_is_in_a_layer() -> None:
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == BASE_DIR}
    assert ours - {"mofa_kpi"} == set(LAYERS)


def test_every_static_file_that_a_template_names_is_there() -> None:
    """The storage under test does not mind; the real one answers with an error page."""
    named = re.compile(r"""\{% static ["']([^"']+)["']""")
    missing = [
        f"{template.relative_to(BASE_DIR)}: {path}"
        for folder in ("templates", "mofa_kpi", *LAYERS)
        for template in (BASE_DIR / folder).rglob("*.html")
        for path in named.findall(template.read_text(encoding="utf-8"))
        if finders.find(path) is None
    ]
    assert not missing


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_work_without_django(module: str) -> None:
    code = f"import sys; sys.modules['django'] = None; import {module}"
    subprocess.run([sys.executable, "-c", code], cwd=BASE_DIR, check=True)


@pytest.mark.parametrize("package", FLOORS)
def test_versions_are_free_of_known_vulnerabilities(package: str) -> None:
    assert Version(version(package)) >= Version(FLOORS[package])


def test_psycopg_3_is_absent() -> None:
    """Django would prefer it to psycopg2 without a word."""
    assert importlib.util.find_spec("psycopg") is None


def pins() -> list[tuple[str, str]]:
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (BASE_DIR / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r"))
    ]
    found = [re.fullmatch(r"(\S+)==(\S+) +# \S.*", line) for line in lines]
    assert all(found), "every requirement is pinned exactly, with its reason beside it"
    return [(match[1], match[2]) for match in found if match]


@pytest.mark.parametrize(("package", "pinned"), pins())
def test_the_environment_is_the_pinned_one(package: str, pinned: str) -> None:
    assert version(package) == pinned
