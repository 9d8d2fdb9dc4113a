"""How much may leave at once, when it may, and what a busy mail server makes of it."""

import datetime

import pytest
from django.core import mail
from django.utils import timezone

from wagtail_engagement.invitations import limiting, sending
from wagtail_engagement.models import SendingLimit

from .test_sending import reasons, states, use, work

pytestmark = pytest.mark.django_db
SECOND = datetime.timedelta(seconds=1)
NOON = datetime.datetime(2026, 6, 10, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("rates", "after", "allowed"),
    [
        ({"minute": 2}, 0, 2),
        ({"minute": 2}, 30, 3),
        ({"minute": 2}, 3600, 4),
        ({"second": 10, "hour": 3}, 1, 3),
        ({"noreply@council.example": {"minute": 1}, "*": {"minute": 4}}, 0, 4),
    ],
)
def test_all_workers_together_stay_within_the_buckets(settings, rates, after, allowed):
    settings.WAGTAIL_ENGAGEMENT_RATES = rates
    first = limiting.take(wanted=9, at=NOON)
    second = limiting.take(wanted=9, at=NOON + after * SECOND)
    assert first + second == allowed


def test_a_worker_sleeps_until_a_limit_lets_something_leave_and_not_less(settings):
    settings.WAGTAIL_ENGAGEMENT_RATES = {"minute": 20}
    assert limiting.take(wanted=19, at=NOON) == 19
    assert limiting.seconds_to_wait(at=NOON, most=5) == 5  # It was not the limit.
    limiting.take(wanted=1, at=NOON)
    assert limiting.seconds_to_wait(at=NOON, most=5) == 3


def test_what_was_not_sent_is_given_back(db, settings):
    settings.WAGTAIL_ENGAGEMENT_RATES = {"hour": 5}
    assert limiting.take(wanted=5, at=NOON) == 5
    limiting.give_back(unused=3, at=NOON)
    assert limiting.take(wanted=5, at=NOON) == 3


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_that_is_set_back_or_forward_stops_nobody_for_long(settings, step):
    settings.WAGTAIL_ENGAGEMENT_RATES = {"minute": 6}
    limiting.take(wanted=6, at=NOON + step * SECOND)
    limiting.take(wanted=6, at=NOON)
    assert limiting.take(wanted=6, at=NOON + 60 * SECOND) >= 6


def test_an_invitation_goes_no_faster_than_the_limit(people, start, settings):
    settings.WAGTAIL_ENGAGEMENT_RATES = {"hour": 3}
    invitation = start()
    now = timezone.now()
    work(at=now)
    assert states(invitation) == ["accepted"] * 3 + ["pending"] * 2
    work(at=now + datetime.timedelta(hours=1))
    assert states(invitation) == ["accepted"] * 5


@pytest.mark.parametrize("backend", ["Unpaid", "Throttled", "Unreachable"])
def test_being_turned_away_costs_no_attempt_and_makes_everybody_wait(
    people, start, settings, backend
):
    invitation = start()
    use(settings, backend)
    now = timezone.now()
    assert work(at=now) == 0
    assert set(invitation.deliveries.values_list("state", "attempt")) == {("pending", 0)}
    waits = SendingLimit.objects.get()
    assert (waits.wait_until - now).total_seconds() == 30
    use(settings, "Accepting")
    assert work(at=now + 29 * SECOND) == 0
    assert work(at=now + 31 * SECOND) == 5


def test_the_wait_grows_while_the_trouble_lasts_and_is_forgotten_with_it(people, start, settings):
    start()
    use(settings, "Unreachable")
    now = timezone.now()
    for seconds in (0, 31, 100):
        work(at=now + seconds * SECOND)
    assert SendingLimit.objects.get().failures == 3
    use(settings, "Accepting")
    work(at=now + datetime.timedelta(hours=1))
    found = SendingLimit.objects.get()
    assert (found.failures, found.trouble, found.wait_until) == (0, "", None)


def test_the_progress_screen_says_what_the_mail_server_said(
    people, start, settings, client, admin_user
):
    invitation = start()
    use(settings, "Unpaid")
    work()
    client.force_login(admin_user)
    page = client.get(f"/admin/engagement/invitations/{invitation.pk}/progress/")
    assert "The mail server takes nothing now." in page.text and "key expired" in page.text


def test_nothing_leaves_in_quiet_hours(people, start, settings):
    settings.WAGTAIL_ENGAGEMENT_QUIET_HOURS = "21:00-07:00"
    settings.TIME_ZONE = "UTC"
    invitation = start()
    day = timezone.now().replace(hour=0, minute=30) + datetime.timedelta(days=1)
    assert work(at=day.replace(hour=22)) == work(at=day.replace(hour=6, minute=59)) == 0
    assert work(at=day.replace(hour=7, minute=0)) == 5
    assert states(invitation) == ["accepted"] * 5


@pytest.mark.parametrize("together", [2, 50])
def test_several_may_be_in_doubt_at_once_where_a_site_chooses_so(people, start, settings, together):
    settings.WAGTAIL_ENGAGEMENT_IN_DOUBT = together
    invitation = start()
    assert work() == 5
    assert len(mail.outbox) == 5 and states(invitation) == ["accepted"] * 5


def test_who_leaves_is_not_written_to_in_a_group_either(people, start, settings):
    settings.WAGTAIL_ENGAGEMENT_IN_DOUBT = 5
    invitation = start()
    people[2].permissions.update(may_write=False)
    work()
    assert people[2].email not in [message.to[0] for message in mail.outbox]
    assert reasons(invitation)[-1] == ("skipped", "no_permission") and len(mail.outbox) == 4


def test_a_site_may_choose_to_send_again_what_is_in_doubt_three_copies_at_most(
    people, start, settings
):
    settings.WAGTAIL_ENGAGEMENT_WHEN_IN_DOUBT = "resend"
    invitation = start()
    use(settings, "Silent")
    for day in range(1, 9):
        work(at=timezone.now() + datetime.timedelta(days=day))
        invitation.refresh_from_db()
        if invitation.status == "paused":
            sending.resume(invitation=invitation, actor=None, at=timezone.now())
    copies = [message.to[0] for message in mail.outbox]
    assert {copies.count(person.email) for person in people} == {3}
    assert states(invitation) == ["uncertain"] * 5


@pytest.mark.parametrize("state", ["leased", "pending"])
def test_a_clock_that_was_ahead_for_a_while_keeps_nobody_waiting(people, start, state):
    invitation = start()
    next_year = timezone.now() + datetime.timedelta(days=365)
    lease = {"owner": "a dead worker", "lease_until": next_year} if state == "leased" else {}
    invitation.deliveries.update(state=state, retry_at=next_year, **lease)
    work()
    assert states(invitation) == ["accepted"] * 5


def test_a_message_in_hand_of_a_clock_that_was_ahead_is_in_doubt(people, start):
    invitation = start()
    next_year = timezone.now() + datetime.timedelta(days=365)
    invitation.deliveries.update(state="handing", owner="a dead worker", lease_until=next_year)
    assert work() == 0
    assert states(invitation) == ["uncertain"] * 5
