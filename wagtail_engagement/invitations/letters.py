"""The message that one person gets: the invitation's letter with that person's links.

Where the mail connection takes bytes, all messages of an invitation are filled into one pattern.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.utils.html import escape

from .. import conf, mail
from ..consent.models import ContactPermission
from ..line import Line
from ..participants import links
from ..participants.models import Link, ParticipantInterest
from ..pattern import Pattern, ReadyMessage, hole_address, pattern_of
from . import rendering
from .models import Delivery, Invitation

Message = mail.EngagementMessage | ReadyMessage
ANSWER = Link.Purpose.ANSWER.value
SOME_TOKEN = "-" * 43
# As long as a link at least, so that a line that fits with a hole fits with what fills it.
HOLE_LENGTH = 160


def reasons_for(rows: Iterable[Delivery]) -> dict[int, str]:
    """Why each of some deliveries goes to its person, in words, by delivery."""
    owned = [row for row in rows if row.participant_id]
    people = {row.participant_id for row in owned}
    asked = {int(pk) for row in owned for pk in row.invitation.rendered.get(rendering.TOPICS, ())}
    kept = ParticipantInterest.objects.filter(participant__in=people, removed_at=None)
    known: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for participant, topic, origin in kept.filter(interest__in=asked).values_list(
        "participant", "interest", "origin"
    ):
        known[participant].append((topic, origin))
    agreed = ContactPermission.objects.about_invitations().filter(is_by_consent=True)
    agreed_people = set(agreed.filter(participant__in=people).values_list("participant", flat=True))
    found = {}
    said: dict[Any, str] = {}  # Many people have the same reason.
    for row in owned:
        person: Any = row.participant_id
        names = row.invitation.rendered.get(rendering.TOPICS, {})
        mine: dict[str, list[str]] = defaultdict(list)
        for topic, origin in sorted(known[person]):
            if str(topic) in names:
                mine[origin].append(names[str(topic)])
        facts = (
            tuple((origin, *topics) for origin, topics in mine.items()),
            person in agreed_people,
        )
        if facts not in said:
            said[facts] = rendering.why(topics=mine, has_agreed=person in agreed_people)
        found[row.pk] = said[facts]
    return found


class Writer:
    """Writes messages for one mail connection, which keeps the patterns that were made for it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.reasons: dict[int, str] = {}  # Why each delivery goes to its person.
        self._urls: dict[str, str] = {}

    def _url(self, purpose: str, token: str) -> str:
        """A link, whose address but for the token is looked up once."""
        if purpose not in self._urls:
            self._urls[purpose] = links.url(purpose, SOME_TOKEN)
        return self._urls[purpose].replace(SOME_TOKEN, token)

    def message(self, row: Delivery) -> Message:
        """One person's message. Raises ValueError for an address that no mail can bear."""
        tokens = tokens_of(row)
        put = {name: self._url(name, token) for name, token in tokens.items() if name != ANSWER}
        email: str = row.participant.email  # type: ignore[union-attr]
        if self._line.takes_bytes:
            behind = {ANSWER: rendering.behind(tokens[ANSWER])} if ANSWER in tokens else {}
            ready = self._filled(row, email, put | behind)
            if ready:
                return ready
        letter = addressed(row.invitation, tokens, why=self.reasons.get(row.pk, ""))
        message = built(row.invitation.sender, email, letter, put[Link.Purpose.LEAVE])
        marked: Any = message
        marked.metadata = metadata_of(row)
        return message

    def _filled(self, row: Delivery, email: str, put: dict[str, str]) -> ReadyMessage | None:
        invitation, why = row.invitation, self.reasons.get(row.pk, "")
        # What was frozen stays as it is; by whom it is sent may change.
        key = (invitation.uuid, why, invitation.sender)
        pattern = self._line.pattern(key, lambda: _pattern(invitation, why))
        if pattern is None or any(len(text) > HOLE_LENGTH for text in put.values()):
            return None
        in_html = {f"html_{name}": escape(text) for name, text in put.items()}
        return pattern.fill(to=email, values={**put, **in_html})


def tokens_of(row: Delivery) -> dict[str, str]:
    """What stands in the links of one message, by purpose."""
    return {
        purpose.value: links.carried(purpose=purpose, uuid=row.uuid, key_id=row.key_id)
        for purpose in rendering.links_in(row.invitation.rendered)
    }


def metadata_of(row: Delivery) -> dict[str, str]:
    """By this, providers report back."""
    return {"delivery": str(row.uuid)}


def addressed(invitation: Invitation, tokens: dict[str, str], *, why: str) -> rendering.Letter:
    """The invitation's letter with links that carry these tokens, and why somebody gets it."""
    frozen = rendering.explained(invitation.rendered, why)
    answer = tokens.get(ANSWER, "")
    return rendering.address_to(frozen, **_urls(tokens), answer=answer)


def _urls(tokens: dict[str, str]) -> dict[str, str]:
    return {name: links.url(name, token) for name, token in tokens.items() if name != ANSWER}


def built(
    sender: mail.Sender | None, to: str, letter: rendering.Letter, leave: str
) -> mail.EngagementMessage:
    """A message that can be left from, by a button of the mail program or a link."""
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
        sender=sender,
    )


def _pattern(invitation: Invitation, why: str) -> Pattern | None:
    """The message of all who have one reason to get it, with holes for the links.

    Those in HTML stand apart, for they are escaped.
    """
    frozen = rendering.explained(invitation.rendered, why)
    text, html = frozen["text"], frozen["html"]
    holes: dict[str, str] = {}
    for purpose in rendering.links_in(frozen):
        for name in (purpose.value, f"html_{purpose.value}"):
            holes[name] = f"{name}{secrets.token_hex(HOLE_LENGTH)}"[:HOLE_LENGTH]
        text = text.replace(frozen[purpose], holes[purpose])
        html = html.replace(frozen[purpose], holes[f"html_{purpose.value}"])
    letter = rendering.Letter(frozen["subject"], html, text)
    message = built(invitation.sender, hole_address(), letter, holes[Link.Purpose.LEAVE])
    return pattern_of(message, holes=holes)
