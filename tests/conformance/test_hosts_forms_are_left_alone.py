"""Wagtail's own tests of its form builder pass with our apps installed."""

import os
import re
import subprocess
import sys

import pytest


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="The database makes no difference here.")
def test_wagtails_own_form_tests_pass_beside_us():
    command = [sys.executable, "-m", "django", "test", "wagtail.contrib.forms"]
    options = ["--settings", "tests.conformance.settings", "--noinput"]
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert int(re.search(r"Ran (\d+) tests", ran.stderr).group(1)) > 100
