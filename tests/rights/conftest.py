import pytest
from django.core.cache import cache

from .person import who_did_everything


@pytest.fixture
def folder(settings, tmp_path):
    """Where uploaded sheets lie."""
    settings.WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(tmp_path)
    cache.clear()
    return tmp_path


@pytest.fixture
def known(db, folder):
    """Somebody who did everything, and all that belongs to them."""
    return who_did_everything(folder)
