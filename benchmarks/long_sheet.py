"""Bringing in a very long sheet from the shell: that it comes to its end, and how much it holds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from wagtail_engagement.participants.models import Participant, ParticipantInterest

from . import sheets
from .importing import bring_in, empty, vocabulary

SIZES = {"small": 3_000, "full": 1_000_000}
MEMORY_GOAL = 64  # MB over the start
STATUS = Path("/proc/self/status")


def run(size: str) -> list[str]:
    """Print the time and the memory over the start; return what was wrong."""
    rows = SIZES[size]
    empty()
    vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "long.csv"
        people, links = sheets.write_long(sheet, rows=rows)
        before = _forget_peak()
        start = time.perf_counter()
        bring_in(sheet)
        took = time.perf_counter() - start
    grown = f"{_memory('VmHWM') - before:.0f} MB over the start" if before else "memory not known"
    print(f"\n{rows:,} rows in {took:,.0f} s, {grown} (goal at most {MEMORY_GOAL} MB)")
    found = (Participant.objects.count(), ParticipantInterest.objects.count())
    empty()
    wanted = (people, links)
    return [] if found == wanted else [f"a sheet of {rows} stored {found} and not {wanted}"]


def _forget_peak() -> float:
    """Let the system count the most memory anew; return what is held now, 0 where unknown."""
    if not STATUS.exists():
        return 0
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    """A line of the process's status, in MB."""
    if not STATUS.exists():
        return 0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
