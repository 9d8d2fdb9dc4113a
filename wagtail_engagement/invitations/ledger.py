"""The two statements around each hand-over: this leaves now, and this is what became of it.

They are written out, for they run once for every message and the whole promise rests on them. The
mark is durable before anything leaves, says to which address it goes, and asks again, in the very statement that sets it, whether
the person still agrees, has this address and has not answered, and whether the invitation still
runs: the last moment to find out (E05). What became of the messages before is written down in the
same transaction, so that a message costs one commit. A worker writes only what it still owns.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction

from .. import conf, inserting, mail, prepared
from ..consent.models import ContactPermission, Purpose
from ..consultations.models import Consultation, ConsultationResponse
from ..participants.models import Participant
from .models import Delivery, Invitation

State = Delivery.State
FIRST_WAIT = 30
LONGEST_WAIT = 3600
# Waits of 30 s, doubling up to an hour, add up to a day at about this many tries.
LAST_ATTEMPT = 30
MOST_COPIES = 3  # of one message, where a site chose to send again what is in doubt


@dataclass(frozen=True)
class Outcome:
    """What the mail server said about one delivery."""

    row: Delivery
    receipt: mail.Receipt

    @property
    def state(self) -> State:
        """What the delivery is from now on."""
        verdict, attempt = self.receipt.verdict, self.row.attempt
        if verdict == mail.Verdict.ACCEPTED:
            return State.ACCEPTED
        is_late = verdict == mail.Verdict.LATER and attempt >= LAST_ATTEMPT
        if verdict == mail.Verdict.REFUSED or is_late:
            return State.REFUSED
        if verdict == mail.Verdict.UNKNOWN and not may_send_again(attempt):
            return State.UNCERTAIN
        return State.PENDING


def keep_what_is_written() -> None:
    """Let SQLite write each mark to the disk before the message leaves; sites may be laxer."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = FULL")


def turn(
    outcomes: list[Outcome], group: list[Delivery], owner: str, at: datetime.datetime
) -> list[Delivery]:
    """Note what became of the last messages and mark the next; return those that leave now.

    A group is of one invitation, or of one person's summary. Whoever may not be written to any
    more is not marked.
    """
    if connection.vendor == "postgresql":
        number = _turn_at_once(outcomes, group, owner, at)
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            if outcomes:
                cursor.execute(*_note(outcomes, owner, at))
            cursor.execute(*_mark(group, owner, at))
            number = cursor.rowcount
    if number in (0, len(group)):
        return group if number else []
    ids = [row.pk for row in group]
    marked = Delivery.objects.filter(pk__in=ids, owner=owner, state=State.HANDING)
    found = set(marked.values_list("pk", flat=True))
    return [row for row in group if row.pk in found]


def _turn_at_once(
    outcomes: list[Outcome], group: list[Delivery], owner: str, at: datetime.datetime
) -> int:
    """The same in one statement, and so in one journey to the database and one commit.

    Sites may commit loosely; a mark that a crash could undo would mean a second copy. So the
    statement itself asks for a commit that stays.
    """
    mark, values = _mark(group, owner, at)
    durable = "AND (SELECT set_config('synchronous_commit', 'on', true)) = 'on'"
    if not outcomes:
        return prepared.execute(f"{mark} {durable}", values)
    noted, said = _note(outcomes, owner, at)
    return prepared.execute(f"WITH noted AS ({noted}) {mark} {durable}", said + values)


def note(outcomes: list[Outcome], owner: str, at: datetime.datetime) -> None:
    """Write down what the mail server said about rows that are still ours."""
    if outcomes:
        with connection.cursor() as cursor:
            cursor.execute(*_note(outcomes, owner, at))


# The statements


_LEAVING = {"id": "bigint", "turn": "int", "email": "text", "mark": "text", "key_id": "text"}


def _mark(group: list[Delivery], owner: str, at: datetime.datetime) -> tuple[str, list[Any]]:
    """Each row, the address that it goes to and that one's mark; then the times of the conditions."""
    rows = [
        (row.pk, row.attempt, row.participant.email, row.fingerprint, row.key_id)  # type: ignore[union-attr]
        for row in group
    ]
    leaving, values = inserting.as_table(_LEAVING, rows)
    has_promotion = any(row.invitation.is_promotional for row in group)
    now = _moment(at)
    return _mark_sql(leaving, has_promotion), [now, _lease(at), *values, owner, now, now, now]


@cache
def _mark_sql(leaving: str, has_promotion: bool) -> str:
    # What promotes something goes by consent alone, and may lie in a summary with what does not.
    by_consent = f"""
            AND (permission.is_by_consent OR NOT (
                SELECT mailing.is_promotional FROM {_table(Invitation)} mailing
                WHERE mailing.id = {_table(Delivery)}.invitation_id
            ))"""  # noqa: S608  own names alone
    sql = f"""
        UPDATE {_table(Delivery)} SET state = '{State.HANDING}', handed_at = %s, lease_until = %s,
            fingerprint = leaving.mark, key_id = leaving.key_id
        FROM ({leaving}) AS leaving
        WHERE {_table(Delivery)}.id = leaving.id AND {_table(Delivery)}.attempt = leaving.turn
        AND {_table(Delivery)}.owner = %s AND {_table(Delivery)}.state = '{State.LEASED}'
        AND EXISTS (
            SELECT 1 FROM {_table(ContactPermission)} permission
            WHERE permission.participant_id = {_table(Delivery)}.participant_id
            AND permission.purpose = '{Purpose.INVITE}' AND permission.consultation_id IS NULL
            AND permission.may_write {by_consent if has_promotion else ""}
            AND (permission.recheck_at IS NULL OR permission.recheck_at > %s)
        )
        AND EXISTS (
            SELECT 1 FROM {_table(Participant)} person
            WHERE person.id = {_table(Delivery)}.participant_id AND person.email = leaving.email
        )
        AND {_can_be_answered()}
    """  # noqa: S608  own names alone
    return _on_one_line(sql)


def _can_be_answered() -> str:
    """While the invitation runs, by somebody who has not; in the order of the statement's times."""
    return f"""
        EXISTS (
            SELECT 1 FROM {_table(Invitation)} invitation
            JOIN {_table(Consultation)} consultation
                ON consultation.id = invitation.consultation_id
            WHERE invitation.id = {_table(Delivery)}.invitation_id
            AND invitation.status = '{Invitation.Status.SENDING}' AND consultation.is_live
            AND consultation.opens_at <= %s AND consultation.closes_at > %s
            AND NOT EXISTS (
                SELECT 1 FROM {_table(ConsultationResponse)} response
                WHERE response.consultation_id = consultation.id
                AND response.participant_id = {_table(Delivery)}.participant_id
                AND response.status = '{ConsultationResponse.Status.COUNTED}'
            )
            AND NOT EXISTS (
                SELECT 1 FROM {_table(Delivery)} first
                WHERE first.invitation_id = invitation.reminds_id
                AND first.participant_id = {_table(Delivery)}.participant_id
                AND first.has_answered
            )
        )
    """  # noqa: S608  own names alone


# What to write, then of which row, if it is still ours and in one of two states.
_SAID = {
    "state": "text",
    "reason": "text",
    "provider_id": "text",
    "retry_at": "timestamptz",
    "attempt": "int",
    "owner": "text",
    "is_again": "int",
    "id": "bigint",
    "holder": "text",
    "turn": "int",
    "also": "text",
}


def _note(outcomes: list[Outcome], owner: str, at: datetime.datetime) -> tuple[str, list[Any]]:
    said, values = inserting.as_table(_SAID, [_noted(outcome, owner, at) for outcome in outcomes])
    return _note_sql(said), values


@cache
def _note_sql(said: str) -> str:
    sql = f"""
        UPDATE {_table(Delivery)} SET state = said.state, reason = said.reason,
            provider_id = said.provider_id, retry_at = said.retry_at, attempt = said.attempt,
            owner = said.owner, lease_until = NULL, handed_at =
            CASE WHEN said.is_again = 1 THEN NULL ELSE {_table(Delivery)}.handed_at END
        FROM ({said}) AS said
        WHERE {_table(Delivery)}.id = said.id AND {_table(Delivery)}.owner = said.holder
        AND {_table(Delivery)}.attempt = said.turn
        AND {_table(Delivery)}.state IN ('{State.HANDING}', said.also)
    """  # noqa: S608  own names alone
    return _on_one_line(sql)


def _on_one_line(sql: str) -> str:
    """The driver reads a statement of more than 4,096 characters anew each time."""
    return " ".join(sql.split())


def _noted(outcome: Outcome, owner: str, at: datetime.datetime) -> list[Any]:
    """The values of one statement. Who is tried again is as if it had never been handed over."""
    row, verdict = outcome.row, outcome.receipt.verdict
    is_again = outcome.state == State.PENDING
    is_plain = outcome.state in (State.ACCEPTED, State.REFUSED)
    attempt, retry_at = row.attempt, row.retry_at
    if verdict in (mail.Verdict.UNABLE, mail.Verdict.RENEW):
        attempt -= 1  # We were turned away before it was this person's turn.
    elif is_again:
        wait = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
        retry_at = at + datetime.timedelta(seconds=wait)
    return [
        outcome.state.value,
        outcome.receipt.reason,
        outcome.receipt.provider_id,
        _moment(retry_at),
        attempt,
        "" if is_again else owner,
        int(is_again),
        row.pk,
        owner,
        row.attempt,
        # Another worker may have given us up for dead; a plain yes or no is still the truth.
        (State.UNCERTAIN if is_plain else State.HANDING).value,
    ]


def may_send_again(attempt: int) -> bool:
    """Whether a message that may have left is sent once more: only where the site chose so."""
    return conf.when_in_doubt() == "resend" and attempt < MOST_COPIES


def _table(model: Any) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _moment(at: datetime.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _lease(at: datetime.datetime) -> Any:
    return _moment(at + datetime.timedelta(seconds=conf.lease_seconds()))
