"""One email in place of several, for people who chose to get invitations together."""

import datetime

import pytest
from django.core import mail
from django.utils import timezone

from tests.factories import DeliveryFactory, ParticipantFactory
from tests.site import add_consultation
from wagtail_engagement import work
from wagtail_engagement.consent import barring
from wagtail_engagement.invitations import ledger, queries, sending, summaries, tracking
from wagtail_engagement.invitations.audience import Audience
from wagtail_engagement.invitations.kinds import Kind
from wagtail_engagement.models import Delivery, Invitation, Link, Team
from wagtail_engagement.participants import choosing

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def reader(db):
    """Somebody who chose to get invitations together."""
    return ParticipantFactory(agreed=True, summaries_since=timezone.now())


@pytest.fixture
def invite(db, admin_user):
    """Start an invitation to a consultation of its own that closes in some days."""

    def invite(title="Parks", closes_in=30, changes=None, **values):
        now = timezone.now()
        page = add_consultation(title=title, closes_at=now + closes_in * DAY, **values)
        draft = sending.create_for(consultation=page.consultation, actor=admin_user, at=now)
        for name, value in (changes or {}).items():
            setattr(draft, name, value)
        draft.save()
        shown = Audience.of(draft, at=now).counts().included
        return sending.start(invitation=draft, shown_count=shown, actor=admin_user, at=now)

    return invite


def drain(days=0.0):
    return work.drain(owner="this worker", at=timezone.now() + days * DAY)


def states(**found):
    return list(Delivery.objects.filter(**found).order_by("pk").values_list("state", flat=True))


def use(settings, backend):
    path = f"tests.mail_backends.{backend}"
    if hasattr(settings, "MAILERS"):
        settings.MAILERS = {"default": {"BACKEND": path}}
    else:
        settings.EMAIL_BACKEND = path


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
    assert f"?i={first.code}&a=" in body and f"?i={second.code}&a=" in body
    assert "answer-" not in body and "part_" not in body
    assert Link.objects.filter(purpose="answer").count() == 10


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


# What is counted


def test_an_invitation_joins_a_summary_whatever_the_days_between(reader, invite, settings):
    """A summary is one email: what joins one that waits makes nobody be asked more often."""
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 1
    invitations = [invite(title) for title in ("Parks", "Bins", "Roads")]
    assert [invitation.recipients for invitation in invitations] == [1, 1, 1]
    drain(days=3)
    assert len(mail.outbox) == 1
    with pytest.raises(sending.CannotStart):
        invite("Trees")


def test_a_summary_counts_once_against_the_limit(reader, invite, settings):
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 2
    invite("Parks"), invite("Bins"), invite("Roads")
    drain(days=3)
    Delivery.objects.update(handed_at=timezone.now())
    assert invite("Trees").recipients == 1
    Delivery.objects.update(carried_by=None)
    with pytest.raises(sending.CannotStart):
        invite("Hedges")


def test_the_sums_hold_while_some_wait(reader, invite):
    ParticipantFactory.create_batch(2, agreed=True)
    ParticipantFactory()
    invitation = invite()
    drain()
    progress = queries.progress(invitation)
    assert (progress.sent, progress.waiting, progress.total) == (2, 1, invitation.recipients)
    assert invitation.exclusions == {"not_agreed": 1}
    found = queries.gathering(invitation)
    assert found.number == 1 and found.until < timezone.now() + 3 * DAY


@pytest.mark.parametrize("number", [2, 6])
def test_a_summary_costs_the_same_statements_however_much_lies_in_it(
    reader, invite, number, django_assert_num_queries
):
    for place in range(number):
        invite(f"Number {place}")
    summaries.work(owner="this worker", at=timezone.now())
    with django_assert_num_queries(38):
        summaries.work(owner="this worker", at=timezone.now() + 3 * DAY)
    assert f"{number} consultations" in mail.outbox[0].subject


# What becomes of it


@pytest.mark.parametrize(
    ("backend", "expected"),
    [("Refusing", "refused"), ("Busy", "pending"), ("Silent", "uncertain"), ("Gone", "pending")],
)
def test_all_of_a_summary_share_what_the_mail_server_says(
    reader, invite, settings, backend, expected
):
    invite("Parks"), invite("Bins")
    use(settings, backend)
    summaries.work(owner="this worker", at=timezone.now() + 3 * DAY)
    assert states() == [expected, expected]


def test_a_server_that_is_busy_gets_it_again_later(reader, invite, settings):
    invite("Parks"), invite("Bins")
    use(settings, "Busy")
    drain(days=3)
    use(settings, "Accepting")
    drain(days=3)
    assert mail.outbox == []
    drain(days=3.1)
    assert len(mail.outbox) == 1 and states() == ["accepted", "accepted"]


def test_a_report_of_the_provider_is_about_all_of_it(reader, invite):
    invite("Parks"), invite("Bins")
    drain(days=3)
    report = tracking.Report(
        provider="any",
        kind=Kind.HARD,
        was_turned_away=False,
        own_id=mail.outbox[0].metadata["delivery"],
        message_id="",
        recipient=reader.email,
    )
    tracking.apply(report, at=timezone.now())
    assert states() == ["bounced", "bounced"]


def test_a_summary_in_doubt_is_sent_again_when_a_person_says_so(
    reader, invite, settings, admin_user
):
    first, second = invite("Parks"), invite("Bins")
    use(settings, "Silent")
    drain(days=3)
    use(settings, "Accepting")
    mail.outbox.clear()
    for invitation in (first, second):
        sending.decide(
            invitation=invitation, numbers=None, again=True, actor=admin_user, at=timezone.now()
        )
    drain(days=3)
    assert len(mail.outbox) == 1 and states() == ["accepted", "accepted"]


def test_two_workers_never_share_one_summary(reader, invite):
    invite("Parks"), invite("Bins")
    later = timezone.now() + 3 * DAY
    (rows,) = summaries._claim("one", 5, later)
    assert summaries._claim("another", 5, later) == []
    assert len(rows) == 2
