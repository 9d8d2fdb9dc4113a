"""A copy of somebody's data is complete, is theirs alone, and can be read (P09)."""

import io
import zipfile

import pytest
from django.utils import timezone

from tests import factories
from tests.page_lint import faults
from wagtail_engagement import models
from wagtail_engagement.consent import barring
from wagtail_engagement.consent.queries import site_settings
from wagtail_engagement.rights import access
from wagtail_engagement.rights.holdings import HOLDINGS

from .person import EMAIL, OTHER, QUESTION, WORD, data_of

pytestmark = pytest.mark.django_db


def copy(person):
    return zipfile.ZipFile(io.BytesIO(access.archive(person, at=timezone.now())))


def page_of(archive):
    return archive.read("index.html").decode()


def test_a_copy_has_every_table_that_holds_people(known):
    barring.suppress(address=EMAIL, reason="bounced", at=timezone.now())
    found = set(data_of(copy(known.person))["data"])
    assert found == {held.model.__name__ for held in HOLDINGS if held.shown}


def test_a_copy_has_both_addresses_the_answers_and_the_words_that_were_shown(known):
    page = page_of(copy(known.person))
    wording = models.ConsentEvent.objects.filter(wording__isnull=False).first().wording
    for words in (EMAIL, OTHER, QUESTION, f"I am {WORD} of Mill Lane", f"Rang about {WORD}"):
        assert words in page
    assert wording.label in page and "Tell me about parks" in page and "Parks list" in page


def test_a_copy_says_in_words_where_everything_was_learned(known):
    models.ImportBatch.objects.update(collected_from="2025-05-01", collected_to="2025-05-31")
    source = f"import {known.batch.uuid}"
    barring.suppress(address=EMAIL, reason="unsubscribed", source=source, at=timezone.now())
    barring.suppress(address=OTHER, reason="unsubscribed", source="one_click", at=timezone.now())
    models.ParticipantInterest.objects.update(batch=known.batch)
    page = page_of(copy(known.person))
    assert "<dd>Parks list, collected May 2025</dd>" in page and str(known.batch.uuid) not in page
    assert "leave button of a mail program" in page and "on a list: Parks list" in page


def test_a_copy_made_from_the_merged_record_is_the_same(known):
    known.other.refresh_from_db()
    assert data_of(copy(known.other))["data"] == data_of(copy(known.person))["data"]


def test_answers_to_a_sensitive_consultation_are_in_the_persons_own_copy(known):
    models.Consultation.objects.update(is_sensitive=True)
    assert f"I am {WORD} of Mill Lane" in page_of(copy(known.person))


def test_a_copy_names_no_staff_and_nobody_else(known):
    clerk = factories.UserFactory(username="clerk.of.works")
    factories.ConsultationResponseFactory(
        participant=factories.ParticipantFactory(email="bob@example.com")
    )
    models.ParticipantNote.objects.update(by=clerk)
    archive = copy(known.person)
    for text in (page_of(archive), archive.read("data.json").decode()):
        assert "clerk.of.works" not in text and "bob@example.com" not in text
        assert "staff" in text


def test_an_unconfirmed_answer_that_names_the_address_does_not_show_its_words(known):
    """Somebody else may have typed the address."""
    archive = copy(known.person)
    assert f"Bob {WORD}" in page_of(archive)
    assert "from nobody we know" not in archive.read("data.json").decode()


def test_a_copy_says_what_the_law_wants_said_from_the_settings_of_the_site(known):
    said = site_settings()
    said.dpo, said.processors = "Data protection, Room 4", "Postmark, in Ireland"
    said.complaints = "<p>Write to the Commissioner.</p>"
    said.save()
    page = page_of(copy(known.person))
    for words in (said.dpo, said.processors, "Write to the Commissioner.", "730 days"):
        assert words in page


def test_the_page_of_a_copy_is_sound_and_loads_nothing(known):
    page = page_of(copy(known.person))
    assert faults(page) == ["an inline style"]  # It is opened from a disk.
    assert "http" not in page.replace(models.Claim.objects.first().page_url or "-", "")
    assert "<script" not in page and " src=" not in page


def test_what_somebody_typed_stays_text(known):
    models.Participant.objects.update(name="<script>alert(1)</script>\ud800"[:25])
    assert "<script>" not in page_of(copy(known.person))


def test_a_copy_costs_the_same_statements_for_any_number_of_rows(
    known, django_assert_max_num_queries
):
    factories.ConsultationResponseFactory.create_batch(20, participant=known.person)
    with django_assert_max_num_queries(50):
        access.archive(known.person, at=timezone.now())
