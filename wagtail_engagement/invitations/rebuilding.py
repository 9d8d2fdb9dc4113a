"""Invitations as the journal knows them, after an older copy of the database was restored.

Whoever was handed to a mail server counts as written to, so that nobody is asked twice. What the
mail server made of it is seldom in the journal: the delivery says that the journal is the source.
"""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from .. import inserting
from ..consultations.models import Consultation
from .models import Delivery, Invitation

State = Delivery.State
Status = Invitation.Status

UNSENT = (State.PENDING, State.LEASED)
SAID = {
    "state": State.ACCEPTED,
    "reason": Delivery.Reason.JOURNAL,
    "owner": "",
    "lease_until": None,
}
# What a new row needs besides, for rows that go in without the model.
FRESH = {"attempt": 1, "provider_id": "", "bounce": "", "chosen": "", "has_answered": False}
FRESH |= {"in_summary": False}


@dataclass(frozen=True)
class Handed:
    """One message that was about to be handed over, and what the server said if it said no."""

    delivery: uuid.UUID
    invitation: uuid.UUID
    mark: str
    key_id: str
    at: datetime.datetime


def untold(handed: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these deliveries of which this database does not know that they were handed over."""
    wanted = set(handed)
    known = Delivery.objects.filter(uuid__in=wanted).exclude(state__in=UNSENT)
    return wanted - set(known.values_list("uuid", flat=True))


def start(
    *, invitation: uuid.UUID, code: str, consultation: uuid.UUID, at: datetime.datetime
) -> bool:
    """Remember that an invitation was started which is unknown here, or still a draft.

    It counts as finished: whom it missed can be asked by a new one. Returns whether anything
    changed; without its consultation there is nothing that people could be asked about twice.
    """
    ended = {
        "status": Status.FINISHED,
        "status_reason": _("Rebuilt from the journal. What was written is not known here."),
        "started_at": at,
        "finished_at": at,
    }
    found = Invitation.objects.filter(uuid=invitation)
    if found.exists():
        return bool(found.filter(status=Status.DRAFT).update(**ended))
    about = Consultation.objects.filter(uuid=consultation).first()
    if about is None:
        return False
    is_free = code and not Invitation.objects.filter(code=code).exists()
    named = {"code": code} if is_free else {}
    Invitation.objects.create(uuid=invitation, consultation=about, created_at=at, **named, **ended)
    return True


def mark_handed(rows: Mapping[uuid.UUID, Handed]) -> tuple[set[uuid.UUID], int]:
    """Mark deliveries that wait here as sent; return those that are here at all, and how many waited."""
    known = Delivery.objects.filter(uuid__in=rows).order_by()
    here = set(known.values_list("uuid", flat=True))
    forgotten = list(known.filter(state__in=UNSENT).only("pk", "uuid"))
    for row in forgotten:  # So that the links in what was sent show the choices again.
        row.fingerprint, row.key_id = rows[row.uuid].mark, rows[row.uuid].key_id
    Delivery.objects.bulk_update(forgotten, ["fingerprint", "key_id"], batch_size=500)
    minutes: dict[datetime.datetime, list[uuid.UUID]] = defaultdict(list)
    for name in here:
        minutes[rows[name].at.replace(second=0, microsecond=0)].append(name)
    changed = sum(
        Delivery.objects.filter(uuid__in=names, state__in=UNSENT).update(**SAID, handed_at=minute)
        for minute, names in minutes.items()
    )
    return here, changed


def add_handed(rows: Iterable[tuple[Handed, int]]) -> tuple[int, int]:
    """Add deliveries that this database has forgotten, with the numbers of their people.

    Returns how many were added, and how many belong to no invitation that is known here.
    """
    wanted = list(rows)
    numbers = dict(
        Invitation.objects.filter(uuid__in={handed.invitation for handed, _pk in wanted})
        .order_by()
        .values_list("uuid", "pk")
    )
    known = [(handed, pk) for handed, pk in wanted if handed.invitation in numbers]
    inserting.insert(
        Delivery,
        ["uuid", "invitation", "participant", "retry_at", "handed_at", "fingerprint", "key_id"],
        [
            (one.delivery, numbers[one.invitation], pk, one.at, one.at, one.mark, one.key_id)
            for one, pk in known
        ],
        same={**SAID, **FRESH},
        ignore_conflicts=True,
    )
    added = Delivery.objects.filter(uuid__in=[handed.delivery for handed, _pk in known])
    return added.count(), len(wanted) - len(known)


def take_back(*, back: Iterable[uuid.UUID], refused: Iterable[uuid.UUID]) -> int:
    """Let those wait again, or count as refused, whom the mail server did not take after all."""
    told = Delivery.objects.filter(state=State.ACCEPTED, reason=Delivery.Reason.JOURNAL)
    again = told.filter(uuid__in=set(back))
    running = again.exclude(invitation__status=Status.FINISHED)
    changed = running.update(state=State.PENDING, reason="", handed_at=None)
    reason = _("refused by the mail server, says the journal")
    no = {"state": State.REFUSED, "reason": reason}
    return changed + again.update(**no) + told.filter(uuid__in=set(refused)).update(**no)


def leave_out_doubles() -> int:
    """Leave out whoever waits in one invitation and got another to the same consultation."""
    got = Delivery.objects.filter(
        participant=OuterRef("participant"),
        invitation__consultation=OuterRef("invitation__consultation"),
        reason=Delivery.Reason.JOURNAL,
    )
    waiting = Delivery.objects.filter(Exists(got), state__in=UNSENT)
    return waiting.update(state=State.SKIPPED, reason=Delivery.Reason.BEFORE, owner="")


def count_again() -> None:
    """Let rebuilt invitations say how many people they reached."""
    for invitation in Invitation.objects.filter(recipients=0, status=Status.FINISHED):
        invitation.recipients = invitation.deliveries.count()
        invitation.save(update_fields=["recipients"])
