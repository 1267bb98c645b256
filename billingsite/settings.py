"""Settings: from the environment or a line of `.env` only; listed in docs/settings.md.

A variable that cannot be read stops the start with its name.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")


def secret(name: str, *, default: str = "") -> str:
    """A secret from `name`, or from the file that `name`_FILE points to."""
    path = env.str(f"{name}_FILE", default="")
    return (
        Path(path).read_text(encoding="utf-8").strip() if path else env.str(name, default=default)
    )


DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DEBUG = env.bool("DEBUG", default=False)
RUNNING_TESTS = "pytest" in sys.modules


def local_secret_key() -> str:
    """A key made once for this data folder, where none is given (demo, tests)."""
    path = DATA_DIR / "secret_key"
    if not path.is_file():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".secret_key.{os.getpid()}")
        fresh.write_text(get_random_secret_key(), encoding="utf-8")
        fresh.chmod(0o600)
        with suppress(FileExistsError):  # another process was first: its key counts
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text(encoding="utf-8")


SECRET_KEY = secret("SECRET_KEY") or local_secret_key()
SECRET_KEY_FALLBACKS = secret("SECRET_KEY_FALLBACKS").split()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "directory",
    "cdr",
    "budgets",
    "phonelock",
    "alarms",
    "reports",
    "billingsite",
    "billingsite.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "auditlog",
    "django_celery_beat",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "phonelock.middleware.AdmissionFirst",
    "billingsite.monitoring.MonitoringFirst",
    "directory.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "directory.reader.ReaderMiddleware",
    "directory.middleware.ScopeMiddleware",
    "billingsite.auditing.WhoDidIt",
    "directory.doors.SignInAgain",
    "directory.doors.SecondFactorForAdministrators",
    "directory.doors.Modules",
]

ROOT_URLCONF = "billingsite.urls"
WSGI_APPLICATION = "billingsite.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "budgets.menu.menu_badges",
                "billingsite.setup.banner.open_points",
            ],
            "builtins": ["directory.templatetags.figures", "directory.templatetags.frame"],
        },
    }
]

# --- Database: one SQLite file by default, PostgreSQL by DATABASE_URL ---------------------------

DATABASES: dict[str, Any] = {
    "default": env.db_url(
        "DATABASE_URL", default=f"sqlite:///{(DATA_DIR / 'tollgate.sqlite3').as_posix()}"
    )
}
_database = DATABASES["default"]
_database["TEST"] = {"NAME": env.str("TEST_DATABASE_NAME", default="") or None}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;"
            "PRAGMA mmap_size=134217728;PRAGMA cache_size=-20000;"
        ),
    }
else:
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
    _database["CONN_HEALTH_CHECKS"] = True
    _database.setdefault("OPTIONS", {})["options"] = (
        f"-c statement_timeout={env.int('STATEMENT_TIMEOUT_MS', default=300_000)}"
        f" -c lock_timeout={env.int('LOCK_TIMEOUT_MS', default=30_000)}"
        " -c idle_in_transaction_session_timeout=300000 -c synchronous_commit=on"
    )

CACHES: dict[str, dict[str, Any]] = {
    "default": env.cache_url("CACHE_URL")
    if "CACHE_URL" in os.environ
    else {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_rows",
        # Beyond this a third is thrown out, counters of wrong passwords among them.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "directory.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "directory.accounts.ClosedAccounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "directory.accounts.SignInForm",
    "change_password": "directory.accounts.NewPasswordForm",
}
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key"}
MFA_ADAPTER = "directory.accounts.SecondFactors"
MFA_FORMS = {
    "authenticate": "directory.second_factors.CodeForm",
    "reauthenticate": "directory.second_factors.CodeAgainForm",
    "activate_totp": "directory.second_factors.FirstCodeForm",
    "add_webauthn": "directory.second_factors.NewKeyForm",
    "edit_webauthn": "directory.second_factors.KeyNameForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_RECOVERY_CODES_SHOW_ONCE = False
MFA_TOTP_TOLERANCE = 1
MFA_REQUIRED_FOR_ADMINS = env.bool("MFA_REQUIRED_FOR_ADMINS", default=False)
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=SITE_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
if SECURE_COOKIES:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 31_536_000
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # the style sheet's own small drawings
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Modules that an installation may do without ----------------------------------------------------

MODULES = frozenset(env.list("MODULES", default=["budgets", "phonelock"]))

# --- Words and times ------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("ar", "العربية"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["billingsite.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLATION_TIME_ZONE = env.str("TIME_ZONE", default="")
INSTALLATION_CURRENCY = env.str("CURRENCY", default="")

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Records in -----------------------------------------------------------------------------------

SETTLE_SECONDS = env.float("SETTLE_SECONDS", default=5.0)
TAIL_WAIT_SECONDS = env.float("TAIL_WAIT_SECONDS", default=600.0)
MAX_FILE_BYTES = env.int("MAX_FILE_BYTES", default=256 * 1024 * 1024)
MAX_LINE_BYTES = env.int("MAX_LINE_BYTES", default=64 * 1024)
MAX_FIELDS = env.int("MAX_FIELDS", default=200)
MINER_BATCH = env.int("MINER_BATCH", default=500)
TICK_FILES = env.int("TICK_FILES", default=200)
KEEP_CALLS_DAYS = env.int("KEEP_CALLS_DAYS", default=0)
CALL_DRIVERS = {
    "cucm": "cdr.drivers.cucm:CucmDriver",
    "delimited": "cdr.drivers.delimited:DelimitedDriver",
}

# --- Locks and live calls -------------------------------------------------------------------------

LOCK_DRIVERS = {
    "cucm": "phonelock.drivers.curri:CurriDriver",
    "simulated": "phonelock.drivers.simulated:SimulatedSwitch",
}
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
ADMISSION_DEADLINE_MS = env.int("ADMISSION_DEADLINE_MS", default=800)
BUDGETS_BY_SUPERVISORS = env.bool("BUDGETS_BY_SUPERVISORS", default=False)
LOCK_RUN_SECONDS = env.float("LOCK_RUN_SECONDS", default=8.0)

# --- Watching, and who did what -------------------------------------------------------------------

METRICS_TOKEN = secret("METRICS_TOKEN")
AUDITLOG_USE_FK_STRING_REPRESENTATION = True
AUDITLOG_CID_GETTER = (
    "directory.request_ids.present_id"  # ours; a header of anybody's could be anything
)

# --- Mail -----------------------------------------------------------------------------------------

MAIL_CONFIGURED = "EMAIL_URL" in os.environ
if MAIL_CONFIGURED:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=15)
MAIL_FROM_CONFIGURED = "MAIL_FROM" in os.environ
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="tollgate@localhost")

# --- Work: the message is a wake-up, the row is the truth -------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="spool://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", default=1800)
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if CELERY_BROKER_URL == "spool://":
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(DATA_DIR / "queue"),
        "data_folder_out": str(DATA_DIR / "queue"),
        "control_folder": DATA_DIR / "queue-control",
        "polling_interval": 0.25,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7200}

# Long works that people ask for (directory.operations.jobs): what does each kind, and who is told.
JOB_KINDS: dict[str, str] = {
    "people_preview": "directory.operations.people_files:do_preview",
    "people_import": "directory.operations.people_files:do_import",
    "rates_preview": "cdr.operations.rate_jobs:do_preview",
    "rates_import": "cdr.operations.rate_jobs:do_import",
    "contacts_preview": "cdr.operations.contact_files:do_preview",
    "contacts_import": "cdr.operations.contact_files:do_import",
    "calls_file": "cdr.operations.calls_file:run",
    "demo_data": "billingsite.setup.demo_data:run",
    "demo_removal": "billingsite.setup.demo_data:run_removal",
}
JOB_WAKER = "" if RUNNING_TESTS else "billingsite.tasks:wake_for_job"

# --- Programming interface --------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "directory.api.tokens.Tokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "directory.api.errors.one_form",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tollgate",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {request_id} {message}", "style": "{"}
    },
    "filters": {"request": {"()": "directory.request_ids.NameRequest"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}

if RUNNING_TESTS:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
