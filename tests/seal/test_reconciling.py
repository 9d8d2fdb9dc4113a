"""Bringing an older copy up to its journal: line by line, whatever the lines are."""

import datetime
import json

import pytest
from django.utils import timezone

from tests.factories import (
    ConsultationFactory,
    DeliveryFactory,
    InvitationFactory,
    ParticipantFactory,
)
from wagtail_engagement import addresses, journal, models
from wagtail_engagement.rights import reconciling, replaying
from wagtail_engagement.seal import sealing

pytestmark = pytest.mark.django_db
SOMEBODY = "00000000-0000-4000-8000-000000000001"
NOBODYS = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def write(path):
    """Write lines as a later state of the database would have."""
    sealing.bind(at=timezone.now())

    def write(*entries, raw=""):
        at = timezone.now().isoformat()
        name = models.Seal.objects.get().journal
        lines = [{"at": at, **entry} for entry in entries]
        journal.append(str(path), name=name, entries=lines)
        with path.open("a") as file:
            file.write(raw)

    return write


def whose(person):
    mark, key_id = addresses.fingerprint(person.email)
    return {"to": mark, "key": key_id}


def handed(delivery=SOMEBODY, invitation=NOBODYS, **more):
    named = {"delivery": str(delivery), "invitation": str(invitation), "to": "0" * 64, "key": "k1"}
    return {"do": "handed", **named, **more}


def reconcile(**options):
    found = reconciling.reconcile(at=timezone.now(), **options)
    return {outcome: number for outcome, number in found.items() if number}


def test_nothing_but_the_head_is_nothing_to_do(write):
    assert reconcile() == {"known": 1}
    assert reconcile() == {}


def test_lines_that_say_nothing_are_counted_and_stop_nobody(write):
    write({"do": "a kind of later"}, {"do": "handed"}, {"do": "left", "to": 1}, raw="{torn\n")
    write(handed(delivery="no uuid"), raw='{"do":"last line without its e')
    assert reconcile() == {"known": 1, "unreadable": 5}
    reconciling.look(at=timezone.now())
    assert sealing.why_not() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "2026-01-01"},
        {"key": []},
        {"all": [["x"]]},
        {"all": 5},
        {"reason": "no such reason"},
        {"do": "erased", "to": "x", "keeps": True, "texts": [1]},
    ],
)
def test_a_line_with_something_else_in_it_stops_no_reconcile(write, wrong):
    stopped = {"do": "stopped", "all": ["0" * 64], "key": "k1", "purpose": None}
    write({**stopped, "reason": "manual", **wrong}, {**stopped, "reason": "manual"})
    assert reconcile() == {"known": 1, "unreadable": 1, "done": 1}


def test_what_was_handed_over_and_not_taken_came_to_nothing(write):
    row = DeliveryFactory()
    write(handed(row.uuid), {"do": "back", "delivery": str(row.uuid)})
    reconcile()
    row.refresh_from_db()
    assert row.state == "pending"


def test_a_no_that_comes_in_a_later_piece_counts_too(write, monkeypatch):
    monkeypatch.setattr(reconciling, "AT_ONCE", 1)
    invitation = InvitationFactory(status="sending")
    waits, refused = DeliveryFactory.create_batch(2, invitation=invitation)
    write(handed(waits.uuid), handed(refused.uuid))
    write({"do": "back", "delivery": str(waits.uuid)})
    write({"do": "refused", "delivery": str(refused.uuid)})
    reconcile()
    assert list(invitation.deliveries.order_by("pk").values_list("state", flat=True)) == [
        "pending",
        "refused",
    ]


def test_a_rebuilt_invitation_has_the_people_whom_the_lines_name(write):
    consultation, person = ConsultationFactory(), ParticipantFactory()
    started = {"do": "started", "invitation": NOBODYS, "code": "ABCDEFGH"}
    write({**started, "consultation": str(consultation.uuid)}, handed(**whose(person)))
    assert reconcile() == {"known": 1, "done": 2}
    row = models.Delivery.objects.get()
    assert (row.participant, row.state, row.reason) == (person, "accepted", "journal")
    assert (row.invitation.status, row.invitation.recipients) == ("finished", 1)


def test_whoever_waits_in_another_invitation_to_it_is_left_out(write):
    consultation, person = ConsultationFactory(), ParticipantFactory()
    other = InvitationFactory(consultation=consultation, status="sending")
    waits = DeliveryFactory(invitation=other, participant=person)
    started = {"do": "started", "invitation": NOBODYS, "code": "ABCDEFGH"}
    write({**started, "consultation": str(consultation.uuid)}, handed(**whose(person)))
    reconcile()
    waits.refresh_from_db()
    assert (waits.state, waits.reason) == ("skipped", "before")


def test_a_draft_that_was_started_later_counts_as_finished(write):
    draft, person = InvitationFactory(), ParticipantFactory()
    started = {"do": "started", "invitation": str(draft.uuid), "code": draft.code}
    about = {"consultation": str(draft.consultation.uuid)}
    write({**started, **about}, handed(invitation=draft.uuid, **whose(person)))
    reconcile()
    draft.refresh_from_db()
    assert (draft.status, draft.recipients) == ("finished", 1)


def test_what_is_about_nobody_or_nothing_here_is_said_so(write):
    known = ParticipantFactory()
    started = {"do": "started", "invitation": NOBODYS, "code": "ABCDEFGH", "consultation": SOMEBODY}
    left = {"do": "left", "purpose": "invite", "about": None, "action": "withdrawn"}
    nobody = {"to": "1" * 64, "key": "k1"}
    write(started, handed(), handed(delivery=NOBODYS, **whose(known)), {**left, **nobody})
    assert reconcile() == {"known": 1, "nowhere": 2, "nobody": 2}


def test_who_is_not_in_the_register_is_kept_on_do_not_contact(write):
    marks = [addresses.fingerprint(f"gone{n}@example.com")[0] for n in range(3)]
    stopped = {"do": "stopped", "key": "k1", "purpose": None, "reason": "erased", "all": marks}
    write(stopped, stopped)
    assert reconcile()["done"] == 2
    assert models.Suppression.objects.filter(reason="erased").count() == 3


def test_an_objection_is_an_objection_again_and_an_old_address_still_finds_the_person(write):
    person = ParticipantFactory(agreed=True)
    left = {"do": "left", "purpose": "invite", "about": None, "action": "objected"}
    write({**left, "person": str(person.uuid), "to": "2" * 64, "key": "k1"})
    reconcile()
    event = person.consent_events.latest("pk")
    assert (event.action, event.channel, event.evidence) == ("objected", "system", "journal")
    assert not person.permissions.get().may_write


def test_who_came_back_after_a_line_was_written_stays(write):
    """A journal that was adopted is read from its beginning."""
    before = (timezone.now() - datetime.timedelta(days=9)).isoformat()
    person = ParticipantFactory(agreed=True)
    mark = whose(person)
    stopped = {"purpose": None, "reason": "erased", "all": [mark["to"]], "key": "k1"}
    left = {"do": "left", "purpose": "invite", "about": None, "action": "withdrawn", **mark}
    erased = {"do": "erased", "person": SOMEBODY, "keeps": True, "texts": [], **mark}
    write(*[{**line, "at": before} for line in (left, erased, {"do": "stopped", **stopped})])
    reconcile()
    assert models.Participant.objects.get().permissions.get().may_write


def test_a_reconcile_that_is_killed_goes_on_where_it_was(write, monkeypatch):
    monkeypatch.setattr(reconciling, "AT_ONCE", 2)
    rows = DeliveryFactory.create_batch(5)
    write(*[handed(row.uuid) for row in rows])
    real, calls = replaying.replay, []

    def killed(entries, **options):
        calls.append(entries)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(entries, **options)

    with monkeypatch.context() as patch:
        patch.setattr(reconciling.replaying, "replay", killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile()
    assert sealing.why_not().code == "older"
    assert reconcile() == {"done": 4} and sealing.why_not() is None


def test_a_site_without_a_journal_is_told_so(db):
    with pytest.raises(reconciling.CannotReconcile, match="no journal"):
        reconcile()


def test_nothing_is_told_to_the_journal_a_second_time(write, path):
    person = ParticipantFactory(agreed=True)
    left = {"do": "left", "purpose": "invite", "about": None, "action": "withdrawn"}
    write({**left, "person": str(person.uuid), **whose(person)})
    lines = len(path.read_text().splitlines())
    reconcile()
    assert not models.JournalEntry.objects.exists()
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == lines
