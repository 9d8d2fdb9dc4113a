"""The public page of a consultation against a plain Wagtail form page with equal fields."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from .variants import Ours, Plain

GOALS = {"GET": 0.9, "POST": 0.8}
WARMING = 3


def run(*, rounds: int, requests: int) -> list[str]:
    """Print a line for each kind of request; return what was wrong with the results."""
    ours, plain = Ours(), Plain()
    kinds = {
        "GET": (plain.get, ours.get),
        "POST": (plain.post, ours.post),
        "POST and the page of thanks": (plain.post_and_read, ours.post_and_read),
    }
    print(f"{'':28}{'rate of plain':>15}{'lowest':>9}{'highest':>9}{'goal':>9}")
    for label, pair in kinds.items():
        _ratio(*pair, WARMING)  # Compiles templates and fills caches, for both.
        ratios = sorted(_ratio(*pair, requests) for _round in range(rounds))
        goal = f">= {GOALS[label]}" if label in GOALS else ""
        middle = statistics.median(ratios)
        print(f"{label:28}{middle:15.2f}{ratios[0]:9.2f}{ratios[-1]:9.2f}{goal:>9}", flush=True)
    return _differences(ours, plain, posts=2 * (WARMING + rounds * requests))


def _ratio(plain: Callable[[], Any], ours: Callable[[], Any], requests: int) -> float:
    """How many of ours are served in the time of one plain request, by the medians of a round.

    The two take turns, so that whatever else the machine does slows both alike; so does going
    first, which changes with every turn.
    """
    took: dict[Any, list[float]] = {plain: [], ours: []}
    for turn in range(requests):
        for call in (plain, ours) if turn % 2 else (ours, plain):
            start = time.perf_counter()
            call()
            took[call].append(time.perf_counter() - start)
    return statistics.median(took[plain]) / statistics.median(took[ours])


def _differences(ours: Ours, plain: Plain, *, posts: int) -> list[str]:
    """Both must have stored the same words from the same people, once for each POST."""
    stored = [sorted(map(repr, variant.stored())) for variant in (ours, plain)]
    wrong = [
        f"{posts} forms were sent and {len(rows)} stored by {name}"
        for name, rows in zip(("our page", "the plain page"), stored, strict=True)
        if len(rows) != posts
    ]
    if not wrong and stored[0] != stored[1]:
        pair = next(pair for pair in zip(*stored, strict=True) if pair[0] != pair[1])
        wrong.append("the two pages stored different answers:\n  {}\n  {}".format(*pair))
    return wrong
