"""One person's history, told in sentences to somebody who may read it."""

import pytest
from django.utils import timezone

from tests import factories
from tests.site import DAY
from wagtail_engagement.consent import settling
from wagtail_engagement.models import Consultation, ImportBatch, ParticipantNote
from wagtail_engagement.participants import merging
from wagtail_engagement.participants.timeline import Story

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def ada():
    return factories.ParticipantFactory(joined_at=NOW - 800 * DAY)


def story_of(person, *, user=None, readable=None):
    user = user or factories.UserFactory(superuser=True)
    readable = Consultation.objects.all() if readable is None else readable
    return Story(person, user=user, readable=readable)


def told(person, **reader):
    return [entry.text for _year, rows in story_of(person, **reader).years() for entry in rows]


def agree(person, at, **facts):
    event = factories.ConsentEventFactory(participant=person, at=at, **facts)
    settling.settle([person.pk], at=NOW)
    return event


def test_a_relationship_reads_from_the_newest_to_the_first_day(ada):
    park = factories.ConsultationFactory(title="Mill Park", answered_at=NOW - 5 * DAY)
    version = factories.FormVersionFactory(consultation=park)
    agree(ada, NOW - 700 * DAY, consultation=park)
    factories.DeliveryFactory(
        participant=ada, invitation__consultation=park, handed_at=NOW - 30 * DAY, state="delivered"
    )
    factories.ConsultationResponseFactory(
        participant=ada, form_version=version, submitted_at=NOW - 20 * DAY
    )
    assert told(ada) == [
        "What came of Mill Park was published",
        "Took part in Mill Park",
        "Was invited to Mill Park, and took part",
        "Agreed to be invited on the form of Mill Park",
        "Joined the register",
    ]


def test_years_stand_newest_first(ada):
    agree(ada, NOW)
    years = [year for year, _entries in story_of(ada).years()]
    assert years == sorted(years, reverse=True) and len(years) == 2


def test_interests_of_one_day_and_source_are_one_line(ada):
    for name in ("Parks", "Roads"):
        interest = factories.InterestFactory(name=name)
        factories.ParticipantInterestFactory(participant=ada, interest=interest, since=NOW)
    assert "Interested in Parks and Roads" in told(ada)


def test_somebody_from_a_sheet_came_in_by_its_name(ada):
    ada.batch = ImportBatch.objects.create(filename="x.csv", sha256="0", source="Fair 2024")
    ada.save()
    assert told(ada) == ["Brought in from the sheet “Fair 2024”"]


def test_what_was_merged_is_part_of_the_story(ada):
    other = factories.ParticipantFactory()
    agree(other, NOW - 3 * DAY)
    merging.merge(kept=ada, merged=other, actor=None, at=NOW)
    assert told(ada) == [
        "Another record was made part of this one",
        "Agreed to be invited",
        "Joined the register",
    ]


def test_a_sensitive_consultation_is_not_told_without_its_permission(ada):
    quiet = factories.ConsultationFactory(title="Refuge", is_sensitive=True)
    version = factories.FormVersionFactory(consultation=quiet)
    factories.ConsultationResponseFactory(participant=ada, form_version=version)
    factories.DeliveryFactory(participant=ada, invitation__consultation=quiet, handed_at=NOW)
    agree(ada, NOW, purpose="result", consultation=quiet)
    shown = told(ada, user=factories.UserFactory())
    assert "Refuge" not in str(shown) and "took part" not in str(shown).lower()
    assert "Refuge" in str(told(ada))


def test_an_answer_that_the_reader_may_not_read_shows_in_no_other_line(ada):
    park = factories.ConsultationFactory(title="Mill Park", answered_at=NOW)
    version = factories.FormVersionFactory(consultation=park)
    factories.ConsultationResponseFactory(participant=ada, form_version=version)
    factories.DeliveryFactory(participant=ada, invitation__consultation=park, handed_at=NOW)
    shown = told(ada, readable=Consultation.objects.none())
    assert "Took part in a consultation" in shown
    assert "Was invited to Mill Park" in shown
    assert "What came of Mill Park was published" not in shown


def test_notes_and_names_are_told_to_who_may_see_them(ada):
    ParticipantNote.objects.create(participant=ada, text="Canary")
    assert "A note was written" in told(ada)
    assert "A note was written" not in told(ada, user=factories.UserFactory())


def test_an_agreement_says_since_when_on_which_form_and_until_when(ada, settings):
    settings.WAGTAIL_ENGAGEMENT_PERMISSION_DAYS = 0
    park = factories.ConsultationFactory(title="Mill Park")
    agree(
        ada,
        timezone.datetime(2025, 5, 3, 12, tzinfo=timezone.get_current_timezone()),
        consultation=park,
    )
    said = "May be invited: agreed on the form of Mill Park on 3 May 2025."
    assert story_of(ada).standing() == said


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("given", "That ends on"),
        ("withdrawn", "May not be invited: stopped on"),
        ("lapsed", "May not be invited: the agreement ran out on"),
        ("informed", "May be invited: was told of it on"),
    ],
)
def test_whether_somebody_may_be_invited_is_one_sentence(ada, action, said):
    agree(ada, NOW - DAY, action=action)
    assert said in story_of(ada).standing()


def test_who_never_agreed_may_not_be_invited(ada):
    assert story_of(ada).standing() == "May not be invited: has never agreed."


def test_a_pause_says_until_when(ada):
    agree(ada, NOW - 2 * DAY)
    agree(ada, NOW - DAY, action="paused", until=NOW + 30 * DAY)
    assert "paused until" in story_of(ada).standing()
    assert "Paused invitations until" in told(ada)[0]
