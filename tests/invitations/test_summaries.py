"""One email in place of several, for people who chose to get invitations together."""

import datetime
import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from tests.factories import DeliveryFactory, ParticipantFactory
from wagtail_engagement import work
from wagtail_engagement.consent import barring
from wagtail_engagement.invitations import ledger, sending
from wagtail_engagement.models import Delivery, Invitation, Team
from wagtail_engagement.participants import choosing

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def drain(days=0.0):
    return work.drain(owner="this worker", at=timezone.now() + days * DAY)


def states(**found):
    return list(Delivery.objects.filter(**found).order_by("pk").values_list("state", flat=True))


# One email


def test_two_invitations_come_in_one_email_that_says_each(reader, invite):
    invite("Parks", closes_in=30), invite("Bins & roads", closes_in=20)
    drain()
    assert mail.outbox == []
    drain(days=3)
    (message,) = mail.outbox
    assert message.to == [reader.email]
    assert message.subject == "2 consultations that may matter to you"
    assert message.body.index("Bins & roads") < message.body.index("Parks")
    assert "Bins &amp; roads" in message.alternatives[0][0]
    assert message.body.count("Answer by") == 2
    assert states() == ["accepted", "accepted"]
    assert set(Invitation.objects.values_list("status", flat=True)) == {"finished"}


def test_each_consultation_is_linked_with_its_own_code_and_answer(invite):
    ParticipantFactory.create_batch(5, agreed=True, summaries_since=timezone.now())
    first, second = invite("Parks"), invite("Bins")
    drain(days=3)
    body = mail.outbox[0].body
    assert len(mail.outbox) == 5
    answers = {found for sent in mail.outbox for found in re.findall(r"&a=([\w-]{43})", sent.body)}
    assert f"?i={first.code}&a=" in body and f"?i={second.code}&a=" in body
    assert "answer-" not in body and "part_" not in body
    assert len(answers) == 10


def test_one_link_leaves_and_one_shows_the_choices(reader, invite, client):
    invite("Parks"), invite("Bins")
    drain(days=3)
    (message,) = mail.outbox

    leave = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert message.body.count(leave) == 1
    client.post(leave.removeprefix("https://engage.example.gov.uk"))
    assert not reader.permissions.get(purpose="invite").may_write


def test_what_has_gathered_nothing_else_is_the_invitation_itself(reader, invite):
    invitation = invite("Parks")
    drain(days=3)
    assert mail.outbox[0].subject == invitation.rendered["subject"]
    assert states() == ["accepted"]


def test_a_sensitive_consultation_has_neither_title_nor_words(reader, invite):
    invite("Abuse at home", is_sensitive=True, changes={"opening": "<p>About abuse.</p>"})
    invite("Bins")
    drain(days=3)
    (message,) = mail.outbox
    for text in (message.body, message.alternatives[0][0]):
        assert "A consultation" in text
        assert "Abuse at home" not in text and "About abuse" not in text


def test_several_teams_in_one_email_sign_as_the_council(reader, invite):
    for name in ("Parks team", "Waste team"):
        invite(name, changes={"team": Team.objects.create(name=name, sender_name=name)})
    drain(days=3)
    (message,) = mail.outbox
    assert "team" not in message.from_email


# What the editor sees


def test_the_preview_shows_how_an_invitation_reads_in_a_summary(client, admin_user, draft):
    client.force_login(admin_user)
    draft.consultation.summary = "Come and say."
    draft.consultation.save()
    name = "wagtailsnippets_wagtail_engagement_invitation:preview_on_edit"
    address = reverse(name, args=[draft.pk])
    client.post(address, {"match": "any", "not_invited_days": 30, "subject": "Typed just now"})
    shown = client.get(address, {"mode": "summary"})
    assert "2 consultations that may matter to you" in shown.text
    assert draft.consultation.title in shown.text and "Come and say." in shown.text
    assert "Another consultation" in shown.text and "choices-" not in shown.text
    assert "style-src 'unsafe-inline'" in shown["Content-Security-Policy"]
    assert not Invitation.objects.exclude(pk=draft.pk).exists()


def test_the_check_says_how_many_get_it_in_a_summary(client, admin_user, reader, people, draft):
    client.force_login(admin_user)
    edit = reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[draft.pk])
    said = "1 of these people chose to get it in a summary, within 14 days."
    assert said in client.get(edit).text
    choosing.gather(participant=reader, together=False, at=timezone.now())
    assert said not in client.get(edit).text


# When


def test_others_do_not_wait(reader, invite):
    other = ParticipantFactory(agreed=True)
    invite()
    drain()
    assert [message.to[0] for message in mail.outbox] == [other.email]
    assert sorted(states()) == ["accepted", "pending"]


def test_the_next_summary_comes_two_weeks_after_the_last_email(reader, invite):
    now = timezone.now()
    DeliveryFactory(participant=reader, state="accepted", handed_at=now - 4 * DAY)
    invite()
    drain(days=9.9)
    assert mail.outbox == []
    drain(days=10.1)
    assert len(mail.outbox) == 1


def test_it_does_not_wait_until_nobody_has_time_to_answer(reader, invite):
    DeliveryFactory(participant=reader, state="accepted", handed_at=timezone.now())
    invite("Parks", closes_in=40)
    invite("Bins", closes_in=8)
    drain(days=2.9)
    assert mail.outbox == []
    drain(days=3.1)
    assert "Parks" in mail.outbox[0].body and "Bins" in mail.outbox[0].body


def test_a_consultation_that_closes_before_the_day_is_not_asked_about(reader, invite):
    soon = invite("Bins", closes_in=10)
    invite("Parks")
    soon.consultation.closes_at = timezone.now() - DAY
    soon.consultation.save()
    drain(days=3)
    assert "Bins" not in mail.outbox[0].body
    assert states(invitation=soon) == ["skipped"]


def test_what_the_law_makes_the_council_write_does_not_wait(reader, invite):
    invite(changes={"beyond_cap_reason": "Planning Act, section 42"})
    drain()
    assert states() == ["accepted"]


def test_nobody_waits_where_the_site_offers_no_summaries(reader, invite, settings):
    invite("Parks")
    settings.WAGTAIL_ENGAGEMENT_SUMMARY_DAYS = 0
    invite("Bins", changes={"not_invited_days": 0})
    drain()
    assert len(mail.outbox) == 2


def test_quiet_hours_hold_summaries_back(reader, invite, settings):
    invite()
    settings.WAGTAIL_ENGAGEMENT_QUIET_HOURS = "00:00-23:59:59"
    drain(days=3)
    assert mail.outbox == []


# Whoever changes their mind


def test_whoever_leaves_before_the_day_gets_nothing(reader, invite):
    invite("Parks"), invite("Bins")
    barring.suppress(
        address=reader.email, purpose="invite", reason="unsubscribed", at=timezone.now()
    )
    drain(days=3)
    assert mail.outbox == []
    assert set(Delivery.objects.values_list("state", "reason")) == {("skipped", "no_permission")}


def test_whoever_goes_back_to_each_time_gets_it_at_once(reader, invite):
    invite("Parks"), invite("Bins")
    choosing.gather(participant=reader, together=False, at=timezone.now())
    drain()
    assert len(mail.outbox) == 2


def test_a_paused_invitation_stays_out_and_the_others_go(reader, invite, admin_user):
    paused, stopped = invite("Parks"), invite("Roads")
    invite("Bins")
    sending.pause(invitation=paused, actor=admin_user, at=timezone.now())
    sending.stop(invitation=stopped, actor=admin_user, at=timezone.now())
    drain(days=3)
    (message,) = mail.outbox
    assert "Parks" not in message.body and "Roads" not in message.body
    assert states() == ["pending", "skipped", "accepted"]


def test_what_is_found_out_at_the_last_moment_is_not_in_the_email(reader, invite, monkeypatch):
    """Between writing the email and marking its rows, one of three invitations is paused."""
    paused, *_others = invite("Parks"), invite("Roads"), invite("Bins")
    turn = ledger.turn

    def late(*args):
        Invitation.objects.filter(pk=paused.pk).update(status="paused")
        return turn(*args)

    monkeypatch.setattr(ledger, "turn", late)
    drain(days=3)
    (message,) = mail.outbox
    assert "Parks" not in message.body and "Roads" in message.body and "Bins" in message.body
    assert states() == ["pending", "accepted", "accepted"]


def test_only_who_agreed_hears_of_promotion_in_a_summary(reader, invite):
    invite("Parks"), invite("Bins", changes={"is_promotional": True}), invite("Roads")
    reader.permissions.update(is_by_consent=False)
    drain(days=3)
    assert "Bins" not in mail.outbox[0].body and "Parks" in mail.outbox[0].body
    assert states() == ["accepted", "skipped", "accepted"]
