"""The message that one person gets: the invitation's letter with that person's links.

Where the mail connection takes bytes, all messages of an invitation are filled into one pattern.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator
from typing import Any

from django.utils.html import escape

from .. import conf, mail
from ..line import Line
from ..participants import links
from ..participants.models import Link
from ..pattern import Pattern, ReadyMessage, hole_address, pattern_of
from . import rendering
from .models import Delivery, Invitation

Message = mail.EngagementMessage | ReadyMessage
LATE_ANSWERS = datetime.timedelta(days=30)  # should a consultation be kept open for longer
ANSWER = Link.Purpose.ANSWER.value
# As long as a link at least, so that a line that fits with a hole fits with what fills it.
HOLE_LENGTH = 160


def links_of(row: Delivery, at: datetime.datetime) -> Iterator[Link]:
    """The links of one message; the one that is answered from ends when nobody can answer."""
    for purpose in rendering.links_in(row.invitation.rendered):
        is_answer = purpose == Link.Purpose.ANSWER
        ends = row.invitation.consultation.closes_at + LATE_ANSWERS if is_answer else None
        yield links.row(
            purpose=purpose,
            uuid=row.uuid,
            at=at,
            key_id=row.key_id,
            participant_id=row.participant_id,
            expires_at=ends,
        )


class Writer:
    """Writes messages for one mail connection, and keeps the patterns that it made."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._patterns: dict[int, Pattern | None] = {}

    def message(self, row: Delivery) -> Message:
        """One person's message. Raises ValueError for an address that no mail can bear."""
        tokens = tokens_of(row)
        put = _urls(tokens)
        email: str = row.participant.email  # type: ignore[union-attr]
        if self._line.takes_bytes:
            behind = {ANSWER: rendering.behind(tokens[ANSWER])} if ANSWER in tokens else {}
            ready = self._filled(row.invitation, email, put | behind)
            if ready:
                return ready
        letter = addressed(row.invitation, tokens)
        message = built(row.invitation, email, letter, put[Link.Purpose.LEAVE])
        marked: Any = message
        marked.metadata = metadata_of(row)
        return message

    def _filled(
        self, invitation: Invitation, email: str, put: dict[str, str]
    ) -> ReadyMessage | None:
        if invitation.pk not in self._patterns:
            self._patterns[invitation.pk] = _pattern(invitation)
        pattern = self._patterns[invitation.pk]
        if pattern is None or any(len(text) > HOLE_LENGTH for text in put.values()):
            return None
        in_html = {f"html_{name}": escape(text) for name, text in put.items()}
        return pattern.fill(to=email, values={**put, **in_html})


def tokens_of(row: Delivery) -> dict[str, str]:
    """What stands in the links of one message, by purpose."""
    return {
        purpose.value: links.token(purpose=purpose, uuid=row.uuid, key_id=row.key_id)
        for purpose in rendering.links_in(row.invitation.rendered)
    }


def metadata_of(row: Delivery) -> dict[str, str]:
    """By this, providers report back."""
    return {"delivery": str(row.uuid)}


def addressed(invitation: Invitation, tokens: dict[str, str]) -> rendering.Letter:
    """The invitation's letter with links that carry these tokens."""
    answer = tokens.get(ANSWER, "")
    return rendering.address_to(invitation.rendered, **_urls(tokens), answer=answer)


def _urls(tokens: dict[str, str]) -> dict[str, str]:
    return {name: links.url(name, token) for name, token in tokens.items() if name != ANSWER}


def built(
    invitation: Invitation, to: str, letter: rendering.Letter, leave: str
) -> mail.EngagementMessage:
    """A letter of an invitation as a message to one address, with the headers for leaving."""
    return mail.build(
        to=to,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<{conf.list_id()}>",
        },
        sender=invitation.sender,
    )


def _pattern(invitation: Invitation) -> Pattern | None:
    """The invitation's message with holes for the links, those in HTML apart: they are escaped."""
    frozen = invitation.rendered
    text, html = frozen["text"], frozen["html"]
    holes: dict[str, str] = {}
    for purpose in rendering.links_in(frozen):
        for name in (purpose.value, f"html_{purpose.value}"):
            holes[name] = f"{name}{secrets.token_hex(HOLE_LENGTH)}"[:HOLE_LENGTH]
        text = text.replace(frozen[purpose], holes[purpose])
        html = html.replace(frozen[purpose], holes[f"html_{purpose.value}"])
    letter = rendering.Letter(frozen["subject"], html, text)
    message = built(invitation, hole_address(), letter, holes[Link.Purpose.LEAVE])
    return pattern_of(message, holes=holes)
