"""Stop by itself when an invitation does harm: too many dead addresses, or complaints (E12).

Mailbox providers turn a council's whole mail away that goes on regardless. So does a mail server that
is set up wrong, to one person after the other until nobody is left. A person then looks, and
resumes or stops; what that person has seen does not count a second time.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .. import conf
from .kinds import Halt, Kind
from .models import Delivery, Invitation

# Shares are of at least so many, so that a small invitation is not stopped by a handful.
AT_LEAST = 500
# One complaint, or two, may be a slip of a finger.
FEWEST_COMPLAINTS = 3


def look(*, invitations: Collection[int], at: datetime.datetime) -> None:
    """Pause those of these invitations that are being sent and of which too much came back."""
    sending = Invitation.objects.filter(pk__in=invitations, status=Invitation.Status.SENDING)
    for invitation in sending:
        counts = _counts(invitation)
        seen = invitation.acknowledged
        new = {name: number - seen.get(name, 0) for name, number in counts.items()}
        if halt := _finding(new):
            _pause(invitation, halt, {**new, "handed": counts["handed"]})


def look_at_refusals() -> None:
    """Pause what is being sent and is refused too often by our own mail server, which nobody reports."""
    most = conf.kill_bounces_percent() / 100
    sending = Invitation.objects.filter(status=Invitation.Status.SENDING)
    for invitation in sending if most else ():
        seen, rows = invitation.acknowledged, invitation.deliveries.order_by()
        refused = rows.filter(state=Delivery.State.REFUSED).count() - seen.get("refusals", 0)
        if refused <= most * AT_LEAST:  # By far the most, and so the others are not counted.
            continue
        left = rows.filter(state__in=Delivery.LEFT).count() - seen.get("left", 0)
        if refused > most * (left + refused):
            _pause(invitation, Halt.REFUSALS, {"refusals": refused, "handed": left + refused})


def acknowledged(invitation: Invitation) -> dict[str, Any]:
    """What changes when somebody resumes: what stopped it has been looked at."""
    if not invitation.halted:
        return {}
    return {"halted": "", "acknowledged": _counts(invitation)}


def _counts(invitation: Invitation) -> dict[str, int]:
    return invitation.deliveries.aggregate(
        handed=Count("pk", filter=Q(handed_at__isnull=False)),
        bounces=Count("pk", filter=Q(state=Delivery.State.BOUNCED, bounce=Kind.HARD)),
        complaints=Count("pk", filter=Q(state=Delivery.State.COMPLAINED)),
        refusals=Count("pk", filter=Q(state=Delivery.State.REFUSED)),
        left=Count("pk", filter=Q(state__in=Delivery.LEFT)),
    )


def _finding(new: dict[str, int]) -> Halt | None:
    """What there is too much of, complaints first; a share of 0 per cent is never looked at."""
    of = max(new["handed"], AT_LEAST) / 100
    most = conf.kill_complaints_percent()
    if most and new["complaints"] >= FEWEST_COMPLAINTS and new["complaints"] > most * of:
        return Halt.COMPLAINTS
    most = conf.kill_bounces_percent()
    if most and new["bounces"] > most * of:
        return Halt.BOUNCES
    return None


@transaction.atomic
def _pause(invitation: Invitation, halt: Halt, new: dict[str, int]) -> None:
    told = {
        Halt.BOUNCES: _(
            "%(bad)s of %(all)s addresses do not exist. Look at where they come from, then go on"
            " or stop."
        ),
        Halt.COMPLAINTS: _(
            "%(bad)s of %(all)s people reported this email as spam. Look at whom it goes to and"
            " what it says, then go on or stop."
        ),
        Halt.REFUSALS: _(
            "The mail server refused %(bad)s of %(all)s emails. See what it says in the list of those"
            " who did not get it, then go on or stop."
        ),
    }
    bad = f"{new[halt]:,}"
    if invitation.acknowledged:
        bad = _("%(number)s more") % {"number": bad}
    numbers = {"bad": bad, "all": f"{new['handed']:,}"}
    running = Invitation.objects.filter(pk=invitation.pk, status=Invitation.Status.SENDING)
    if running.update(
        status=Invitation.Status.PAUSED,
        status_reason=(told[halt] % numbers)[:200],
        halted=halt,
    ):
        action = "wagtail_engagement.invitation_paused"
        log(invitation, action, title=str(invitation), data={"because": halt.value, **new})
