"""The register's own mails. None of them carries a word that a respondent typed (trust 1.5)."""

from __future__ import annotations

import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from .. import addresses, conf, mail
from ..consent.models import (
    ConsentEvent,
    ConsentWording,
    LawfulBasis,
    Purpose,
)
from ..consent.queries import organisation, wordings_by_id
from . import links
from .models import Claim, Interest, Link, Participant, RegisterMail

# Asks mail programs not to answer with an absence note (RFC 3834, and Microsoft's own header).
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


def ticked(granted: dict[Claim, dict[str, int]]) -> list[dict[str, Any]]:
    """Return what was agreed to, in the words that were shown: label, about, topics and forms.

    `forms` says how many forms asked for the same, for one of them may be somebody else's. A
    sensitive consultation is "a consultation" (Settled 12).
    """
    ids = {pk for given in granted.values() for pk in given.values()}
    wordings = wordings_by_id(ids)
    topic_ids = {pk for claim in granted for pk in claim.interest_ids}
    topics = dict(Interest.objects.filter(pk__in=topic_ids).values_list("pk", "name"))
    lines: list[dict[str, Any]] = []
    for claim, given in granted.items():
        for purpose, wording_id in given.items():
            line = {
                "label": _agreed_to(wordings.get(wording_id)),
                "about": _about(claim) if purpose == Purpose.RESULT else "",
                "topics": [
                    topics[pk]
                    for pk in claim.interest_ids
                    if purpose == Purpose.INVITE and pk in topics
                ],
            }
            same = next((known for known in lines if line.items() <= known.items()), None)
            if same:
                same["forms"] += 1
            else:
                lines.append({**line, "forms": 1})
    return lines


def _agreed_to(wording: ConsentWording | None) -> str:
    """The words beside a box that was ticked; on public task those that were told instead."""
    if wording is None:
        return ""
    told = wording.basis == LawfulBasis.PUBLIC_TASK
    return wording.hint or wording.get_purpose_display() if told else wording.label


def _about(claim: Claim) -> str:
    if claim.consultation is None or claim.consultation.is_sensitive:
        return _("a consultation")
    return str(claim.consultation.title)


def confirmation(
    *, mail_row: RegisterMail, granted: dict[Claim, dict[str, int]], to: str
) -> mail.EngagementMessage:
    """Return the mail that asks the owner of an address to confirm what was ticked."""
    return _message(
        "confirm",
        to=to,
        subject=_("Confirm your email address"),
        url=_url(mail_row, Link.Purpose.CONFIRM),
        ticked=ticked(granted),
    )


def fresh(*, mail_row: RegisterMail, participant: Participant) -> mail.EngagementMessage:
    """Return the mail with a link that works once, for a day."""
    return _message(
        "fresh",
        to=participant.email,
        subject=_("Your link"),
        url=_url(mail_row, Link.Purpose.FRESH),
        masked=addresses.mask(participant.email),
    )


def identity(*, mail_row: RegisterMail, participant: Participant) -> mail.EngagementMessage:
    """Return the mail that asks somebody whether a request about their data is their own."""
    request: Any = mail_row.requests.first()
    return _message(
        "identity",
        to=participant.email,
        subject=_("Did you ask for this?"),
        url=_url(mail_row, Link.Purpose.IDENTITY),
        asks_for=request.get_kind_display() if request else "",
    )


def change_of_address(
    *, mail_row: RegisterMail, person: Participant, to: str
) -> mail.EngagementMessage:
    """Return the mail that asks a new address whether to use it, or tells the old one."""
    if mail_row.kind == RegisterMail.Kind.MOVE:
        return _message(
            "move",
            to=to,
            subject=_("Use this address?"),
            url=_url(mail_row, Link.Purpose.MOVE),
            masked=addresses.mask(person.email),
        )
    return _message(
        "moved",
        to=to,
        subject=_("We write to another address now"),
        masked=addresses.mask(person.email),
        write_to=conf.reply_to() or conf.from_email(),
    )


def renewal(
    *, mail_row: RegisterMail, person: Participant, ends_at: datetime.datetime
) -> mail.EngagementMessage:
    """Return the mail that asks whether we may go on writing, before an agreement ends."""
    leave = _url(mail_row, Link.Purpose.LEAVE)
    message = _message(
        "renew",
        to=person.email,
        subject=_("May we go on writing to you?"),
        url=_url(mail_row, Link.Purpose.RENEW),
        choices_url=_url(mail_row, Link.Purpose.CHOICES),
        leave_url=leave,
        agreement=agreement_of(person.pk),
        ends_at=ends_at,
    )
    message.extra_headers |= {
        "List-Unsubscribe": f"<{leave}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{conf.list_id()}>",
    }
    return message


def erased(*, to: str, receipt: dict[str, Any], **said: Any) -> mail.EngagementMessage:
    """Return the last mail to somebody, with the receipt of their erasure and what stays.

    `said`: how to complain, as `complaints` and `complaints_text`.
    """
    return _message(
        "erased",
        to=to,
        subject=_("We have erased what we held about you"),
        receipt=receipt,
        write_to=conf.reply_to() or conf.from_email(),
        **said,
    )


def agreement_of(participant_id: int) -> dict[str, Any]:
    """What somebody agreed to last: when, the words they were shown, and their topics today."""
    given = ConsentEvent.objects.filter(
        participant=participant_id, purpose=Purpose.INVITE, action=ConsentEvent.Action.GIVEN
    )
    last = given.select_related("wording", "batch").order_by("-at", "-id").first()
    kept = Interest.objects.filter(
        participant_links__participant=participant_id, participant_links__removed_at=None
    )
    return {
        "at": last and last.at,
        "words": (_agreed_to(last.wording) or (last.batch and last.batch.words)) if last else "",
        "topics": list(kept.order_by("name").values_list("name", flat=True)),
    }


def _url(mail_row: RegisterMail, purpose: str) -> str:
    made = links.token(purpose=purpose, uuid=mail_row.uuid, key_id=mail_row.key_id)
    return links.url(purpose, made)


def _message(name: str, *, to: str, subject: str, **context: Any) -> mail.EngagementMessage:
    context = {"subject": subject, "organisation": organisation(), **context}
    return mail.build(
        to=to,
        subject=subject,
        text=render_to_string(f"wagtail_engagement/mail/{name}.txt", context),
        html=render_to_string(f"wagtail_engagement/mail/{name}.html", context),
        headers=HEADERS,
    )
