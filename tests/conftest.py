"""Marks by folder, and the two things that not every machine has."""

import os
import shutil
from pathlib import Path

import pytest

from tests.page_lint import every_page_is_read  # noqa: F401  (reads every page, in every test)

TESTS = Path(__file__).resolve().parent
OUTSIDE = TESTS.parent.parent / "shared" / "data"


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by these marks
def pytest_collection_modifyitems(items):
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ("browser", "faults"):
            item.add_marker(folder)
        if item.get_closest_marker("outside") and not OUTSIDE.exists():
            item.add_marker(pytest.mark.skip(reason="../shared/data is not here"))


@pytest.fixture(scope="session")
def outside_data():
    """The folder of outside test data; for tests marked `outside`."""
    return OUTSIDE


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser: CHROMIUM, which `make test` sets, else one on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found:
        return found
    reason = "NO CHROMIUM: no browser test was run. `make test` says why none could be had."
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
