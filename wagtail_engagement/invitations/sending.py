"""What becomes of an invitation: drafted, started, paused, stopped, sent, finished.

Nobody is lost silently and nobody gets two copies, whatever is killed and whenever (sending.md 7).
`handing` owns and hands over the single deliveries; this module says when, and when it is over.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .. import batch, mail, nudge
from ..consultations.models import Consultation
from ..line import Line
from ..participants.models import Interest
from ..seal import journalling, sealing
from . import (
    approval,
    checking,
    drawing,
    halting,
    handing,
    ledger,
    limiting,
    queries,
    rendering,
    running,
)
from .audience import Audience
from .models import Delivery, Invitation
from .summaries import hold_for_summaries
from .teams import usual_team

State = Delivery.State
Status = Invitation.Status

CHUNK = 100
SUBJECT_LENGTH = 120
STARTING = 0x656E6762  # names the lock that lets one invitation start at a time


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


@dataclass(frozen=True)
class Plan:
    """When an invitation begins, and how many days before the closing date it is repeated."""

    start: str = Invitation.Start.NOW
    starts_at: datetime.datetime | None = None
    remind_days: int | None = None


class NotPossible(Exception):
    """The invitation is no longer in the state that this asks for; somebody was quicker."""


# What an editor does


@transaction.atomic
def create_for(*, consultation: Consultation, actor: Any, at: datetime.datetime) -> Invitation:
    """Write the draft of an invitation, with the consultation's own topics."""
    invitation = Invitation.objects.create(
        consultation=consultation,
        subject=rendering.suggested_subject(consultation),
        team=usual_team(actor=actor, owner=consultation.owner),
        created_by=actor,
        edited_by=actor,
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
    return _repeat(invitation, actor, at)


@transaction.atomic
def remind(*, invitation: Invitation, actor: Any, at: datetime.datetime) -> Invitation:
    """Write a draft that reminds those who got an invitation and have not answered.

    Raises NotPossible where it is a reminder itself, has not left yet, or has one already: people
    are reminded once at most.
    """
    first = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if first.reminds_id or first.reminders.exists() or not first.has_left:
        raise NotPossible
    subject = _("Reminder: %(subject)s") % {"subject": rendering.subject_of(first)}
    return _repeat(first, actor, at, reminds=first, subject=subject[:SUBJECT_LENGTH])


def _repeat(invitation: Invitation, actor: Any, at: datetime.datetime, **more: Any) -> Invitation:
    again = Invitation.objects.create(
        consultation=invitation.consultation,
        created_by=actor,
        edited_by=actor,
        created_at=at,
        **{name: getattr(invitation, name) for name in Invitation.AMENDABLE}
        | {"at_most": None, **more},
    )
    again.interests.set(invitation.interests.all())
    log(again, "wagtail.create", user=actor)
    return again


@transaction.atomic
def amend(*, invitation: Invitation, interests: list[Interest], actor: Any = None) -> None:
    """Store what the editor changed in a draft. Raises NotPossible once it has started.

    Whoever saves without any change has not written it, and may still be the second person.
    """
    draft = Invitation.objects.filter(pk=invitation.pk, status=Status.DRAFT)
    before = [queries.version(row) for row in draft]
    if not draft.update(**{name: getattr(invitation, name) for name in Invitation.AMENDABLE}):
        raise NotPossible
    invitation.interests.set(interests)
    if [queries.version(invitation)] != before:
        draft.update(edited_by=actor)


@transaction.atomic
def start(
    *,
    invitation: Invitation,
    shown_count: int,
    actor: Any,
    at: datetime.datetime,
    plan: Plan = Plan(),  # noqa: B008  frozen
) -> Invitation:
    """Freeze text and audience and begin to send, now or as planned; a second press finds no draft.

    `actor` is None where the worker carries out what a person decided before. Raises NotPossible,
    CannotStart, or AudienceGrew when more people would be reached than were shown. Fewer are fine:
    somebody left meanwhile.
    """
    draft = Invitation.objects.filter(pk=invitation.pk, status=Status.DRAFT)
    begun = Status.SENDING if plan.start == Invitation.Start.NOW else Status.SCHEDULED
    if not draft.update(status=begun, started_at=at, started_by=actor, **vars(plan)):
        raise NotPossible
    sealing.bind(at=at)
    _lock_starting()
    invitation.refresh_from_db()
    audience = Audience.of(invitation, at=at)
    counts = audience.counts()
    problems = [c.text for c in checking.checks(invitation, counts, at) if c.is_blocking]
    if problems:
        raise CannotStart(problems)
    _let_a_second_person_look(invitation, counts.included, actor)
    created = _freeze(invitation, audience, at)
    if created > shown_count:
        raise AudienceGrew(created)
    _let_a_second_person_look(invitation, created, actor)
    invitation.recipients = created
    invitation.exclusions = counts.left_out
    invitation.not_drawn = counts.not_drawn
    invitation.audience_sentence = audience.sentence(created, counts.not_drawn)
    invitation.rendered = rendering.freeze(invitation)
    hold_for_summaries(invitation=invitation, at=at)
    frozen = ["recipients", "exclusions", "not_drawn", "audience_sentence", "rendered"]
    invitation.save(update_fields=frozen)
    journalling.note([_said_of(invitation)], at=at)
    _log(invitation, "started", actor, recipients=created, start=plan.start)
    nudge.after_commit()
    return invitation


def _said_of(invitation: Invitation) -> dict[str, str]:
    """What the journal keeps of a start: enough for nobody to be asked twice."""
    about = str(invitation.consultation.uuid)
    said = {"do": "started", "invitation": str(invitation.uuid), "code": invitation.code}
    return {**said, "consultation": about}


def _let_a_second_person_look(invitation: Invitation, count: int, actor: Any) -> None:
    """Raises CannotStart where one person alone may not send to so many."""
    if actor is not None and not approval.may_be_sent_by(invitation, count, actor):
        raise CannotStart([_("A second person has to look at this and send it.")])


def _lock_starting() -> None:
    """Let invitations start one after the other, so that each sees whom the others reach."""
    if connection.vendor == "postgresql":  # SQLite writes one at a time anyway.
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
    _turn(
        invitation,
        {Status.SENDING, Status.SCHEDULED},
        status=Status.PAUSED,
        status_reason=reason[:200],
    )
    _log(invitation, "paused", actor)


def resume(*, invitation: Invitation, actor: Any, at: datetime.datetime) -> None:
    """Go on with a paused invitation where it stood, or begin a scheduled one now.

    A paused one whose time has not come waits for it again. Raises NotPossible before the
    consultation opens.
    """
    begins = invitation.begins_at
    is_early = bool(begins and begins > at and invitation.start != Invitation.Start.NOW)
    if invitation.status == Status.PAUSED and is_early:
        _turn(invitation, {Status.PAUSED}, status=Status.SCHEDULED, status_reason="")
    elif invitation.consultation.opens_at > at:
        raise NotPossible
    else:
        seen = halting.acknowledged(invitation)
        _turn(invitation, set(running.WAITING), status=Status.SENDING, status_reason="", **seen)
    limiting.works_again()  # Whoever goes on wants it tried now.
    _log(invitation, "resumed", actor)
    nudge.after_commit()


@transaction.atomic
def stop(*, invitation: Invitation, actor: Any, at: datetime.datetime, reason: str = "") -> None:
    """End an invitation for good: nobody who still waits is written to."""
    _turn(
        invitation,
        set(running.RUNNING),
        status=Status.STOPPED,
        status_reason=reason[:200],
        finished_at=at,
    )
    running.skip_stopped()
    _log(invitation, "stopped", actor)


def plan_reminder(*, invitation: Invitation, days: int | None, actor: Any) -> None:
    """Change or call off the reminder that goes out by itself, until it has."""
    begun = Invitation.objects.filter(pk=invitation.pk, status__in=Invitation.STARTED)
    if not begun.filter(reminds=None, reminders=None).update(remind_days=days, reminder_failed=""):
        raise NotPossible
    _log(invitation, "reminder_planned" if days else "reminder_called_off", actor)


@transaction.atomic
def decide(
    *,
    invitation: Invitation,
    numbers: list[int] | None,
    again: bool,
    actor: Any,
    at: datetime.datetime,
) -> int:
    """Send once more to those of whom we cannot tell if they got it, or leave it so for good.

    `numbers` are deliveries, None for all of them. Returns how many. Raises NotPossible once
    nobody could answer any more, or the invitation was stopped.
    """
    first = Invitation.objects.select_for_update().get(pk=invitation.pk)
    in_doubt = first.deliveries.filter(state=State.UNCERTAIN).exclude(reason=Delivery.Reason.LEFT)
    if numbers is not None:
        in_doubt = in_doubt.filter(pk__in=numbers)
    if not again:
        decided = in_doubt.update(reason=Delivery.Reason.LEFT)
        _log(first, "doubt_left", actor, people=decided)
        return decided
    if first.status == Status.STOPPED or first.consultation.closes_at <= at:
        raise NotPossible
    decided = in_doubt.update(
        state=State.PENDING, reason="", owner="", handed_at=None, retry_at=at, attempt=0
    )
    if decided and first.status == Status.FINISHED:
        Invitation.objects.filter(pk=first.pk).update(status=Status.SENDING, finished_at=None)
    _log(first, "doubt_sent_again", actor, people=decided)
    nudge.after_commit()
    return decided


def send_test(
    *, invitation: Invitation, to: Any, actor: Any, at: datetime.datetime
) -> mail.Receipt:
    """Send one colleague the letter, with links that lead nowhere; say what became of it."""
    letter = rendering.preview(invitation)
    subject = _("[Test] %(subject)s") % {"subject": letter.subject}
    message = mail.build(
        to=to.email,
        subject=subject,
        text=letter.text,
        html=letter.html,
        sender=invitation.sender,
    )
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
    line: Line | None = None,
) -> int:
    """Hand over what is due, at most `limit` messages; return how many rows came to rest.

    `owner` names this worker and no other. `stopping` is asked before each message. `line` is the
    worker's connection; without one, one is made and closed. When the mail server cannot be
    reached nothing is touched, and everything waits for a later call.
    """

    def clock() -> datetime.datetime:
        return at or timezone.now()

    if not sealing.may_send(at=clock()):
        return 0
    ledger.keep_what_is_written()
    running.recover(at=clock())
    running.begin_due(at=clock())
    running.finish(at=clock())
    own_line = line or Line()
    done = 0
    try:
        while not stopping() and (limit is None or done < limit):
            chunk = max(CHUNK, batch.most())
            size = chunk if limit is None else min(chunk, limit - done)
            settled = handing.work_chunk(owner, size, clock, stopping, own_line)
            done += settled
            if not settled:
                break
    finally:
        if line is None:
            own_line.close()
    if done:
        running.finish(at=clock())
    return done
