import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def a_patient_site(settings):
    """Tests type faster than people do, and one test's limits are none of the next one's."""
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
    cache.clear()
