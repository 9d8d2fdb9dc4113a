"""What a summary counts as, what becomes of it, and what is seen of it."""

import datetime

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from tests.factories import ParticipantFactory
from wagtail_engagement import work
from wagtail_engagement.invitations import queries, sending, summaries, tracking
from wagtail_engagement.invitations.kinds import Kind
from wagtail_engagement.models import Delivery
from wagtail_engagement.participants import merging
from wagtail_engagement.rights import erasing
from wagtail_engagement.seal import journalling

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


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


def report_on(delivery, kind):
    """What a provider says of the message of a delivery."""
    return tracking.Report(
        provider="any",
        kind=kind,
        was_turned_away=False,
        own_id=delivery.uuid,
        message_id="",
        recipient=delivery.participant.email,
    )


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
    reader, invite, number, django_assert_max_num_queries
):
    for place in range(number):
        invite(f"Number {place}")
    summaries.work(owner="this worker", at=timezone.now())
    with django_assert_max_num_queries(40):
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
    first = Delivery.objects.get(uuid=mail.outbox[0].metadata["delivery"])
    tracking.apply(report_on(first, Kind.HARD), at=timezone.now())
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


def test_the_journal_knows_each_row_of_a_summary_before_it_leaves(
    reader, invite, settings, tmp_path
):
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(tmp_path / "journal")
    drain()
    invite("Parks"), invite("Bins")
    drain(days=3)
    said = (tmp_path / "journal").read_text()
    assert said.count('"handed"') == 2
    assert all(str(row.uuid) in said for row in Delivery.objects.all())


def test_a_journal_that_cannot_be_written_keeps_the_summary_back(reader, invite, monkeypatch):
    invite("Parks"), invite("Bins")

    def full(rows):
        raise journalling.NotWritten("the disk is full")

    monkeypatch.setattr(journalling, "handed_over", full)
    drain(days=3)
    assert mail.outbox == [] and states() == ["pending", "pending"]


def test_a_full_mailbox_counts_once_for_a_summary(reader, invite):
    for title in ("Parks", "Bins", "Roads"):
        invite(title)
    drain(days=3)
    Delivery.objects.filter(carried_by=None).update(handed_at=timezone.now() - 20 * DAY)
    first = Delivery.objects.get(carried_by=None)
    tracking.apply(report_on(first, Kind.SOFT), at=timezone.now())
    assert states() == ["bounced"] * 3
    assert reader.permissions.get(purpose="invite").may_write


# What is seen of it


def test_the_progress_says_who_waits_until_when_and_with_which_words(
    reader, invite, client, admin_user
):
    client.force_login(admin_user)
    words = "<p>Tell us <b>all</b> you want.</p>"
    invitation = invite("Parks", closes_in=6, changes={"opening": words})
    drain()
    day = date_format(timezone.localtime(timezone.now() + DAY), "j F Y")
    page = client.get(reverse("engagement_invitations:progress", args=[invitation.pk]))
    text = " ".join(page.content.decode().split())
    assert f"1 gets invitations together, in a summary: by {day}" in text
    assert "where several have gathered" in text and "Tell us all you want." in text
    people = reverse("engagement_invitations:people", args=[invitation.pk, "waiting"])
    assert "waiting for their summary" in client.get(people).content.decode()


def test_the_audience_says_that_summaries_are_no_matter_of_days(invite):
    ParticipantFactory(agreed=True)
    assert "summaries" not in invite("Parks").audience_sentence
    ParticipantFactory(agreed=True, summaries_since=timezone.now())
    sentence = invite("Bins").audience_sentence
    assert "not invited in the last 30 days (or get invitations in summaries)" in sentence


def test_whoever_is_erased_leaves_nothing_that_ties_deliveries_together(reader, invite):
    invite("Parks"), invite("Bins")
    drain(days=3)
    assert Delivery.objects.filter(carried_by__isnull=False).count() == 1
    erasing.erase(person=reader, keeps_responses=True, at=timezone.now())
    assert Delivery.objects.filter(carried_by=None, participant=None).count() == 2


def test_a_merged_person_gets_summaries_and_parted_ones_as_before(reader, admin_user):
    kept, now = ParticipantFactory(agreed=True), timezone.now()
    merge = merging.merge(kept=kept, merged=reader, actor=admin_user, at=now)
    kept.refresh_from_db()
    assert kept.summaries_since == reader.summaries_since
    merging.unmerge(merge=merge, actor=admin_user, at=now)
    kept.refresh_from_db()
    assert kept.summaries_since is None
