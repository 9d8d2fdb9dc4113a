"""What staff do on a person's page: notes and names, each act on record without personal data."""

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from tests import factories
from wagtail_engagement.models import ParticipantName, ParticipantNote

pytestmark = pytest.mark.django_db
PEOPLE = "wagtail_engagement_participants"
TEXT = "Uses a hearing loop."


@pytest.fixture
def ada():
    return factories.ParticipantFactory(email="ada@example.com", name="Ada Canary")


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client


def do(client, name, *numbers, **sent):
    return client.post(reverse(f"{PEOPLE}:{name}", args=numbers), sent, follow=True)


def logged():
    entries = ModelLogEntry.objects.values_list("action", "label", "data").order_by("pk")
    assert "canary" not in str(list(entries)).lower() and TEXT not in str(list(entries))
    return [action.partition(".")[2] for action, _label, _data in entries]


def test_a_note_is_written_on_a_page_that_says_who_may_read_it(staff, ada):
    page = do(staff, "add_note", ada.pk, text=TEXT).content.decode()
    assert TEXT in page and "The person can ask to read this" in page
    assert logged()[0] == "note_added"


def test_a_note_is_deleted_for_good(staff, ada):
    note = ParticipantNote.objects.create(participant=ada, text=TEXT)
    page = do(staff, "delete_note", ada.pk, note.pk).content.decode()
    assert TEXT not in page and not ParticipantNote.objects.exists()
    assert logged()[0] == "note_deleted"


@pytest.mark.parametrize("text", ["", "x" * 2001])
def test_a_note_that_cannot_be_kept_says_so(staff, ada, text):
    page = do(staff, "add_note", ada.pk, text=text).content.decode()
    assert "Write a note of up to 2,000 characters" in page
    assert not ParticipantNote.objects.exists()


def test_a_note_of_somebody_else_is_not_deleted_here(staff, ada):
    note = ParticipantNote.objects.create(participant=factories.ParticipantFactory(), text=TEXT)
    do(staff, "delete_note", ada.pk, note.pk)
    assert ParticipantNote.objects.exists()
    assert "note_deleted" not in logged()


def test_of_several_names_staff_choose_the_first_and_keep_the_other(staff, ada):
    page = reverse(f"{PEOPLE}:inspect", args=[ada.pk])
    ParticipantName.objects.create(participant=ada, name=ada.name)
    assert "Use this name" not in staff.get(page).text  # A sheet puts the first one on record too.
    ada.names.all().delete()
    name = ParticipantName.objects.create(participant=ada, name="Ada Lovelace")
    assert "Use this name" in staff.get(page).text
    do(staff, "use_name", ada.pk, name.pk)
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    assert [row.name for row in ada.names.all()] == ["Ada Canary"]
    assert "name_chosen" in logged()
