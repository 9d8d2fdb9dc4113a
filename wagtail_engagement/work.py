"""All that is to be done in the background, in one function that any number may call at once."""

from __future__ import annotations

import datetime
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import Error as DatabaseError
from django.utils import timezone

from . import mail
from .consent import settling
from .consultations import responses
from .imports import importing
from .invitations import limiting, noticing, reminding, summaries, tracking
from .invitations import sending as invitations
from .invitations.signs import WorkerSign
from .line import Line
from .participants import registry
from .participants import sending as confirmations
from .rights import asking, reconciling, retaining

logger = logging.getLogger(__name__)

Counts = dict[str, int]
# So that somebody who waits to confirm an address does not wait for a whole city to be invited.
SECONDS_A_ROUND = 5.0
ROWS_A_ROUND = 20_000
# What is left alone where it could not be told whether this database is older than its journal.
SENDING = ("confirmations", "reminders", "summaries", "invitations", "notices")
FORGOTTEN_AFTER = datetime.timedelta(days=1)


def new_owner() -> str:
    """A name for a worker that no other bears, on this machine or elsewhere."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def drain(
    *,
    owner: str,
    at: datetime.datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
    line: Line | None = None,
) -> Counts:
    """Do what is due in every part once; return how much each part did.

    A fault in one part is logged and does not keep the others waiting; a fault of the database
    is raised. Sends are limited by what is due now: call again until everything is zero. `line` is
    the worker's mail connection, for one that stays.
    """
    now = at or timezone.now()
    began = time.monotonic()
    _sign(owner, now)
    counts: Counts = {}
    barred: tuple[str, ...] = ()
    for name, part in _parts(owner, at, now, stopping, line).items():
        if stopping():
            break
        if name in barred:
            continue
        try:
            counts[name] = part() or 0
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001
            # Not the traceback: it could show an address.
            logger.error("The worker could not do its %s: %s", name, mail.scrub(error))
            counts[name] = 0
            barred = SENDING if name == "journal" else barred
    if counts.get("invitations"):
        logger.info("Invitations: %d messages handed over.", counts["invitations"])
        _sign(owner, now, sent=counts["invitations"], seconds=time.monotonic() - began)
    return counts


def _parts(
    owner: str,
    at: datetime.datetime | None,
    now: datetime.datetime,
    stopping: Callable[[], bool],
    line: Line | None,
) -> dict[str, Callable[[], int | None]]:
    sends: Any = {"at": at, "owner": owner, "line": line}
    return {
        "journal": partial(reconciling.look, at=now),
        "responses": partial(responses.release_due, at=now),
        "permissions": partial(settling.settle_due, at=now),
        "claims": partial(registry.expire, at=now),
        "requests": partial(asking.lapse_due, at=now),
        "retention": partial(retaining.daily, at=now, stopping=stopping),
        "events": partial(tracking.work, at=at, stopping=stopping),
        "confirmations": partial(confirmations.work, at=now, stopping=stopping),
        "reminders": partial(reminding.work, at=now),
        "summaries": partial(_for_a_while, summaries.work, stopping, sends),
        "invitations": partial(_for_a_while, invitations.work, stopping, sends),
        "notices": partial(noticing.work, at=now, stopping=stopping),
        "imports": partial(
            importing.work, at=now, owner=owner, limit=ROWS_A_ROUND, stopping=stopping
        ),
    }


def _for_a_while(part: Callable[..., int], stopping: Callable[[], bool], sends: Any) -> int:
    """Let a part send for some seconds, which begin with it, however long the others took."""
    over = time.monotonic() + SECONDS_A_ROUND
    return part(stopping=lambda: stopping() or time.monotonic() > over, **sends)


def seconds_to_wait(*, at: datetime.datetime, most: float) -> float:
    """How long a worker that found nothing to do sleeps: until a limit lets something leave."""
    return limiting.seconds_to_wait(at=at, most=most)


def _sign(owner: str, at: datetime.datetime, *, sent: int = 0, seconds: float = 0) -> None:
    """Leave a sign of life, with how much was sent in the last round that sent anything."""
    sign = {"seen_at": at, "sent": sent, "seconds": seconds}
    WorkerSign.objects.update_or_create(name=owner, defaults=sign)
    WorkerSign.objects.filter(seen_at__lt=at - FORGOTTEN_AFTER).delete()
