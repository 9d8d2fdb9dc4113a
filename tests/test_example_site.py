"""The example site stands on its own settings, so it is started as its readers start it."""

import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "example_site" / "manage.py"


def test_the_example_site_starts_and_has_nothing_to_complain_about():
    run = subprocess.run(
        [
            sys.executable,
            MANAGE,
            "check",
            "--settings=example_site.settings",
            "--fail-level=WARNING",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
