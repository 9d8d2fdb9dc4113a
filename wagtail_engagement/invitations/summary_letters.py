"""What a summary says: each invitation in a few lines, with one way to leave and to choose.

The part of an invitation is frozen when it starts, like its letter. A summary of one invitation is
that invitation's own letter.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..consent import queries as consent_queries
from ..consultations.models import Consultation
from ..participants import links
from ..participants.models import Link
from . import letters, rendering
from .models import Delivery, Invitation

WORDS = 40
TEMPLATE = "wagtail_engagement/mail/summary"


def with_part(invitation: Invitation) -> dict[str, str]:
    """The frozen letter of an invitation, with what stands of it in a summary."""
    frozen: dict[str, str] = invitation.rendered
    code = invitation.code if "answer" in frozen else ""
    url = rendering.consultation_address(invitation, code, frozen.get("answer", ""))
    return {**frozen, **_part(invitation, url)}


def preview(invitation: Invitation) -> rendering.Letter:
    """A summary with this invitation and another one in it; its links lead nowhere."""
    about = invitation.consultation
    with _as_the_site_speaks():
        opening = escape(_("Here stand the first words of another invitation."))
        title = _("Another consultation")
    another = Consultation(title=title, closes_at=about.closes_at)
    other = Invitation(consultation=another, opening=f"<p>{opening}</p>")
    url = rendering.consultation_address(invitation, "")
    frame = _frame([_part(invitation, url), _part(other, rendering.INERT)])
    return rendering.address_to(frame, choices=rendering.INERT, leave=rendering.INERT)


def _part(invitation: Invitation, url: str) -> dict[str, str]:
    """What stands of an invitation in a summary, in both kinds."""
    about = invitation.consultation
    said = rendering.as_text(rendering.clean(invitation.opening)) or about.summary
    context = {
        "consultation": about,
        "is_reminder": invitation.reminds_id is not None,
        # In no words of a sensitive one may stand what it is about.
        "words": "" if about.is_sensitive else Truncator(" ".join(said.split())).words(WORDS),
        "url": url,
    }
    with _as_the_site_speaks():
        return {
            f"part_{kind}": render_to_string(f"{TEMPLATE}_part.{kind}", context).strip()
            for kind in ("html", "txt")
        }


def shown(frozen: dict[str, str]) -> str:
    """What stands of an invitation in summaries, without anybody's link; "" where nobody waits."""
    said = frozen.get("part_txt", "")
    return said.replace(frozen["answer"], "") if "answer" in frozen else said


class Book:
    """Writes summaries for one mail connection, and keeps those that are alike for many people."""

    def __init__(self, writer: letters.Writer) -> None:
        self._writer = writer
        self._frames: dict[tuple[int, ...], dict[str, str]] = {}

    def message(self, rows: list[Delivery]) -> letters.Message:
        """The message of one person's rows. Raises ValueError for an address no mail can bear."""
        if len(rows) == 1:
            return self._writer.message(rows[0])
        rows = sorted(rows, key=lambda row: (row.invitation.consultation.closes_at, row.pk))
        invitations = [row.invitation for row in rows]
        alike = tuple(invitation.pk for invitation in invitations)
        if alike not in self._frames:
            self._frames[alike] = _frame([invitation.rendered for invitation in invitations])
        first = min(rows, key=lambda row: row.pk)  # As whose the links are known.
        choices, leave = (_url(purpose, first) for purpose in ("choices", "leave"))
        letter = rendering.address_to(self._frames[alike], choices=choices, leave=leave)
        letter = _with_answers(letter, rows)
        teams = {invitation.team for invitation in invitations}
        sender = invitations[0].sender if len(teams) == 1 else None
        email: str = first.participant.email  # type: ignore[union-attr]
        message: Any = letters.built(sender, email, letter, leave)
        message.metadata = {"delivery": str(first.uuid)}  # By this, providers report back.
        return message


def _url(purpose: str, row: Delivery) -> str:
    return links.url(purpose, links.carried(purpose=purpose, uuid=row.uuid, key_id=row.key_id))


def _with_answers(letter: rendering.Letter, rows: list[Delivery]) -> rendering.Letter:
    """Put behind each consultation's address what tells that somebody answered from it."""
    html, text = letter.html, letter.text
    for row in rows:
        if mark := row.invitation.rendered.get("answer"):
            token = links.carried(purpose=Link.Purpose.ANSWER, uuid=row.uuid, key_id=row.key_id)
            put = rendering.behind(token)
            html, text = html.replace(mark, escape(put)), text.replace(mark, put)
    return rendering.Letter(letter.subject, html, text)


def _frame(parts: list[dict[str, str]]) -> dict[str, str]:
    """The summary of some invitations with marks for the links, as `rendering.address_to` reads it."""
    marks = {name: f"{name}-{secrets.token_hex(16)}" for name in ("choices", "leave")}
    with _as_the_site_speaks():
        subject = ngettext(
            "%(number)s consultation that may matter to you",
            "%(number)s consultations that may matter to you",
            len(parts),
        ) % {"number": len(parts)}
        complaints = rendering.clean(consent_queries.site_settings().complaints)
        context = {
            "subject": subject,
            "parts": [mark_safe(part["part_html"]) for part in parts],  # noqa: S308
            "parts_text": [part["part_txt"] for part in parts],
            "why": _(
                "You get this email because you agreed that we may tell you about consultations,"
                " and chose to hear of them together."
            ),
            "organisation": consent_queries.organisation(),
            "complaints": mark_safe(complaints),  # noqa: S308  cleaned just above
            "complaints_text": rendering.as_text(complaints),
            "choices_url": marks["choices"],
            "leave_url": marks["leave"],
        }
        html = render_to_string(f"{TEMPLATE}.html", context)
        text = render_to_string(f"{TEMPLATE}.txt", context)
    return {"subject": subject, "html": html, "text": text, **marks}


@contextmanager
def _as_the_site_speaks() -> Iterator[None]:
    """In the site's language and by its clock, whoever pressed Send."""
    home = timezone.get_default_timezone()
    with translation.override(settings.LANGUAGE_CODE), timezone.override(home):
        yield
