"""A site of its own for the tests: every app that the package needs, and no other."""

import os
import tempfile
from pathlib import Path

import dj_database_url
import django

BASE_DIR = Path(__file__).resolve().parent
DEBUG = False
SECRET_KEY = "for tests only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "tests.formpages",
    "wagtail_engagement.pages",
    "wagtail_engagement",
    "wagtail_modeladmin",
    "anymail",
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wagtail.contrib.settings.context_processors.settings",
            ],
        },
    },
]

# A file, and not memory, because workers in threads and processes of their own read it too. The
# process id keeps two runs at the same time apart; the runner removes the file at its end.
_SQLITE = Path(tempfile.gettempdir()) / f"engagement-tests-{os.getpid()}.sqlite3"
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{_SQLITE}")}
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": f"{DATABASES['default']['NAME']}.test"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(tempfile.gettempdir()) / "engagement-tests-static"
MEDIA_ROOT = Path(tempfile.gettempdir()) / "engagement-tests-media"
MEDIA_URL = "/media/"
WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(Path(tempfile.gettempdir()) / "engagement-tests-imports")

DEFAULT_FROM_EMAIL = "Westmere Council <engage@example.gov.uk>"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ANYMAIL = {"WEBHOOK_SECRET": "test:secret"}

WAGTAIL_SITE_NAME = "Westmere Council"
WAGTAILADMIN_BASE_URL = "https://engage.example.gov.uk"
WAGTAIL_ENGAGEMENT_BASE_URL = "https://engage.example.gov.uk"
WAGTAIL_ENGAGEMENT_KEYS = {"k1": "the first key of the tests, longer than thirty-two characters"}
CSRF_FAILURE_VIEW = "wagtail_engagement.consultations.views.csrf_failure"
