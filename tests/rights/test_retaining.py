import datetime
import io
import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests import factories
from tests.test_public_sweep import snapshot
from wagtail_engagement import models, work
from wagtail_engagement.consent import settling
from wagtail_engagement.imports import files
from wagtail_engagement.participants import choosing, merging, registry, renewing
from wagtail_engagement.rights import retaining

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
NOW = timezone.now()


def somebody(agreed_days_ago=None, **fields):
    person = factories.ParticipantFactory(**fields)
    if agreed_days_ago is not None:
        at = NOW - agreed_days_ago * DAY
        factories.ConsentEventFactory(participant=person, at=at)
        settling.settle([person.pk], at=at)
    return person


def answered(days_ago, person=None, **fields):
    """A response to a consultation that was decided so many days ago."""
    asked = factories.ConsultationFactory(
        closed=True, answered_at=NOW - days_ago * DAY, closes_at=NOW - (days_ago + 9) * DAY
    )
    version = factories.FormVersionFactory(consultation=asked)
    return factories.ConsultationResponseFactory(form_version=version, participant=person, **fields)


def is_kept(person):
    return models.Participant.objects.filter(pk=person.pk).exists()


def days_of(person):
    person.refresh_from_db()
    return person.kept_until and (person.kept_until - NOW).days


@pytest.fixture
def town(settings, tmp_path):
    """People and things at every stage."""
    settings.WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(tmp_path)
    somebody(), somebody(100), somebody(701), somebody(729), somebody(735)
    somebody(kept_until=NOW - DAY), somebody(kept_until=NOW + 9 * DAY)
    somebody(10, kept_until=NOW + DAY)
    claim = factories.ClaimFactory(confirmed_at=NOW - 400 * DAY, created_at=NOW - 400 * DAY)
    answered(200, somebody(), claim=claim), answered(170, somebody())
    factories.ResponseContactFactory(response=answered(200))
    factories.ClaimFactory(created_at=NOW - 20 * DAY, both=True)
    factories.ParticipantInterestFactory(inferred=True, renewed_at=NOW - 800 * DAY)
    factories.ParticipantInterestFactory(participant=somebody(720), renewed_at=NOW - 900 * DAY)
    merging.merge(kept=somebody(5), merged=somebody(50), actor=None, at=NOW - 29 * DAY)
    paused = somebody(600)
    renewing.pause(participant=paused, months=6, at=NOW - 100 * DAY)
    renewing.pause(participant=somebody(715), months=1, at=NOW - 30 * DAY)
    renewing.pause(participant=somebody(715), months=3, at=NOW - 30 * DAY)
    choosing.leave(participant=somebody(9), purposes=None, channel="choices", at=NOW)
    name, digest = files.keep(io.BytesIO(b"a@example.com"))
    models.ImportBatch.objects.create(
        filename="a.csv", stored_as=name, sha256=digest, created_at=NOW - 29 * DAY
    )


def test_a_run_does_what_the_plan_said_and_a_second_run_nothing(town):
    for days in (0, 1, 2, 15, 30, 31, 32, 60, 200, 400, 731, 770):
        at = NOW + days * DAY
        said = retaining.plan(at=at)
        assert retaining.run(at=at) == said, days
        assert not any(retaining.run(at=at).values()), days
    assert models.Participant.objects.count() == 0


def test_a_plan_changes_nothing(town):
    before = snapshot()
    assert sum(retaining.plan(at=NOW + 40 * DAY).values()) > 8
    assert snapshot() == before


def test_somebody_without_a_reason_goes_after_thirty_days_and_the_run_keeps_count():
    person = somebody()
    retaining.run(at=NOW)
    assert days_of(person) == 30
    retaining.run(at=NOW + 29 * DAY)
    assert is_kept(person)
    retaining.run(at=NOW + 31 * DAY)
    assert not is_kept(person)
    assert models.RetentionRun.objects.first().counts["removed"] == 1


def the_law(person):
    models.Participant.objects.filter(pk=person.pk).update(must_be_notified=True)


def an_agreement(person):
    factories.ConsentEventFactory(participant=person, at=NOW)
    settling.settle([person.pk], at=NOW)


def a_pause(person):
    an_agreement(person)
    renewing.pause(participant=person, months=12, at=NOW)


def an_awaited_result(person):
    factories.ConsentEventFactory(participant=person, result=True, at=NOW)
    settling.settle([person.pk], at=NOW)


def an_answer(person):
    answered(10, person)


def a_claim(person):
    factories.ClaimFactory(email=person.email, both=True)


def a_request(person):
    models.RightsRequest.objects.create(kind="access", participant=person)


@pytest.mark.parametrize(
    "reason",
    [the_law, an_agreement, a_pause, an_awaited_result, an_answer, a_claim, a_request],
)
def test_whoever_there_is_a_reason_for_stays_and_loses_an_earlier_end(reason):
    person = somebody(kept_until=NOW - DAY)
    reason(person)
    assert retaining.run(at=NOW)["released"] == 1
    assert is_kept(person) and days_of(person) is None


def test_an_agreement_outlasts_a_bounce_and_ends_when_it_would_have_ended():
    person, stranger = somebody(100), somebody()
    for each in (person, stranger):
        factories.SuppressionFactory(address=each.email, reason="bounced", at=NOW - 9 * DAY)
        settling.settle([each.pk], at=NOW)
    assert person.permissions.get().reason == "undeliverable"
    for days in (0, 31, 629):
        retaining.run(at=NOW + days * DAY)
    assert is_kept(person) and days_of(person) is None and not is_kept(stranger)
    for days in (631, 662):
        retaining.run(at=NOW + days * DAY)
    assert not is_kept(person)


def test_a_wish_to_hear_a_result_is_no_reason_for_ever():
    response = answered(200)
    person = somebody()
    factories.ConsentEventFactory(
        participant=person, purpose="result", consultation=response.consultation
    )
    settling.settle([person.pk], at=NOW)
    assert retaining.run(at=NOW)["quarantined"] == 1


def test_whoever_left_is_gone_later_and_never_comes_back_by_a_sheet():
    person = somebody(20)
    choosing.leave(participant=person, purposes=None, channel="choices", at=NOW)
    for days in (0, 31):
        retaining.run(at=NOW + days * DAY)
    assert not is_kept(person)
    assert models.Suppression.objects.of_address(person.email).exists()


def test_answers_stay_when_they_are_cut_from_the_person_and_the_contact_goes():
    person = somebody(1)
    claim = factories.ClaimFactory(confirmed_at=NOW, participant=person)
    response = answered(184, person, claim=claim)
    factories.AnswerFactory(response=response)
    factories.ResponseContactFactory(response=response)
    young = answered(182, person)
    assert retaining.run(at=NOW)["answers"] == 1
    response.refresh_from_db(), young.refresh_from_db()
    assert (response.participant, response.claim, young.participant) == (None, None, person)
    assert response.answer_rows.count() == 1
    assert not models.ResponseContact.objects.exists() and not models.Claim.objects.exists()


def test_with_the_answers_goes_who_answered_from_an_invitation_and_its_sums_stay():
    old, young = answered(184), answered(182)
    for response in (old, young):
        invitation = factories.InvitationFactory(consultation=response.consultation)
        factories.DeliveryFactory(invitation=invitation, accepted=True, has_answered=True)
        factories.DeliveryFactory(invitation=invitation, state="skipped", reason="answered")
        models.ConsultationResponse.objects.filter(pk=response.pk).update(
            route="invitation", route_key=invitation.code
        )
    assert retaining.plan(at=NOW)["flags"] == retaining.run(at=NOW)["flags"] == 2
    assert retaining.run(at=NOW)["flags"] == 0
    sent, left_out, *others = models.Delivery.objects.order_by("pk")
    assert sent.participant and not sent.has_answered
    assert (left_out.participant, left_out.reason) == (None, "answered")
    assert all(row.participant for row in others) and others[0].has_answered
    assert not models.ConsultationResponse.objects.filter(route_key="").exists()


@pytest.mark.parametrize(
    ("closed", "expected", "is_cut"),
    [
        (366, None, True),
        (364, None, False),
        (366, -182, False),
        (400, -184, True),
        (9, -300, False),
    ],
)
def test_without_a_decision_answers_are_cut_a_year_after_closing(closed, expected, is_cut):
    response = answered(1, somebody(1))
    day = timezone.localdate(NOW) + expected * DAY if expected else None
    models.Consultation.objects.update(
        answered_at=None, closes_at=NOW - closed * DAY, decision_expected_on=day
    )
    assert retaining.run(at=NOW)["answers"] == is_cut
    response.refresh_from_db()
    assert (response.participant is None) == is_cut


def test_an_agreement_that_ran_out_after_it_was_asked_about_ends_and_then_the_record():
    person = somebody(701)
    assert retaining.run(at=NOW)["asked"] == 1
    assert retaining.run(at=NOW + 30 * DAY)["agreements"] == 1
    assert person.consent_events.last().action == "lapsed" and days_of(person) == 60
    retaining.run(at=NOW + 61 * DAY)
    assert not is_kept(person)


def test_somebody_who_confirms_meanwhile_is_not_removed():
    person = somebody(kept_until=NOW - DAY)
    claim = factories.ClaimFactory(email=person.email, mailed=True)
    assert retaining.plan(at=NOW + 20 * DAY)["removed"] == 1
    registry.register(mail=claim.mail, at=NOW)
    assert retaining.run(at=NOW + 20 * DAY)["removed"] == 0 and is_kept(person)


def test_a_closed_request_keeps_its_receipt_alone():
    row = models.RightsRequest.objects.create(
        kind="access", participant=somebody(1), closed_at=NOW - 731 * DAY, receipt={"counts": {}}
    )
    retaining.run(at=NOW)
    row.refresh_from_db()
    assert row.participant is None and row.receipt == {"counts": {}}


def test_the_note_about_a_letter_goes_with_the_closed_request():
    told = {"note": "File 12, Ada", "mailbox_gone": True}
    row = models.RightsRequest.objects.create(
        kind="access", participant=somebody(1), closed_at=NOW - 731 * DAY, receipt=told
    )
    retaining.run(at=NOW)
    row.refresh_from_db()
    assert row.receipt == {}


def test_rows_of_a_sheet_that_nobody_looked_at_are_left_out_without_their_cells():
    batch = models.ImportBatch.objects.create(
        filename="a.csv", sha256="a", status="finished", finished_at=NOW - 31 * DAY
    )
    models.ImportRow.objects.create(batch=batch, number=2, outcome="review", values=["Ada"])
    assert retaining.run(at=NOW)["rows"] == 1
    row = models.ImportRow.objects.get()
    assert (row.outcome, row.values) == ("refused", None)


def test_more_than_one_batch_is_gone_through(monkeypatch):
    monkeypatch.setattr(retaining, "AT_ONCE", 2)
    for _number in range(5):
        somebody(kept_until=NOW - DAY)
    assert retaining.run(at=NOW)["removed"] == 5


def test_a_run_that_was_ended_early_goes_on_the_same_day_and_a_whole_one_does_not():
    somebody(kept_until=NOW - DAY)
    assert retaining.daily(at=NOW, stopping=lambda: True) == 1
    assert models.Participant.objects.exists()
    assert retaining.daily(at=NOW) == 2
    assert retaining.daily(at=NOW) == 0 and models.RetentionRun.objects.count() == 2
    assert retaining.daily(at=NOW + DAY) == 1


def test_what_providers_reported_is_known_for_ninety_days():
    models.ProviderEvent.objects.create(key="x", provider="Postmark", received_at=NOW)
    assert retaining.run(at=NOW + 89 * DAY)["events"] == 0
    assert retaining.plan(at=NOW + 91 * DAY)["events"] == 1
    assert retaining.run(at=NOW + 91 * DAY)["events"] == 1
    assert not models.ProviderEvent.objects.exists()


def test_a_worker_runs_the_clocks_once_a_day():
    somebody(kept_until=NOW - DAY)
    found = [work.drain(owner="me", at=NOW + n * DAY / 99)["retention"] for n in range(3)]
    assert found[0] > 0 and found[1:] == [0, 0]


def command(*options):
    out = io.StringIO()
    call_command("engagement_retention", *options, stdout=out)
    return out.getvalue()


def test_the_command_says_what_each_clock_would_do_and_when_the_next_is_due():
    somebody(kept_until=NOW - DAY), somebody(kept_until=NOW + 9 * DAY)
    said = command("--dry-run")
    assert "1  People whom there is no reason to keep are removed" in said
    assert "WAGTAIL_ENGAGEMENT_QUARANTINE_DAYS: 30 days" in said
    assert f"next on {timezone.localdate(NOW + 9 * DAY)}" in said
    assert models.Participant.objects.count() == 2 and "Nothing was changed" in said


def test_the_command_for_machines_has_the_same_counts_before_and_after(town):
    before, after = (json.loads(command("--json", *o)) for o in (["--dry-run"], []))
    counts = [[(c["clock"], c["count"]) for c in said["clocks"]] for said in (before, after)]
    assert counts[0] == counts[1] and dict(counts[0])["removed"] == 1
    assert (before["dry_run"], after["dry_run"]) == (True, False)


@pytest.mark.parametrize("setting", ["PERMISSION_DAYS", "INTEREST_DAYS", "QUARANTINE_DAYS"])
def test_a_clock_that_is_set_to_nothing_breaks_nothing(setting, settings, town):
    setattr(settings, f"WAGTAIL_ENGAGEMENT_{setting}", 0)
    for days in (0, 40, 800):
        said = retaining.plan(at=NOW + days * DAY)
        assert retaining.run(at=NOW + days * DAY) == said
        assert not any(retaining.run(at=NOW + days * DAY).values())
    assert "Nothing was changed" in command("--dry-run")


def test_an_agreement_that_ended_during_a_pause_is_written_down_when_the_pause_is_over():
    person = somebody(600)
    renewing.pause(participant=person, months=6, at=NOW)
    assert retaining.run(at=NOW + 190 * DAY)["pauses"] == 1
    event = person.consent_events.last()
    assert (event.action, event.at) == ("lapsed", NOW + 130 * DAY)
    assert days_of(person) == 220
