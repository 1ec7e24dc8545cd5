"""The settings under various environments, each in a process of its own."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BASE_DIR = Path(__file__).resolve().parents[2]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project with nothing in the environment but what is given."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
    )


def settings(names: str, **environment: str) -> Any:
    """Give the named settings under an environment."""
    code = "import json, sys; from mofa_kpi import settings as s; "
    code += "print(json.dumps([getattr(s, name, None) for name in sys.argv[1].split()], default=str))"
    environment.setdefault("SECRET_KEY", "k" * 50)
    environment.setdefault("DATABASE_URL", "postgresql:///nowhere")
    done = python("-c", code, names, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "secret_key"


def test_production_passes_the_deployment_check() -> None:
    done = python(
        "manage.py",
        "check",
        "--deploy",
        "--fail-level=WARNING",
        HTTPS="true",
        SECRET_KEY="".join(chr(48 + place) for place in range(60)),
        ALLOWED_HOSTS="example.gov.tw",
        DATABASE_URL="postgresql:///nowhere",
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_missing_key_is_refused_with_a_hint(key_file: Path) -> None:
    done = python("manage.py", "check", SECRET_KEY_FILE=str(key_file))
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert "python manage.py bootstrap" in done.stderr
    assert str(key_file) in done.stderr
    assert not key_file.exists()


def test_debug_takes_a_throw_away_key(key_file: Path) -> None:
    first, second = (
        settings("SECRET_KEY DEBUG", SECRET_KEY="", SECRET_KEY_FILE=str(key_file), DEBUG="true")
        for _ in range(2)
    )
    assert first[1] is True
    assert len(first[0]) >= 50
    assert first[0] != second[0]
    assert not key_file.exists()


def test_bootstrap_makes_a_key_of_its_own_once(key_file: Path) -> None:
    environment = {"SECRET_KEY_FILE": str(key_file), "DATABASE_URL": "postgresql:///nowhere"}
    for _ in range(2):
        assert python("manage.py", "bootstrap", "--help", **environment).returncode == 0
        key = key_file.read_text().strip()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert settings("SECRET_KEY", SECRET_KEY="", **environment) == [key]
        assert len(key) >= 50


def test_the_environment_comes_before_the_file(key_file: Path) -> None:
    key_file.write_text("from the file\n")
    assert settings("SECRET_KEY", SECRET_KEY="from here", SECRET_KEY_FILE=str(key_file)) == ["from here"]


def test_defaults_suit_one_machine() -> None:
    names = "DEBUG ALLOWED_HOSTS SESSION_COOKIE_SECURE SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS"
    assert settings(names) == [False, ["localhost", "127.0.0.1", "[::1]"], False, False, 0]


def test_https_is_one_switch() -> None:
    names = "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS"
    assert settings(names, HTTPS="true") == [True, True, True, 31536000]
    assert settings("SECURE_PROXY_SSL_HEADER", HTTPS="true") == [None]
    assert settings("SECURE_PROXY_SSL_HEADER", HTTPS="true", TRUST_PROXY="true") == [
        ["HTTP_X_FORWARDED_PROTO", "https"]
    ]


def test_postgresql_url() -> None:
    [databases] = settings("DATABASES", DATABASE_URL="postgresql://kpi:p%40ss@db.example:5433/mofa")
    database = databases["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "kpi",
        "p@ss",
        "db.example",
        5433,
        "mofa",
    ]
    assert database["CONN_HEALTH_CHECKS"] is True
    assert database["CONN_MAX_AGE"] > 0


def test_sqlite_is_set_up_for_several_writers(tmp_path: Path) -> None:
    code = """
import django; django.setup()
from django.db import connection
from django.db.transaction import atomic
for pragma in "journal_mode", "foreign_keys", "synchronous", "busy_timeout":
    print(connection.cursor().execute(f"PRAGMA {pragma}").fetchone()[0])
print(connection.transaction_mode)
"""
    done = python(
        "-c",
        code,
        DJANGO_SETTINGS_MODULE="mofa_kpi.settings",
        SECRET_KEY="k" * 50,
        DATABASE_URL=f"sqlite:///{tmp_path / 'a b.sqlite3'}",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["wal", "1", "1", "20000", "IMMEDIATE"]


def test_mail_goes_to_standard_output_until_a_server_is_named() -> None:
    names = "EMAIL_BACKEND EMAIL_HOST EMAIL_PORT EMAIL_USE_TLS EMAIL_TIMEOUT SITE_URL"
    assert settings(names)[0] == "django.core.mail.backends.console.EmailBackend"
    url = "submission://a:b@mail.example.gov.tw"
    found = settings(names, EMAIL_URL=url, SITE_URL="https://kpi.example.gov.tw")
    assert found[0] == "django.core.mail.backends.smtp.EmailBackend"
    assert found[1:] == ["mail.example.gov.tw", 587, True, 20, "https://kpi.example.gov.tw"]


def test_mail_by_an_unknown_way_is_refused() -> None:
    """Django would silently speak plain SMTP to this machine instead."""
    done = python("-c", "import mofa_kpi.settings", SECRET_KEY="k" * 50, EMAIL_URL="smtp+tls://mail.test")
    assert done.returncode != 0
    assert "EMAIL_URL begins with" in done.stderr
