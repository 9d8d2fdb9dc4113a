"""How many messages a sender may hand over now, counted for all workers together.

A bucket for each unit of time holds as many tokens as the unit allows messages, and fills evenly;
every message takes one from each. So that in any time t no more leave than one full bucket and
rate times t, whatever restarts. A mail server that turns us away makes everybody wait, longer
each time, and costs no message an attempt.
"""

from __future__ import annotations

import datetime
from email.utils import parseaddr

from django.db import transaction

from .. import conf
from .teams import SendingLimit

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
FIRST_WAIT = 30
LONGEST_WAIT = 600  # A server that is back should not be waited for by a whole evening's mail.
# Clocks of several machines may differ this much without anything leaving too early.
DRIFT = datetime.timedelta(minutes=5)


def sender() -> str:
    """The address that the limits are counted for: the one that all our mail comes from."""
    return parseaddr(conf.from_email())[1].lower()


@transaction.atomic
def take(*, wanted: int, at: datetime.datetime) -> int:
    """Return how many of the wanted messages may leave now, and count them as gone."""
    row = _row(at)
    if _is_waiting(row, at):
        return 0
    rates = conf.rates(row.sender)
    if not rates:
        return wanted
    tokens = _filled(row, rates, at)
    granted = max(0, min(wanted, *(int(left) for left in tokens.values())))
    row.tokens = {unit: left - granted for unit, left in tokens.items()}
    row.filled_at = _now(row, at)
    row.save(update_fields=["tokens", "filled_at"])
    return granted


@transaction.atomic
def give_back(*, unused: int, at: datetime.datetime) -> None:
    """Put back what was taken for messages that did not leave after all."""
    if unused > 0 and conf.rates(sender()):
        row = _row(at)
        row.tokens = {unit: left + unused for unit, left in row.tokens.items()}
        row.save(update_fields=["tokens"])


@transaction.atomic
def wait(*, reason: str, at: datetime.datetime) -> None:
    """Let nobody hand anything over for a while, after a server that turned all of us away."""
    row = _row(at)
    if _is_waiting(row, at):
        return  # Several workers hear of one trouble; it is counted once.
    seconds = min(FIRST_WAIT * 2 ** min(row.failures, 10), LONGEST_WAIT)
    row.wait_until = at + datetime.timedelta(seconds=seconds)
    row.failures += 1
    row.trouble = reason[:200]
    row.save(update_fields=["wait_until", "failures", "trouble"])


def works_again() -> None:
    """Forget earlier trouble, for a message has left. One cheap statement, at most per chunk."""
    troubled = SendingLimit.objects.filter(sender=sender(), failures__gt=0)
    troubled.update(wait_until=None, failures=0, trouble="")


def trouble(at: datetime.datetime) -> SendingLimit | None:
    """What keeps everybody waiting now, None for nothing."""
    row = SendingLimit.objects.filter(sender=sender(), wait_until__gt=at).first()
    return row if row and _is_waiting(row, at) else None


def seconds_to_wait(*, at: datetime.datetime, most: float) -> float:
    """How long until something may leave: what a worker that found nothing sleeps, at most `most`."""
    row = SendingLimit.objects.filter(sender=sender()).first()
    rates = conf.rates(sender())
    if row is None or not rates or _is_waiting(row, at):
        return most
    tokens = _filled(row, rates, at)
    missing = [UNITS[unit] * (1 - left) / rates[unit] for unit, left in tokens.items()]
    # With a token in every bucket it is not the limit that lets nothing leave.
    return min(most, max(missing)) if max(missing) > 0 else most


def _row(at: datetime.datetime) -> SendingLimit:
    rows = SendingLimit.objects.select_for_update()
    return rows.get_or_create(sender=sender(), defaults={"filled_at": at})[0]


def _is_waiting(row: SendingLimit, at: datetime.datetime) -> bool:
    """A wait that lies further off than we ever wait comes from a clock that was wrong."""
    longest = datetime.timedelta(seconds=LONGEST_WAIT) + DRIFT
    return row.wait_until is not None and at < row.wait_until <= at + longest


def _filled(row: SendingLimit, rates: dict[str, float], at: datetime.datetime) -> dict[str, float]:
    """What is in the buckets by now; a unit that is new to the settings begins full."""
    seconds = max(0.0, (at - row.filled_at).total_seconds())
    return {
        unit: min(
            max(1.0, rate), row.tokens.get(unit, max(1.0, rate)) + seconds * rate / UNITS[unit]
        )
        for unit, rate in rates.items()
    }


def _now(row: SendingLimit, at: datetime.datetime) -> datetime.datetime:
    """Never earlier than before, so that two clocks do not fill a bucket twice for one second."""
    return at if row.filled_at > at + DRIFT else max(row.filled_at, at)
