"""What the tests of the wizard's screens share."""

import pytest
from django.test import Client

from tests import factories


@pytest.fixture(autouse=True)
def a_folder_of_its_own(settings, tmp_path):
    settings.WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(tmp_path / "sheets")


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client
