"""Wagtail's own test site with our apps added."""

from wagtail.test.settings import *  # noqa: F403
from wagtail.test.settings import INSTALLED_APPS

INSTALLED_APPS = [
    "wagtail_engagement",
    "wagtail_engagement.pages",
    "wagtail_modeladmin",
    "anymail",
    *INSTALLED_APPS,
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAGTAIL_ENGAGEMENT_KEYS = {"k1": "a key of the tests that is longer than thirty-two characters"}
WAGTAIL_ENGAGEMENT_BASE_URL = "https://engage.example.gov.uk"
ROOT_URLCONF = "tests.conformance.urls"
