"""Whoever is erased hears of it once more, at the address that is found nowhere afterwards."""

import datetime

import pytest
from django.db import transaction
from django.utils import timezone, translation
from wagtail.models import Site

from tests import factories
from wagtail_engagement import models
from wagtail_engagement.consent.notices import EngagementSettings
from wagtail_engagement.rights import erasing, telling

from .person import EMAIL, OTHER, WORD, trace_of
from .test_requests import STEWARD, newest, screen, staff, take_down

HOUR = datetime.timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def erase(known, mailoutbox, django_capture_on_commit_callbacks):
    """Return a function that erases the known person for good, and returns the request."""
    mailoutbox.clear()

    def erase_now(**more):
        facts = {"keeps_responses": False, "at": timezone.now(), **more}
        with django_capture_on_commit_callbacks(execute=True):
            return erasing.erase(person=known.person, **facts)

    return erase_now


def failing(settings, backend):
    path = f"tests.mail_backends.{backend}"
    settings.EMAIL_BACKEND = path
    settings.MAILERS = {"default": {"BACKEND": path}}


def test_the_last_mail_is_the_receipt_and_says_what_stays(erase, mailoutbox):
    request = erase()
    (message,) = mailoutbox
    for text in (message.body, message.alternatives[0][0]):
        assert request.reference in text and "Your record in the register: 2" in text
        assert "with your answers" in text and "on our do-not-contact list" in text
        assert "Information Commissioner" in text and WORD not in text
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message.message()
    assert telling.receipt_of(request)["mail"] == "sent"


def test_answers_that_stay_are_named_in_the_last_mail(erase, mailoutbox):
    erase(keeps_responses=True)
    assert "Your answers, without your name." in mailoutbox[0].body


def test_nobody_who_never_answered_is_told_of_answers(
    mailoutbox, django_capture_on_commit_callbacks
):
    person = factories.ParticipantFactory(agreed=True)
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(person=person, keeps_responses=True, at=timezone.now())
    assert "held about you." in mailoutbox[0].body and "nswers" not in mailoutbox[0].body


def test_the_last_mail_says_how_to_complain_as_the_council_wrote_it(erase, mailoutbox):
    said = "<p>Write to <a href='mailto:dpo@example.gov.uk'>our officer</a>.</p>"
    EngagementSettings.objects.create(site=Site.objects.get(), complaints=said)
    with translation.override("cy"):
        erase()
    assert "our officer (mailto:dpo@example.gov.uk)" in mailoutbox[0].body


def test_no_mail_goes_to_a_mailbox_that_is_dead(erase, mailoutbox):
    factories.SuppressionFactory(address=EMAIL, reason="bounced")
    request = erase()
    assert mailoutbox == [] and telling.receipt_of(request)["mail"] == "dead"


def test_a_mailbox_that_refused_to_ask_is_not_told(known, erase, mailoutbox):
    mail = models.RegisterMail.objects.filter(kind="fresh").latest("pk")
    models.RegisterMail.objects.update(state="refused")
    mail.refresh_from_db()
    request = known.person.requests.create(kind="erasure", state="confirmed", mail=mail)
    erase(request=request)
    assert mailoutbox == []


def test_whoever_complained_of_spam_is_told_that_they_are_erased(erase, mailoutbox):
    factories.SuppressionFactory(address=EMAIL, reason="complained")
    erase()
    assert len(mailoutbox) == 1


@pytest.mark.parametrize(
    ("backend", "mail"),
    [("Unreachable", "failed"), ("Refusing", "failed"), ("Busy", "failed"), ("Silent", "unknown")],
)
def test_a_receipt_that_did_not_leave_says_so_and_the_address_is_gone_all_the_same(
    backend, mail, settings, erase, folder, caplog
):
    failing(settings, backend)
    request = erase()
    request.refresh_from_db()
    assert telling.receipt_of(request)["mail"] == mail
    assert trace_of(folder, WORD) == [] and WORD not in caplog.text


def test_a_worker_that_dies_between_leaves_a_receipt_that_is_true(known):
    an_hour_ago = timezone.now() - HOUR
    request = erasing.erase(person=known.person, keeps_responses=True, at=an_hour_ago)
    assert "cannot tell" in str(telling.receipt_of(request)["mailed"])


def test_a_page_that_is_made_before_the_mail_leaves_says_that_it_goes_out(known):
    request = erasing.erase(person=known.person, keeps_responses=True, at=timezone.now())
    assert "goes out by email now" in str(telling.receipt_of(request)["mailed"])


def test_nothing_is_mailed_of_an_erasure_that_did_not_stand(known, mailoutbox):
    mailoutbox.clear()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        erasing.erase(person=known.person, keeps_responses=True, at=timezone.now())
        1 / 0  # noqa: B018  whatever else goes wrong in the same transaction
    assert mailoutbox == [] and models.Participant.objects.count() == 2


def test_the_one_record_that_stands_is_told(known, mailoutbox, django_capture_on_commit_callbacks):
    mailoutbox.clear()
    known.other.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(person=known.other, keeps_responses=True, at=timezone.now())
    assert [message.to for message in mailoutbox] == [[EMAIL]] and known.other.email == OTHER


def test_staff_read_on_the_receipt_that_the_person_was_told(
    known, mailoutbox, django_capture_on_commit_callbacks
):
    client = staff(*STEWARD)
    take_down(client, known.person, kind="erasure")
    mailoutbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(screen("erase", newest().pk), {"answers": "delete"})
    page = client.get(screen("handle", newest().pk)).content.decode()
    assert "This receipt also went by email" in page and len(mailoutbox) == 1
    assert "by letter or when they come" not in page


def test_staff_who_know_that_the_mailbox_is_gone_write_a_letter(
    known, mailoutbox, django_capture_on_commit_callbacks
):
    client = staff(*STEWARD)
    page = take_down(client, known.person, kind="erasure", mailbox_gone="on")
    assert "Mail does not reach them." in page.content.decode()
    mailoutbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(screen("erase", newest().pk), {"answers": "delete"})
    page = client.get(screen("handle", newest().pk)).content.decode()
    assert mailoutbox == [] and "No email went out" in page and "by letter or when" in page


def test_pressing_twice_erases_once(known, erase):
    request = erase()
    with pytest.raises(erasing.AlreadyErased):
        erase()
    assert models.RightsRequest.objects.get(pk=request.pk).receipt["counts"]["Participant"] == 2
