"""A form that the site already has becomes a sheet to import."""

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.forms.models import FormSubmission

from tests import factories
from tests.site import home
from wagtail_engagement.imports import bringing, scanning
from wagtail_engagement.imports.importing import ImportRefused
from wagtail_engagement.imports.views import reading_of

pytestmark = pytest.mark.django_db
FIELDS = [("submit_time", "Submission date"), ("email", "Your email"), ("about", "Interested in")]


@pytest.fixture
def form(settings, tmp_path):
    """A page that answers as Wagtail's form pages do."""
    settings.WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(tmp_path)
    page = home()
    page.specific.title = "Allotment list"
    page.specific.get_submission_class = lambda: FormSubmission
    page.specific.get_data_fields = lambda: FIELDS
    return page


def brought(form):
    return bringing.bring(page=form, actor=factories.UserFactory(), at=timezone.now())


def test_each_submission_becomes_a_row_with_its_day_and_its_choices_apart(form):
    answers = {"email": "ann@example.org", "about": ["Parks", "Bins"]}
    FormSubmission.objects.create(page=form, form_data=answers)
    batch = brought(form)
    seen = scanning.preview(reading_of(batch))
    assert batch.filename == "Allotment list.csv"
    assert list(seen.guess.fields.values()) == ["date", "email", "interests"]
    assert seen.samples[0][1:] == ["ann@example.org", "Parks; Bins"]


def test_a_form_that_nobody_filled_in_is_refused_with_a_sentence(form):
    with pytest.raises(ImportRefused, match="Nobody has filled in this form yet"):
        brought(form)


def test_where_there_is_no_form_page_the_screen_says_so(client):
    client.force_login(factories.UserFactory(superuser=True))
    answer = client.get(reverse("wagtail_engagement_imports:bring"))
    assert "There is no form page that you may read" in answer.text
