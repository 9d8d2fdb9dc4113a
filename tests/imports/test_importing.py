"""What one row of a sheet does to the register, and what it never does."""

import itertools

import pytest
from django.utils import timezone

from tests import factories
from tests.site import DAY
from wagtail_engagement import models
from wagtail_engagement.consent import settling
from wagtail_engagement.imports import importing
from wagtail_engagement.models import ConsentEvent, Participant, ParticipantInterest
from wagtail_engagement.participants import merging

from . import sheets
from .sheets import row

pytestmark = pytest.mark.django_db
ANN, BOB = "ann@example.com", "bob@example.com"


def own_event(person, action, days_ago, **more):
    at = timezone.now() - days_ago * DAY
    factories.ConsentEventFactory(participant=person, action=action, at=at, **more)
    settling.settle([person.pk], at=timezone.now())


def test_somebody_who_said_yes_by_the_book_may_be_invited():
    batch = sheets.brought_in(row())
    assert sheets.standing(ANN) == "granted"
    event = ConsentEvent.objects.get()
    assert (event.channel, event.batch, event.evidence) == ("import", batch, "row 2")
    assert timezone.localdate(event.at) == batch.collected_from
    assert sheets.person(ANN).kept_until is None


def test_the_day_of_the_row_counts_where_it_lies_in_the_declared_days():
    said, outside = sheets.ago(25).isoformat(), sheets.ago(400).isoformat()
    batch = sheets.brought_in(row(day=said), row(BOB, day=outside))
    days = {e.participant.email: timezone.localdate(e.at) for e in ConsentEvent.objects.all()}
    assert days == {ANN: sheets.ago(25), BOB: batch.collected_from}


UNDOCUMENTED = [
    ({"words": ""}, "undocumented"),
    ({"words": " "}, "undocumented"),
    ({"collected_from": None}, "undocumented"),
    ({"collected_to": None}, "undocumented"),
    ({"basis": "public_task"}, "no_consent"),
    ({"basis": "legitimate_interests"}, "no_consent"),
    ({"collected_from": sheets.ago(800), "collected_to": sheets.ago(731)}, "too_old"),
]


@pytest.mark.parametrize(("more", "word"), UNDOCUMENTED)
def test_without_evidence_nobody_is_mailable_and_everybody_goes_in_thirty_days(more, word):
    batch = sheets.brought_in(row(), **more)
    assert sheets.standing(ANN) == ""
    assert sheets.person(ANN).kept_until == batch.started_at + 30 * DAY
    assert importing.verdict(batch, timezone.now()).word == word


def test_an_agreement_runs_out_counted_from_the_day_of_collection():
    sheets.brought_in(row(), collected_from=sheets.ago(729), collected_to=sheets.ago(700))
    assert sheets.standing(ANN) == "granted"
    settling.settle_due(at=timezone.now() + 2 * DAY)
    assert sheets.standing(ANN) == "lapsed"


@pytest.mark.parametrize("said", ["no", "opted out", "unsubscribed"])
def test_no_stops_a_person_for_good(said):
    batch = sheets.brought_in(row(said=said))
    assert sheets.standing(ANN) == "stopped"
    [bar] = models.Suppression.objects.of_address(ANN)
    assert (bar.purpose, bar.reason) == ("invite", "unsubscribed")
    assert bar.source == f"import {batch.uuid}"


def test_nothing_said_gives_nothing():
    batch = sheets.brought_in(row(said=""))
    assert (sheets.standing(ANN), sheets.counts(batch)) == ("", {"new": 1})


@pytest.mark.parametrize("order", [0, 1])
def test_no_wins_over_yes_in_either_order_of_rows_and_sheets(order):
    yes, no = row(), row("ANN@EXAMPLE.com", said="no")
    both = [yes, no][:: 1 if order else -1]
    for one in both:
        sheets.brought_in(one)
    sheets.brought_in(*[[BOB, *one[1:]] for one in both])
    assert sheets.standing(ANN) == sheets.standing(BOB) == "stopped"


def test_an_import_lifts_no_suppression_and_stores_nothing_of_it():
    for reason, address in (("bounced", ANN), ("erased", BOB)):
        factories.SuppressionFactory(address=address, reason=reason)
    batch = sheets.brought_in(row(topics="Parks"), row(BOB))
    assert sheets.counts(batch) == {"suppressed": 2}
    assert not Participant.objects.exists()
    assert models.Suppression.objects.count() == 2


def test_an_import_never_takes_back_what_a_person_did():
    person = factories.ParticipantFactory(email=ANN, agreed=True, left=True)
    topic = factories.InterestFactory(name="Parks")
    batch = sheets.brought_in(row(topics="Parks", day=sheets.ago(20).isoformat()))
    assert sheets.counts(batch) == {"suppressed": 1}
    assert sheets.standing(ANN) == "stopped"
    assert person.interest_links.get().interest == topic
    assert not person.consent_events.filter(channel="import").exists()


def test_an_old_no_gives_way_to_a_later_agreement_on_our_own_form():
    own_event(factories.ParticipantFactory(email=ANN), "given", 5)
    batch = sheets.brought_in(row(said="no"))
    assert sheets.counts(batch) == {"unchanged": 1}
    assert sheets.standing(ANN) == "granted"
    assert not models.Suppression.objects.exists()


def test_a_no_is_later_than_an_older_agreement_on_our_own_form():
    own_event(factories.ParticipantFactory(email=ANN), "given", 90)
    sheets.brought_in(row(said="no"))
    assert sheets.standing(ANN) == "stopped"


def test_confirming_on_our_own_form_lifts_what_a_sheet_stopped():
    sheets.brought_in(row(said="no"))
    person, now = sheets.person(ANN), timezone.now()
    event = ConsentEvent(
        participant=person, purpose="invite", action="given", channel="form", at=now
    )
    settling.give(participant_id=person.pk, events=[event], is_proven=True, at=now)
    assert sheets.standing(ANN) == "granted"


def test_what_nobody_can_read_waits_for_somebody():
    batch = sheets.brought_in(row(said="ask my wife", topics="Parks"))
    assert sheets.counts(batch) == {"review": 1}
    assert not Participant.objects.exists()
    assert batch.rows.get().values["3"] == "ask my wife"


@pytest.mark.parametrize(("said", "standing"), [("in", "granted"), ("out", "stopped")])
def test_staff_say_what_an_unclear_row_means(said, standing):
    batch = sheets.brought_in(row(said="ask my wife"))
    waiting, actor = batch.rows.get(), factories.UserFactory()
    importing.decide_review(
        row=waiting, accept=True, permission=said, actor=actor, at=timezone.now()
    )
    batch.refresh_from_db()
    assert sheets.standing(ANN) == standing
    assert (sheets.counts(batch), batch.rows.get().values) == ({"new": 1}, None)


def test_a_row_is_decided_once():
    batch = sheets.brought_in(row(said="ask my wife"))
    choice = {"accept": False, "permission": None, "actor": None, "at": timezone.now()}
    importing.decide_review(row=batch.rows.get(), **choice)
    with pytest.raises(importing.ImportRefused):
        importing.decide_review(row=batch.rows.get(), **choice)
    batch.refresh_from_db()
    assert sheets.counts(batch) == {"refused": 1}


def test_rows_without_an_address_are_counted_and_not_stored():
    batch = sheets.brought_in(row(""), row("tel only"), ["Total 50"], sheets.HEADERS)
    assert sheets.counts(batch) == {"no_address": 1, "refused": 3}
    assert [r.column for r in batch.rows.all()] == [None, 0, None, None]
    assert not Participant.objects.exists()


def test_a_second_row_of_a_person_adds_to_them():
    parks, trees = (factories.InterestFactory(name=name) for name in ("Parks", "Trees"))
    batch = sheets.brought_in(row(topics="Parks"), row(name="A Lee", topics="trees; Parks"))
    assert sheets.counts(batch) == {"new": 1, "added": 1}
    person = sheets.person(ANN)
    assert {link.interest for link in person.interest_links.all()} == {parks, trees}
    assert (person.name, person.names.count()) == ("Ann Lee", 2)


def test_words_that_are_no_interest_are_named_and_not_stored():
    factories.InterestFactory(name="Parks")
    batch = sheets.brought_in(row(topics="Parks, bins"))
    assert ParticipantInterest.objects.count() == 1
    assert "bins" in batch.rows.get().reason


def test_words_mean_what_somebody_said_they_mean():
    waste = factories.InterestFactory(name="Waste")
    factories.InterestFactory(name="Parks")
    sheets.brought_in(row(topics="bins; Parks"), interest_words={"bins": waste.pk, "parks": None})
    assert ParticipantInterest.objects.get().interest == waste


def test_everybody_on_a_sheet_can_share_an_interest():
    topic = factories.InterestFactory()
    sheets.brought_in(row(), row(BOB), everyone=[topic.pk])
    assert topic.participant_links.count() == 2


def test_an_interest_that_somebody_took_away_stays_away():
    topic = factories.InterestFactory(name="Parks")
    person = factories.ParticipantFactory(email=ANN)
    factories.ParticipantInterestFactory(participant=person, interest=topic, removed=True)
    sheets.brought_in(row(topics="Parks"))
    assert person.interest_links.get().removed_at


def test_what_a_person_chose_stays_chosen():
    topic = factories.InterestFactory(name="Parks")
    person = factories.ParticipantFactory(email=ANN)
    factories.ParticipantInterestFactory(participant=person, interest=topic)
    sheets.brought_in(row(topics="Parks"))
    assert person.interest_links.get().origin == "declared"


def test_the_name_that_a_person_gave_stays():
    factories.ParticipantFactory(email=ANN, name="Ann")
    sheets.brought_in(row(name="Ms Annabel Lee-Smith"))
    assert sheets.person(ANN).name == "Ann"


def test_a_postcode_becomes_an_area_and_is_not_kept():
    area = models.Area.objects.create(name="Castle")
    models.Postcode.objects.create(code="BN11AA", area=area)
    sheets.brought_in(row(postcode="bn1 1aa"), row(BOB, postcode="BN9 9ZZ"))
    assert [sheets.person(who).area for who in (ANN, BOB)] == ["Castle", ""]


def test_a_merged_record_stands_for_the_one_that_was_kept():
    kept = factories.ParticipantFactory(email=BOB)
    factories.ParticipantFactory(email=ANN, merged_into=kept)
    sheets.brought_in(row(said="no"))
    assert sheets.standing(BOB) == "stopped"
    assert not sheets.person(ANN).permissions.exists()


def test_a_no_of_a_sheet_to_a_merged_record_outlives_the_merge_for_both():
    people = [factories.ParticipantFactory(email=who) for who in (BOB, ANN)]
    for person in people:
        own_event(person, "given", 90)
    made = merging.merge(kept=people[0], merged=people[1], actor=None, at=timezone.now())
    sheets.brought_in(row(said="no"))
    merging.unmerge(merge=made, actor=None, at=timezone.now())
    assert [sheets.standing(who) for who in (BOB, ANN)] == ["stopped", "stopped"]


def test_an_organisation_that_must_be_notified_is_written_to_and_stays():
    duty = {"basis": "legal_obligation", "kind": "organisation", "words": ""}
    sheets.brought_in(row(said=""), **duty)
    council = sheets.person(ANN)
    assert (council.kind, council.must_be_notified) == ("organisation", True)
    assert (sheets.standing(ANN), council.kept_until) == ("granted", None)


def test_a_person_is_not_notified_because_a_law_names_organisations():
    sheets.brought_in(row(), basis="legal_obligation")
    assert (sheets.standing(ANN), sheets.person(ANN).must_be_notified) == ("", False)


def test_somebody_who_was_to_go_stays_once_a_sheet_gives_a_reason():
    sheets.brought_in(row(), words="")
    batch = sheets.brought_in(row())
    assert sheets.counts(batch) == {"added": 1}
    assert sheets.person(ANN).kept_until is None


def test_a_second_sheet_does_not_prolong_the_time_of_those_who_go():
    sheets.brought_in(row(), words="")
    until = sheets.person(ANN).kept_until
    sheets.brought_in(row(said=""), words="")
    assert sheets.person(ANN).kept_until == until


ROWS = [
    row(ANN, "A Lee", "Parks", "yes", sheets.ago(25).isoformat()),
    row("Ann@Example.com", "Ann Lee", "Trees", ""),
    row(ANN, "Ann Bee", "", "no"),
    row(BOB, "Bob Hay", "Trees", "yes"),
    row("BOB@example.com", "B Hay", "Parks", "yes", sheets.ago(22).isoformat()),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::17])
def test_any_order_of_rows_and_sheets_gives_the_same_register(order):
    for name in ("Parks", "Trees"):
        factories.InterestFactory(name=name)
    rows = [ROWS[i] for i in order]
    sheets.brought_in(*rows[:2])
    sheets.brought_in(*rows[2:4])
    sheets.brought_in(rows[4])
    invite = {("invite", True, "granted")}, {("invite", False, "stopped")}
    topics = frozenset({"Parks", "Trees"})
    assert sheets.register() == {
        ANN: ("Ann Bee", frozenset({"A Lee", "Ann Lee", "Ann Bee"}), topics, invite[1], "person"),
        BOB: ("Bob Hay", frozenset({"Bob Hay", "B Hay"}), topics, invite[0], "person"),
    }


def test_a_check_tells_what_an_import_does_and_stores_nothing():
    factories.InterestFactory(name="Parks")
    rows = [*ROWS, row(""), row("nobody"), row("cy@example.com", said="perhaps")]
    batch = sheets.received(*rows)
    importing.check(batch=batch, at=timezone.now())
    foreseen = {outcome: batch.totals[outcome] for outcome in models.ImportRow.Outcome.values}
    assert (batch.status, sum(foreseen.values())) == ("checked", len(rows))
    assert not Participant.objects.exists()
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    sheets.work()
    batch.refresh_from_db()
    assert batch.totals == foreseen


NONSENSE = [
    {"collected_from": sheets.ago(3), "collected_to": sheets.ago(9)},
    {"collected_to": sheets.ago(-1)},
    {"basis": "because"},
    {"mapping": {"fields": {"0": "shoe size"}}},
    {"mapping": {"fields": {"99": "email"}}},
]


@pytest.mark.parametrize("more", NONSENSE)
def test_what_cannot_be_true_is_refused_and_nothing_changes(more):
    batch = sheets.received(row())
    with pytest.raises(importing.ImportRefused):
        importing.describe(batch=batch, at=timezone.now(), **more)
    batch.refresh_from_db()
    assert (batch.basis, batch.mapping) == ("consent", sheets.MAPPING)


def test_nothing_starts_before_everything_is_declared():
    batch = sheets.received(row(), source="", mapping={"fields": {"1": "name"}})
    assert len(importing.missing(batch)) == 2
    for act in (importing.check, importing.start):
        with pytest.raises(importing.ImportRefused):
            more = {"actor": None} if act is importing.start else {}
            act(batch=batch, at=timezone.now(), **more)


def test_a_sheet_is_started_once():
    batch = sheets.started(row())
    with pytest.raises(importing.ImportRefused):
        importing.start(batch=batch, actor=batch.created_by, at=timezone.now())


def test_the_same_file_again_is_pointed_out():
    assert sheets.received(row()).status_reason == ""
    sheets.brought_in(row())
    assert "imported on" in sheets.received(row()).status_reason


def test_the_next_sheet_of_the_same_make_takes_over_what_was_declared():
    topic = factories.InterestFactory()
    sheets.brought_in(row(), everyone=[topic.pk], source="Panel")
    fresh = importing.receive(
        file=sheets.csv_of([row(BOB)]), filename="b.csv", actor=None, at=timezone.now()
    )
    told = importing.same_as_last(fresh)
    assert (told["source"], told["everyone"], told["header_row"]) == ("Panel", [topic.pk], 1)
    importing.describe(batch=fresh, at=timezone.now(), **told)
    assert importing.missing(fresh) == []


def test_a_parked_sheet_waits_and_is_taken_up_again():
    batch, actor, now = sheets.received(row()), factories.UserFactory(), timezone.now()
    importing.park(batch=batch, waits_for="evidence from Parks", actor=actor, at=now)
    with pytest.raises(importing.ImportRefused):
        importing.start(batch=batch, actor=actor, at=now)
    importing.unpark(batch=batch, actor=actor, at=now)
    importing.start(batch=batch, actor=actor, at=now)
    assert batch.status == "running"
