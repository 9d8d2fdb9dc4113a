"""Erasure: everything that the register holds of a person goes, and a receipt stays.

Proof of consent is append-only for everybody else; erasure alone deletes it (Settled 14).
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.db import router, transaction
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from .. import addresses, nudge, signals
from ..consent import barring, settling
from ..consent.models import ConsentEvent, ContactPermission, Purpose, Suppression
from ..consultations.models import Answer, ConsultationResponse
from ..imports import files
from ..imports.models import ImportBatch, ImportRow
from ..participants.models import Participant
from ..seal import journalling
from . import telling, tracing
from .holdings import HOLDINGS, Fate, Holding
from .models import RightsRequest
from .tracing import Whom

Cause = Suppression.Reason

AT_ONCE = 500
PIECE = 2**16
_OLE = b"\xd0\xcf\x11\xe0"
# What stands before and after an address that is not a part of a longer one: quotes do, but
# o'neil@ is not neil@; a full stop does where the sentence ends.
_BEFORE = rb"(?<=[^a-z0-9._%+-])(?<![a-z0-9]')"
_AFTER = rb"(?=[^a-z0-9._-]|\.[^a-z0-9])"
Counts = dict[str, int]


class AlreadyErased(Exception):
    """The person left the register meanwhile: a button was pressed twice."""


@transaction.atomic
def erase(
    *,
    person: Participant,
    keeps_responses: bool,
    at: datetime.datetime,
    actor: Any = None,
    request: RightsRequest | None = None,
    texts: Collection[tuple[int, str]] = (),
) -> RightsRequest:
    """Erase a person at their request, and return the closed request with its receipt.

    `keeps_responses`: answers stay, cut from the person; else they go too. `texts` are answers
    (response, key of the question) to empty first, because their words say who wrote them. The
    address stays as a keyed hash, so that nobody writes to it again (P08); the receipt is the last
    mail to it. Raises AlreadyErased.
    """
    # First, so that nobody is merged with them, or parted, while we look.
    family = settling.locked_whole(pk=person.pk)
    standing = settling.standing_for(person.pk, family)
    them = tracing.whom(Participant.objects.filter(pk=standing))
    people = [each for each in family if each.pk in them.ids]
    to = next((each.email for each in people if each.pk == standing), "")
    if not to:
        raise AlreadyErased
    row = request or RightsRequest.objects.create(
        kind=RightsRequest.Kind.ERASURE, participant=person, by=actor, asked_at=at
    )
    reaches = telling.reaches(to, row)
    _close_requests(them, at)
    _journal(people, keeps_responses, texts, at)
    emptied = _empty(them, texts) if keeps_responses else 0
    sheets = _drop_files(them, at)
    counts = _clean(them, keeps_responses=keeps_responses)
    for gone in people:
        barring.suppress(address=gone.email, reason=Cause.ERASED, at=at)
    row.participant, row.mail, row.keeps_responses = None, None, keeps_responses
    row.state, row.closed_at = RightsRequest.State.DONE, at
    row.receipt = {"counts": counts, "texts": emptied, "files": sheets}
    row.receipt["mail"] = telling.UNKNOWN if reaches else telling.DEAD
    row.save()
    log(row, "wagtail_engagement.participant_erased", user=actor, title=str(row))
    _tell(people)
    if reaches:
        telling.after_commit(request=row, to=to)
    return row


def erase_many(ids: Iterable[int], *, at: datetime.datetime, suppress: bool) -> Counts:
    """Remove people whom there is no reason to keep, by the same path; return counts by table.

    Their answers stay, cut from them. With `suppress` their addresses are marked as erased. Else
    the do-not-contact list stays as it is, but for those who had asked us to stop: they are put
    on it, so that a later sheet does not bring them back. The same statements for every 500.
    """
    total: Counts = {}
    wanted = list(ids)
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        for name, number in _erase_chunk(chunk, at, suppress).items():
            total[name] = total.get(name, 0) + number
    return total


@transaction.atomic
def _erase_chunk(ids: list[int], at: datetime.datetime, suppress: bool) -> Counts:
    family = settling.locked_whole(pk__in=ids)
    them = tracing.whom(Participant.objects.filter(pk__in=ids), is_thorough=False)
    people = [each for each in family if each.pk in set(them.ids)]
    _close_requests(them, at)
    if suppress:
        _journal(people, True, (), at)
    stopped = _stopped(them) if not suppress else set()
    counts = _clean(them, keeps_responses=True)
    if suppress:
        emails = [person.email for person in people]
        barring.suppress_many(emails=emails, reason=Cause.ERASED, at=at)
    elif stopped:
        left = [p.email for p in people if {p.pk, p.merged_into_id} & stopped]
        _keep_stopped(left, at)
    _tell(people)
    return counts


def _journal(
    people: list[Any],
    keeps_responses: bool,
    texts: Collection[tuple[int, str]],
    at: datetime.datetime,
) -> None:
    """Keep outside the database who is to be erased again, should an older copy come back."""
    if not journalling.is_kept():
        return
    ids = {response for response, _key in texts}
    known = dict(ConsultationResponse.objects.filter(pk__in=ids).values_list("pk", "uuid"))
    emptied = [[str(known[response]), key] for response, key in texts if response in known]
    said = {"do": "erased", "keeps": keeps_responses, "texts": emptied}
    journalling.note(
        [
            {**said, "person": str(person.uuid), **journalling.whose(person.email)}
            for person in people
        ],
        at=at,
    )


def _close_requests(them: Whom, at: datetime.datetime) -> None:
    """Nothing is left to hand out or to erase afterwards, so that no request stays open."""
    waiting = RightsRequest.objects.filter(participant__in=them.ids, closed_at=None)
    met = Case(
        When(kind=RightsRequest.Kind.ERASURE, then=Value(RightsRequest.State.DONE)),
        default=Value(RightsRequest.State.LAPSED),
    )
    waiting.update(state=met, closed_at=at)


def _stopped(them: Whom) -> set[int]:
    rows = ContactPermission.objects.filter(
        participant__in=them.ids,
        purpose=Purpose.INVITE,
        reason=ContactPermission.Reason.STOPPED,
    )
    return set(rows.values_list("participant", flat=True))


def _keep_stopped(emails: list[str], at: datetime.datetime) -> None:
    """Put on the list those who are not on it yet; whoever is keeps the reason that is there."""
    them = Whom((), tuple(emails))
    on_list = Suppression.objects.filter(
        Q(purpose=None) | Q(purpose=Purpose.INVITE), fingerprint__in=them.marks
    )
    marks = set(on_list.values_list("fingerprint", flat=True))
    missing = [email for email in emails if not marks & set(Whom((), (email,)).marks)]
    barring.suppress_many(
        emails=missing,
        reason=Cause.UNSUBSCRIBED,
        purpose=Purpose.INVITE,
        source="had left before the record ended",
        at=at,
    )


def _tell(people: list[Any]) -> None:
    for person in people:
        send = partial(signals.participant_erased.send_robust, sender=Participant, uuid=person.uuid)
        transaction.on_commit(send, robust=True)


# Tables


def _clean(them: Whom, *, keeps_responses: bool) -> Counts:
    """Go through every table that holds people; return what was done by name of the table."""
    Participant.objects.filter(pk__in=them.ids).update(merged_into=None)
    _end_reviews(them)
    counts: Counts = {}
    for holding in HOLDINGS:
        fate = holding.fate
        if holding.model is ConsultationResponse and not keeps_responses:
            fate = Fate.GOES
        number = _do(holding, them, fate)
        if number:
            counts[holding.model.__name__] = number
    return counts


def _end_reviews(them: Whom) -> None:
    """Leave out the rows that wait for somebody: what there was to look at goes."""
    rows = ImportRow.objects.filter(tracing.rows_of_sheets(them), outcome=ImportRow.Outcome.REVIEW)
    found = Counter(rows.order_by().values_list("batch", flat=True))
    for batch in ImportBatch.objects.select_for_update().filter(pk__in=found).order_by("pk"):
        waiting = batch.totals.get(ImportRow.Outcome.REVIEW, 0)
        # A sheet that is being checked has no totals yet.
        moved = min(found[batch.pk], waiting)
        refused = batch.totals.get(ImportRow.Outcome.REFUSED, 0)
        batch.totals[ImportRow.Outcome.REVIEW] = waiting - moved
        batch.totals[ImportRow.Outcome.REFUSED] = refused + moved
        batch.save(update_fields=["totals"])
    rows.update(outcome=ImportRow.Outcome.REFUSED, reason=_("Left out because they were erased"))


def _do(holding: Holding, them: Whom, fate: Fate) -> int:
    rows = holding.rows(them)
    if fate is Fate.STAYS:
        return 0
    if fate is Fate.CUT:
        return rows.update(**holding.cut or {})
    if holding.model is ConsentEvent:
        plain: Any = ConsentEvent._base_manager.filter(participant__in=them.ids)
        return plain._raw_delete(router.db_for_write(ConsentEvent)) or 0
    return rows.delete()[1].get(holding.model._meta.label, 0)


def _empty(them: Whom, texts: Collection[tuple[int, str]]) -> int:
    """Empty free texts in answers of these people; others' are left alone."""
    keys: dict[int, set[str]] = {}
    for response_id, key in texts:
        keys.setdefault(response_id, set()).add(key)
    rows = ConsultationResponse.objects.filter(participant__in=them.ids, pk__in=keys)
    emptied = 0
    for row in rows.select_for_update():
        found = keys[row.pk] & set(row.answers)
        row.answers = {key: "" if key in found else said for key, said in row.answers.items()}
        row.save(update_fields=["answers"])
        Answer.objects.filter(response=row, question_key__in=found).update(text="")
        emptied += len(found)
    return emptied


# Files of imports


def _drop_files(them: Whom, at: datetime.datetime) -> int:
    """Delete stored sheets that name the person: a sheet cannot be rewritten. Returns how many.

    An import that still needs its file ends, says why, and takes out again what it had brought.
    """
    kept = ImportBatch.objects.filter(file_gone_at=None).exclude(stored_as="")
    tied = set(kept.filter(rows__participant__in=them.ids).values_list("pk", flat=True))
    naming = [row for row in kept if row.pk in tied or names_any(files.path_of(row), them.keys)]
    for batch in naming:
        _end_import(batch, at)
        transaction.on_commit(partial(files.path_of(batch).unlink, missing_ok=True))
    return len(naming)


def _end_import(batch: ImportBatch, at: datetime.datetime) -> None:
    mine = ImportBatch.objects.filter(pk=batch.pk)
    mine.update(file_gone_at=at)
    status = ImportBatch.Status
    why = _("The file was deleted because somebody on it was erased. Upload it again without them.")
    # Without an owner, so that the next worker need not wait for the lease of the last.
    begun = mine.filter(status=status.RUNNING, rows_done__gt=0)
    if begun.update(status=status.UNDOING, status_reason=why, owner="", lease_until=None):
        nudge.after_commit()
        return
    ended = (status.FINISHED, status.UNDOING, status.UNDONE)
    mine.exclude(status__in=ended).update(status=status.FAILED, status_reason=why)


def names_any(path: Path, keys: Collection[str]) -> bool:
    """Whether a file holds one of these addresses, packed or plain, in any usual encoding."""
    needles = [key.encode() for key in keys]
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(_holds(archive.open(name), needles) for name in archive.namelist())
        return _holds(path.open("rb"), needles)
    except FileNotFoundError:
        return False
    except (OSError, RuntimeError, zipfile.BadZipFile, NotImplementedError):
        return True  # Nobody can tell, so that it goes.


def _holds(file: IO[bytes], needles: Collection[bytes]) -> bool:
    """Whether one of the addresses stands there by itself, not as a part of a longer one."""
    either = b"|".join(map(re.escape, needles))
    alone = re.compile(_BEFORE + b"(?:" + either + b")" + _AFTER)
    with file:
        # In an .xls the length of the next text, which can look like a letter, comes right after.
        packed = file.read(len(_OLE)) == _OLE
        file.seek(0)
        return any(
            any(needle in piece for needle in needles) and bool(packed or alone.search(piece))
            for piece in _pieces(file)
        )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The file in lower case, in pieces that overlap by more than the longest address.

    Addresses are ASCII: without its zeros, UTF-16 is searched like anything else.
    """
    tail = b"\n"
    while piece := file.read(PIECE):
        tail += piece.replace(b"\0", b"").lower()
        yield tail
        tail = tail[-4 * addresses.MAX_LENGTH :]
    yield tail + b"\n"
