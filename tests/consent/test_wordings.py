import pytest

from tests import factories
from wagtail_engagement.consent import queries

pytestmark = pytest.mark.django_db


def test_a_new_site_has_words_for_each_purpose():
    assert set(queries.current_wordings("en-gb")) == {"invite", "result"}


def test_the_newest_version_of_the_language_is_shown():
    factories.ConsentWordingFactory(label="Older")
    factories.ConsentWordingFactory(label="Newer")
    factories.ConsentWordingFactory(label="Cymraeg", language="cy")
    assert queries.current_wordings("en")["invite"].label == "Newer"
    assert queries.current_wordings("cy-gb")["invite"].label == "Cymraeg"


def test_english_stands_in_for_a_language_without_words():
    factories.ConsentWordingFactory(label="Newer")
    assert queries.current_wordings("cy")["invite"].label == "Newer"


def test_the_council_signs_with_its_name_else_with_the_sites():
    settings = queries.site_settings()
    assert queries.organisation() == settings.site.site_name or "Westmere Council"
    settings.organisation = "Westmere Borough Council"
    settings.save()
    assert queries.organisation() == "Westmere Borough Council"
