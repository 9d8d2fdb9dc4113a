"""The site of the tests, for worker processes: the tests' database, real SMTP, short leases."""

import os

import django

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["FAULT_DATABASE"]
SMTP = "django.core.mail.backends.smtp.EmailBackend"
if django.VERSION >= (6, 1):
    options = {"host": "127.0.0.1", "port": int(os.environ["FAULT_PORT"])}
    MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": options}}
else:
    EMAIL_BACKEND = SMTP
    EMAIL_HOST = "127.0.0.1"
    EMAIL_PORT = int(os.environ["FAULT_PORT"])
WAGTAIL_ENGAGEMENT_LEASE_SECONDS = 2
WAGTAIL_ENGAGEMENT_MAIL_TIMEOUT = 3
