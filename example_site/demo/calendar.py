"""Days of the demo's history, counted from today, as moments of the site's clock."""

import datetime
import random

from django.utils import timezone


def moment(day: int, hour: int = 9, minute: int = 0) -> datetime.datetime:
    """Return a time of the day so many days from today."""
    date = timezone.localdate() + datetime.timedelta(days=day)
    local = timezone.make_aware(datetime.datetime.combine(date, datetime.time(hour, minute)))
    # In UTC an hour is an hour, also when the clocks change.
    return local.astimezone(datetime.UTC)


def end_of_history() -> datetime.datetime:
    """Nothing is invented after last midnight, so that one seed tells one story all day."""
    return moment(0, 0)


def some_time(
    rng: random.Random, start: datetime.datetime, end: datetime.datetime
) -> datetime.datetime:
    """Return a waking hour between two moments: most people answer early, some at the last."""
    early, late = rng.betavariate(1, 3.5), rng.betavariate(5, 1)
    while True:
        share = rng.choices((early, rng.random(), late), weights=(5, 3, 2))[0]
        day = timezone.localtime(start + (end - start) * share)
        hour = min(23, max(6, round(rng.gauss(17, 4.5))))
        found = day.replace(
            hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0
        )
        if start <= found < end:
            return found.astimezone(datetime.UTC)
        early, late = rng.betavariate(1, 3.5), rng.betavariate(5, 1)
