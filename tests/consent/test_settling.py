import datetime
import random
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from wagtail_engagement import addresses, signals
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.consent.models import AppendOnlyError
from wagtail_engagement.models import ConsentEvent, ContactPermission, ImportBatch, Suppression
from wagtail_engagement.participants import choosing

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = datetime.timedelta(days=1)
REPLAY = "0007_which_permissions_rest_on_consent"


def say(person, action, purpose="invite", at=NOW, **more):
    more.setdefault("channel", "staff")
    return settling.record(participant=person, action=action, purpose=purpose, at=at, **more)


def standing(person, purpose="invite"):
    row = person.permissions.filter(purpose=purpose).first()
    return row and row.reason


def barred_by(person):
    return set(Suppression.objects.of_address(person.email).values_list("purpose", "reason"))


@pytest.fixture
def person():
    return factories.ParticipantFactory(email="ada@example.com", agreed=True)


# What a person did


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ("given", "granted"),
        ("informed", "granted"),
        ("given withdrawn", "stopped"),
        ("given objected", "stopped"),
        ("given lapsed", "lapsed"),
        ("withdrawn given", "granted"),
        ("given objected informed", "stopped"),
        ("given withdrawn informed", "stopped"),
        ("objected given", "granted"),
        ("lapsed given", "granted"),
        ("lapsed informed", "granted"),
    ],
)
def test_the_last_act_decides_and_being_informed_never_undoes_a_stop(acts, reason):
    person = factories.ParticipantFactory()
    for number, act in enumerate(acts.split()):
        say(person, act, at=NOW + number * DAY)
    assert standing(person) == reason
    assert person.permissions.get().may_write == (reason == "granted")


def test_nobody_has_a_permission_without_an_act():
    person = factories.ParticipantFactory()
    barring.suppress(address=person.email, reason="bounced", at=NOW)
    assert not person.permissions.exists()


def test_results_are_agreed_to_one_by_one():
    person = factories.ParticipantFactory()
    first, second = factories.ConsultationFactory.create_batch(2)
    for about in (first, second):
        say(person, "given", "result", consultation=about)
    say(person, "withdrawn", "result", consultation=first, at=NOW + DAY)
    rows = person.permissions.values_list("consultation", "may_write")
    assert set(rows) == {(first.pk, False), (second.pk, True)}


def test_an_event_of_tomorrow_counts_from_tomorrow(person):
    event = ConsentEvent(
        participant=person, purpose="invite", action="lapsed", channel="system", at=NOW + DAY
    )
    settling.record_many([event], at=NOW)
    assert (standing(person), person.permissions.get().recheck_at) == ("granted", NOW + DAY)
    assert settling.settle_due(at=NOW) == 0
    assert settling.settle_due(at=NOW + DAY) == 1
    assert (standing(person), person.permissions.get().recheck_at) == ("lapsed", None)


def test_proof_can_neither_be_changed_nor_deleted(person):
    event = person.consent_events.get()
    for attempt in (
        event.save,
        event.delete,
        ConsentEvent.objects.all().delete,
        lambda: ConsentEvent.objects.update(action="given"),
        lambda: ConsentEvent.objects.bulk_update([event], ["action"]),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()


@pytest.mark.parametrize(
    ("acts", "is_by_consent"),
    [
        ("given", True),
        ("informed", False),
        ("informed given", True),
        ("given informed", True),
        ("given lapsed informed", False),
        ("given withdrawn", False),
        ("given paused", True),
        ("informed paused", False),
    ],
)
def test_a_permission_says_whether_the_person_agreed_or_was_told(acts, is_by_consent):
    person = factories.ParticipantFactory()
    for number, act in enumerate(acts.split()):
        say(person, act, at=NOW + number * DAY, until=NOW + 9 * DAY)
    assert person.permissions.get().is_by_consent == is_by_consent


# What stands against an address


@pytest.mark.parametrize(
    ("reason", "purpose", "expected"),
    [
        ("bounced", None, "undeliverable"),
        ("complained", None, "stopped"),
        ("objected", None, "stopped"),
        ("erased", None, "stopped"),
        ("manual", None, "stopped"),
        ("unsubscribed", "invite", "stopped"),
        ("unsubscribed", "result", "granted"),
    ],
)
def test_a_suppression_beats_what_was_agreed(person, reason, purpose, expected):
    barring.suppress(address="ADA@example.com", reason=reason, purpose=purpose, at=NOW)
    assert standing(person) == expected


def test_whoever_withdrew_and_then_bounced_still_asked_to_stop(person):
    say(person, "withdrawn")
    barring.suppress(address=person.email, reason="bounced", at=NOW)
    assert standing(person) == "stopped"


def test_a_suppression_outlives_a_change_of_keys(person, settings):
    barring.suppress(address=person.email, reason="complained", at=NOW)
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"k2": "another", **settings.WAGTAIL_ENGAGEMENT_KEYS}
    say(person, "given", at=NOW + DAY)
    assert standing(person) == "stopped"
    barring.suppress(address=person.email, reason="bounced", at=NOW)
    assert barred_by(person) == {(None, "complained")}


def test_a_weaker_reason_never_replaces_a_stronger_one(person):
    for reason in ("bounced", "complained", "manual", "bounced", "unsubscribed"):
        barring.suppress(address=person.email, reason=reason, at=NOW)
    assert barred_by(person) == {(None, "complained")}


def test_one_row_for_everything_swallows_the_rows_it_says_again(person):
    barring.suppress(address=person.email, reason="unsubscribed", purpose="invite", at=NOW)
    barring.suppress(address=person.email, reason="bounced", at=NOW)
    assert barred_by(person) == {("invite", "unsubscribed"), (None, "bounced")}
    barring.suppress(address=person.email, reason="complained", at=NOW)
    assert barred_by(person) == {(None, "complained")}


def test_a_fingerprint_alone_finds_its_person(person):
    mark, key_id = addresses.fingerprint(person.email)
    barring.suppress(fingerprint=mark, key_id=key_id, reason="complained", at=NOW)
    assert standing(person) == "stopped"


def test_an_address_that_nobody_has_is_remembered_for_later():
    barring.suppress(address="bob@example.com", reason="erased", at=NOW)
    person = factories.ParticipantFactory(email="Bob@example.com", agreed=True)
    assert standing(person) == "stopped"


def test_confirming_lifts_only_the_purposes_confirmed(person):
    say(person, "given", "result", consultation=factories.ConsultationFactory())
    barring.suppress(address=person.email, reason="objected", at=NOW)
    barring.lift(address=person.email, purposes=["result"], at=NOW)
    assert (standing(person), standing(person, "result")) == ("stopped", "granted")
    assert barred_by(person) == {("invite", "objected")}


@pytest.mark.parametrize("reason", ["bounced", "manual"])
def test_staff_lift_what_is_theirs(person, admin_user, reason):
    row = barring.suppress(address=person.email, reason=reason, at=NOW)
    barring.lift_by_staff(suppression=row, actor=admin_user, at=NOW)
    assert standing(person) == "granted"


@pytest.mark.parametrize("reason", ["complained", "unsubscribed", "objected", "erased"])
def test_staff_cannot_lift_what_people_asked_for(person, admin_user, reason):
    row = barring.suppress(address=person.email, reason=reason, at=NOW)
    with pytest.raises(barring.NotLiftable):
        barring.lift_by_staff(suppression=row, actor=admin_user, at=NOW)
    assert standing(person) == "stopped"


# The projection


def replayed(person):
    """What the permissions should say, worked out the slow way from scratch."""
    bars = list(Suppression.objects.of_address(person.email))
    told = {}
    for event in person.consent_events.exclude(action="retracted").order_by("at", "id"):
        subject = (event.purpose, event.consultation_id if event.purpose == "result" else None)
        before = told.setdefault(subject, "never_agreed")
        if event.action == "paused":
            continue  # Without an end it is none.
        after = {"withdrawn": "stopped", "objected": "stopped", "lapsed": "lapsed"}
        told[subject] = after.get(event.action, "granted")
        if event.action == "informed" and before == "stopped":
            told[subject] = "stopped"
    for purpose, about in told:
        reasons = {bar.reason for bar in bars if bar.purpose in (None, purpose)}
        if reasons and told[purpose, about] != "stopped":
            told[purpose, about] = "undeliverable" if reasons == {"bounced"} else "stopped"
    return {(*subject, reason, reason == "granted") for subject, reason in told.items()}


@pytest.mark.parametrize("seed", range(12))
def test_permissions_are_what_a_replay_of_everything_says(seed):
    chance = random.Random(seed)
    people = factories.ParticipantFactory.create_batch(3)
    places = [None, *factories.ConsultationFactory.create_batch(2)]
    for step in range(40):
        person, at = chance.choice(people), NOW + step * DAY
        purpose = chance.choice(["invite", "result"])
        if chance.random() < 0.6:
            place = chance.choice(places[1:] if purpose == "result" else places)
            say(person, chance.choice(ConsentEvent.Action.values), purpose, at, consultation=place)
        elif chance.random() < 0.7:
            about = chance.choice([None, purpose])
            reason = chance.choice(Suppression.Reason.values)
            barring.suppress(address=person.email, reason=reason, purpose=about, at=at)
        else:
            barring.lift(address=person.email, purposes=[purpose], at=at)
    fields = ("purpose", "consultation_id", "reason", "may_write")
    for person in people:
        assert set(person.permissions.values_list(*fields)) == replayed(person)


def test_settling_costs_the_same_for_one_person_and_for_many():
    def cost(count):
        people = factories.ParticipantFactory.create_batch(count)
        for person in people:
            factories.ConsentEventFactory(participant=person)
            factories.SuppressionFactory(address=person.email)
        with CaptureQueriesContext(connection) as statements:
            settling.settle([person.pk for person in people], at=NOW + DAY)
        return len(statements)

    assert cost(1) == cost(50)
    assert ContactPermission.objects.filter(reason="undeliverable").count() == 51


def test_the_host_hears_of_every_change_and_of_nothing_else(
    person, django_capture_on_commit_callbacks
):
    heard = []

    def hear(participant, purpose, **_more):
        heard.append((participant, purpose))

    signals.consent_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        say(person, "given")
        say(person, "withdrawn", at=NOW + DAY)
        say(person, "withdrawn", at=NOW + 2 * DAY)
    assert heard == [(person, "invite")]


@pytest.mark.parametrize(("reason", "source"), [("manual", "telephone"), ("unsubscribed", "Brevo")])
def test_a_link_never_takes_back_what_staff_or_a_provider_entered(person, reason, source):
    kept = {"address": person.email, "purpose": "invite", "reason": reason, "source": source}
    barring.suppress(**kept, at=NOW)
    at = timezone.now()
    choosing.leave(participant=person, purposes=["invite"], channel="leave_page", at=at)
    choosing.come_back(participant=person, at=timezone.now())
    assert not person.permissions.get(purpose="invite").may_write


# Time, pauses and imports


def test_an_agreement_ends_two_years_after_it_was_given(person):
    row = person.permissions.get()
    assert row.recheck_at == row.since + 730 * DAY
    assert settling.settle_due(at=NOW + 731 * DAY) == 1
    assert standing(person) == "lapsed"


def test_an_agreement_that_ran_out_stays_so_when_the_site_lengthens_the_time(person, settings):
    settling.settle_due(at=NOW + 731 * DAY)
    settings.WAGTAIL_ENGAGEMENT_PERMISSION_DAYS = 2000
    settling.settle([person.pk], at=NOW + 732 * DAY)
    assert standing(person) == "lapsed"


def test_a_pause_ends_by_itself(person):
    say(person, "paused", at=NOW + DAY, until=NOW + 30 * DAY)
    assert standing(person) == "paused"
    settling.settle_due(at=NOW + 30 * DAY)
    assert standing(person) == "granted"


def test_an_old_sheet_never_takes_back_that_somebody_stopped(person):
    say(person, "withdrawn", at=NOW + DAY)
    say(person, "given", at=NOW + 2 * DAY, channel="import")
    assert standing(person) == "stopped"


def test_an_undone_import_counts_for_nothing(person):
    batch = ImportBatch.objects.create()
    say(person, "withdrawn", at=NOW + DAY, channel="import", batch_id=batch.pk)
    assert standing(person) == "stopped"
    say(person, "retracted", at=NOW + 2 * DAY, batch_id=batch.pk)
    assert standing(person) == "granted"


def test_a_record_merged_into_another_has_no_permission_of_its_own(person):
    person.merged_into = factories.ParticipantFactory()
    person.save()
    settling.settle([person.pk], at=NOW)
    assert not person.permissions.exists()


def test_being_told_ends_no_pause_and_adds_nothing_to_an_agreement(person):
    before = person.permissions.get().recheck_at
    say(person, "paused", at=NOW + DAY, until=NOW + 30 * DAY)
    say(person, "informed", at=NOW + 2 * DAY, channel="import")
    assert standing(person) == "paused"
    settling.settle_due(at=NOW + 30 * DAY)
    assert person.permissions.get().recheck_at == before


def test_permissions_from_before_are_told_apart_as_a_replay_tells_them():
    people = {name: factories.ParticipantFactory() for name in ("agreed", "told", "undone")}
    batch = ImportBatch.objects.create()
    of_batch = {"channel": "import", "batch_id": batch.pk}
    say(people["agreed"], "informed", at=NOW - DAY)
    say(people["agreed"], "given")
    say(people["agreed"], "paused", until=NOW + DAY)
    say(people["told"], "informed")
    say(people["undone"], "given", **of_batch)
    say(people["undone"], "retracted", at=NOW + DAY, **of_batch)
    say(people["undone"], "informed")
    right = dict(ContactPermission.objects.values_list("participant", "is_by_consent"))
    ContactPermission.objects.update(is_by_consent=False)
    import_module(f"wagtail_engagement.migrations.{REPLAY}").replay(apps, None)
    assert dict(ContactPermission.objects.values_list("participant", "is_by_consent")) == right
    assert sorted(right.values()) == [False, False, True]
