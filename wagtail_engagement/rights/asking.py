"""What becomes of a request: whose it is, whether that is proved, and when it is over."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .. import addresses, nudge
from ..consultations.models import ConsultationResponse
from ..consultations.questions import Definition
from ..participants.models import Link, Participant, RegisterMail
from . import tracing
from .models import RightsRequest

Kind = RightsRequest.Kind
State = RightsRequest.State
Identity = RightsRequest.Identity

# So long a mail that asks "was it you?" can be answered.
ANSWERABLE = datetime.timedelta(days=14)
FREE_TEXT = ("text", "long_text")


class CannotAsk(Exception):
    """The request cannot be taken, or not be handled like this; the message says what to do."""


@transaction.atomic
def ask(
    *, person: Participant, facts: dict[str, Any], actor: Any, at: datetime.datetime
) -> RightsRequest:
    """Take a request down: its `kind`, how the `identity` is checked, and a `note` about that.

    By mail, the person is asked whether it is theirs. By letter, the note says where the letter
    is kept, and `mailbox_gone` that no mail reaches them. Raises CannotAsk while the same request
    is open.
    """
    Participant.objects.select_for_update(no_key=True).get(pk=person.pk)
    open_one = person.requests.filter(kind=facts["kind"], closed_at=None).first()
    if open_one:
        told = _("Request %(reference)s asks for the same and is still open. Handle that one.")
        raise CannotAsk(told % {"reference": open_one.reference})
    row = RightsRequest(
        kind=facts["kind"], identity=facts["identity"], participant=person, by=actor, asked_at=at
    )
    if row.identity == Identity.LETTER:
        _prove_by_letter(row, facts["note"], facts.get("mailbox_gone", False))
    else:
        row.state, row.mail = State.CHECKING, _mail_to(person, at)
        nudge.after_commit()
    row.save()
    log(row, "wagtail_engagement.request_opened", user=actor, title=str(row))
    return row


@transaction.atomic
def prove_by_letter(*, request: RightsRequest, note: str, mailbox_gone: bool = False) -> None:
    """Accept a letter in place of the mail that nobody answered. Raises CannotAsk."""
    row = RightsRequest.objects.select_for_update().get(pk=request.pk)
    if row.closed_at:
        raise CannotAsk(_("This request is closed."))
    _prove_by_letter(row, note, mailbox_gone)
    row.save()


def _prove_by_letter(row: RightsRequest, note: str, mailbox_gone: bool) -> None:
    if not note.strip():
        raise CannotAsk(_("Say where the letter or the note of the visit is kept."))
    row.state, row.identity = State.CONFIRMED, Identity.LETTER
    row.receipt = {"note": note.strip(), "mailbox_gone": mailbox_gone}


def _mail_to(person: Participant, at: datetime.datetime) -> RegisterMail:
    mark, key_id = addresses.fingerprint(person.email)
    return RegisterMail.objects.create(
        kind=RegisterMail.Kind.IDENTITY,
        fingerprint=mark,
        key_id=key_id,
        participant=person,
        retry_at=at,
        at=at,
    )


def behind(link: Link) -> RightsRequest | None:
    """The open request that a mailed link asks about."""
    return RightsRequest.objects.filter(
        mail__uuid=link.uuid, participant=link.participant_id, state=State.CHECKING
    ).first()


@transaction.atomic
def answer(
    *, request: RightsRequest, link: Link, is_own: bool, at: datetime.datetime
) -> RightsRequest | None:
    """Note what the owner of the address said; None where it was answered before."""
    row = RightsRequest.objects.select_for_update().get(pk=request.pk)
    if row.state != State.CHECKING:
        return None
    Link.objects.filter(pk=link.pk).update(used_at=at)
    row.state = State.CONFIRMED if is_own else State.LAPSED
    row.closed_at = None if is_own else at
    row.save(update_fields=["state", "closed_at"])
    return row


def hand_out(
    *,
    person: Participant,
    at: datetime.datetime,
    actor: Any = None,
    request: RightsRequest | None = None,
) -> RightsRequest:
    """Note that somebody was given the copy of their data, and close the request for it."""
    row = request or RightsRequest(
        kind=Kind.ACCESS, identity=Identity.MAIL, participant=person, asked_at=at
    )
    row.state, row.closed_at = State.DONE, row.closed_at or at
    row.save()
    log(row, "wagtail_engagement.participant_copied", user=actor, title=str(row))
    return row


@transaction.atomic
def close(*, request: RightsRequest, actor: Any, at: datetime.datetime) -> None:
    """Close a request that cannot be met or was taken back."""
    open_one = RightsRequest.objects.filter(pk=request.pk, closed_at=None)
    if open_one.update(state=State.LAPSED, closed_at=at):
        log(request, "wagtail_engagement.request_closed", user=actor, title=str(request))


def lapse_due(*, at: datetime.datetime) -> int:
    """Close requests that nobody confirmed in time; return how many."""
    waiting = RightsRequest.objects.filter(state=State.CHECKING, closed_at=None)
    return waiting.filter(asked_at__lte=at - ANSWERABLE).update(state=State.LAPSED, closed_at=at)


def has_answered(person: Participant) -> bool:
    """Return whether any answers are known to be this person's."""
    them = tracing.whom(Participant.objects.filter(pk=person.pk))
    return ConsultationResponse.objects.filter(participant__in=them.ids).exists()


def free_texts(person: Participant) -> list[dict[str, Any]]:
    """What somebody wrote in their own words, which may say who they are: to be read first."""
    them = tracing.whom(Participant.objects.filter(pk=person.pk))
    rows = ConsultationResponse.objects.filter(participant__in=them.ids)
    found = []
    for row in rows.select_related("consultation", "form_version").order_by("pk"):
        for question in Definition(row.form_version.definition).questions:
            words = row.answers.get(question["key"])
            if question["kind"] in FREE_TEXT and words:
                found.append(
                    {
                        "value": f"{row.pk}:{question['key']}",
                        "about": row.consultation.title,
                        "is_sensitive": row.consultation.is_sensitive,
                        "question": question["label"],
                        "words": words,
                    }
                )
    return found
