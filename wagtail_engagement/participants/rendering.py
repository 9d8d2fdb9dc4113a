"""The register's own two mails. Neither carries a word that a respondent typed (trust 1.5)."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from .. import addresses, mail
from ..consent.models import ConsentWording, LawfulBasis, Purpose
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
