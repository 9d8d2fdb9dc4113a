"""The tests' site with a plain form page beside ours; the same middleware serves both."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = ["benchmarks.plain", "post_office", *INSTALLED_APPS]

# A scratch database for each run, so that two runs at once do not meet.
if "postgresql" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": f"engagement_bench_{os.getpid()}"}

# One machine plays a thousand residents, and quickly; nothing may be held for that.
WAGTAIL_ENGAGEMENT_NETWORK_LIMIT = 10**9
WAGTAIL_ENGAGEMENT_ADDRESS_LIMIT = 10**9
WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
WAGTAIL_ENGAGEMENT_BASE_TEMPLATE = "benchmarks/base.html"
