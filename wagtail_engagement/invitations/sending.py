"""What becomes of an invitation: drafted, started, paused, stopped, sent, finished.

Nobody is lost silently and nobody gets two copies, whatever is killed and whenever (sending.md 7).
`handing` owns and hands over the single deliveries; this module says when, and when it is over.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .. import mail, nudge, signals
from ..consultations.models import Consultation
from ..participants.models import Interest
from . import drawing, handing, queries, rendering
from .audience import Audience
from .models import Delivery, Invitation

State = Delivery.State
Status = Invitation.Status

CHUNK = 50
STARTING = 0x656E6762  # names the lock that lets one invitation start at a time
RUNNING = (Status.SENDING, Status.PAUSED)


class CannotStart(Exception):
    """Something has to be mended first; `problems` says what, in sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(*problems)
        self.problems = problems


class AudienceGrew(Exception):
    """More people are reached than the editor was shown; `count` is how many now."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class NotPossible(Exception):
    """The invitation is no longer in the state that this asks for; somebody was quicker."""


# What an editor does


@transaction.atomic
def create_for(*, consultation: Consultation, actor: Any, at: datetime.datetime) -> Invitation:
    """Write the draft of an invitation, with the consultation's own topics."""
    invitation = Invitation.objects.create(
        consultation=consultation,
        subject=rendering.suggested_subject(consultation),
        created_by=actor,
        created_at=at,
    )
    invitation.interests.set(consultation.interests.all())
    log(invitation, "wagtail.create", user=actor)
    return invitation


@transaction.atomic
def follow_up(*, invitation: Invitation, actor: Any, at: datetime.datetime) -> Invitation:
    """Write a draft with the same text and audience, for those who missed the first.

    Everybody who was or may have been reached is left out: never twice for one consultation.
    Where only some were invited it is for all the others.
    """
    again = Invitation.objects.create(
        consultation=invitation.consultation,
        created_by=actor,
        created_at=at,
        **{name: getattr(invitation, name) for name in Invitation.AMENDABLE} | {"at_most": None},
    )
    again.interests.set(invitation.interests.all())
    log(again, "wagtail.create", user=actor)
    return again


@transaction.atomic
def amend(*, invitation: Invitation, interests: list[Interest]) -> None:
    """Store what the editor changed in a draft. Raises NotPossible once it has started."""
    draft = Invitation.objects.filter(pk=invitation.pk, status=Status.DRAFT)
    if not draft.update(**{name: getattr(invitation, name) for name in Invitation.AMENDABLE}):
        raise NotPossible
    invitation.interests.set(interests)


@transaction.atomic
def start(
    *, invitation: Invitation, shown_count: int, actor: Any, at: datetime.datetime
) -> Invitation:
    """Freeze text and audience and begin to send; a second press finds no draft any more.

    Raises NotPossible, CannotStart, or AudienceGrew when more people would be reached than were
    shown. Fewer are fine: somebody left meanwhile.
    """
    draft = Invitation.objects.filter(pk=invitation.pk, status=Status.DRAFT)
    if not draft.update(status=Status.SENDING, started_at=at, started_by=actor):
        raise NotPossible
    _lock_starting()
    invitation.refresh_from_db()
    audience = Audience.of(invitation, at=at)
    counts = audience.counts()
    problems = [c.text for c in queries.checks(invitation, counts, at) if c.is_blocking]
    if problems:
        raise CannotStart(problems)
    created = _freeze(invitation, audience, at)
    if created > shown_count:
        raise AudienceGrew(created)
    invitation.recipients = created
    invitation.exclusions = counts.left_out
    invitation.not_drawn = counts.not_drawn
    invitation.audience_sentence = audience.sentence(created, counts.not_drawn)
    invitation.rendered = rendering.freeze(invitation)
    frozen = ["recipients", "exclusions", "not_drawn", "audience_sentence", "rendered"]
    invitation.save(update_fields=frozen)
    _log(invitation, "started", actor, recipients=created)
    nudge.after_commit()
    return invitation


def _lock_starting() -> None:
    """Let invitations start one after the other, so that each sees whom the others reach.

    SQLite writes one at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STARTING])


def _freeze(invitation: Invitation, audience: Audience, at: datetime.datetime) -> int:
    """Create a delivery for everybody who is invited, in one statement; return how many."""
    people, params = drawing.invited(audience)
    is_postgres = connection.vendor == "postgresql"
    new_uuid = "gen_random_uuid()" if is_postgres else "lower(hex(randomblob(16)))"
    row = Delivery(invitation=invitation, retry_at=at)
    fields = [
        field
        for field in Delivery._meta.concrete_fields
        if field.name not in ("id", "uuid", "participant", "chosen")
    ]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = connection.ops.quote_name(Delivery._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (uuid, participant_id, chosen, {columns})"  # noqa: S608  own names
            f" SELECT {new_uuid}, invited.person, invited.chosen, {marks} FROM ({people}) invited",
            [*values, *params],
        )
        return int(cursor.rowcount)


def pause(*, invitation: Invitation, actor: Any, at: datetime.datetime, reason: str = "") -> None:
    """Hand nobody else over until `resume`; what is with the mail server is not called back."""
    _turn(invitation, {Status.SENDING}, status=Status.PAUSED, status_reason=reason[:200])
    _log(invitation, "paused", actor)


def resume(*, invitation: Invitation, actor: Any, at: datetime.datetime) -> None:
    """Go on with a paused invitation where it stood."""
    _turn(invitation, {Status.PAUSED}, status=Status.SENDING, status_reason="")
    _log(invitation, "resumed", actor)
    nudge.after_commit()


@transaction.atomic
def stop(*, invitation: Invitation, actor: Any, at: datetime.datetime, reason: str = "") -> None:
    """End an invitation for good: nobody who still waits is written to."""
    _turn(
        invitation, set(RUNNING), status=Status.STOPPED, status_reason=reason[:200], finished_at=at
    )
    _skip_stopped()
    _log(invitation, "stopped", actor)


def send_test(
    *, invitation: Invitation, to: Any, actor: Any, at: datetime.datetime
) -> mail.Receipt:
    """Send one colleague the letter, with links that lead nowhere; say what became of it."""
    letter = rendering.preview(invitation)
    subject = _("[Test] %(subject)s") % {"subject": letter.subject}
    message = mail.build(to=to.email, subject=subject, text=letter.text, html=letter.html)
    receipt = mail.send_now(message)
    if receipt.verdict != mail.Verdict.UNABLE:
        _log(invitation, "tested", actor, to=to.pk)
    return receipt


def _turn(invitation: Invitation, from_states: set[Status], **changes: Any) -> None:
    found = Invitation.objects.filter(pk=invitation.pk, status__in=from_states)
    if not found.update(**changes):
        raise NotPossible
    invitation.refresh_from_db()


def _log(invitation: Invitation, what: str, actor: Any, **data: Any) -> None:
    action = f"wagtail_engagement.invitation_{what}"
    log(invitation, action, user=actor, title=str(invitation), data=data or None)


# What the worker does


def work(
    *,
    owner: str,
    at: datetime.datetime | None = None,
    limit: int | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Hand over what is due, at most `limit` messages; return how many rows came to rest.

    `owner` names this worker and no other. `stopping` is asked before each message. When the mail
    server cannot be reached nothing is touched, and everything waits for the next call.
    """

    def clock() -> datetime.datetime:
        return at or timezone.now()

    handing.keep_what_is_written()
    recover(at=clock())
    finish(at=clock())
    done = 0
    while not stopping() and (limit is None or done < limit):
        size = CHUNK if limit is None else min(CHUNK, limit - done)
        settled = handing.work_chunk(owner, size, clock, stopping)
        done += settled
        if not settled:
            break
    if done:
        finish(at=clock())
    return done


def recover(*, at: datetime.datetime) -> None:
    """Take over what dead workers left. What they were handing over is in doubt for good."""
    over = Delivery.objects.filter(lease_until__lte=at)
    over.filter(state=State.LEASED).update(state=State.PENDING, owner="", lease_until=None)
    # The owner stays: should it be alive after all, it may still say what it knows.
    over.filter(state=State.HANDING).update(
        state=State.UNCERTAIN,
        lease_until=None,
        reason="the worker stopped while the message was being handed over",
    )


def finish(*, at: datetime.datetime) -> None:
    """Close what has come to its end, and pause what has lost its page."""
    _skip_stopped()
    running = Invitation.objects.filter(status__in=RUNNING)
    closed = running.filter(consultation__in=Consultation.objects.closed_at(at))
    Delivery.objects.filter(state=State.PENDING, invitation__in=closed.values("pk")).update(
        state=State.SKIPPED, reason=Delivery.Reason.CLOSED
    )
    offline = Consultation.objects.filter(is_live=False, closes_at__gt=at)
    running.filter(status=Status.SENDING, consultation__in=offline).update(
        status=Status.PAUSED, status_reason=_("The consultation's page is not published now.")
    )
    unsettled = Delivery.objects.live().filter(invitation=OuterRef("pk"))
    for invitation in running.filter(~Exists(unsettled)):
        ended = running.filter(~Exists(unsettled), pk=invitation.pk)
        if ended.update(status=Status.FINISHED, finished_at=at):
            invitation.refresh_from_db()
            send = signals.invitation_finished.send_robust
            transaction.on_commit(partial(send, sender=Invitation, invitation=invitation))


def _skip_stopped() -> None:
    stopped = Invitation.objects.filter(status=Status.STOPPED).values("pk")
    Delivery.objects.filter(state__in=(State.PENDING, State.LEASED), invitation__in=stopped).update(
        state=State.SKIPPED, reason=Delivery.Reason.STOPPED, owner="", lease_until=None
    )
