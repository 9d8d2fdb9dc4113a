import datetime
import uuid

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from tests import factories
from tests.participants.post import open_link, press
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.models import ConsentEvent, ConsentWording, Suppression
from wagtail_engagement.participants import choosing, links

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
urlpatterns = i18n_patterns(path("engagement/", include("wagtail_engagement.urls")))


@pytest.fixture
def stranger():
    """A mail program: no cookie, no token, and every check of the site is on."""
    return Client(enforce_csrf_checks=True)


def may_invite(person):
    return person.permissions.get(purpose="invite").may_write


@pytest.mark.parametrize(
    "sent",
    [
        {"data": ONE_CLICK},
        {
            "data": "List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
        },
        {"data": b"", "content_type": "text/plain"},
        {"data": b"\x00garbage", "content_type": "multipart/form-data; boundary=x"},
    ],
    ids=["multipart", "urlencoded", "empty", "garbage"],
)
def test_the_leave_button_of_a_mail_program_works_with_any_body(stranger, person, link_to, sent):
    response = stranger.post(link_to("leave"), **sent)
    assert (response.status_code, response.content) == (200, b"OK")
    assert not response.cookies and "Location" not in response
    assert not may_invite(person)
    assert Suppression.objects.values_list("purpose", "reason").get() == ("invite", "unsubscribed")


def test_pressing_it_twice_answers_the_same_and_notes_it_once(stranger, person, link_to):
    address = link_to("leave")
    assert [stranger.post(address).status_code for _press in range(2)] == [200, 200]
    assert ConsentEvent.objects.filter(action="withdrawn", channel="one_click").count() == 1


@pytest.mark.parametrize("token", ["a" * 22, "short", "é" * 22, "a" * 5000])
def test_an_unknown_link_gets_one_constant_answer(stranger, token):
    response = stranger.post(f"/engagement/l/{token}/", ONE_CLICK)
    assert (response.status_code, response.content) == (404, b"Unknown link")


def test_it_works_under_a_language_prefix_without_a_redirect(stranger, person, link_to, settings):
    settings.ROOT_URLCONF = __name__
    settings.APPEND_SLASH = True
    address = link_to("leave")
    assert address.startswith("/en-gb/")
    response = stranger.post(address, ONE_CLICK, headers={"Accept-Language": "cy"})
    assert response.status_code == 200 and not response.cookies
    assert not may_invite(person)


def test_it_works_over_https_on_a_site_that_allows_nothing_else(person, link_to, settings):
    settings.SECURE_SSL_REDIRECT = settings.APPEND_SLASH = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.ROOT_URLCONF = __name__
    address, stranger = link_to("leave"), Client(enforce_csrf_checks=True)
    response = stranger.post(address, ONE_CLICK, secure=True)
    assert (response.status_code, response.content) == (200, b"OK")
    assert not response.cookies and "Location" not in response
    assert not may_invite(person)


def test_the_address_in_a_mail_is_one_that_no_site_redirects():
    facts = {"purpose": "leave", "uuid": uuid.uuid4()}
    address = links.url("leave", links.token(**facts))
    assert address.startswith("https://") and address.endswith("/")


def test_leaving_stops_invitations_alone(stranger, person, link_to):
    factories.ConsentEventFactory(participant=person, result=True)
    settling.settle([person.pk], at=timezone.now())
    stranger.post(link_to("leave"))
    assert person.permissions.get(purpose="result").may_write


def test_opening_the_link_changes_nothing_and_one_button_leaves(client, person, link_to):
    page = open_link(client, link_to("leave"))
    assert may_invite(person)
    assert "You have left" in press(client, page, "leave").content.decode()
    assert not may_invite(person)


def test_a_leaving_can_be_undone_with_the_words_that_were_agreed_to(client, person, link_to):
    wording = ConsentWording.objects.first()
    factories.ConsentEventFactory(participant=person, wording=wording)
    page = press(client, open_link(client, link_to("leave")), "leave")
    assert "Changed your mind?" in page.content.decode()
    press(client, page, "undo")
    assert may_invite(person) and ConsentEvent.objects.last().wording == wording
    assert not Suppression.objects.exists()


def test_what_was_never_agreed_to_cannot_be_had_by_undoing(client, link_to):
    other = factories.ParticipantFactory()
    asked = open_link(client, link_to("leave", other))
    assert "Changed your mind?" not in press(client, asked, "leave").content.decode()
    press(client, asked, "undo")
    assert not may_invite(other)


def test_undoing_lifts_no_complaint(client, person, link_to):
    page = press(client, open_link(client, link_to("leave")), "leave")
    barring.suppress(address=person.email, reason="complained", at=timezone.now())
    press(client, page, "undo")
    assert not may_invite(person)


def test_a_day_later_nothing_can_be_undone(person):
    then = timezone.now() - datetime.timedelta(days=2)
    choosing.leave(participant=person, purposes=["invite"], channel="one_click", at=then)
    assert choosing.undoable(participant=person, at=timezone.now()) is None


def test_leaving_holds_after_staff_lift_what_they_entered(person, stranger, link_to, admin_user):
    row = barring.suppress(address=person.email, reason="manual", at=timezone.now())
    stranger.post(link_to("leave"))
    barring.lift_by_staff(suppression=row, actor=admin_user, at=timezone.now())
    assert not may_invite(person)
