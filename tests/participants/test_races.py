"""Two at the same moment, in threads with connections of their own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from tests import factories
from wagtail_engagement.consent import barring
from wagtail_engagement.models import ConsentEvent, Participant, RegisterMail, Suppression
from wagtail_engagement.participants import choosing, registry, sending

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
THREADS = 6


def at_once(act, *rows):
    """Do something in threads that start together; return what went wrong in each."""

    def run(row):
        try:
            act(row)
        except registry.NothingToConfirm as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, rows * THREADS if len(rows) == 1 else rows))


def test_one_mail_confirmed_many_times_at_once_makes_one_person_and_one_event():
    claimed = factories.ClaimFactory(mailed=True)
    refused = at_once(lambda row: registry.register(mail=row, at=timezone.now()), claimed.mail)
    assert len([error for error in refused if error]) == THREADS - 1
    assert Participant.objects.count() == ConsentEvent.objects.count() == 1


def test_two_mails_of_one_address_confirmed_at_once_make_one_person_with_both():
    claims = factories.ClaimFactory.create_batch(THREADS, email="ada@example.com", mailed=True)
    at_once(lambda row: registry.register(mail=row, at=timezone.now()), *[c.mail for c in claims])
    person = Participant.objects.get()
    assert person.consent_events.count() == person.claims.count() == THREADS
    assert person.permissions.get().may_write


def test_workers_side_by_side_send_one_mail_to_each_address():
    for number in range(20):
        factories.ClaimFactory(email=f"{number % 10}@example.com")
    at_once(lambda now: sending.work(at=now), timezone.now())
    assert len(mail.outbox) == RegisterMail.objects.count() == 10


def test_agreeing_and_complaining_at_once_leaves_what_a_replay_says():
    person = factories.ParticipantFactory(agreed=True)

    def act(number):
        if number % 2:
            barring.suppress(address=person.email, reason="complained", at=timezone.now())
        else:
            choosing.leave(
                participant=person, purposes=["invite"], channel="one_click", at=timezone.now()
            )

    at_once(act, *range(THREADS))
    assert Suppression.objects.filter(purpose=None).count() == 1
    assert not person.permissions.get().may_write
