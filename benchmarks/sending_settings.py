"""The site of the benchmarks, for a sender of its own: the scratch database, and mail to the sink."""

import os

import django

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import DATABASES

if "BENCH_DATABASE" in os.environ:
    DATABASES["default"]["NAME"] = os.environ["BENCH_DATABASE"]
SMTP = "django.core.mail.backends.smtp.EmailBackend"
if "SINK_PORT" in os.environ:
    port = int(os.environ["SINK_PORT"])
    if django.VERSION >= (6, 1):
        MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": {"host": "127.0.0.1", "port": port}}}
    else:
        EMAIL_BACKEND = SMTP
        EMAIL_HOST, EMAIL_PORT = "127.0.0.1", port
    POST_OFFICE = {"BACKENDS": {"default": SMTP}}
WAGTAIL_ENGAGEMENT_IN_DOUBT = int(os.environ.get("IN_DOUBT", 1))
