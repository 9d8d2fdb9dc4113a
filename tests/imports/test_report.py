"""What there is to read about an import: rows with their reasons, and numbers that add up."""

import datetime

import pytest
from django.utils import timezone

from tests import factories
from wagtail_engagement.imports import importing, queries

from . import sheets

pytestmark = pytest.mark.django_db
ROWS = [
    ["ann@example.com", "Ann Lee", "", "yes"],
    ["", "Ed Hay", "", "yes"],
    ["tel only", "Di", "", "yes"],
]


def lines(batch):
    return [[str(cell) for cell in line] for line in queries.report(batch)]


@pytest.mark.parametrize("bring", [sheets.brought_in, sheets.received])
def test_the_report_shows_every_row_with_what_becomes_of_it(bring):
    batch = bring(*ROWS)
    if bring is sheets.received:
        importing.check(batch=batch, at=timezone.now())
    head, ann, ed, di = lines(batch)
    assert head[:5] == ["Row", "What becomes of it", "Column", "Why", "Email"]
    assert (ann[:2], ann[4:6]) == (["2", "new"], ["ann@example.com", "Ann Lee"])
    assert (ed[1], ed[5]) == ("without an address", "Ed Hay")
    assert (di[1:3], di[4]) == (["not imported", "Email"], "tel only")


def test_the_report_leaves_out_columns_that_are_not_stored():
    fields = {"0": "email", "1": "ignore", "3": "permission"}
    mapping = {"fields": fields, "polarity": "in"}
    secret = ["ann@example.com", "Ann Lee", "1970-01-31", "yes", "", "", "limps"]
    batch = sheets.brought_in(secret, mapping=mapping)
    head, ann = lines(batch)
    assert head[4:] == ["Email", "OK to contact?"]
    assert ann[4:] == ["ann@example.com", "yes"]


def test_the_report_goes_on_without_cells_when_the_file_is_gone():
    batch = sheets.brought_in(*ROWS)
    importing.delete_due_files(at=timezone.now() + datetime.timedelta(days=31))
    batch.refresh_from_db()
    assert [line[0] for line in lines(batch)] == ["Row", "2", "3", "4"]
    assert "Ann" not in str(lines(batch))


def test_the_numbers_of_all_outcomes_add_up():
    batch = sheets.brought_in(*ROWS)
    assert sum(number for _label, _meaning, number in queries.outcomes(batch)) == batch.rows_done


def test_a_sheet_says_when_nobody_works_on_it():
    batch, now = sheets.started(*ROWS), timezone.now()
    assert queries.is_waiting_for_a_worker(batch, at=now)
    factories.WorkerSignFactory(seen_at=now)
    assert not queries.is_waiting_for_a_worker(batch, at=now)


@pytest.mark.parametrize("bring", [sheets.brought_in, sheets.received])
def test_a_row_that_says_no_tells_so_and_is_counted(bring):
    no = ["bob@example.com", "Bob Hay", "", "no"]
    batch = bring(*ROWS, no)
    if bring is sheets.received:
        importing.check(batch=batch, at=timezone.now())
    assert lines(batch)[4][1:4] == [
        "new",
        "OK to contact?",
        "Said no on this sheet: do not contact",
    ]
    assert queries.what_goes_in(batch) == {"goes_in": 2, "said_no": 1}
    assert queries.who_may_be_invited(batch)["may_be_invited"] == 1
    assert sum(number for _label, _meaning, number in queries.outcomes(batch)) == 4


MISSING = [
    ({"words": ""}, "agreed to: the words they were shown are missing."),
    ({"collected_from": None}, "when people agreed: the days of collection are missing."),
    ({"words": "", "collected_to": None}, "the words they were shown and the days of"),
]


@pytest.mark.parametrize(("more", "told"), MISSING)
def test_the_verdict_names_what_is_missing_and_who_is_removed(more, told):
    batch = sheets.received(*ROWS, **more)
    assert told in importing.verdict(batch, timezone.now()).sentence
    some = importing.verdict(batch, timezone.now(), some_may=True).sentence
    assert "Nobody writes to the others, and they are removed" in some
