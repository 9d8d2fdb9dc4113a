"""Begun later, repeated once, and looked at by a second person."""

import datetime

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import ConsultationResponseFactory, DeliveryFactory, UserFactory
from wagtail_engagement.invitations import asking, reminding, sending
from wagtail_engagement.invitations.audience import Audience
from wagtail_engagement.models import Invitation

from .test_screens import ALL, login
from .test_sending import reasons, states, work

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
EDIT = "wagtailsnippets_wagtail_engagement_invitation:edit"


def plan(draft, actor, **options):
    """Press Send for later."""
    options = {"start": "time", **options}
    return sending.start(
        invitation=draft,
        shown_count=5,
        actor=actor,
        at=timezone.now(),
        plan=sending.Plan(**options),
    )


def test_a_scheduled_invitation_begins_at_its_time(people, draft, admin_user):
    begins = timezone.now() + DAY
    invitation = plan(draft, admin_user, starts_at=begins)
    assert invitation.status == "scheduled" and states(invitation) == ["pending"] * 5
    assert work(at=begins - HOUR) == 0
    assert work(at=begins + HOUR) == 5


def test_one_that_was_missed_by_hours_waits_for_a_person(people, draft, admin_user):
    begins = timezone.now() + DAY
    invitation = plan(draft, admin_user, starts_at=begins)
    assert work(at=begins + 3 * HOUR) == 0
    invitation.refresh_from_db()
    assert invitation.status == "paused" and "should have begun" in invitation.status_reason
    sending.resume(invitation=invitation, actor=admin_user, at=begins + 3 * HOUR)
    assert work(at=begins + 3 * HOUR) == 5


def test_an_invitation_follows_the_opening_of_its_consultation(people, draft, admin_user):
    consultation = draft.consultation
    consultation.opens_at = timezone.now() + DAY
    consultation.save()
    plan(draft, admin_user, start="opening")
    consultation.opens_at += DAY
    consultation.save()
    assert work(at=consultation.opens_at - HOUR) == 0
    assert work(at=consultation.opens_at + HOUR) == 5


def test_who_leaves_before_it_begins_is_not_written_to(people, draft, admin_user):
    begins = timezone.now() + DAY
    invitation = plan(draft, admin_user, starts_at=begins)
    people[0].permissions.update(may_write=False)
    work(at=begins)
    assert reasons(invitation)[-1] == ("skipped", "no_permission") and len(mail.outbox) == 4


def test_a_scheduled_one_can_be_stopped_and_begun_at_once(people, draft, admin_user):
    invitation = plan(draft, admin_user, starts_at=timezone.now() + DAY)
    sending.resume(invitation=invitation, actor=admin_user, at=timezone.now())
    assert work(limit=2) == 2
    sending.stop(invitation=invitation, actor=admin_user, at=timezone.now())
    assert states(invitation) == ["accepted"] * 2 + ["skipped"] * 3


def test_a_pause_before_its_time_does_not_begin_it(people, draft, admin_user):
    invitation = plan(draft, admin_user, starts_at=timezone.now() + DAY)
    now = timezone.now()
    sending.pause(invitation=invitation, actor=admin_user, at=now)
    sending.resume(invitation=invitation, actor=admin_user, at=now)
    assert invitation.status == "scheduled" and work() == 0


def test_a_reminder_goes_once_to_those_who_got_it_and_have_not_answered(people, draft, admin_user):
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    ConsultationResponseFactory(consultation=first.consultation, participant=people[0])
    due = reminding.due_at(first)
    assert reminding.work(at=due - HOUR) == 0
    assert reminding.work(at=due) == 1 and reminding.work(at=due) == 0
    mail.outbox.clear()
    work(at=due)
    assert {message.to[0] for message in mail.outbox} == {p.email for p in people[1:]}
    assert mail.outbox[0].subject.startswith("Reminder: ")
    assert "If you have answered, you need do nothing." in mail.outbox[0].body


def test_whoever_the_first_did_not_reach_is_not_reminded(people, draft, start, admin_user):
    first = start()
    work()
    first.deliveries.filter(participant=people[0]).update(state="bounced")
    first.deliveries.filter(participant=people[1]).update(state="refused")
    reminder = sending.remind(invitation=first, actor=admin_user, at=timezone.now())
    counts = Audience.of(reminder, at=timezone.now()).counts()
    assert (counts.included, counts.left_out) == (3, {"not_invited": 2})


def test_whoever_answered_from_the_first_is_not_reminded_though_nobody_knows_who(
    people, draft, start, admin_user
):
    first = start()
    work()
    first.deliveries.filter(participant=people[0]).update(has_answered=True)
    reminder = sending.remind(invitation=first, actor=admin_user, at=timezone.now())
    assert start(reminder).recipients == 4
    first.deliveries.filter(participant=people[1]).update(has_answered=True)  # after the start
    mail.outbox.clear()
    work()
    assert {message.to[0] for message in mail.outbox} == {p.email for p in people[2:]}
    assert reasons(reminder)[-1] == ("skipped", "answered")


def test_nobody_is_reminded_twice_or_of_a_reminder(people, draft, start, admin_user):
    first = start()
    work()
    reminder = sending.remind(invitation=first, actor=admin_user, at=timezone.now())
    for invitation in (first, reminder):
        with pytest.raises(sending.NotPossible):
            sending.remind(invitation=invitation, actor=admin_user, at=timezone.now())


def test_a_reminder_waits_while_this_database_may_not_send(people, draft, admin_user, settings):
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    due = reminding.due_at(first)
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    assert reminding.work(at=due) == 0
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = ""
    assert reminding.work(at=due) == 1


def close_in(invitation, days):
    invitation.consultation.closes_at = timezone.now() + days * DAY
    invitation.consultation.save()


def test_a_reminder_never_follows_on_the_heels_of_its_invitation(people, draft, admin_user):
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    close_in(first, 4)  # Moved forward, so that its day is tomorrow.
    assert reminding.work(at=timezone.now() + 1.2 * DAY) == 0
    assert reminding.work(at=timezone.now() + 2.9 * DAY) == 1


def test_where_it_would_come_too_late_to_answer_nobody_is_reminded(people, draft, admin_user):
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    close_in(first, 2)
    assert reminding.due_at(first) is None
    assert sum(reminding.work(at=timezone.now() + n * DAY / 4) for n in range(9)) == 0


@pytest.mark.parametrize("days", [13, 40])
def test_a_reminder_for_a_day_that_cannot_be_is_refused(people, draft, client, admin_user, days):
    client.force_login(admin_user)
    page = client.get(reverse(EDIT, args=[draft.pk]))
    shown = page.context["send_form"].initial
    sent = {**shown, "start": "now", "remind_days": days}
    close_in(draft, 14)
    answer = client.post(reverse("engagement_invitations:send", args=[draft.pk]), sent, follow=True)
    assert "Enter fewer days, or leave it empty." in answer.text
    assert Invitation.objects.get().status == "draft"


def test_a_day_that_has_passed_is_no_day_to_plan_a_reminder_for(people, start, client, admin_user):
    invitation = start()
    client.force_login(admin_user)
    address = reverse("engagement_invitations:plan_reminder", args=[invitation.pk])
    answer = client.post(address, {"remind_days": 60}, follow=True)
    assert "That day has passed" in answer.text
    invitation.refresh_from_db()
    assert invitation.remind_days is None


def test_a_planned_reminder_can_be_called_off(people, draft, admin_user):
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    sending.plan_reminder(invitation=first, days=None, actor=admin_user)
    assert reminding.work(at=first.consultation.closes_at - HOUR) == 0


@pytest.fixture
def failed(people, draft, admin_user):
    """An invitation whose planned reminder found nobody to remind."""
    first = plan(draft, admin_user, start="now", remind_days=3)
    work()
    for person in people:
        person.permissions.update(may_write=False)
    assert reminding.work(at=reminding.due_at(first)) == 0
    first.refresh_from_db()
    return first


def test_a_reminder_that_cannot_start_says_so_where_its_invitation_is(failed, client, admin_user):
    assert failed.remind_days is None and "Nobody is left to remind" in failed.reminder_failed
    client.force_login(admin_user)
    shown = client.get(reverse("engagement_invitations:progress", args=[failed.pk])).text
    assert f"The planned reminder could not start. {failed.reminder_failed}" in shown
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.invitation_reminder_failed")
    assert entry.data == {"why": failed.reminder_failed}


def test_a_reminder_that_cannot_start_waits_on_the_overview_until_it_is_planned_anew(
    failed, client, admin_user
):
    client.force_login(admin_user)
    said = f"The reminder of “{failed.subject}” could not start."
    assert said in client.get("/admin/engagement/").text
    sending.plan_reminder(invitation=failed, days=2, actor=admin_user)
    assert said not in client.get("/admin/engagement/").text


def test_nobody_gets_more_than_the_council_allows_from_all_teams(people, draft, settings):
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 2
    draft.not_invited_days = 0
    for _ in range(2):
        DeliveryFactory(participant=people[0], state="accepted", handed_at=timezone.now() - DAY)
    DeliveryFactory(participant=people[1], state="accepted", handed_at=timezone.now() - DAY)
    counts = Audience.of(draft, at=timezone.now()).counts()
    assert (counts.included, counts.left_out) == (4, {"recent": 1})
    draft.beyond_cap_reason = "The law says that all residents are told."
    assert Audience.of(draft, at=timezone.now()).counts().included == 5


def test_above_a_number_a_second_person_sends_it(people, draft, settings, client):
    settings.WAGTAIL_ENGAGEMENT_APPROVAL_ABOVE = 4
    first, second = UserFactory(superuser=True), UserFactory(superuser=True)
    with pytest.raises(sending.CannotStart):
        plan(draft, first, start="now")
    asking.ask(invitation=draft, count=5, actor=first, at=timezone.now())
    with pytest.raises(sending.CannotStart):
        plan(draft, first, start="now")
    assert plan(draft, second, start="now").recipients == 5


def test_any_change_asks_the_second_person_anew(people, draft, settings):
    settings.WAGTAIL_ENGAGEMENT_APPROVAL_ABOVE = 4
    asking.ask(invitation=draft, count=5, actor=UserFactory(), at=timezone.now())
    Invitation.objects.update(subject="Another subject")
    with pytest.raises(sending.CannotStart):
        plan(Invitation.objects.get(), UserFactory(superuser=True), start="now")


def test_a_person_decides_what_becomes_of_what_is_in_doubt(people, start, client, admin_user):
    invitation = start()
    work()
    invitation.deliveries.update(state="uncertain")
    client.force_login(admin_user)
    chosen = invitation.deliveries.first()
    address = reverse("engagement_invitations:decide", args=[invitation.pk])
    client.post(address, {"what": "again", "delivery": [chosen.pk]})
    work()
    client.post(address, {"what": "leave", "all": "on"})
    assert len(mail.outbox) == 6
    assert reasons(invitation) == [("accepted", "")] + [("uncertain", "left")] * 4


def test_the_send_button_takes_a_time_and_refuses_a_bad_one(people, draft, client):
    login(client, *ALL)
    page = client.get(reverse(EDIT, args=[draft.pk]))
    shown = page.context["send_form"].initial
    address = reverse("engagement_invitations:send", args=[draft.pk])
    answer = client.post(
        address, {**shown, "start": "time", "starts_at": "2020-01-01T10:00"}, follow=True
    )
    assert "Enter a time that has not passed." in answer.text
    later = f"{timezone.localtime() + DAY:%Y-%m-%dT%H:%M}"
    answer = client.post(address, {**shown, "start": "time", "starts_at": later}, follow=True)
    assert "It begins on" in answer.text


def test_before_anything_has_left_the_screen_says_what_will_be_sent(people, draft, client):
    admin = login(client, *ALL)
    invitation = plan(draft, admin, starts_at=timezone.now() + DAY)
    progress = reverse("engagement_invitations:progress", args=[invitation.pk])
    shown = client.get(progress).text
    assert "What will be sent" in shown and "by hand" not in shown
    DeliveryFactory(invitation=invitation, state="delivered")
    shown = client.get(progress).text
    assert "What was sent" in shown and "by hand" in shown
