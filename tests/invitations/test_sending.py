"""From the press of Send to the last message, and everything that may come between."""

import datetime

import pytest
from django.core import mail
from django.db import IntegrityError
from django.utils import timezone

from tests.factories import (
    ConsentEventFactory,
    DeliveryFactory,
    InterestFactory,
    ParticipantFactory,
)
from wagtail_engagement import signals
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.invitations import handing, ledger, sending
from wagtail_engagement.models import ContactPermission, Delivery, Invitation

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def work(**options):
    return sending.work(owner="this worker", **options)


def states(invitation):
    return sorted(invitation.deliveries.values_list("state", flat=True))


def reasons(invitation):
    return sorted(invitation.deliveries.values_list("state", "reason"))


def use(settings, backend):
    """Send through one of the backends that fail in one known way."""
    path = f"tests.mail_backends.{backend}"
    if hasattr(settings, "MAILERS"):
        settings.MAILERS = {"default": {"BACKEND": path}}
    else:
        settings.EMAIL_BACKEND = path


def test_everybody_who_agreed_gets_one_message_of_their_own(people, start):
    invitation = start()
    assert work() == 5
    assert sorted(message.to[0] for message in mail.outbox) == sorted(p.email for p in people)
    assert all(len(message.to) == 1 and not message.cc + message.bcc for message in mail.outbox)
    invitation.refresh_from_db()
    assert (invitation.status, states(invitation)) == ("finished", ["accepted"] * 5)


def test_starting_freezes_who_is_asked_and_what_is_said(people, draft, start, admin_user):
    invitation = start()
    ParticipantFactory(agreed=True)
    invitation.consultation.title = "Another title"
    invitation.consultation.save()
    work()
    assert len(mail.outbox) == invitation.recipients == 5
    assert "Another title" not in mail.outbox[0].body


def test_a_second_press_starts_nothing(people, draft, start):
    start()
    with pytest.raises(sending.NotPossible):
        start()
    assert Delivery.objects.count() == 5


def test_more_people_than_were_shown_are_shown_first(people, draft, admin_user):
    with pytest.raises(sending.AudienceGrew) as grew:
        sending.start(invitation=draft, shown_count=4, actor=admin_user, at=timezone.now())
    draft.refresh_from_db()
    assert (grew.value.count, draft.status, Delivery.objects.count()) == (5, "draft", 0)


def test_fewer_people_than_were_shown_are_simply_fewer(people, draft, admin_user):
    sending.start(invitation=draft, shown_count=6, actor=admin_user, at=timezone.now())
    assert Invitation.objects.get().recipients == 5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"closes_at": timezone.now() - DAY}, "closed"),
        ({"opens_at": timezone.now() + DAY}, "opens on"),
        ({"is_live": False}, "not published"),
    ],
)
def test_a_consultation_that_nobody_can_answer_is_not_sent(people, draft, start, change, problem):
    type(draft.consultation).objects.update(**change)
    with pytest.raises(sending.CannotStart) as refused:
        start(Invitation.objects.get())
    assert problem in refused.value.problems[0]
    assert Delivery.objects.count() == 0


def test_the_ledger_says_what_was_shown_at_the_start(people, start):
    ParticipantFactory.create_batch(2)
    invitation = start()
    assert invitation.exclusions == {"not_agreed": 2}
    assert invitation.audience_sentence.startswith("5 people: may be invited")


def test_who_leaves_after_the_start_is_not_written_to(people, start):
    invitation = start()
    barring.suppress(
        address=people[0].email, purpose="invite", reason="unsubscribed", at=timezone.now()
    )
    work()
    assert people[0].email not in [message.to[0] for message in mail.outbox]
    assert reasons(invitation)[-1] == ("skipped", "no_permission")
    assert len(mail.outbox) == 4


def test_who_leaves_while_a_worker_holds_the_message_is_not_written_to(people, start, monkeypatch):
    """Between taking a row and handing it over lies the last moment to leave (E05)."""
    invitation = start()
    claim = handing._claim

    def claim_and_leave(*args):
        rows = claim(*args)
        barring.suppress(address=people[0].email, reason="objected", at=timezone.now())
        return rows

    monkeypatch.setattr(handing, "_claim", claim_and_leave)
    work()
    assert states(invitation) == ["accepted"] * 4 + ["skipped"]


def test_whoever_only_knows_that_we_write_by_now_hears_of_nothing_that_is_sold(
    people, draft, start
):
    draft.is_promotional = True
    draft.save()
    invitation = start()
    for action in ("lapsed", "informed"):
        ConsentEventFactory(participant=people[0], action=action)
    settling.settle([people[0].pk], at=timezone.now())
    assert people[0].permissions.get().may_write
    work()
    assert reasons(invitation)[-1] == ("skipped", "no_permission")
    assert len(mail.outbox) == 4


def test_who_was_erased_is_counted_and_not_written_to(people, start):
    invitation = start()
    Delivery.objects.filter(participant=people[0]).update(participant=None)
    work()
    assert reasons(invitation)[-1] == ("skipped", "erased")


def test_a_corrected_address_is_the_one_that_is_written_to(people, start):
    start()
    people[0].email = "corrected@example.com"
    people[0].save()
    work()
    assert "corrected@example.com" in [message.to[0] for message in mail.outbox]


def test_after_a_pause_nobody_is_written_to_until_it_goes_on(people, start, admin_user):
    invitation = start()
    work(limit=2)
    now = timezone.now()
    sending.pause(invitation=invitation, actor=admin_user, at=now)
    assert work() == 0
    assert len(mail.outbox) == 2
    sending.resume(invitation=invitation, actor=admin_user, at=now)
    work()
    assert states(invitation) == ["accepted"] * 5


def test_a_pause_reaches_a_worker_between_two_messages(people, start, admin_user):
    invitation = start()

    def pause_after_two():
        if len(mail.outbox) == 2 and Invitation.objects.get().status == "sending":
            sending.pause(invitation=invitation, actor=admin_user, at=timezone.now())
        return False

    work(stopping=pause_after_two)
    assert states(invitation) == ["accepted"] * 2 + ["pending"] * 3


def test_stopping_ends_it_for_everybody_who_waits(people, start, admin_user):
    invitation = start()
    work(limit=2)
    sending.stop(invitation=invitation, actor=admin_user, at=timezone.now())
    work()
    assert reasons(invitation) == [("accepted", "")] * 2 + [("skipped", "stopped")] * 3
    with pytest.raises(sending.NotPossible):
        sending.resume(invitation=invitation, actor=admin_user, at=timezone.now())


def test_when_the_consultation_closes_first_the_rest_is_not_written_to(people, start):
    invitation = start()
    work(limit=2)
    work(at=invitation.consultation.closes_at)
    invitation.refresh_from_db()
    assert reasons(invitation) == [("accepted", "")] * 2 + [("skipped", "closed")] * 3
    assert invitation.status == "finished"


def test_an_unpublished_page_pauses_the_invitation_and_says_why(people, start):
    invitation = start()
    type(invitation.consultation).objects.update(is_live=False)
    assert work() == 0
    invitation.refresh_from_db()
    assert invitation.status == "paused" and "not published" in invitation.status_reason
    assert states(invitation) == ["pending"] * 5


def test_a_server_that_is_down_leaves_nothing_in_doubt(people, start, settings):
    invitation = start()
    use(settings, "Unreachable")
    assert work() == 0
    assert states(invitation) == ["pending"] * 5


def test_a_refused_address_is_refused_and_the_others_go_on(people, start, settings):
    invitation = start()
    use(settings, "Refusing")
    work()
    found = invitation.deliveries.values_list("state", "reason")
    assert {state for state, _reason in found} == {"refused"}
    assert not any("@" in reason for _state, reason in found)


def test_a_busy_server_is_tried_again_later_and_later(people, start, settings):
    invitation = start()
    use(settings, "Busy")
    now = timezone.now()
    work(at=now)
    first = invitation.deliveries.first()
    assert (first.state, first.retry_at) == ("pending", now + datetime.timedelta(seconds=30))
    work(at=first.retry_at)
    first.refresh_from_db()
    assert first.retry_at == now + datetime.timedelta(seconds=90)
    assert first.handed_at is None


def test_a_server_that_is_busy_for_a_day_is_given_up(people, start, settings):
    invitation = start()
    use(settings, "Busy")
    Delivery.objects.update(attempt=ledger.LAST_ATTEMPT - 1)
    work()
    assert states(invitation) == ["refused"] * 5


def test_what_may_have_been_sent_is_never_sent_again(people, start, settings):
    invitation = start()
    use(settings, "Silent")
    work()
    use(settings, "Accepting")
    sending.resume(invitation=invitation, actor=None, at=timezone.now())
    work(at=timezone.now() + DAY)
    assert len(mail.outbox) == 5
    assert states(invitation) == ["accepted"] * 2 + ["uncertain"] * 3


def test_a_server_that_keeps_breaking_off_pauses_the_invitation(people, start, settings):
    invitation = start()
    use(settings, "Silent")
    work()
    invitation.refresh_from_db()
    assert (invitation.status, bool(invitation.status_reason)) == ("paused", True)
    assert states(invitation) == ["pending"] * 2 + ["uncertain"] * 3


@pytest.mark.parametrize("answer", ["nobody there", 401])
def test_a_provider_that_turns_everybody_away_keeps_nobody_from_their_invitation(
    people, start, settings, answer
):
    invitation = start()
    use(settings, "Unpaid" if answer == 401 else "Gone")
    work()
    assert states(invitation) == ["pending"] * 5
    use(settings, "Accepting")
    work(at=timezone.now() + DAY)
    assert states(invitation) == ["accepted"] * 5


def test_a_dead_worker_leaves_at_most_one_message_in_doubt(people, start):
    invitation = start()
    now = timezone.now()
    rows = handing._claim("dead worker", 3, now)
    assert ledger.turn([], [rows[0]], "dead worker", now)
    assert work(at=now) == 2
    work(at=now + datetime.timedelta(hours=1))
    assert states(invitation) == ["accepted"] * 4 + ["uncertain"]


def test_a_worker_that_comes_back_too_late_changes_nothing(people, start):
    start()
    now = timezone.now()
    late = handing._claim("late worker", 5, now)[0]
    work(at=now + datetime.timedelta(hours=1))
    assert not ledger.turn([], [late], "late worker", now)
    assert len(mail.outbox) == 5


def test_one_message_that_cannot_be_written_does_not_stop_the_others(people, start):
    invitation = start()
    type(people[0]).objects.filter(pk=people[0].pk).update(email="a@b.example\nBcc: x@y")
    work()
    assert states(invitation) == ["accepted"] * 4 + ["refused"]


def test_a_stopped_worker_gives_back_what_it_had_not_sent(people, start):
    invitation = start()
    work(stopping=lambda: len(mail.outbox) == 1)
    waiting = invitation.deliveries.filter(state="pending")
    assert waiting.count() == 4
    assert set(waiting.values_list("owner", "attempt", "lease_until")) == {("", 0, None)}


def test_every_message_has_its_own_working_links(people, start, client):
    start()
    work()
    assert len(mail.outbox) == 5
    for message in mail.outbox:
        url = message.extra_headers["List-Unsubscribe"].strip("<>")
        assert url in message.body and client.post(url, secure=True).status_code == 200
        left = ContactPermission.objects.get(participant__email=message.to[0], purpose="invite")
        assert left.reason == "stopped"


def test_those_who_missed_it_get_it_in_a_second_invitation(people, start, admin_user):
    invitation = start()
    work(limit=2)
    sending.stop(invitation=invitation, actor=admin_user, at=timezone.now())
    again = sending.follow_up(invitation=invitation, actor=admin_user, at=timezone.now())
    assert again.subject == invitation.subject
    start(again)
    work()
    assert len(mail.outbox) == len({message.to[0] for message in mail.outbox}) == 5


def test_two_invitations_to_one_consultation_share_nobody(people, draft, start, admin_user):
    second = sending.follow_up(invitation=draft, actor=admin_user, at=timezone.now())
    start()
    with pytest.raises(sending.CannotStart):
        start(second)


def test_a_draft_begins_with_the_topics_of_its_consultation(consultation, admin_user):
    topics = InterestFactory.create_batch(2)
    consultation.interests.set(topics)
    made = sending.create_for(consultation=consultation, actor=admin_user, at=timezone.now())
    assert set(made.interests.all()) == set(topics)
    assert made.subject == "Have your say: The future of Mill Meadow"


def test_a_finished_invitation_is_announced_once(people, start, django_capture_on_commit_callbacks):
    heard = []
    signals.invitation_finished.connect(
        lambda invitation, **_: heard.append(invitation), weak=False
    )
    start()
    with django_capture_on_commit_callbacks(execute=True):
        work()
        work()
    assert heard == [Invitation.objects.get()]


def test_a_delivery_to_one_person_exists_once(draft, people):
    DeliveryFactory(invitation=draft, participant=people[0])
    with pytest.raises(IntegrityError):
        DeliveryFactory(invitation=draft, participant=people[0])
