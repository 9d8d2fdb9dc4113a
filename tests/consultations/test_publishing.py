"""The row behind a consultation keeps in step with its pages and outlives them."""

import pytest
from django.utils import timezone
from wagtail.models import Locale, Page, Site

from tests.site import DAY, EVERY_ANSWER, add_consultation, add_index, block, form_data, home
from wagtail_engagement.models import (
    Claim,
    Consultation,
    ConsultationResponse,
    EngagementSettings,
    FormVersion,
    Interest,
)
from wagtail_engagement.pages.models import ConsultationPage

pytestmark = pytest.mark.django_db


def test_publishing_writes_title_dates_and_interests():
    parks = Interest.objects.create(name="Parks")
    page = add_consultation(interests=[parks])
    row = Consultation.objects.get()
    assert (row.title, row.closes_at, row.is_live) == (page.title, page.closes_at, True)
    assert list(row.interests.all()) == [parks]


def test_a_draft_of_a_live_page_does_not_leak():
    page = add_consultation()
    page.title = "Secret new title"
    page.save_revision()
    assert Consultation.objects.get().title == "The future of Mill Meadow"
    page.get_latest_revision().publish()
    assert Consultation.objects.get().title == "Secret new title"


def test_unpublishing_ends_live_and_keeps_the_row():
    page = add_consultation()
    page.unpublish()
    assert Consultation.objects.get().is_live is False


def test_a_copy_is_another_consultation():
    page = add_consultation()
    copied = page.copy(update_attrs={"slug": "copy", "title": "Copy"})
    assert copied.specific.consultation != page.consultation


def test_a_translation_is_the_same_consultation_and_the_default_locale_has_the_word():
    page = add_consultation()
    welsh = Locale.objects.create(language_code="cy")
    home().copy_for_translation(welsh)
    translated = page.copy_for_translation(welsh)
    translated.title = "Dyfodol Mill Meadow"
    translated.save_revision().publish()
    assert translated.specific.consultation == page.consultation
    assert Consultation.objects.get().title == "The future of Mill Meadow"
    page.refresh_from_db()
    page.unpublish()
    assert Consultation.objects.get().is_live is True


def test_an_alias_keeps_its_originals_row_and_writes_nothing():
    page = add_consultation()
    alias = page.create_alias(update_slug="alias", parent=home())
    assert alias.specific.consultation == page.consultation
    assert Consultation.objects.count() == 1


def test_deleting_a_parent_page_keeps_every_answer(client):
    index = add_index()
    page = add_consultation(parent=index)
    client.post(page.url, form_data(client, page, **EVERY_ANSWER))
    Page.objects.get(pk=index.pk).delete()
    assert ConsultationResponse.objects.get().consultation.is_live is False
    assert not ConsultationPage.objects.exists()


def test_each_questionnaire_that_was_live_is_frozen_once():
    page = add_consultation(questions=[block("text", "One?")])
    page.save()
    page.questions = page._meta.get_field("questions").to_python([block("text", "Two?")])
    page.save()
    labels = [version.definition[0]["label"] for version in FormVersion.objects.all()]
    assert labels == ["One?", "Two?"]


def test_a_preview_shows_the_drafts_questions_and_writes_nothing(admin_user):
    page = add_consultation(opens_at=timezone.now() + DAY)
    page.questions = page._meta.get_field("questions").to_python([block("text", "Draft?")])
    shown = page.make_preview_request(preview_mode="")
    assert "Draft?" in shown.content.decode()
    assert page.make_preview_request(preview_mode="thank-you").status_code == 200
    assert FormVersion.objects.count() == 1


def test_closing_before_opening_is_named_at_the_field():
    page = add_consultation()
    page.closes_at = page.opens_at - DAY
    with pytest.raises(Exception, match="Closes before it opens"):
        page.full_clean()


def test_an_outcome_makes_a_closed_consultation_answered_once():
    page = add_consultation(closes_at=timezone.now() - DAY / 24)
    assert page.state == "closed"
    page.we_did = "<p>We planted 40 trees.</p>"
    page.save()
    first = Consultation.objects.get().answered_at
    page.save()
    assert page.state == "answered"
    assert Consultation.objects.get().answered_at == first is not None


def test_wishes_to_hear_the_result_end_30_days_after_it_is_published(client, settings):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
    page = add_consultation()
    client.post(page.url, form_data(client, page, email="ann@example.com", may_result="on"))
    assert Claim.objects.get().result_until > timezone.now() + 300 * DAY
    page.closes_at = timezone.now() - DAY / 24
    page.we_did = "<p>We planted 40 trees.</p>"
    page.save()
    assert Claim.objects.get().result_until < timezone.now() + 31 * DAY


@pytest.mark.parametrize(("opens", "closes"), [(-2, 9), (2, 9), (-9, -2)])
def test_every_state_says_how_to_complain_and_what_becomes_of_answers(client, opens, closes):
    site = Site.objects.get(is_default_site=True)
    said = {"complaints": "<p>Write to us.</p>", "privacy_notice": "<p>Kept a year.</p>"}
    EngagementSettings.objects.create(site=site, **said)
    now = timezone.now()
    page = add_consultation(opens_at=now + opens * DAY, closes_at=now + closes * DAY)
    for address in (page.url, f"{page.url}thank-you/"):
        shown = client.get(address).content.decode()
        assert "Write to us." in shown
        assert "Kept a year." in shown
