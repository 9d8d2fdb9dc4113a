"""The uploaded file: whose it is, where it lies, and when it goes."""

import datetime

import pytest
from django.test import override_settings
from django.utils import timezone

from tests.site import DAY
from wagtail_engagement.imports import importing

from . import sheets
from .sheets import row

pytestmark = pytest.mark.django_db
ANN, BOB = "ann@example.com", "bob@example.com"


def test_files_go_after_their_time_and_their_hash_stays():
    batch = sheets.brought_in(row())
    path = importing.files.path_of(batch)
    later = timezone.now() + datetime.timedelta(days=29)
    assert importing.delete_due_files(at=later) == 0 and path.exists()
    assert importing.delete_due_files(at=later + 2 * DAY) == 1 and not path.exists()
    batch.refresh_from_db()
    assert batch.file_gone_at and batch.sha256 and not batch.stored_as


def test_a_row_that_nobody_looks_at_is_left_out_in_time():
    batch = sheets.brought_in(row(said="perhaps"))
    importing.delete_due_files(at=timezone.now() + 31 * DAY)
    batch.refresh_from_db()
    assert sheets.counts(batch) == {"refused": 1}
    assert batch.rows.get().values is None


def test_files_are_for_our_own_eyes_alone():
    batch = sheets.received(row())
    path = importing.files.path_of(batch)
    assert (path.stat().st_mode & 0o777, path.name.isalnum()) == (0o600, True)


def test_files_are_never_kept_where_a_web_server_shows_them(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with override_settings(WAGTAIL_ENGAGEMENT_IMPORT_DIR=str(tmp_path / "in")):
        with pytest.raises(importing.files.ImproperlyConfigured):
            importing.files.folder()
