"""All that is to be done in the background, in one function that any number may call at once."""

from __future__ import annotations

import datetime
import logging
import os
import secrets
import socket
from collections.abc import Callable
from functools import partial

from django.db import Error as DatabaseError
from django.utils import timezone

from . import mail
from .consent import settling
from .consultations import responses
from .imports import importing
from .invitations import sending as invitations
from .invitations.models import WorkerSign
from .participants import registry
from .participants import sending as confirmations
from .rights import asking, reconciling, retaining

logger = logging.getLogger(__name__)

Counts = dict[str, int]
# So that somebody who waits to confirm an address does not wait for a whole city to be invited.
INVITATIONS_A_ROUND = 200
ROWS_A_ROUND = 20_000
# What is left alone where it could not be told whether this database is older than its journal.
SENDING = ("confirmations", "invitations")
FORGOTTEN_AFTER = datetime.timedelta(days=1)


def new_owner() -> str:
    """A name for a worker that no other bears, on this machine or elsewhere."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def drain(
    *,
    owner: str,
    at: datetime.datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Counts:
    """Do what is due in every part once; return how much each part did.

    A fault in one part is logged and does not keep the others waiting; a fault of the database
    is raised. Sends are limited by what is due now: call again until everything is zero.
    """
    now = at or timezone.now()
    _sign(owner, now)
    parts: dict[str, Callable[[], int | None]] = {
        "journal": partial(reconciling.look, at=now),
        "responses": partial(responses.release_due, at=now),
        "permissions": partial(settling.settle_due, at=now),
        "claims": partial(registry.expire, at=now),
        "requests": partial(asking.lapse_due, at=now),
        "retention": partial(retaining.daily, at=now, stopping=stopping),
        "confirmations": partial(confirmations.work, at=now, stopping=stopping),
        "invitations": partial(
            invitations.work, at=at, owner=owner, limit=INVITATIONS_A_ROUND, stopping=stopping
        ),
        "imports": partial(
            importing.work, at=now, owner=owner, limit=ROWS_A_ROUND, stopping=stopping
        ),
    }
    counts: Counts = {}
    barred: tuple[str, ...] = ()
    for name, part in parts.items():
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
    return counts


def _sign(owner: str, at: datetime.datetime) -> None:
    WorkerSign.objects.update_or_create(name=owner, defaults={"seen_at": at})
    WorkerSign.objects.filter(seen_at__lt=at - FORGOTTEN_AFTER).delete()
