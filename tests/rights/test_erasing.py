"""Erasure leaves nothing anywhere, and says what it did."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from wagtail_engagement import models, signals
from wagtail_engagement.consent import barring
from wagtail_engagement.imports import importing
from wagtail_engagement.rights import erasing
from wagtail_engagement.rights.holdings import HOLDINGS

from .person import EMAIL, OTHER, WORD, trace_of, who_did_everything

pytestmark = pytest.mark.django_db


def erase(known, **more):
    facts = {"keeps_responses": False, "at": timezone.now(), **more}
    return erasing.erase(person=known.person, **facts)


def test_the_person_of_this_test_is_in_every_table_that_holds_people(known):
    empty = {held.model.__name__ for held in HOLDINGS if not held.model._base_manager.exists()}
    assert empty == {"Suppression"}


def test_nothing_of_an_erased_person_is_found_anywhere(
    known, folder, caplog, mailoutbox, django_capture_on_commit_callbacks
):
    marks = [mark for email in (EMAIL, OTHER) for mark in mark_of(email)]
    assert len(trace_of(folder, WORD)) > 10
    mailoutbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        erase(known)
    assert [message.to for message in mailoutbox] == [[EMAIL]]
    assert trace_of(folder, WORD) == []
    assert trace_of(folder, *marks) == ["wagtail_engagement_suppression"]
    assert WORD not in caplog.text


def mark_of(email):
    return [factories.SuppressionFactory.build(address=email).fingerprint]


def test_answers_that_are_kept_name_nobody(folder, django_capture_on_commit_callbacks):
    known = who_did_everything(folder, words="More benches")
    with django_capture_on_commit_callbacks(execute=True):
        erase(known, keeps_responses=True)
    known.response.refresh_from_db()
    assert known.response.answers == {"park": "More benches"}
    assert known.response.participant is None
    assert trace_of(folder, WORD) == []


def test_words_that_say_who_wrote_them_are_emptied_where_staff_tick_them(
    known, folder, django_capture_on_commit_callbacks
):
    texts = [(known.response.pk, "park"), (known.response.pk + 999, "park")]
    with django_capture_on_commit_callbacks(execute=True):
        request = erase(known, keeps_responses=True, texts=texts)
    assert models.ConsultationResponse.objects.filter(pk=known.response.pk).exists()
    assert request.receipt["texts"] == 1
    assert trace_of(folder, WORD) == []


def test_nobody_writes_to_an_erased_address_again(known):
    erase(known)
    rows = models.Suppression.objects.values_list("reason", "purpose")
    assert list(rows) == [("erased", None)] * 2


def test_a_report_about_another_address_stays(known):
    for email in (f"x{EMAIL}", f"{EMAIL}.au"):
        models.ProviderEvent.objects.create(key=email, provider="Postmark", payload=f'"{email}"')
    erase(known)
    assert models.ProviderEvent.objects.count() == 2


def test_a_delivery_keeps_how_it_went(known):
    erase(known)
    row = models.Delivery.objects.get()
    assert (row.state, row.reason, row.provider_id, row.participant) == ("accepted", "", "", None)


def test_what_has_not_left_is_not_sent(known):
    models.Delivery.objects.update(state="pending", reason="")
    erase(known)
    row = models.Delivery.objects.get()
    assert (row.state, row.reason) == ("skipped", "erased")


def test_a_receipt_says_what_was_done_and_names_nobody(known):
    request = erase(known)
    counts = request.receipt["counts"]
    assert (counts["Participant"], counts["ConsultationResponse"]) == (2, 1)
    assert counts["ConsentEvent"] >= 3 and request.receipt["files"] == 1
    assert request.state == "done" and request.closed_at and request.participant is None


def test_people_are_told_apart(known, folder):
    bystander = factories.ParticipantFactory(email="bob@example.com", agreed=True)
    factories.ConsultationResponseFactory(participant=bystander)
    erase(known)
    assert bystander.consent_events.count() == bystander.permissions.count() == 1
    assert bystander.responses.count() == 1 and models.Participant.objects.get() == bystander


def test_the_host_hears_of_each_record(known, django_capture_on_commit_callbacks):
    heard = []
    listener = lambda uuid, **more: heard.append(uuid)  # noqa: E731
    signals.participant_erased.connect(listener)
    with django_capture_on_commit_callbacks(execute=True):
        erase(known)
    signals.participant_erased.disconnect(listener)
    assert set(heard) == {known.person.uuid, known.other.uuid}


def test_an_import_that_still_needs_its_file_ends_and_says_why(known, folder):
    models.ImportBatch.objects.update(status="checked")
    models.ImportRow.objects.all().delete()
    erase(known)
    known.batch.refresh_from_db()
    assert known.batch.status == "failed" and "erased" in known.batch.status_reason


@pytest.mark.parametrize("status", ["running", "undoing"])
def test_nobody_else_is_stranded_where_a_sheet_is_half_brought_in(
    status, known, django_capture_on_commit_callbacks
):
    bystander = factories.ParticipantFactory(batch=known.batch)
    known.batch.rows.create(number=4, outcome="new", participant=bystander)
    so_far = {"status": status, "rows_done": 3, "last_row": 4}
    models.ImportBatch.objects.update(**so_far, mapping={"fields": {"0": "email"}})
    with django_capture_on_commit_callbacks(execute=True):
        erase(known)
    importing.work(at=timezone.now(), owner="worker", limit=9)
    known.batch.refresh_from_db()
    assert known.batch.status == "undone"
    assert not models.Participant.objects.filter(pk=bystander.pk).exists()


def test_a_sheet_of_other_people_stays(known, folder, django_capture_on_commit_callbacks):
    (folder / "sheet").write_text("email\nbob@example.com\n")
    models.ImportRow.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        erase(known)
    assert (folder / "sheet").exists()


def test_a_longer_address_is_somebody_else(folder, known, django_capture_on_commit_callbacks):
    longer = f"jo{EMAIL}"
    (folder / "sheet").write_text(f"email\n{longer}\n{EMAIL}.au\n", encoding="utf-16")
    models.ImportBatch.objects.update(totals={"review": 2, "added": 1})
    models.ImportRow.objects.filter(outcome="added").delete()
    theirs = known.batch.rows.create(number=4, outcome="review", values={"0": longer})
    with django_capture_on_commit_callbacks(execute=True):
        erase(known)
    theirs.refresh_from_db()
    assert (theirs.outcome, theirs.values) == ("review", {"0": longer})
    assert known.batch.rows.get(number=3).outcome == "refused" and (folder / "sheet").exists()
    known.batch.refresh_from_db()
    assert known.batch.totals == {"review": 1, "added": 1, "refused": 1}


def remove(number):
    """Remove people whom nothing keeps; return what went, and how many statements it took."""
    people = factories.ParticipantFactory.create_batch(number)
    factories.ConsultationResponseFactory(participant=people[0])
    ids = [person.pk for person in people]
    with CaptureQueriesContext(connection) as queries:
        counts = erasing.erase_many(ids, at=timezone.now(), suppress=False)
    return counts, len(queries)


def test_many_are_removed_without_being_called_erased():
    counts, few = remove(3)
    assert counts == {"Participant": 3, "ConsultationResponse": 1}
    assert not models.Suppression.objects.exists()
    assert models.ConsultationResponse.objects.get().participant is None
    assert remove(60)[1] == few


def test_somebody_who_left_stays_stopped_after_the_record_is_gone():
    gone = factories.ParticipantFactory(agreed=True, left=True)
    noted = factories.ParticipantFactory(agreed=True, left=True)
    barring.suppress(address=noted.email, reason="objected", at=timezone.now())
    erasing.erase_many([gone.pk, noted.pk], at=timezone.now(), suppress=False)
    rows = models.Suppression.objects.order_by("reason").values_list("reason", "purpose")
    assert list(rows) == [("objected", None), ("unsubscribed", "invite")]


def test_no_request_of_somebody_who_is_gone_stays_open(known):
    erase(known)
    assert not models.RightsRequest.objects.filter(closed_at=None).exists()
    assert {row.state for row in models.RightsRequest.objects.all()} == {"done", "lapsed"}
