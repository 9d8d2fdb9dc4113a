"""The two statements around each hand-over: this leaves now, and this is what became of it.

They are written out, for they run once for every message and the whole promise rests on them. The
mark is durable before anything leaves, and asks again, in the very statement that sets it, whether
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

from .. import conf, mail
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


def keep_what_is_written() -> None:
    """Let SQLite write each mark to the disk before the message leaves; sites may be laxer."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = FULL")


def turn(
    outcomes: list[Outcome], group: list[Delivery], owner: str, at: datetime.datetime
) -> list[Delivery]:
    """Note what became of the last messages and mark the next; return those that leave now.

    All of a group belong to one invitation. Whoever may not be written to any more is not marked.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Sites may commit loosely; a mark that a crash could undo would mean a second copy.
            cursor.execute("SET LOCAL synchronous_commit = on")
        _note(cursor, outcomes, owner, at)
        cursor.execute(*_mark(group, owner, at))
        if cursor.rowcount == len(group):
            return group
        if not cursor.rowcount:
            return []
    ids = [row.pk for row in group]
    marked = Delivery.objects.filter(pk__in=ids, owner=owner, state=State.HANDING)
    found = set(marked.values_list("pk", flat=True))
    return [row for row in group if row.pk in found]


def note(outcomes: list[Outcome], owner: str, at: datetime.datetime) -> None:
    """Write down what the mail server said about rows that are still ours."""
    if outcomes:
        with transaction.atomic(), connection.cursor() as cursor:
            _note(cursor, outcomes, owner, at)


def name(rows: list[Delivery]) -> None:
    """Keep for each owned row the keyed mark of the address that it goes to, and by which key."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {_table(Delivery)} SET fingerprint = %s, key_id = %s WHERE id = %s",  # noqa: S608
            [[row.fingerprint, row.key_id, row.pk] for row in rows],
        )


# The statements


def _mark(group: list[Delivery], owner: str, at: datetime.datetime) -> tuple[str, list[Any]]:
    now = _moment(at)
    own = [value for row in group for value in (row.pk, row.attempt)]
    emails = [row.participant.email for row in group]  # type: ignore[union-attr]
    sql = _mark_sql(len(group), group[0].invitation.is_promotional)
    return sql, [now, _lease(at), *own, owner, now, *emails, now, now]


@cache
def _mark_sql(size: int, by_consent_alone: bool) -> str:
    pairs = ", ".join(["(%s, %s)"] * size)
    emails = ", ".join(["%s"] * size)
    return f"""
        UPDATE {_table(Delivery)} SET state = '{State.HANDING}', handed_at = %s, lease_until = %s
        WHERE (id, attempt) IN (VALUES {pairs}) AND owner = %s AND state = '{State.LEASED}'
        AND EXISTS (
            SELECT 1 FROM {_table(ContactPermission)} permission
            WHERE permission.participant_id = {_table(Delivery)}.participant_id
            AND permission.purpose = '{Purpose.INVITE}' AND permission.consultation_id IS NULL
            AND permission.may_write {"AND permission.is_by_consent" if by_consent_alone else ""}
            AND (permission.recheck_at IS NULL OR permission.recheck_at > %s)
        )
        AND EXISTS (
            SELECT 1 FROM {_table(Participant)} person
            WHERE person.id = {_table(Delivery)}.participant_id AND person.email IN ({emails})
        )
        AND EXISTS (
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
        )
    """  # noqa: S608  own names alone


def _note(cursor: Any, outcomes: list[Outcome], owner: str, at: datetime.datetime) -> None:
    rows = [_noted(outcome, owner, at) for outcome in outcomes]
    if len(rows) == 1:
        cursor.execute(_note_sql(), rows[0])
    elif rows:
        cursor.executemany(_note_sql(), rows)


@cache
def _note_sql() -> str:
    return f"""
        UPDATE {_table(Delivery)} SET state = %s, reason = %s, provider_id = %s, retry_at = %s,
            attempt = %s, owner = %s, handed_at = CASE WHEN %s = 1 THEN NULL ELSE handed_at END,
            lease_until = NULL
        WHERE id = %s AND owner = %s AND attempt = %s AND state IN ('{State.HANDING}', %s)
    """  # noqa: S608  own names alone


def _noted(outcome: Outcome, owner: str, at: datetime.datetime) -> list[Any]:
    """The values of one statement. Who is tried again is as if it had never been handed over."""
    row, verdict = outcome.row, outcome.receipt.verdict
    attempt, retry_at = row.attempt, row.retry_at
    # Another worker may have given us up for dead; a plain yes or no is still the truth.
    also_from = State.UNCERTAIN
    if verdict == mail.Verdict.ACCEPTED:
        state = State.ACCEPTED
    elif verdict == mail.Verdict.REFUSED or (
        verdict == mail.Verdict.LATER and attempt >= LAST_ATTEMPT
    ):
        state = State.REFUSED
    elif verdict == mail.Verdict.UNKNOWN and not may_send_again(attempt):
        state, also_from = State.UNCERTAIN, State.HANDING
    else:
        state, also_from = State.PENDING, State.HANDING
        if verdict in (mail.Verdict.UNABLE, mail.Verdict.RENEW):
            attempt -= 1  # We were turned away before it was this person's turn.
        else:
            wait = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
            retry_at = at + datetime.timedelta(seconds=wait)
    is_again = state == State.PENDING
    return [
        state.value,
        outcome.receipt.reason,
        outcome.receipt.provider_id,
        _moment(retry_at),
        attempt,
        "" if is_again else owner,
        int(is_again),
        row.pk,
        owner,
        row.attempt,
        also_from.value,
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
