"""Two at the same moment, on a database that lets them: PostgreSQL."""

import datetime
import threading
from functools import partial

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from tests.factories import ParticipantFactory, UserFactory
from tests.site import add_consultation
from wagtail_engagement.invitations import sending, summaries
from wagtail_engagement.models import Delivery, Invitation

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time"),
]


def together(*calls):
    """Run calls at one moment, each with its own connection; return what each came to."""
    barrier = threading.Barrier(len(calls))
    found = []

    def run(call):
        barrier.wait()
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001
            found.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.fixture
def drafts():
    """Two drafts for one consultation, and twenty people."""
    ParticipantFactory.create_batch(20, agreed=True)
    consultation = add_consultation().consultation
    editor, now = UserFactory(), timezone.now()
    return [sending.create_for(consultation=consultation, actor=editor, at=now) for _ in range(2)]


def starter(draft):
    def start():
        mine = Invitation.objects.get(pk=draft.pk)
        return sending.start(invitation=mine, shown_count=20, actor=None, at=timezone.now()).pk

    return start


def test_a_double_click_starts_an_invitation_once(drafts):
    found = together(starter(drafts[0]), starter(drafts[0]))
    assert found.count(drafts[0].pk) == found.count(sending.NotPossible) == 1
    assert Delivery.objects.count() == 20


def test_two_editors_with_two_drafts_reach_nobody_twice(drafts):
    found = together(*map(starter, drafts))
    assert found.count(sending.CannotStart) == 1
    assert Delivery.objects.values("participant").distinct().count() == Delivery.objects.count()


def test_four_workers_share_one_invitation(drafts):
    starter(drafts[0])()
    together(*(lambda owner=owner: sending.work(owner=owner) for owner in "abcd"))
    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        Delivery.objects.values_list("participant__email", flat=True)
    )
    assert set(Delivery.objects.values_list("state", flat=True)) == {"accepted"}


def test_two_workers_never_share_one_summary_between_them():
    now, editor = timezone.now(), UserFactory()
    ParticipantFactory.create_batch(20, agreed=True, summaries_since=now)
    for title in ("Parks", "Bins"):
        page = add_consultation(title=title)
        draft = sending.create_for(consultation=page.consultation, actor=editor, at=now)
        sending.start(invitation=draft, shown_count=20, actor=editor, at=now)
    later = now + datetime.timedelta(days=3)
    workers = [partial(summaries.work, owner=f"worker {n}", at=later) for n in range(4)]
    assert sum(together(*workers)) == 40
    assert len(mail.outbox) == len({message.to[0] for message in mail.outbox}) == 20
    assert {message.subject[:15] for message in mail.outbox} == {"2 consultations"}
