"""A group of one invitation, by one call where that is safe and asked for, else one by one.

A call that is refused as a whole left nothing, and says nothing of each: it is halved until the
address that it cannot bear stands alone. So one bad address costs a few calls, and nobody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import groupby

from .. import batch, mail
from ..batch import Batch, Person
from ..line import Line
from ..participants import links
from . import letters, rendering
from .letters import Message, Writer
from .models import Delivery

Verdict = mail.Verdict


def hand_over(
    rows: list[Delivery], messages: dict[int, Message], writer: Writer, line: Line
) -> Iterator[mail.Receipt]:
    """Hand over a group that is marked; yield what is known of each, in its order.

    `messages` are those that are written already.

    Once the server turns us away, nothing of the rest is tried.
    """
    waiting = [[row] for row in reversed(rows)]
    if batch.most() > 1:  # One letter for all of a call, and so one reason to get it.
        alike = groupby(rows, key=lambda row: writer.reasons.get(row.pk, ""))
        waiting = [list(group) for _why, group in alike][::-1]
    turned_away: mail.Receipt | None = None
    while waiting:
        group = waiting.pop()
        if turned_away:
            yield from [turned_away] * len(group)
            continue
        if len(group) == 1:
            receipts = [_alone(group[0], messages, writer, line)]
        else:
            together = _together(group, writer.reasons.get(group[0].pk, ""))
            if together is None:
                waiting += [[row] for row in reversed(group)]
                continue
            found = line.hand_over_together(together)
            if found is None:
                half = len(group) // 2
                waiting += [group[half:], group[:half]]
                continue
            receipts = found
        turned_away = next((one for one in receipts if one.verdict == Verdict.UNABLE), None)
        yield from receipts


def _alone(row: Delivery, messages: dict[int, Message], writer: Writer, line: Line) -> mail.Receipt:
    try:
        message = messages.get(row.pk) or writer.message(row)
    except ValueError as error:  # Whatever cannot be written was not sent.
        return mail.Receipt(Verdict.REFUSED, reason=mail.scrub(error))
    return line.hand_over(message)


def _together(rows: list[Delivery], why: str) -> Batch | None:
    """The invitation's letter with holes for the tokens of links, and everybody's own tokens."""
    invitation = rows[0].invitation
    purposes = rendering.links_in(invitation.rendered)
    # As long as what goes there, and the names of the fields at the same time.
    marks = {purpose.value: f"{purpose.value}{secrets.token_hex(19)}" for purpose in purposes}
    letter = letters.addressed(invitation, marks, why=why)
    first: str = rows[0].participant.email  # type: ignore[union-attr]
    message = letters.built(invitation.sender, first, letter, links.url("leave", marks["leave"]))
    headers = {str(name): str(value) for name, value in message.extra_headers.items()}
    holed = batch.merged(message, {mark: mark for mark in marks.values()})
    if holed is None:
        return None
    return Batch(holed, [_person(row, marks, headers) for row in rows])


def _person(row: Delivery, marks: dict[str, str], headers: dict[str, str]) -> Person:
    tokens = letters.tokens_of(row)
    leave = marks["leave"]
    return Person(
        to=row.participant.email,  # type: ignore[union-attr]
        fields={mark: tokens[name] for name, mark in marks.items()},
        headers={name: value.replace(leave, tokens["leave"]) for name, value in headers.items()},
        metadata=letters.metadata_of(row),
    )
