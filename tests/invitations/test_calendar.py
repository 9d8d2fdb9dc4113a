"""The calendar that all teams share, and what step 3 says of others who write to the same people."""

import datetime

import pytest
from django.utils import timezone

from tests.factories import (
    ConsultationFactory,
    DeliveryFactory,
    InvitationFactory,
    ParticipantFactory,
)
from wagtail_engagement.invitations import calendar
from wagtail_engagement.models import Invitation, Team

from .test_screens import ALL, editor, login, url

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def sent(subject, people, *, days=1, status="finished", **facts):
    """An invitation that left so many days ago."""
    moment = timezone.now() - days * DAY
    ended = None if status == "sending" else moment
    facts = {"started_at": moment, "finished_at": ended, "recipients": len(people), **facts}
    invitation = InvitationFactory(subject=subject, status=status, **facts)
    for person in people:
        DeliveryFactory(
            invitation=invitation, participant=person, state="accepted", handed_at=moment
        )
    return invitation


def scheduled(subject, people, *, days=2, **facts):
    begins = timezone.now() + days * DAY
    facts = {"start": "time", "starts_at": begins, "recipients": len(people), **facts}
    invitation = InvitationFactory(subject=subject, status="scheduled", **facts)
    for person in people:
        DeliveryFactory(invitation=invitation, participant=person)
    return invitation


def listed(at=None):
    return [str(entry.invitation) for entry in calendar.entries(at=at or timezone.now())]


def test_it_lists_what_left_what_is_planned_and_drafts_in_the_order_of_time(people):
    sent("Long ago", people, days=31)
    sent("Last week", people, days=7)
    scheduled("On Friday", people)
    InvitationFactory(subject="An idea")
    InvitationFactory(subject="For later", consultation=ConsultationFactory(planned=True))
    InvitationFactory(subject="Too late", consultation=ConsultationFactory(closed=True))
    assert listed() == ["Last week", "An idea", "On Friday", "For later"]


def test_what_goes_on_stands_under_today_however_long_ago_it_began(people):
    sent("Slow", people, days=40, status="sending")
    (entry,) = calendar.entries(at=timezone.now())
    assert timezone.localtime(entry.at).date() == timezone.localdate()


def test_what_was_stopped_before_anybody_got_it_is_not_there(people):
    sent("On the way", people[:1], status="stopped")
    sent("Called off", [], status="stopped")
    assert listed() == ["On the way"]


def test_a_planned_reminder_is_there_until_it_has_left(people):
    consultation = ConsultationFactory()
    first = sent("Come", people, consultation=consultation, remind_days=3)
    _first, reminder = calendar.entries(at=timezone.now())
    day = timezone.localdate(consultation.closes_at - 3 * DAY)
    assert reminder.is_reminder and timezone.localdate(reminder.at) == day
    InvitationFactory(reminds=first, status="sending", started_at=timezone.now())
    assert not any(entry.is_reminder for entry in calendar.entries(at=timezone.now()))


def test_two_that_reach_the_same_people_name_each_other_with_how_many(people):
    sent("Bus routes", people)
    scheduled("Parks", people[:2])
    bus, parks = calendar.entries(at=timezone.now())
    assert [(str(other.invitation), number.people) for other, number in bus.shared] == [
        ("Parks", 2)
    ]
    assert [(str(other.invitation), number.people) for other, number in parks.shared] == [
        ("Bus routes", 2)
    ]


def test_two_that_are_further_apart_than_the_limit_looks_are_not_compared(people):
    sent("Early", people, days=20)
    scheduled("Late", people, days=20)
    assert [entry.shared for entry in calendar.entries(at=timezone.now())] == [[], []]


def test_whoever_was_left_out_after_all_is_not_counted(people):
    first = sent("Bus routes", people)
    second = sent("Parks", people)
    first.deliveries.filter(participant=people[0]).update(state="skipped")
    second.deliveries.filter(participant=people[1]).update(state="refused")
    assert [entry.shared[0][1].shown for entry in calendar.entries(at=timezone.now())] == ["3", "3"]


def test_a_reminder_does_not_name_the_invitation_that_it_is_about(people):
    sent("Come", people, remind_days=10)
    sent("Parks", people[:3])
    _parks, _come, reminder = calendar.entries(at=timezone.now())
    named = [(str(other.invitation), number.people) for other, number in reminder.shared]
    assert reminder.is_reminder and named == [("Parks", 3)]


def test_drafts_are_counted_and_compared_by_whom_they_would_reach(people):
    for subject in ("One idea", "Another"):
        InvitationFactory(subject=subject)
    first, second = calendar.entries(at=timezone.now())
    assert (first.people.people, second.people.people) == (5, 5)
    assert first.shared == [(second, calendar.Number(5))]


def test_a_draft_that_leaves_nobody_out_meets_what_was_sent(people):
    sent("Bus routes", people[:4])
    idea = InvitationFactory(subject="Careless", not_invited_days=0)
    InvitationFactory(subject="Careful", not_invited_days=30)
    found = {str(e.invitation): e for e in calendar.entries(at=timezone.now())}
    assert found["Careless"].people.people == 5 and found["Careful"].people.people == 1
    shared = {str(o.invitation): n.people for o, n in found["Careless"].shared}
    assert shared == {"Bus routes": 4, "Careful": 1} and idea.pk


def test_only_the_nearest_are_compared_and_statements_do_not_grow(
    people, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(calendar, "MOST_COMPARED", 3)
    for days in range(1, 8):
        sent(f"No. {days}", people, days=days)
    with django_assert_max_num_queries(8):
        found = calendar.entries(at=timezone.now())
    assert [str(entry.invitation)[-1] for entry in found if entry.shared] == ["3", "2", "1"]


def test_the_screen_says_it_in_words_by_month_and_day_for_every_team(client, people):
    login(client, *ALL)
    team = Team.objects.create(name="Parks", sender_name="Parks")
    sent("Bus routes", people)
    scheduled("Parks survey", people[:2], team=team)
    InvitationFactory(subject="An idea")
    text = " ".join(client.get(url("calendar")).text.split())
    assert "Today and to come" in text and "No day chosen yet" in text and "(sent, " in text
    assert "2 people are reached by both this and" in text and "(not planned yet)" in text
    only = client.get(url("calendar"), {"team": team.pk}).text
    assert "Parks survey" in only and "An idea" not in only


def test_of_very_many_people_a_part_is_looked_at_and_the_number_is_about(monkeypatch):
    monkeypatch.setattr(calendar, "LOOKED_AT", 20)
    monkeypatch.setattr(calendar, "STEPS", (3,))
    people = ParticipantFactory.create_batch(60, agreed=True)
    sent("Bus routes", people)
    scheduled("Parks", people)
    InvitationFactory(subject="An idea", not_invited_days=0)
    bus, idea, parks = calendar.entries(at=timezone.now())
    shared = {str(other.invitation): number.shown for other, number in bus.shared}
    assert shared == {"Parks": "about 60", "An idea": "about 60"}
    assert (bus.people.shown, idea.people.shown) == ("60", "about 60")
    assert calendar.Sample(7).times(20_001) == calendar.Number(140_000, is_about=True)


@pytest.mark.parametrize("team", ["x", "-1", "9" * 30, "\x00"])
def test_a_team_that_is_none_shows_all(client, people, team):
    login(client, *ALL)
    InvitationFactory(subject="An idea")
    assert "An idea" in client.get(url("calendar"), {"team": team}).text


def test_whoever_has_nothing_to_do_with_invitations_does_not_see_it(client):
    login(client, see=["view_participant"])
    assert client.get(url("calendar")).status_code == 302


def test_step_3_says_who_else_writes_to_these_people_and_when(client, draft, people):
    login(client, *ALL)
    sent("Bus routes", people[:3], days=2)
    Invitation.objects.filter(pk=draft.pk).update(not_invited_days=0)
    page = client.get(editor(draft)).text
    day = timezone.localtime() - 2 * DAY
    said = f"3 of these people get another invitation within 30 days: “Bus routes” on {day.day}"
    assert said in page and url("calendar") in page
    Invitation.objects.filter(pk=draft.pk).update(not_invited_days=30)
    assert "get another invitation" not in client.get(editor(draft)).text


def test_step_3_says_how_many_the_limit_on_emails_leaves_out(client, draft, people, settings):
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 2
    login(client, *ALL)
    Invitation.objects.filter(pk=draft.pk).update(not_invited_days=0)
    for subject in ("Bus routes", "Parks"):
        sent(subject, people[:2])
    assert "2 people are left out by the limit on emails" in client.get(editor(draft)).text
    ParticipantFactory(agreed=True)
    Invitation.objects.filter(pk=draft.pk).update(beyond_cap_reason="The law says so.")
    assert "left out by the limit" not in client.get(editor(draft)).text


def test_what_has_begun_and_goes_on_bears_no_time_of_the_day(client, admin_user, people):
    client.force_login(admin_user)
    sent("Held up", people[:1], status="paused")
    sent("Done", people[1:], status="finished")
    shown = client.get(url("calendar")).text
    assert "(paused)" in shown and "(sent, " in shown
