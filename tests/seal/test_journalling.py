"""What goes into the journal, and what happens where it cannot."""

import json

import pytest
from django.core import mail
from django.utils import timezone

from tests.factories import ConsultationFactory, ParticipantFactory
from tests.invitations.test_sending import use
from wagtail_engagement import journal, work
from wagtail_engagement.consent import barring
from wagtail_engagement.models import ConsentEvent, Delivery, JournalEntry, Seal, Suppression
from wagtail_engagement.participants import choosing
from wagtail_engagement.rights import erasing
from wagtail_engagement.seal import sealing

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def kinds(path):
    return [line.get("do", "head") for line in lines(path)]


def leave(person):
    choosing.leave(participant=person, purposes=None, channel="one_click", at=timezone.now())


@pytest.fixture
def full(monkeypatch):
    """A disk that is full until `full.undo()`."""

    def fails(file, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_add", fails)
        yield patch


def test_a_start_and_each_message_are_there_before_it_leaves(path, invite, monkeypatch):
    invitation = invite()
    work.drain(owner="w")
    assert kinds(path) == ["head", "started"] + ["handed"] * 6
    handed = {line["delivery"] for line in lines(path) if line.get("do") == "handed"}
    assert handed == {str(row.uuid) for row in invitation.deliveries.all()}


def test_no_line_holds_an_address_or_a_name(path, invite):
    person = ParticipantFactory(email="zzcanary@example.com", name="Zz Canary", agreed=True)
    invite()
    work.drain(owner="w")
    leave(person)
    note = {"reason": "manual", "source": "zzcanary rang", "at": timezone.now()}
    barring.suppress(address="zzcanary.two@example.com", **note)
    erasing.erase(person=person, keeps_responses=True, at=timezone.now())
    assert {"left", "stopped", "erased"} <= set(kinds(path))
    assert "canary" not in path.read_text().lower()


def test_a_withdrawal_of_one_result_names_its_consultation(path, db):
    sealing.bind(at=timezone.now())
    person, about = ParticipantFactory(), ConsultationFactory()
    facts = {"participant": person, "purpose": "result", "consultation": about}
    ConsentEvent.objects.create(action="given", channel="form", **facts)
    leave(person)
    left = [line for line in lines(path) if line.get("do") == "left"]
    assert str(about.uuid) in {line["about"] for line in left}


def test_nothing_that_was_rolled_back_is_journalled(path, people):
    sealing.bind(at=timezone.now())
    from django.db import transaction

    with transaction.atomic():
        leave(people[0])
        transaction.set_rollback(True)
    assert kinds(path) == ["head"] and not JournalEntry.objects.exists()


def test_a_full_disk_keeps_every_message_back_and_says_why(path, invite, full):
    sealing.bind(at=timezone.now())
    invitation = invite()
    work.drain(owner="w")
    assert mail.outbox == [] and sealing.why_not().code == "unwritable"
    assert {row.state for row in invitation.deliveries.all()} == {"pending"}
    full.undo()
    work.drain(owner="w")
    assert len(mail.outbox) == 6 and sealing.why_not() is None


def test_a_full_disk_keeps_nobody_from_leaving_and_it_is_written_later(path, people, full):
    sealing.bind(at=timezone.now())
    leave(people[0])
    assert Suppression.objects.of_address(people[0].email).exists()
    assert JournalEntry.objects.filter(is_written=False).exists() and kinds(path) == ["head"]
    full.undo()
    JournalEntry.objects.update(at=timezone.now() - 2 * work.reconciling.A_MINUTE)
    work.drain(owner="w")
    assert "left" in kinds(path)
    assert not JournalEntry.objects.filter(is_written=False).exists()
    work.drain(owner="w")
    assert sealing.why_not() is None


def test_who_leaves_before_the_first_worker_ran_is_written_by_it(path, people):
    leave(people[0])
    assert not path.exists()
    JournalEntry.objects.update(at=timezone.now() - 2 * work.reconciling.A_MINUTE)
    work.drain(owner="w")
    assert "stopped" in kinds(path) and sealing.why_not() is None


@pytest.mark.parametrize("backend", ["Busy", "Refusing", "Unpaid"])
def test_a_no_of_the_mail_server_is_no_sign_of_an_older_copy(path, invite, settings, backend):
    invite()
    use(settings, backend)
    for _round in range(3):
        Delivery.objects.filter(state="pending").update(retry_at=timezone.now())
        work.drain(owner="w")
    assert sealing.why_not() is None
    assert {"back", "refused"} & set(kinds(path))


def test_a_no_that_could_not_be_written_waits_in_the_table(path, invite, settings, monkeypatch):
    real = journal.append

    def full_for_the_answer(where, *, entries, **options):
        if entries[0]["do"] == "back":
            raise journal.Unwritable("No space left on device")
        real(where, entries=entries, **options)

    monkeypatch.setattr(journal, "append", full_for_the_answer)
    invite()
    use(settings, "Busy")
    work.drain(owner="w")
    assert JournalEntry.objects.filter(said__do="back", is_written=False).exists()
    work.drain(owner="w")
    assert sealing.why_not() is None and Delivery.objects.filter(state="pending").exists()


def test_a_worker_killed_between_journal_and_mail_server_is_no_sign_either(path, invite):
    invitation = invite()
    work.drain(owner="w", stopping=lambda: True)
    row = invitation.deliveries.first()
    Delivery.objects.filter(pk=row.pk).update(state="handing", lease_until=timezone.now())
    line = {"do": "handed", "delivery": str(row.uuid), "invitation": str(invitation.uuid)}
    line |= {"to": "0" * 64, "key": "k1", "at": timezone.now().isoformat()}
    sealing.bind(at=timezone.now())
    journal.append(str(path), name=Seal.objects.get().journal, entries=[line])
    work.drain(owner="next")
    row.refresh_from_db()
    assert row.state == "uncertain" and sealing.why_not() is None


def test_what_waited_for_weeks_is_no_sign_of_an_older_copy(path, people, full):
    sealing.bind(at=timezone.now())
    leave(people[0])
    full.undo()
    JournalEntry.objects.update(at=timezone.now() - 2 * work.reconciling.WEEK)
    for _round in range(3):
        work.drain(owner="w")
    assert "left" in kinds(path) and sealing.why_not() is None


def test_the_offset_follows_and_old_entries_go(path, people):
    sealing.bind(at=timezone.now())
    leave(people[0])
    work.drain(owner="w")
    assert Seal.objects.get().offset == journal.size(str(path))
    JournalEntry.objects.update(at=timezone.now() - 2 * work.reconciling.WEEK)
    work.drain(owner="w")
    assert not JournalEntry.objects.exists() and sealing.why_not() is None


def test_a_site_without_a_journal_writes_none(people, settings):
    leave(people[0])
    assert not JournalEntry.objects.exists()
