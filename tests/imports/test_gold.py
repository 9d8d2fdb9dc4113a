"""The two sheets of contacts, as a careful person brings them in: what they hold is known."""

import json
from collections import Counter, defaultdict

import pytest

from tests import factories
from wagtail_engagement.imports.models import ImportBatch, ImportRow
from wagtail_engagement.models import ContactPermission, Participant

from . import sheets

pytestmark = [pytest.mark.django_db, pytest.mark.outside]
FILES = ["Residents panel 2016 (FINAL v2).csv", "Events sign-up sheets.xlsx"]
TOPICS = {
    "Climate": ["climate emergency", "climate change"],
    "Housing": [],
    "Libraries": ["library", "libraries/culture"],
    "Parks": ["parks and green spaces"],
    "Planning": ["planning, development"],
    "Schools": ["education"],
    "Transport": ["buses", "transport & travel"],
    "Waste & recycling": ["bins", "waste/recycling"],
}
STATES = {"granted": "in", "stopped": "out", "": "unknown"}


@pytest.fixture
def contacts(outside_data):
    return outside_data / "contacts"


@pytest.fixture
def gold(contacts):
    return json.loads((contacts / "gold.json").read_text())


@pytest.fixture
def words(db):
    made = {name: factories.InterestFactory(name=name).pk for name in TOPICS}
    return {word: made[name] for name in TOPICS for word in TOPICS[name]}


def bring_in(contacts, topics, files=FILES, **more):
    return [sheets.file_in(contacts / name, topics=topics, **more) for name in files]


def test_the_strictest_word_of_everybody_stands(contacts, words, gold):
    bring_in(contacts, words)
    found = {
        p.address_key: STATES[sheets.standing(p.address_key)] for p in Participant.objects.all()
    }
    assert found == gold["final_state"]


def test_rows_are_counted_and_none_is_missing(contacts, words, gold):
    batches = bring_in(contacts, words)
    rows = Counter()
    for batch in batches:
        rows.update(batch.totals)
    assert sum(rows.values()) == sum(batch.rows_done for batch in batches)
    assert rows["new"] == gold["summary"]["distinct_emails"]
    refused = ImportRow.objects.filter(outcome="refused", column__isnull=False).count()
    assert rows["no_address"] + refused == gold["summary"]["rows_without"]
    assert sum(rows[o] for o in ("new", "added", "unchanged", "suppressed")) == 81


def test_interests_are_all_that_any_row_says(contacts, words, gold):
    bring_in(contacts, words)
    said = defaultdict(set)
    for row in gold["rows"]:
        if row["email"]:
            said[row["email"]] |= set(row["topics"])
    assert {key: set(who[2]) for key, who in sheets.register().items()} == said


def test_the_other_order_gives_the_same_register(contacts, words):
    bring_in(contacts, words)
    once = sheets.register()
    for batch in list(ImportBatch.objects.order_by("-pk")):
        sheets.undone(batch)
    assert not Participant.objects.exists()
    bring_in(contacts, words, files=FILES[::-1])
    assert sheets.register() == once


def test_the_same_files_again_change_nothing(contacts, words):
    bring_in(contacts, words)
    once = sheets.register()
    again = bring_in(contacts, words)
    assert sheets.register() == once
    assert [(batch.totals["new"], batch.totals["added"]) for batch in again] == [(0, 0), (0, 0)]


def test_nobody_is_mailable_from_an_old_sheet_without_words(contacts, words):
    old = {"collected_from": sheets.ago(3900), "collected_to": sheets.ago(3600), "words": ""}
    bring_in(contacts, words, **old)
    assert Participant.objects.count() == 66
    assert not ContactPermission.objects.filter(may_write=True).exists()
    assert not Participant.objects.filter(kept_until=None).exists()
