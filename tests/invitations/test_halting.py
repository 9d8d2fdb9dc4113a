"""An invitation that does harm stops by itself, and goes on when a person has looked (E12)."""

import pytest
from anymail.signals import AnymailTrackingEvent
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import DeliveryFactory, InvitationFactory, ParticipantFactory
from wagtail_engagement.invitations import halting, receiving, sending, tracking
from wagtail_engagement.models import Delivery, Invitation

from .test_sending import use, work

pytestmark = pytest.mark.django_db


def handed(number, **more):
    """An invitation that is being sent, of which so many were handed over."""
    invitation = InvitationFactory(status="sending", **more)
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(invitation=invitation, state="accepted", handed_at=now) for _ in range(number)
    )
    return invitation


def report(rows, kind="bounced", **raw):
    now = timezone.now()
    for row in rows:
        event = AnymailTrackingEvent(
            event_type=kind, esp_event=raw, metadata={"delivery": str(row.uuid)}
        )
        receiving.store(event, provider="Postmark", at=now)
    tracking.work(at=now)


def bounce(invitation, number, kind="HardBounce"):
    report(invitation.deliveries.filter(state="accepted")[:number], Type=kind)
    invitation.refresh_from_db()


def complain(invitation, number):
    report(invitation.deliveries.filter(state="accepted")[:number], "complained")
    invitation.refresh_from_db()


def test_more_than_one_in_twenty_dead_addresses_pause_it_and_say_what_to_do():
    invitation = handed(600)
    bounce(invitation, 30)
    assert invitation.status == "sending"
    bounce(invitation, 1)
    assert (invitation.status, invitation.halted) == ("paused", "bounces")
    assert invitation.status_reason == (
        "31 of 600 addresses do not exist. Look at where they come from, then go on or stop."
    )
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.invitation_paused")
    assert (entry.data["because"], entry.data["bounces"]) == ("bounces", 31)


def test_a_small_invitation_is_measured_as_if_it_were_of_five_hundred():
    invitation = handed(40)
    bounce(invitation, 25)
    assert invitation.status == "sending"
    bounce(invitation, 1)
    assert invitation.status_reason.startswith("26 of 40 addresses")


@pytest.mark.parametrize("kind", ["SoftBounce", "Blocked", "Transient"])
def test_full_mailboxes_and_blocks_do_not_pause_it(kind):
    invitation = handed(100)
    bounce(invitation, 60, kind)
    assert invitation.status == "sending"


def test_three_complaints_of_a_thousand_pause_it_and_two_of_any_number_do_not():
    invitation = handed(1000)
    complain(invitation, 2)
    assert invitation.status == "sending"
    complain(invitation, 1)
    assert (invitation.status, invitation.halted) == ("paused", "complaints")
    assert "3 of 1,000 people reported this email as spam." in invitation.status_reason


def test_once_a_person_resumes_only_what_comes_later_counts(admin_user):
    invitation = handed(100)
    bounce(invitation, 26)
    report(invitation.deliveries.filter(state="accepted")[:10], Type="HardBounce")
    sending.resume(invitation=invitation, actor=admin_user, at=timezone.now())
    bounce(invitation, 25)
    assert (invitation.status, invitation.halted) == ("sending", "")
    bounce(invitation, 1)
    assert invitation.status_reason.startswith("26 more of 100 addresses do not exist.")


def test_a_pause_by_a_person_acknowledges_nothing(admin_user):
    invitation = handed(100)
    bounce(invitation, 20)
    sending.pause(invitation=invitation, actor=admin_user, at=timezone.now())
    sending.resume(invitation=invitation, actor=admin_user, at=timezone.now())
    bounce(invitation, 6)
    assert invitation.halted == "bounces"


def test_what_is_over_is_left_alone():
    invitation = handed(100)
    Invitation.objects.update(status="finished")
    bounce(invitation, 50)
    assert (invitation.status, invitation.halted) == ("finished", "")


def test_the_shares_are_settings_and_nought_is_never(settings):
    settings.WAGTAIL_ENGAGEMENT_KILL_BOUNCES_PERCENT = 0
    settings.WAGTAIL_ENGAGEMENT_KILL_COMPLAINTS_PERCENT = 1.0
    invitation = handed(100)
    bounce(invitation, 60)
    complain(invitation, 5)
    assert invitation.status == "sending"
    complain(invitation, 1)
    assert invitation.halted == "complaints"


def test_the_overview_and_the_progress_screen_say_why(client, admin_user):
    client.force_login(admin_user)
    invitation = handed(40)
    DeliveryFactory(invitation=invitation)
    bounce(invitation, 26)
    (line,) = client.get("/admin/engagement/").context["lines"]
    assert "is paused; 1 person waits. 26 of 40 addresses do not exist." in line.text
    progress = client.get(reverse("engagement_invitations:progress", args=[invitation.pk]))
    assert "26 of 40 addresses do not exist." in progress.content.decode()
    assert "26 the address does not exist" in progress.content.decode()


def test_a_mail_server_that_refuses_everybody_is_not_asked_to_the_last_one(draft, start, settings):
    ParticipantFactory.create_batch(30, agreed=True)
    use(settings, "Refusing")
    invitation = start()
    work(limit=26)
    assert work() == 0
    invitation.refresh_from_db()
    assert (invitation.status, invitation.halted) == ("paused", "refusals")
    assert invitation.status_reason.startswith("The mail server refused 26 of 26 emails.")
    assert invitation.deliveries.live().count() == 4


def test_refusals_that_somebody_has_looked_at_do_not_count_again(draft, start, settings):
    ParticipantFactory.create_batch(30, agreed=True)
    use(settings, "Refusing")
    invitation = start()
    work(limit=26)
    work()
    invitation.refresh_from_db()
    sending.resume(invitation=invitation, actor=None, at=timezone.now())
    assert work() == 4
    invitation.refresh_from_db()
    assert invitation.status == "finished"


def test_a_few_refusals_among_many_pause_nothing():
    invitation = handed(600)
    numbers = list(invitation.deliveries.values_list("pk", flat=True)[:30])
    invitation.deliveries.filter(pk__in=numbers).update(state="refused")
    halting.look_at_refusals()
    invitation.refresh_from_db()
    assert invitation.status == "sending"
