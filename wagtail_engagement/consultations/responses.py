"""Recording what somebody sent, and deciding about what was held."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from .. import conf, inserting, nudge, signals
from ..participants import links, registry
from ..participants.models import Claim, Link
from .models import (
    Answer,
    Consultation,
    ConsultationResponse,
    FormVersion,
    ResponseContact,
    State,
)
from .questions import CHOICE_KINDS

Status = ConsultationResponse.Status
# Where no outcome is ever published, an unconfirmed wish to hear it ends this long after closing.
RESULT_WAITS = datetime.timedelta(days=395)


class ConsultationClosed(Exception):
    """The consultation is not open now, so that nothing was stored."""


class NotHeld(Exception):
    """The response is not held (any more), so that there is nothing to decide."""


@dataclass(frozen=True)
class Submission:
    """A valid form, as plain values."""

    consultation: Consultation
    form_version: FormVersion
    answers: dict[str, Any]
    submission_key: str
    sender_mark: str
    email: str = ""
    name: str = ""
    purposes: dict[str, int] = field(default_factory=dict)
    interest_ids: list[int] = field(default_factory=list)
    inferred_ids: list[int] = field(default_factory=list)
    page_url: str = ""
    route: str = ConsultationResponse.Route.OPEN
    route_key: str = ""
    language: str = "en"
    held_because: str = ""
    source: str = ""  # What the ticks stand on, where they were not made on the site's own form.
    received_at: datetime.datetime | None = None  # Before it was typed in, where staff did that.

    @property
    def digest(self) -> str:
        """The same for a repeated press of the button, another for anybody else's answers."""
        said = [
            self.consultation.pk,
            self.submission_key,
            self.sender_mark,
            self.answers,
            self.email,
            self.name,
            self.purposes,
            self.interest_ids,
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


class TypedAnswer(NamedTuple):
    """What one row of `Answer` says, its response apart."""

    question_key: str
    option_key: str = ""
    number: decimal.Decimal | None = None
    date: datetime.date | None = None
    text: str = ""


def record(
    *, submission: Submission, at: datetime.datetime, is_late: bool = False
) -> ConsultationResponse:
    """Store a response with its answers, contact details and claim, and return it.

    A repeated press of the button returns the response that is there. Costs the same statements
    whether the address is known or not (S04), and however many questions there are.
    Raises ConsultationClosed outside the consultation's dates, unless the caller has decided that
    it `is_late` and counts all the same.
    """
    if submission.consultation.state_at(at) != State.OPEN and not is_late:
        raise ConsultationClosed
    try:
        with transaction.atomic():
            response = _store(submission, at)
            nudge.after_commit()
    except IntegrityError:
        # Pressed twice; else two references met by chance, and the next one will not.
        same = ConsultationResponse.objects.filter(submission_hash=submission.digest).first()
        return same or _store_again(submission, at)
    return response


@transaction.atomic
def _store_again(submission: Submission, at: datetime.datetime) -> ConsultationResponse:
    nudge.after_commit()
    return _store(submission, at)


def _store(submission: Submission, at: datetime.datetime) -> ConsultationResponse:
    held_until = at + datetime.timedelta(days=conf.hold_days()) if submission.held_because else None
    claim = _claim(submission, held_until, at) if submission.purposes else None
    response = ConsultationResponse(
        consultation=submission.consultation,
        form_version=submission.form_version,
        claim=claim,
        answers={key: plain(value) for key, value in submission.answers.items()},
        status=Status.HELD if held_until else Status.COUNTED,
        held_until=held_until,
        held_because=submission.held_because,
        route=submission.route,
        route_key=submission.route_key,
        language=submission.language,
        submitted_at=submission.received_at or at,
        submission_hash=submission.digest,
    )
    response.save(force_insert=True)
    same = {"response": response.pk}
    rows = typed(submission.form_version, submission.answers)
    inserting.insert(Answer, TypedAnswer._fields, rows, same=same)
    if submission.email or submission.name:
        contact = (submission.email, submission.name, "")
        inserting.insert(ResponseContact, ["email", "name", "postcode"], [contact], same=same)
    transaction.on_commit(
        partial(
            signals.response_recorded.send_robust, sender=ConsultationResponse, response=response
        )
    )
    return response


def _claim(
    submission: Submission, held_until: datetime.datetime | None, at: datetime.datetime
) -> Claim:
    consultation = submission.consultation
    return registry.make_claim(
        email=submission.email,
        name=submission.name,
        purposes=submission.purposes,
        interest_ids=submission.interest_ids,
        inferred_ids=[] if consultation.is_sensitive else submission.inferred_ids,
        consultation=consultation,
        page_url=submission.page_url,
        source=submission.source,
        invite_until=at + datetime.timedelta(days=conf.pending_days()),
        result_until=consultation.closes_at + RESULT_WAITS,
        held_until=held_until,
        at=at,
    )


def plain(value: Any) -> Any:
    """Return a value as JSON keeps it."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def typed(form_version: FormVersion, answers: dict[str, Any]) -> list[TypedAnswer]:
    """Return the rows beside the JSON of answers, which are by key of the question."""
    kinds = {item["key"]: item["kind"] for item in form_version.definition}
    rows = []
    for key, value in answers.items():
        if kinds[key] in CHOICE_KINDS:
            chosen = value if isinstance(value, list) else [value]
            rows += [TypedAnswer(key, option_key=option) for option in chosen]
        else:
            column = {"number": "number", "date": "date"}.get(kinds[key], "text")
            rows.append(TypedAnswer(key, **{column: value}))
    return rows


def note_answered(*, consultation: Consultation, token: str, at: datetime.datetime) -> None:
    """Remember that somebody answered from the message that a token stood in: not who, nor when.

    After the response is stored, and in a transaction of its own, so that no row version of the
    database puts the two together. A forged or foreign token is ignored.
    """
    if consultation.is_sensitive:
        return

    def set_flag() -> None:
        link = links.find(purpose=Link.Purpose.ANSWER, token=token, at=at)
        if link is None:
            return
        for invitation in consultation.invitations.filter(deliveries__uuid=link.uuid):
            unnoted = invitation.deliveries.filter(uuid=link.uuid, has_answered=False)
            unnoted.update(has_answered=True)

    # What goes wrong here must not turn a stored answer into an error.
    transaction.on_commit(set_flag, robust=True)


def release(*, response: ConsultationResponse, at: datetime.datetime) -> None:
    """Count a held response; the mail about what was ticked may go now. Raises NotHeld."""
    with transaction.atomic():
        _decide(response, Status.COUNTED)
        if response.claim_id:
            registry.release_claim(response.claim_id)
        nudge.after_commit()


def reject(*, response: ConsultationResponse, at: datetime.datetime) -> None:
    """Keep a held response out of every count, and forget what was ticked. Raises NotHeld."""
    with transaction.atomic():
        _decide(response, Status.REJECTED)
        if response.claim_id:
            registry.drop_claim(response.claim_id)


def _decide(response: ConsultationResponse, status: str) -> None:
    held = ConsultationResponse.objects.filter(pk=response.pk, status=Status.HELD)
    if not held.update(status=status, held_until=None):
        raise NotHeld
    response.status = status
    response.held_until = None


def release_due(*, at: datetime.datetime) -> int:
    """Count held responses that nobody decided about in time; return how many."""
    due = ConsultationResponse.objects.filter(status=Status.HELD, held_until__lte=at)
    return due.update(status=Status.COUNTED, held_until=None)
