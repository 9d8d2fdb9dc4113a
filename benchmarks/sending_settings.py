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
WAGTAIL_ENGAGEMENT_BATCH_CALLS = "BATCH_CALLS" in os.environ
if "PROVIDER" in os.environ:
    API = f"anymail.backends.{os.environ['PROVIDER']}.EmailBackend"
    if django.VERSION >= (6, 1):
        MAILERS = {"default": {"BACKEND": API}}
    else:
        EMAIL_BACKEND = API
    ANYMAIL = {
        "MAILJET_SECRET_KEY": "x",
        **{f"{name}_API_KEY": "x" for name in ("MAILGUN", "SENDGRID", "MAILJET")},
        **{
            f"{name}_API_URL": f"http://127.0.0.1:{port}/{name.lower()}"
            for name in ("MAILGUN", "SENDGRID", "MAILJET")
        },
    }
