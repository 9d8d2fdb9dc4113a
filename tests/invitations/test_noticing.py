"""A team's shared mailbox hears of what waits for somebody: once each time, and nothing of anybody."""

import datetime

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from tests.factories import UserFactory
from wagtail_engagement import work
from wagtail_engagement.invitations import asking, noticing, sending
from wagtail_engagement.models import Invitation, Team, TeamNotice

from .test_screens import url

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
MAILBOX = "parks@council.example.com"


@pytest.fixture
def team(draft):
    team = Team.objects.create(name="Parks", sender_name="Parks team", mailbox=MAILBOX)
    Invitation.objects.update(team=team)
    draft.refresh_from_db()
    return team


def pause_by_itself(reason="The mail server broke off several times in a row."):
    Invitation.objects.update(status="paused", status_reason=reason)


def told():
    return [message.subject for message in mail.outbox if message.to == [MAILBOX]]


def test_an_invitation_that_lost_its_page_is_told_of_once(team, people, draft, start):
    invitation = start()
    invitation.consultation.is_live = False
    invitation.consultation.save()
    for _ in range(2):
        work.drain(owner="w")
    assert told() == [f"“{draft.subject}” waits for somebody"]
    body = mail.outbox[-1].body
    assert "page is not published" in body and "Still waiting: 5 people." in body
    assert f"/admin/engagement/invitations/edit/{invitation.pk}/" in body


def test_a_missed_start_is_told_of(team, people, draft, admin_user):
    begins = timezone.now() + DAY
    plan = sending.Plan(start="time", starts_at=begins)
    sending.start(invitation=draft, shown_count=5, actor=admin_user, at=timezone.now(), plan=plan)
    work.drain(owner="w", at=begins + DAY / 2)
    assert len(told()) == 1 and "It should have begun on" in mail.outbox[-1].body


def test_a_reminder_that_could_not_start_is_told_of_once(team, people, start):
    start()
    Invitation.objects.update(reminder_failed="Nobody is left.", status="finished")
    for _ in range(2):
        noticing.work(at=timezone.now())
    assert len(told()) == 1
    body = mail.outbox[-1].body
    assert "The planned reminder of this invitation could not start." in body
    assert "Nobody is left." in body and "nobody is reminded before" in body


def test_the_next_time_it_waits_is_told_of_again(team, people, start, admin_user):
    start()
    for _ in range(2):
        pause_by_itself()
        noticing.work(at=timezone.now())
        sending.resume(invitation=Invitation.objects.get(), actor=admin_user, at=timezone.now())
        noticing.work(at=timezone.now())
    assert len(told()) == 2 and not TeamNotice.objects.exists()


def test_what_a_person_paused_is_told_to_nobody(team, people, start, client, admin_user):
    client.force_login(admin_user)
    client.post(url("pause", start().pk))
    noticing.work(at=timezone.now())
    assert told() == []


def test_a_team_without_a_mailbox_is_told_nothing_until_it_has_one(team, people, start):
    Team.objects.update(mailbox="")
    start()
    pause_by_itself()
    noticing.work(at=timezone.now())
    assert told() == []
    Team.objects.update(mailbox=MAILBOX)
    noticing.work(at=timezone.now())
    assert len(told()) == 1


def test_a_second_person_who_is_asked_for_is_told_of_without_names(team, people, draft):
    sam = UserFactory(first_name="Samantha", email="samantha@council.example.com")
    asking.ask(invitation=draft, count=1204, actor=sam, at=timezone.now())
    noticing.work(at=timezone.now())
    (message,) = mail.outbox
    html = message.alternatives[0][0]
    assert "to send it to 1,204 people" in message.body and "1,204" in html
    assert "amantha" not in message.body + html + message.subject


def test_asking_again_is_told_of_again_and_taking_back_is_not(team, people, draft):
    sam, now = UserFactory(), timezone.now()
    asking.ask(invitation=draft, count=5, actor=sam, at=now)
    noticing.work(at=now)
    asking.take_back(invitation=draft, actor=sam)
    noticing.work(at=now)
    assert len(told()) == 1 and not TeamNotice.objects.exists()
    for minutes in (1, 2):
        later = now + datetime.timedelta(minutes=minutes)
        asking.ask(invitation=draft, count=5, actor=sam, at=later)
        noticing.work(at=later)
    assert len(told()) == 3


def test_the_title_of_a_sensitive_consultation_is_in_no_mail(team, people, start):
    invitation = start()
    invitation.consultation.is_sensitive = True
    invitation.consultation.save()
    pause_by_itself()
    noticing.work(at=timezone.now())
    (message,) = [m for m in mail.outbox if m.to == [MAILBOX]]
    everything = message.subject + message.body + message.alternatives[0][0]
    assert message.subject == "An invitation waits" and "Mill Meadow" not in everything


def test_an_address_in_the_reason_is_not_passed_on(team, people, start):
    start()
    pause_by_itself("550 no such user <resident@example.com>")
    noticing.work(at=timezone.now())
    assert "resident@" not in mail.outbox[-1].body


def test_a_mail_server_that_is_away_is_tried_later_and_breaks_nothing(team, people, start):
    start()
    pause_by_itself()
    now = timezone.now()
    with override_settings(EMAIL_BACKEND="tests.mail_backends.Unreachable"):
        assert noticing.work(at=now) == 1
        assert noticing.work(at=now) == 0
    assert noticing.work(at=now + DAY) == 1 and len(told()) == 1


def test_a_worker_that_died_with_a_notice_leaves_it_to_the_next(team, people, start):
    start()
    pause_by_itself()
    now = timezone.now()
    TeamNotice.objects.create(
        invitation=Invitation.objects.get(),
        event="paused",
        made_at=now,
        retry_at=now + noticing.LEASE,
        attempt=1,
    )
    assert noticing.work(at=now) == 0
    assert noticing.work(at=now + noticing.LEASE) == 1 and len(told()) == 1
