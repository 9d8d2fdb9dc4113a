"""The drill: a city half invited, some left, an older copy comes back, another goes to staging."""

import io
import re

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from tests.factories import ClaimFactory
from wagtail_engagement import work
from wagtail_engagement.invitations import sending
from wagtail_engagement.models import Delivery, Participant, Suppression
from wagtail_engagement.participants import choosing
from wagtail_engagement.rights import erasing
from wagtail_engagement.seal import sealing

from . import copies

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def said(command, *options):
    out = io.StringIO()
    call_command(command, *options, stdout=out)
    return out.getvalue()


def send(number):
    return sending.work(owner="half", limit=number)


def letters():
    """To whom invitations went, in order; receipts and confirmations apart."""
    return [m.to[0] for m in mail.outbox if "List-Unsubscribe" in m.extra_headers]


def leave(person):
    choosing.leave(participant=person, purposes=None, channel="one_click", at=timezone.now())


@pytest.fixture
def drill(path, people, invite):
    """Six people: two are written to, then the copy is taken, then two more, one leaves, one is erased."""
    invite()
    work.drain(owner="first", stopping=Stop(after=2))
    copy = copies.take()
    send(2)
    reached = letters()
    waiting = [person for person in people if person.email not in reached]
    leave(waiting[0])
    erasing.erase(person=waiting[1], keeps_responses=True, at=timezone.now())
    return {"copy": copy, "reached": reached, "left": waiting[0].email, "erased": waiting[1].email}


class Stop:
    """Lets a worker hand over so many messages and then stops it."""

    def __init__(self, after):
        self.after = after

    def __call__(self):
        return len(letters()) >= self.after


def test_staging_sends_nothing_and_says_why(drill, settings, client, admin_user):
    copies.put_back(drill["copy"])
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = "https://staging.example.gov.uk"
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"s": "keys of staging that are longer than thirty-two"}
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = ""
    ClaimFactory()
    sent = len(mail.outbox)
    said("engagement_work", "--once")
    assert len(mail.outbox) == sent
    assert "belongs to engage.example.gov.uk" in said("engagement_status")
    client.force_login(admin_user)
    overview = client.get("/admin/engagement/")
    assert "belongs to engage.example.gov.uk" in overview.content.decode()


def test_live_waits_until_it_is_reconciled_and_then_nobody_is_hurt(drill):
    copies.put_back(drill["copy"])
    before = len(mail.outbox)
    said("engagement_work", "--once")
    assert len(mail.outbox) == before
    assert "older copy" in said("engagement_status")
    assert "This database may send." in said("engagement_reconcile")
    said("engagement_work", "--once")
    assert sorted(letters()) == sorted(set(letters())), "somebody has two copies"
    assert not {drill["left"], drill["erased"]} & set(letters())
    assert len(letters()) == 4
    assert not Participant.objects.filter(email=drill["erased"]).exists()
    assert Suppression.objects.of_address(drill["left"]).exists()
    assert len([m for m in mail.outbox if m.to == [drill["erased"]]]) == 1, "one receipt, once"


def test_the_dry_run_says_the_same_and_changes_nothing(drill):
    copies.put_back(drill["copy"])
    work.drain(owner="waits")
    before = copies.take()
    planned = said("engagement_reconcile", "--dry-run")
    assert copies.take() == before and "Nothing was changed." in planned
    done = said("engagement_reconcile")
    assert planned.splitlines()[:6] == done.splitlines()[:6]
    numbers = [int(line.split()[0].replace(",", "")) for line in done.splitlines()[:6]]
    assert sum(numbers[:5]) == numbers[5]


def test_a_second_reconcile_finds_nothing_to_do(drill):
    copies.put_back(drill["copy"])
    said("engagement_reconcile")
    after = copies.take()
    assert said("engagement_reconcile").splitlines()[5].split()[0] == "0"
    assert copies.take() == after


def test_who_was_sent_to_is_shown_as_sent_says_the_journal(drill):
    copies.put_back(drill["copy"])
    said("engagement_reconcile")
    told = Delivery.objects.filter(reason="journal")
    assert {row.participant.email for row in told} == set(drill["reached"][2:])
    assert {(row.state, row.why) for row in told} == {("accepted", "sent, says the journal")}


def test_links_of_what_the_copy_had_forgotten_work_again(drill, client):
    copies.put_back(drill["copy"])
    said("engagement_reconcile")
    address = drill["reached"][-1]
    body = next(m for m in mail.outbox if m.to == [address]).body
    choices = re.search(r"https://engage\.example\.gov\.uk(/engagement/p/[\w-]{43}/)", body)[1]
    page = client.get(choices, follow=True, secure=True)
    assert page.status_code == 200 and "Your choices" in page.content.decode()


def test_an_invitation_that_the_copy_does_not_know_is_rebuilt(path, people, invite):
    consultation = invite().consultation
    sending.stop(
        invitation=consultation.invitations.get(), actor=None, at=timezone.now(), reason=""
    )
    copy = copies.take()
    Delivery.objects.all().delete()
    consultation.invitations.all().delete()
    again = invite(consultation)
    work.drain(owner="all")
    copies.put_back(copy)
    work.drain(owner="waits")
    assert sealing.why_not().code == "older"
    said("engagement_reconcile")
    rebuilt = consultation.invitations.get(code=again.code)
    assert (rebuilt.status, rebuilt.recipients, rebuilt.uuid) == ("finished", 6, again.uuid)
    third = sending.create_for(consultation=consultation, actor=None, at=timezone.now())
    with pytest.raises(sending.CannotStart, match="Nobody would get this"):
        sending.start(invitation=third, shown_count=9, actor=None, at=timezone.now())
