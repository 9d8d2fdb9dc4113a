"""What is said of an erasure: the receipt for staff and for the person, and one last mail with it.

The mail is handed over once the erasure stands, at once or never: an address that waited to be
written to would still be held.
"""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf, mail
from ..consent.queries import site_settings
from ..consultations.models import ConsultationResponse
from ..invitations import rendering as letters
from ..participants import rendering, sending
from ..participants.models import RegisterMail
from ..seal import sealing
from .holdings import HOLDINGS
from .models import RightsRequest

# What became of the last mail, and how both sides are told of it. UNKNOWN stands from the start,
# so that it is true of a mail during whose handing over the process died.
SENT, FAILED, UNKNOWN, DEAD, SENDING = "sent", "failed", "unknown", "dead", "sending"
MAILED = {
    SENDING: gettext_lazy("This receipt also goes out by email now, the last one to that address."),
    SENT: gettext_lazy("This receipt also went by email, the last one to that address."),
    FAILED: gettext_lazy(
        "The email with this receipt could not be sent. It cannot be sent later, for the address"
        " is erased."
    ),
    UNKNOWN: gettext_lazy("We cannot tell whether the email with this receipt has left."),
    DEAD: gettext_lazy("No email went out: the mailbox is gone, or mail does not arrive there."),
}
BECAME = {mail.Verdict.ACCEPTED: SENT, mail.Verdict.UNKNOWN: UNKNOWN}


def receipt_of(request: RightsRequest) -> dict[str, Any]:
    """What to tell the person and to file: reference, day, sentence and lines, without anybody.

    `mail` is what became of the mail with it, `mailed` the same in words; "" where none was due.
    """
    counts = request.receipt.get("counts", {})
    lines = [
        _("%(what)s: %(number)s") % {"what": held.heading, "number": counts[held.model.__name__]}
        for held in reversed(HOLDINGS)
        if held.model.__name__ in counts
    ]
    if request.receipt.get("files"):
        lines.append(_("Spreadsheets deleted: %(number)s") % {"number": request.receipt["files"]})
    if request.receipt.get("texts"):
        lines.append(_("Texts emptied: %(number)s") % {"number": request.receipt["texts"]})
    mailed, words = _mailed(request)
    return {
        "reference": request.reference,
        "closed_at": request.closed_at,
        "sentence": _sentence(request),
        "lines": lines,
        "answers_stay": request.keeps_responses and _had_answered(request),
        "mail": mailed,
        "mailed": words,
    }


def _mailed(request: RightsRequest) -> tuple[str, Any]:
    """What became of the mail, and that in words.

    While it is handed over, which begins when the request of a browser may be over (ATOMIC_REQUESTS),
    nobody can know more than that it goes out.
    """
    mailed = request.receipt.get("mail", "")
    begun = request.closed_at or timezone.now()
    longest = datetime.timedelta(seconds=2 * conf.mail_timeout() + 30)
    if mailed == UNKNOWN and not request.receipt.get("tried") and timezone.now() < begun + longest:
        return SENDING, MAILED[SENDING]
    return mailed, MAILED.get(mailed, "")


def _sentence(request: RightsRequest) -> str:
    if not _had_answered(request):
        return _("We have erased what the register held about you.")
    if request.keeps_responses:
        return _(
            "We have erased what the register held about you. Your answers stay without a name,"
            " as part of what was said."
        )
    return _("We have erased what the register held about you, with your answers.")


def _had_answered(request: RightsRequest) -> bool:
    return ConsultationResponse.__name__ in request.receipt.get("counts", {})


def reaches(address: str, request: RightsRequest) -> bool:
    """Whether a mail would reach somebody who is about to be erased, as far as we know."""
    if request.receipt.get("mailbox_gone") or sending.is_dead(address):
        return False
    return request.mail is None or request.mail.state != RegisterMail.State.REFUSED


def after_commit(*, request: RightsRequest, to: str) -> None:
    """Mail the receipt when the erasure stands."""

    # A partial would show the address wherever Django logs the name of what failed (S03).
    def send() -> None:
        say_goodbye(request=request, to=to)

    transaction.on_commit(send, robust=True)


def say_goodbye(*, request: RightsRequest, to: str) -> None:
    """Mail the receipt to an address that is kept nowhere, and note what became of it."""
    request.receipt["mail"] = FAILED
    if sealing.may_send(at=timezone.now()):
        receipt = mail.send_now(_message(request, to))
        request.receipt["mail"] = BECAME.get(receipt.verdict, FAILED)
        request.receipt["tried"] = True
    request.save(update_fields=["receipt"])


def _message(request: RightsRequest, to: str) -> mail.EngagementMessage:
    # The site's language and clock, like every other mail, whoever pressed the button.
    home = timezone.override(timezone.get_default_timezone())
    with translation.override(settings.LANGUAGE_CODE), home:
        complaints = letters.clean(site_settings().complaints)
        return rendering.erased(
            to=to,
            receipt=receipt_of(request),
            complaints=mark_safe(complaints),  # noqa: S308  cleaned just above
            complaints_text=letters.as_text(complaints),
        )
