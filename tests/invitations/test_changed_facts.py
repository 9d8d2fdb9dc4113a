"""A frozen letter whose consultation moves or closes on another day while it goes out."""

import datetime

import pytest
from django.core import mail
from django.utils import timezone

from wagtail_engagement.invitations import sending
from wagtail_engagement.pages.models import ConsultationPage

from .test_sending import states, work

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def close_on_another_day(invitation, days=3):
    page = ConsultationPage.objects.get(consultation=invitation.consultation)
    page.closes_at = timezone.now() + days * DAY
    page.save_revision().publish()


def test_nobody_more_reads_a_day_that_is_not_the_last_one(people, start):
    invitation = start()
    work(limit=2)
    close_on_another_day(invitation)
    assert work() == 0
    invitation.refresh_from_db()
    assert (
        invitation.status == "paused" and states(invitation) == ["accepted"] * 2 + ["pending"] * 3
    )
    assert "and the email says" in invitation.status_reason
    assert len(mail.outbox) == 2


def test_nobody_more_is_led_to_an_address_that_is_gone(people, start):
    invitation = start()
    work(limit=2)
    page = ConsultationPage.objects.get(consultation=invitation.consultation)
    page.slug = "elsewhere"
    page.save_revision().publish()
    assert work() == 0
    invitation.refresh_from_db()
    assert "its old address" in invitation.status_reason


def test_nobody_more_reads_what_has_become_sensitive(people, start):
    invitation = start()
    work(limit=2)
    page = ConsultationPage.objects.get(consultation=invitation.consultation)
    page.is_sensitive = True
    page.save_revision().publish()
    assert work() == 0
    invitation.refresh_from_db()
    assert "sensitive or anonymous now" in invitation.status_reason


def test_whoever_goes_on_regardless_is_asked_once_for_each_change(people, start, admin_user):
    invitation = start()
    close_on_another_day(invitation)
    assert work() == 0
    sending.resume(invitation=invitation, actor=admin_user, at=timezone.now())
    assert work(limit=2) == 2
    close_on_another_day(invitation, days=5)
    assert work() == 0


def test_a_new_one_to_those_who_missed_it_says_it_right(people, start, admin_user):
    invitation = start()
    work(limit=2)
    close_on_another_day(invitation)
    work()
    now = timezone.now()
    sending.stop(invitation=invitation, actor=admin_user, at=now)
    again = start(sending.follow_up(invitation=invitation, actor=admin_user, at=now))
    assert work() == again.recipients == 3


def test_a_later_hour_of_the_same_day_pauses_nothing(people, start):
    invitation = start()
    page = ConsultationPage.objects.get(consultation=invitation.consultation)
    page.closes_at += datetime.timedelta(seconds=1)
    page.save_revision().publish()
    assert work() == 5
