"""Workers that are killed, slowed, stopped or faced with bad files: nothing is lost or doubled."""

import datetime
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from tests import factories
from tests.site import DAY
from wagtail_engagement import work as worker
from wagtail_engagement.imports import importing, running, undoing
from wagtail_engagement.models import ConsentEvent, ContactPermission, ImportRow, Participant

from . import sheets

pytestmark = pytest.mark.django_db
ROWS = [
    [f"person{n % 9}@example.com", f"Person {n}", "Parks", "no" if n == 8 else "yes"]
    for n in range(12)
]
LATER = timezone.now() + datetime.timedelta(hours=1)


class Killed(BaseException):
    """Ends everything at once, as a signal does."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 3)
    monkeypatch.setattr(undoing, "CHUNK", 3)
    factories.InterestFactory(name="Parks")


def killed_at(statement):
    """Let `work` die at one of its statements."""
    left = [statement]

    def count(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return execute(sql, params, many, context)

    return connection.execute_wrapper(count)


def killed_over_and_over(batch):
    """Kill a worker ever later until one comes through, as long as that takes."""
    at, statement = timezone.now(), 1
    while batch.status in batch.LIVE:
        try:
            with killed_at(statement):
                sheets.work(at)
        except Killed:
            pass
        at, statement = at + datetime.timedelta(minutes=10), statement + 7
        batch.refresh_from_db()


def test_a_worker_that_is_killed_again_and_again_loses_and_doubles_nothing():
    batch = sheets.started(*ROWS)
    killed_over_and_over(batch)
    assert (batch.status, batch.rows_done, sum(batch.totals.values())) == ("finished", 12, 12)
    assert [row.number for row in batch.rows.all()] == list(range(2, 14))
    assert Participant.objects.count() == 9
    assert ConsentEvent.objects.filter(action="given").count() == 8


def test_an_undo_that_is_killed_again_and_again_ends_with_nothing_left():
    batch = sheets.brought_in(*ROWS)
    importing.undo(batch=batch, actor=batch.created_by, at=timezone.now())
    killed_over_and_over(batch)
    assert batch.status == "undone"
    assert not Participant.objects.exists() and not ConsentEvent.objects.exists()


def test_a_check_that_is_killed_begins_anew(monkeypatch):
    monkeypatch.setattr(importing, "CHECKED_AT_ONCE", 0)
    batch = sheets.received(*ROWS)
    importing.check(batch=batch, at=timezone.now())
    killed_over_and_over(batch)
    assert (batch.status, batch.rows_done, batch.rows.count()) == ("checked", 12, 12)


def test_a_sheet_that_somebody_works_on_is_left_alone_until_the_lease_ends():
    batch = sheets.started(*ROWS)
    with pytest.raises(Killed), killed_at(9):
        sheets.work()
    assert sheets.work() == 0
    assert sheets.work(LATER) == 12
    batch.refresh_from_db()
    assert batch.status == "finished"


def test_a_slow_worker_whose_lease_was_taken_writes_nothing_more(monkeypatch):
    batch = sheets.started(*ROWS)
    stored = running.store

    def overtaken(changes, terms):
        monkeypatch.setattr(running, "store", stored)
        stored(changes, terms)
        type(batch).objects.filter(pk=batch.pk).update(owner="somebody quicker")

    monkeypatch.setattr(running, "store", overtaken)
    sheets.work()
    assert not Participant.objects.exists()


def test_a_worker_that_is_told_to_stop_hands_on_at_once():
    batch = sheets.started(*ROWS)
    answers = iter([False] * 7 + [True])  # four of them while it looks ahead
    assert sheets.work(stopping=lambda: next(answers, True)) == 6
    assert sheets.work() == 6
    batch.refresh_from_db()
    assert batch.status == "finished"


def mailable():
    return set(
        ContactPermission.objects.filter(may_write=True).values_list(
            "participant__email", flat=True
        )
    )


@pytest.mark.parametrize("basis", ["consent", "legal_obligation"])
def test_a_yes_never_counts_while_a_no_of_the_same_sheet_stands_further_down(basis):
    told = {"basis": basis, "kind": "organisation"}
    rows = [sheets.row(f"{name}@example.com") for name in ("ann", "bob", "cat", "dan")]
    rows.append(sheets.row("Ann@example.com", said="no"))
    batch = sheets.received(*rows, **told)
    importing.check(batch=batch, at=timezone.now())
    foretold = [batch.totals[outcome] for outcome in ImportRow.Outcome.values]
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    sheets.work(limit=3)
    assert mailable() == {"bob@example.com", "cat@example.com"}
    sheets.work()
    batch.refresh_from_db()
    assert mailable() == {f"{name}@example.com" for name in ("bob", "cat", "dan")}
    assert [batch.totals[outcome] for outcome in ImportRow.Outcome.values] == foretold


def test_a_no_further_down_counts_for_every_address_of_a_person():
    kept = factories.ParticipantFactory(email="ann@example.com")
    factories.ParticipantFactory(email="ann.lee@example.com", merged_into=kept)
    others = [sheets.row(f"{name}@example.com") for name in ("bob", "cat")]
    no = sheets.row("ann.lee@example.com", said="no")
    sheets.started(sheets.row("ann@example.com"), *others, no)
    sheets.work(limit=3)
    assert mailable() == {"bob@example.com", "cat@example.com"}


def test_one_round_of_the_worker_is_bounded_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(worker, "ROWS_A_ROUND", 6)
    batch = sheets.started(*ROWS)
    assert worker.drain(owner="me")["imports"] == 6
    assert worker.drain(owner="me")["imports"] == 6
    worker.drain(owner="me")
    batch.refresh_from_db()
    assert batch.status == "finished"


def test_undoing_stops_an_import_that_still_runs():
    batch = sheets.started(*ROWS)
    sheets.work(limit=6)
    sheets.undone(batch)
    assert batch.status == "undone"
    assert not Participant.objects.exists()


def test_a_file_that_cannot_be_read_ends_its_import_with_a_sentence():
    batch = sheets.received(*ROWS)
    importing.files.path_of(batch).write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    importing.check(batch=batch, at=timezone.now())
    assert batch.status == "failed"
    assert "not a spreadsheet" in batch.status_reason
    assert importing.missing(batch) == []


def test_a_file_that_vanishes_half_way_leaves_nothing_half_imported():
    batch = sheets.started(*ROWS)
    sheets.work(limit=6)
    importing.files.path_of(batch).unlink()
    while sheets.work():
        pass
    batch.refresh_from_db()
    assert (batch.status, Participant.objects.count()) == ("undone", 0)
    assert "no longer here" in batch.status_reason


def test_a_fault_ends_the_import_and_not_the_worker(monkeypatch, caplog):
    batch = sheets.started(*ROWS)
    monkeypatch.setattr(running, "store", lambda *_args, **_when: {}["ann@example.com"])
    assert worker.drain(owner="me")["imports"] == 1
    batch.refresh_from_db()
    assert batch.status == "failed"
    assert "could not be handled" in batch.status_reason
    assert "ann@" not in caplog.text


def test_a_database_that_is_away_ends_nothing(monkeypatch):
    batch = sheets.started(*ROWS)
    with monkeypatch.context() as away:
        away.setattr(running, "store", Mock(side_effect=OperationalError))
        with pytest.raises(OperationalError):
            sheets.work()
    sheets.work(LATER)
    batch.refresh_from_db()
    assert batch.status == "finished"


def test_somebody_who_comes_in_by_themselves_meanwhile_is_met(monkeypatch):
    batch = sheets.started(*ROWS)
    stored, met = running.store, []

    def late(changes, terms, *, at):
        if not met:
            met.append(factories.ParticipantFactory(email="person1@example.com", name="Own"))
        stored(changes, terms, at=at)

    monkeypatch.setattr(running, "store", late)
    monkeypatch.setattr(running, "TRIES", 2)
    sheets.work()
    batch.refresh_from_db()
    assert batch.status == "finished"


def test_a_small_sheet_is_checked_while_somebody_waits():
    batch = sheets.received(*ROWS)
    importing.check(batch=batch, at=timezone.now())
    assert (batch.status, batch.rows_total) == ("checked", 12)


def test_a_check_is_made_again_when_another_sheet_changed_the_register():
    waiting = sheets.received(*ROWS)
    importing.check(batch=waiting, at=timezone.now())
    assert waiting.totals["new"] == 9
    other = sheets.brought_in(*ROWS[:3])
    waiting.refresh_from_db()
    assert (waiting.status, waiting.totals["new"]) == ("checked", 6)
    assert "Checked again" in waiting.status_reason
    importing.undo(batch=other, actor=other.created_by, at=timezone.now())
    while sheets.work():
        pass
    waiting.refresh_from_db()
    assert (waiting.status, waiting.totals["new"]) == ("checked", 9)


def test_what_is_declared_anew_is_checked_anew():
    batch = sheets.received(*ROWS)
    importing.check(batch=batch, at=timezone.now())
    importing.describe(batch=batch, at=timezone.now() + DAY, source="Another")
    assert (batch.status, batch.totals, batch.rows.count()) == ("draft", {}, 0)
