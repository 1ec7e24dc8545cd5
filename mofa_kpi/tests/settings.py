"""The settings under test: the real ones, with nothing of this machine's own and a few quicker parts."""

import os
import secrets
import tempfile
from pathlib import Path

for name in (
    "DEBUG",
    "HTTPS",
    "TRUST_PROXY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "EMAIL_URL",
    "SITE_URL",
):
    os.environ.pop(name, None)
os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)

# SQLite unless DATABASE_URL says otherwise, in a folder of this process: two runs at a time do not meet.
_scratch = tempfile.TemporaryDirectory(prefix="mofa_kpi-tests-")
os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or f"sqlite:///{_scratch.name}/db.sqlite3"
os.environ["EVIDENCE_DIR"] = f"{_scratch.name}/evidence"

from mofa_kpi.settings import *  # noqa: E402, F403
from mofa_kpi.settings import DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file: the in-memory database cannot be shared with the live server's threads.
    DATABASES["default"]["TEST"] = {"NAME": f"{_scratch.name}/test.sqlite3"}

# A connection that a live server's thread keeps would hold up the end of the test database.
DATABASES["default"]["CONN_MAX_AGE"] = 0

# Not the files that were collected here for running the site, which may be older than their sources.
STATIC_ROOT = Path(tempfile.mkdtemp(dir=_scratch.name))

# The real hasher is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The real storage wants `collectstatic` first.
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
