"""Wagtail's own export writes formulas as they are, so that no listing of ours offers it (S09)."""

import pytest
from django.urls import reverse

from .test_role_sweep import PERMITTED

pytestmark = pytest.mark.django_db
LISTINGS = [name for name in PERMITTED if name.endswith((":index", ":index_results", ":list"))]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LISTINGS)
def test_no_listing_is_exported_past_our_own_path(login, name, form):
    answer = login("superuser").get(reverse(name), {"export": form})
    assert answer["Content-Type"].startswith("text/html")
