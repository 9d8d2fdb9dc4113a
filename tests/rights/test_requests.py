"""Staff take requests down, make sure whose they are, meet them, and leave a trace."""

import io
import zipfile

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from wagtail_engagement import models

from .person import WORD

pytestmark = pytest.mark.django_db
STEWARD = ("erase_participant", "view_participant", "view_participant_pii")


def staff(*codenames):
    user = factories.UserFactory(is_staff=True)
    wanted = ("access_admin", *codenames)
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def steward(known):
    return staff(*STEWARD)


def screen(name, *numbers):
    return reverse(f"wagtail_engagement_requests:{name}", args=numbers)


def take_down(client, person, **typed):
    form = {"kind": "access", "identity": "letter", "note": "File 12", **typed}
    return client.post(screen("ask", person.pk), form, follow=True)


def newest():
    return models.RightsRequest.objects.latest("pk")


def acts():
    names = ModelLogEntry.objects.values_list("action", flat=True).order_by("pk")
    return [name.removeprefix("wagtail_engagement.") for name in names]


def test_the_page_of_a_person_leads_to_a_request(steward, known):
    page = steward.get(reverse("wagtail_engagement_participants:inspect", args=[known.person.pk]))
    assert screen("ask", known.person.pk) in page.content.decode()


def test_a_letter_proves_a_request_and_the_copy_is_handed_out(steward, known):
    models.RightsRequest.objects.all().delete()
    take_down(steward, known.person)
    answer = steward.post(screen("copy", newest().pk))
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert WORD in archive.read("index.html").decode() and "no-store" in answer["Cache-Control"]
    assert newest().state == "done" and newest().closed_at
    assert acts() == ["request_opened", "request_viewed", "participant_copied"]
    assert WORD not in str(list(ModelLogEntry.objects.values()))


def test_a_letter_needs_a_place_where_it_is_kept(steward, known):
    page = take_down(steward, known.person, kind="erasure", note="")
    assert "Say where the letter or the note of the visit is kept." in page.content.decode()
    assert newest().kind == "access"


@pytest.mark.parametrize("act", ["copy", "erase"])
def test_nothing_is_handed_out_or_erased_before_the_person_confirms(steward, known, act):
    models.RightsRequest.objects.all().delete()
    kind = "access" if act == "copy" else "erasure"
    take_down(steward, known.person, kind=kind, identity="mail")
    page = steward.post(screen(act, newest().pk), {"answers": "delete"}, follow=True)
    assert "First the person has to say" in page.content.decode()
    assert models.Participant.objects.count() == 2


def test_a_letter_helps_where_nobody_answers_the_mail(steward, known):
    take_down(steward, known.person, kind="erasure", identity="mail")
    steward.post(screen("letter", newest().pk), {"note": "File 13"})
    assert (newest().state, newest().identity) == ("confirmed", "letter")


def test_staff_read_what_was_written_before_they_erase(steward, known):
    page = take_down(steward, known.person, kind="erasure")
    assert f"I am {WORD} of Mill Lane" in page.content.decode()
    assert "Remove this text" in page.content.decode()


def test_erasing_asks_what_becomes_of_the_answers(steward, known):
    take_down(steward, known.person, kind="erasure")
    page = steward.post(screen("erase", newest().pk), {})
    assert "Choose what is to become of the answers" in page.content.decode()
    assert models.Participant.objects.count() == 2


def test_staff_are_not_asked_about_answers_of_whoever_never_answered(steward, known):
    person = factories.ParticipantFactory(agreed=True)
    page = take_down(steward, person, kind="erasure").content.decode()
    assert "What goes, and what stays" in page and "Answers stay" not in page
    steward.post(screen("erase", newest().pk), {})
    assert not models.Participant.objects.filter(pk=person.pk).exists()


def test_erasing_removes_what_was_ticked_and_ends_with_a_receipt(steward, known):
    take_down(steward, known.person, kind="erasure")
    ticked = {"answers": "keep", "texts": f"{known.response.pk}:park"}
    page = steward.post(screen("erase", newest().pk), ticked, follow=True)
    known.response.refresh_from_db()
    assert known.response.answers == {"park": ""}
    assert newest().reference in page.content.decode() and "Receipt" in page.content.decode()
    assert acts().count("participant_erased") == 1 and WORD not in page.content.decode()


def test_a_request_that_was_taken_back_is_closed(steward, known):
    take_down(steward, known.person, kind="erasure")
    steward.post(screen("close", newest().pk))
    steward.post(screen("close", newest().pk))
    assert newest().state == "lapsed" and acts().count("request_closed") == 1


def test_the_listing_shows_what_is_due_first(steward, known):
    closed = factories.ParticipantFactory().requests.create(
        kind="erasure", closed_at=timezone.now(), state="done", due_at="2026-01-01T00:00Z"
    )
    text = steward.get(screen("index")).content.decode()
    first = models.RightsRequest.objects.get(closed_at=None)
    assert text.index(first.reference) < text.index(closed.reference)
    assert WORD not in text


def test_whoever_may_not_see_addresses_handles_no_request(known):
    client = staff("erase_participant")
    pages = [screen("ask", known.person.pk), screen("handle", newest().pk)]
    assert [client.get(page).status_code for page in pages] == [302, 302]
    acts = [screen(name, newest().pk) for name in ("letter", "close", "copy", "erase")]
    assert [client.post(act).status_code for act in acts] == [302] * 4
    assert newest().state == "open"


def test_what_was_written_to_a_sensitive_consultation_is_read_only_with_its_permission(known):
    models.Consultation.objects.filter(pk=known.response.consultation_id).update(is_sensitive=True)
    client, reader = staff(*STEWARD), staff(*STEWARD, "view_sensitive_response")
    page = take_down(client, known.person, kind="erasure").content.decode()
    assert f"I am {WORD} of Mill Lane" not in page and "ask them before you erase" in page
    ticked = {"answers": "keep", "texts": f"{known.response.pk}:park"}
    client.post(screen("erase", newest().pk), ticked)
    assert newest().state == "confirmed"
    page = reader.get(screen("handle", newest().pk)).content.decode()
    assert f"I am {WORD} of Mill Lane" in page and "ask them before you erase" not in page
