"""All settings, read from the environment; the README has them as a table.

Without any of them set this is a safe site for one machine: DEBUG off, plain HTTP for loopback addresses,
SQLite in `instance/`.
"""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
import dj_email_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from mofa_kpi.instance import INSTANCE, make_instance, read_secret_key, secret_key_file

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

# -- What an installation decides --------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)

SECRET_KEY = read_secret_key()
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            f"There is no secret key: SECRET_KEY is not set and {secret_key_file()} does not exist. "
            "Run «python manage.py bootstrap», which makes that file, or set SECRET_KEY to the output of "
            "«python -c 'import secrets; print(secrets.token_urlsafe(50))'»."
        )
    SECRET_KEY = secrets.token_urlsafe(50)  # lives as long as this process, and so do the sessions

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# One switch for everything that only makes sense when visitors come over HTTPS.
HTTPS = env.bool("HTTPS", False)
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS

# A reverse proxy that ends HTTPS says so in X-Forwarded-Proto, and without believing it the redirect above
# would never end. Only where such a proxy overwrites that header on every request: otherwise any visitor
# could claim to have come over HTTPS.
if env.bool("TRUST_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{quote(str(make_instance() / 'db.sqlite3'))}"
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Many readers, one writer: WAL lets them work side by side, IMMEDIATE makes a writer wait its turn (20
    # seconds at most) instead of failing with "database is locked" half-way through its transaction.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
    }

# Files of evidence: outside of everything that is served as it lies.
EVIDENCE_DIR = Path(env.str("EVIDENCE_DIR", "") or INSTANCE / "evidence")

# Mail, which only reminders are. Without a server they are written to standard output.
_mail: dict[str, Any] = dj_email_url.parse(env.str("EMAIL_URL", "") or "console:")
if "EMAIL_BACKEND" not in _mail:
    raise ImproperlyConfigured("EMAIL_URL begins with submission: (TLS), smtp:, file: or console:.")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail["EMAIL_HOST"]
EMAIL_PORT = _mail["EMAIL_PORT"]
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _mail["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = _mail["EMAIL_TIMEOUT"] or 20  # seconds: a server that does not answer holds up the others
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "") or "webmaster@localhost"

# Where people reach the site, for the links in mails; without it they show paths only.
SITE_URL = env.str("SITE_URL", "")

# -- What the project is made of ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "mofa_kpi.apps.SiteAdminConfig",  # in place of django.contrib.admin
    "mofa_kpi.apps.ProjectConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "ledger",
    "objectives",
    "indicators",
    "reports",
    "import_export",  # the last, so that the command «export» is ours, which writes into the ledger
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FIXTURE_DIRS = [BASE_DIR / "fixtures"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "mofa_kpi.middleware.uncached",
    "mofa_kpi.middleware.language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "reports.sign_in.carry_what_was_typed",
    "ledger.middleware.origin_of_requests",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mofa_kpi.urls"
WSGI_APPLICATION = "mofa_kpi.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reports.context.demonstration",
            ],
        },
    }
]

STATIC_URL = "static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False  # these files are for our own pages
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# -- Language and time -------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hant"
LANGUAGES = [("zh-hant", "正體中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "Asia/Taipei"
USE_TZ = True

# -- People ------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "objectives.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# -- What the ledger follows -------------------------------------------------------------------------------

# Every model is in one of the two; `exclude` names fields of which nothing is recorded, `parent` the foreign
# key to the object in whose history a row's changes belong.
LEDGER_AUDITED: dict[str, dict[str, Any]] = {
    "objectives.Unit": {"parent": "parent"},
    "objectives.User": {"exclude": ["password", "last_login"]},
    "objectives.Membership": {"parent": "user"},
    "objectives.Deputy": {"parent": "principal"},
    "objectives.Plan": {},
    "objectives.Goal": {"parent": "plan"},
    "objectives.Strategy": {"parent": "goal"},
    "objectives.WorkPlan": {"parent": "plan"},
    "objectives.WorkItem": {"parent": "work_plan"},
    "indicators.Indicator": {"parent": "goal"},
    "indicators.Indicator_strategies": {"parent": "indicator"},
    "indicators.Indicator_contributing_units": {"parent": "indicator"},
    "indicators.Variable": {"parent": "indicator"},
    "indicators.PlannedValue": {"parent": "indicator"},
    "indicators.TargetRevision": {"parent": "indicator"},
    "indicators.ReportingPeriod": {"parent": "plan"},
    "indicators.Reopening": {"parent": "period"},
    "indicators.QuarterReport": {"parent": "indicator"},
    "indicators.QuarterReport_editors": {"parent": "quarterreport"},
    "indicators.Figure": {"parent": "report"},
    "indicators.ReportStep": {"parent": "report"},
    "indicators.Evidence": {"parent": "report"},
    "indicators.ItemProgress": {"parent": "item"},
    "indicators.ImportBatch": {},
    "reports.Publication": {"parent": "plan"},
    "reports.PublishedFile": {"parent": "publication", "exclude": ["content"]},  # their SHA-256 is recorded
    "auth.Group": {},
    "auth.Group_permissions": {"parent": "group"},
}
LEDGER_NOT_AUDITED = [
    "ledger.Entry",  # the ledger itself
    "sessions.Session",  # secrets, and nobody's data
    "contenttypes.ContentType",  # Django derives these from the models
    "auth.Permission",
    "admin.LogEntry",  # nothing is written there
    "indicators.ImportFile",  # the bytes; ImportBatch has their SHA-256
    "indicators.Reminder",  # a notice of what the other tables say
]
# Models that as_of leaves as they are now: rights are today's, whatever else one looks back at, and the bytes
# of what was published, which the ledger does not have, never change.
LEDGER_PRESENT = [
    "objectives.User",
    "objectives.Membership",
    "objectives.Deputy",
    "auth.Group",
    "auth.Group_permissions",
    "reports.PublishedFile",
]
# By which way a request comes, by the beginning of its address; any other is a page.
LEDGER_SOURCES = {"/admin/": "admin", "/api/": "api"}

# -- What a browser may do with our pages ------------------------------------------------------------------

# Nothing inline and nothing from elsewhere. Django's admin works under this policy as it is.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# -- What a request may carry ------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # files apart
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 100
UPLOAD_MAX_SIZE = 101 * 1024 * 1024  # files included; of a larger request no file is kept
FILE_UPLOAD_HANDLERS = [
    "indicators.uploads.NamesAsSent",
    "indicators.uploads.NothingOfTooLarge",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "indicators.uploads.OnDisk",
]

# -- Import and export in the admin ------------------------------------------------------------------------

# Unless these are set, any member of staff may import and export everything.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# -- Logging: to standard error, where whatever runs the server collects it --------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # In place of Django's own handlers, which stay silent with DEBUG off but for mail to ADMINS.
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # They tell of every step of setting a page.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
    },
}
