"""Two at the same moment, in threads with connections of their own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from tests import factories
from tests.threads import alone, is_blocked, meanwhile, one_at_a_time
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.models import ConsentEvent, Participant, RegisterMail, Suppression
from wagtail_engagement.participants import choosing, merging, registry, renewing, sending
from wagtail_engagement.rights import erasing

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
THREADS = 6


def at_once(act, *rows):
    """Do something in threads that start together; return what went wrong in each."""

    def run(row):
        try:
            act(row)
        except (registry.NothingToConfirm, merging.CannotMerge) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, rows * THREADS if len(rows) == 1 else rows))


def test_one_mail_confirmed_many_times_at_once_makes_one_person_and_one_event():
    claimed = factories.ClaimFactory(mailed=True)
    refused = at_once(lambda row: registry.register(mail=row, at=timezone.now()), claimed.mail)
    assert len([error for error in refused if error]) == THREADS - 1
    assert Participant.objects.count() == ConsentEvent.objects.count() == 1


def test_two_mails_of_one_address_confirmed_at_once_make_one_person_with_both():
    claims = factories.ClaimFactory.create_batch(THREADS, email="ada@example.com", mailed=True)
    at_once(lambda row: registry.register(mail=row, at=timezone.now()), *[c.mail for c in claims])
    person = Participant.objects.get()
    assert person.consent_events.count() == person.claims.count() == THREADS
    assert person.permissions.get().may_write


def test_workers_side_by_side_send_one_mail_to_each_address():
    for number in range(20):
        factories.ClaimFactory(email=f"{number % 10}@example.com")
    at_once(lambda now: sending.work(at=now), timezone.now())
    assert len(mail.outbox) == RegisterMail.objects.count() == 10


def test_agreeing_and_complaining_at_once_leaves_what_a_replay_says():
    person = factories.ParticipantFactory(agreed=True)

    def act(number):
        if number % 2:
            barring.suppress(address=person.email, reason="complained", at=timezone.now())
        else:
            choosing.leave(
                participant=person, purposes=["invite"], channel="one_click", at=timezone.now()
            )

    at_once(act, *range(THREADS))
    assert Suppression.objects.filter(purpose=None).count() == 1
    assert not person.permissions.get().may_write


# Merging, while something else is under way


def merge(kept, merged):
    return merging.merge(kept=kept, merged=merged, actor=None, at=timezone.now())


@pytest.fixture
def two():
    return factories.ParticipantFactory(), factories.ParticipantFactory(agreed=True)


def test_two_records_merged_both_ways_at_once_are_merged_one_way(two):
    kept, merged = two
    pairs = [(kept, merged), (merged, kept)] * (THREADS // 2)
    refused = at_once(lambda pair: merge(*pair), *pairs)
    assert len([error for error in refused if error]) == THREADS - 1
    standing = Participant.objects.current().get()
    assert standing.merged_from.get() in two
    assert not ConsentEvent.objects.filter(channel="merge").exists()


def test_a_merge_is_taken_back_once_however_many_press(two):
    kept, merged = two
    row = merge(kept, merged)
    undo = {"merge": row, "actor": None, "at": timezone.now()}
    refused = at_once(lambda given: merging.unmerge(**given), undo)
    assert len([error for error in refused if error]) == THREADS - 1
    assert not kept.permissions.exists() and merged.permissions.get().may_write


@one_at_a_time
def test_confirming_an_address_that_is_merged_just_now_counts_for_what_it_is_part_of(two):
    kept, merged = two
    claim = factories.ClaimFactory(email=merged.email, mailed=True)
    meanwhile(
        lambda: merge(kept, merged),
        lambda: registry.register(mail=claim.mail, at=timezone.now()),
    )
    claim.refresh_from_db()
    assert claim.participant == kept and kept.permissions.get().may_write


@one_at_a_time
def test_what_somebody_takes_back_just_now_is_not_confirmed():
    claim = factories.ClaimFactory(mailed=True)

    def confirm_too_late():
        with pytest.raises(registry.NothingToConfirm):
            registry.register(mail=claim.mail, at=timezone.now())

    meanwhile(lambda: registry.not_me(mail=claim.mail, at=timezone.now()), confirm_too_late)
    assert not Participant.objects.exists() and not ConsentEvent.objects.exists()


@one_at_a_time
def test_a_pause_of_a_record_that_is_merged_just_now_is_one_of_what_it_is_part_of(two):
    merged, kept = factories.ParticipantFactory(agreed=True), two[1]
    meanwhile(
        lambda: merge(kept, merged),
        lambda: renewing.pause(participant=merged, months=3, at=timezone.now()),
    )
    assert kept.permissions.get().reason == "paused"


@one_at_a_time
@pytest.mark.parametrize("erased", [0, 1])
def test_an_erasure_takes_along_what_is_merged_just_now(two, erased):
    answers = [factories.ConsultationResponseFactory(participant=person) for person in two]
    meanwhile(
        lambda: merge(*two),
        lambda: erasing.erase(person=two[erased], keeps_responses=True, at=timezone.now()),
    )
    assert not Participant.objects.exists()
    for answer in answers:
        answer.refresh_from_db()
        assert answer.participant is None


@one_at_a_time
def test_a_record_that_is_erased_just_now_is_merged_with_nothing(two):
    kept, merged = two

    def merge_too_late():
        with pytest.raises(merging.CannotMerge):
            merge(kept, merged)

    meanwhile(
        lambda: erasing.erase(person=kept, keeps_responses=True, at=timezone.now()), merge_too_late
    )
    assert merged.permissions.get().may_write


@one_at_a_time
@pytest.mark.parametrize(
    "act",
    [
        lambda person: choosing.leave(
            participant=person, purposes=None, channel="one_click", at=timezone.now()
        ),
        lambda person: barring.suppress(
            address=person.email, reason="complained", at=timezone.now()
        ),
        lambda person: erasing.erase(person=person, keeps_responses=True, at=timezone.now()),
    ],
    ids=["leaving", "complaining", "erasing"],
)
def test_no_act_under_the_other_address_waits_in_a_ring_with_whoever_takes_the_merge_back(two, act):
    """Whoever takes a merge back locks the two one after the other; it ends only with both."""
    kept, merged = two
    merge(kept, merged)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        settling.locked(pk=kept.pk)
        task = pool.submit(alone, lambda: act(merged))
        assert is_blocked(task)
        assert settling.locked(pk=merged.pk)
        transaction.on_commit(lambda: task.result(timeout=20))
    assert not Participant.objects.filter(permissions__may_write=True).exists()
