"""What happens to somebody at the very moment at which a sheet that names them comes in."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.utils import timezone

from tests import factories
from tests.threads import alone, is_blocked, meanwhile, one_at_a_time
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.imports import importing
from wagtail_engagement.models import ImportBatch
from wagtail_engagement.participants import merging

from . import sheets

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    one_at_a_time,
]


def test_a_yes_for_a_record_that_is_merged_just_now_counts_for_what_it_is_part_of():
    kept, merged = factories.ParticipantFactory.create_batch(2)
    sheets.started(sheets.row(merged.email))
    both = {"kept": kept, "merged": merged, "actor": None, "at": timezone.now()}
    meanwhile(lambda: merging.merge(**both), sheets.work)
    assert kept.permissions.get().may_write


def test_whoever_leaves_while_a_sheet_says_no_of_them_waits_in_no_ring():
    person = factories.ParticipantFactory(agreed=True)
    batch = sheets.started(sheets.row(person.email, said="no"))
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        settling.locked(pk=person.pk)
        task = pool.submit(alone, sheets.work)
        assert is_blocked(task)
        reason = {"purpose": "invite", "reason": "unsubscribed", "at": timezone.now()}
        barring.suppress(address=person.email, source="one_click", **reason)
        transaction.on_commit(lambda: task.result(timeout=20))
    batch.refresh_from_db()
    assert (person.permissions.get().reason, batch.status) == ("stopped", "finished")


@pytest.mark.parametrize("way", ["in", "out"])
def test_an_erasure_and_a_sheet_on_its_way_wait_in_no_ring(way):
    person = factories.ParticipantFactory()
    batch = sheets.started(sheets.row(person.email))
    if way == "out":
        sheets.work()
        importing.undo(batch=batch, actor=batch.created_by, at=timezone.now())
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        settling.locked(pk=person.pk)
        task = pool.submit(alone, sheets.work)
        assert is_blocked(task)
        assert ImportBatch.objects.filter(pk=batch.pk).update(file_gone_at=timezone.now())
        transaction.on_commit(lambda: task.result(timeout=20))
    batch.refresh_from_db()
    assert batch.status == {"in": "finished", "out": "undone"}[way]
