"""An import is undone as one, and nothing goes that did not come with it."""

import pytest
from anymail.signals import AnymailTrackingEvent
from django.utils import timezone

from tests import factories
from tests.site import DAY
from wagtail_engagement.consent import settling
from wagtail_engagement.imports import importing
from wagtail_engagement.invitations import receiving, tracking
from wagtail_engagement.models import (
    ConsentEvent,
    ImportRow,
    Participant,
    ParticipantName,
    ParticipantNote,
    Suppression,
)
from wagtail_engagement.participants import choosing, merging

from . import sheets

pytestmark = pytest.mark.django_db
ANN, BOB = "ann@example.com", "bob@example.com"
YES = [ANN, "Ann Lee", "Parks", "yes", "", "", "Likes trees"]
NO = [ANN, "A Lee", "", "no"]


@pytest.fixture(autouse=True)
def parks():
    return factories.InterestFactory(name="Parks")


def test_people_whom_only_the_sheet_names_go_with_all_they_had():
    batch = sheets.brought_in(YES, [BOB, "Bob", "", "no"])
    sheets.undone(batch)
    for table in (Participant, ConsentEvent, ParticipantName, ParticipantNote, ImportRow):
        assert not table.objects.exists()
    assert not Suppression.objects.exists()
    assert (batch.status, sum(batch.totals.values())) == ("undone", 2)


def test_from_others_goes_what_the_sheet_added():
    person = factories.ParticipantFactory(email=ANN)
    sheets.undone(sheets.brought_in(YES))
    person.refresh_from_db()
    assert (person.name, sheets.standing(ANN)) == ("", "")
    assert not person.interest_links.exists() and not person.notes.exists()
    assert [e.action for e in person.consent_events.all()] == ["given", "retracted"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_name_and_an_interest_that_another_sheet_gives_too_stay(order):
    ways = [sheets.brought_in(YES), sheets.brought_in([*YES[:3], "no"])][::order]
    sheets.undone(ways[0])
    person = sheets.person(ANN)
    assert person.name == "Ann Lee" and person.names.get().batch == ways[1]
    assert person.interest_links.get().batch == ways[1]
    sheets.undone(ways[1])
    assert not Participant.objects.exists()


def test_what_another_sheet_does_not_say_goes():
    first = sheets.brought_in(YES)
    sheets.brought_in([ANN, "Ann Marie Lee"])
    sheets.undone(first)
    person = sheets.person(ANN)
    assert [row.name for row in person.names.all()] == ["Ann Marie Lee"]
    assert not person.interest_links.exists()


def test_what_a_person_did_since_stays():
    batch = sheets.brought_in(YES)
    person, now = sheets.person(ANN), timezone.now()
    event = ConsentEvent(
        participant=person, purpose="invite", action="given", channel="form", at=now
    )
    settling.give(participant_id=person.pk, events=[event], is_proven=True, at=now)
    person.interest_links.update(origin="declared")
    sheets.undone(batch)
    assert sheets.standing(ANN) == "granted"
    assert person.interest_links.count() == 1
    assert sheets.person(ANN).batch is None


@pytest.mark.parametrize("order", [1, -1])
def test_a_no_that_another_sheet_says_too_stands(order):
    first, second = [sheets.brought_in(NO) for _sheet in range(2)][::order]
    sheets.undone(first)
    assert sheets.standing(ANN) == "stopped"
    assert Suppression.objects.get().source == f"import {second.uuid}"
    sheets.undone(second)
    assert not Participant.objects.exists() and not Suppression.objects.exists()


@pytest.mark.parametrize("order", [1, -1])
def test_without_the_wrong_no_the_yes_of_another_sheet_counts(order):
    made = {batch[3]: sheets.brought_in(batch) for batch in [YES, NO][::order]}
    assert sheets.standing(ANN) == "stopped"
    sheets.undone(made["no"])
    assert sheets.standing(ANN) == "granted"
    assert sheets.person(ANN).name == "Ann Lee"


def test_a_no_of_the_person_stands_when_the_sheet_goes():
    person = factories.ParticipantFactory(email=ANN)
    batch = sheets.brought_in(NO)
    now = timezone.now()
    settling.record(
        at=now, participant=person, purpose="invite", action="withdrawn", channel="leave_page"
    )
    sheets.undone(batch)
    assert sheets.standing(ANN) == "stopped"
    assert Suppression.objects.get().source == "leave_page"


def press_leave(person):
    now = timezone.now()
    choosing.leave(participant=person, purposes=["invite"], channel="leave_page", at=now)


def report(**facts):
    event = {"event_type": "unsubscribed", "reject_reason": None, "message_id": None}
    told = AnymailTrackingEvent(**{**event, "metadata": {}, "recipient": None, **facts})
    receiving.store(told, provider="Postmark", at=timezone.now())
    tracking.work(at=timezone.now())


def report_delivery(person):
    delivery = factories.DeliveryFactory(participant=person, accepted=True)
    report(metadata={"delivery": str(delivery.uuid)})


@pytest.mark.parametrize(
    "leave", [press_leave, report_delivery, lambda person: report(recipient=person.email)]
)
def test_whoever_leaves_after_a_sheets_no_stays_out_when_the_sheet_goes(leave):
    sheets.brought_in(YES)
    batch = sheets.brought_in(NO)
    for _twice in range(2):
        leave(sheets.person(ANN))
    sheets.undone(batch)
    assert sheets.standing(ANN) == "stopped"
    assert Suppression.objects.get().source in ("leave_page", "Postmark")
    assert ConsentEvent.objects.filter(action="withdrawn").exclude(batch=batch).count() <= 1


def test_leaving_by_a_link_makes_no_way_round_a_sheets_no():
    person = factories.ParticipantFactory(email=ANN)
    sheets.brought_in(NO)
    press_leave(person)
    shown = {"invite": factories.ConsentWordingFactory().pk}
    choosing.choose(
        participant=person, interest_ids=[], purposes=shown, channel="choices", at=timezone.now()
    )
    assert sheets.standing(ANN) == "stopped"


def test_another_entry_in_do_not_contact_stays():
    factories.SuppressionFactory(address=BOB, reason="complained")
    sheets.undone(sheets.brought_in(YES, [BOB, "Bob", "", "no"]))
    assert Suppression.objects.get().reason == "complained"


TOUCHES = [
    lambda person: factories.DeliveryFactory(participant=person),
    lambda person: factories.ClaimFactory(email=person.email, participant=person),
    lambda person: factories.ConsultationResponseFactory(participant=person),
    lambda person: ParticipantNote.objects.create(participant=person, text="Rang us"),
    lambda person: factories.ParticipantFactory(merged_into=person),
    lambda person: person.interest_links.update(removed_at=timezone.now()),
]


@pytest.mark.parametrize("touch", TOUCHES)
def test_people_whom_anything_else_concerns_stay(touch):
    batch = sheets.brought_in(YES)
    touch(sheets.person(ANN))
    sheets.undone(batch)
    assert sheets.standing(ANN) == ""
    assert sheets.person(ANN).names.count() == 0


def test_a_yes_of_the_sheet_goes_from_somebody_who_was_merged_since():
    batch = sheets.brought_in(YES)
    pair = {"kept": factories.ParticipantFactory(email=BOB), "merged": sheets.person(ANN)}
    made = merging.merge(**pair, actor=None, at=timezone.now())
    sheets.undone(batch)
    merging.unmerge(merge=made, actor=None, at=timezone.now())
    assert (sheets.standing(ANN), sheets.standing(BOB)) == ("", "")


def test_only_what_was_imported_can_be_undone():
    batch = sheets.received(YES)
    with pytest.raises(importing.ImportRefused):
        importing.undo(batch=batch, actor=None, at=timezone.now())


def test_a_sheet_is_undone_once():
    batch = sheets.brought_in(YES)
    sheets.undone(batch)
    with pytest.raises(importing.ImportRefused):
        importing.undo(batch=batch, actor=None, at=timezone.now() + DAY)


def test_a_duty_to_notify_goes_with_the_last_sheet_that_states_it():
    factories.ParticipantFactory(email=ANN, agreed=True)
    duty = {"basis": "legal_obligation", "kind": "organisation", "words": ""}
    first, second = [sheets.brought_in([ANN], **duty) for _sheet in range(2)]
    sheets.brought_in([ANN])
    sheets.undone(first)
    council = sheets.person(ANN)
    assert (council.kind, council.must_be_notified) == ("organisation", True)
    sheets.undone(second)
    council.refresh_from_db()
    assert (council.kind, council.must_be_notified) == ("person", False)
