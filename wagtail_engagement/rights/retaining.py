"""The retention clocks: what goes by itself, when, and what a run did.

Each clock says what is due by the time alone, and acts on that in batches. No clock changes what
another one finds due at the same time, so that a plan is what the run after it does, and a second
run at the same time does nothing.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..consent import settling
from ..consent.models import ContactPermission
from ..consultations.models import ConsultationResponse, ResponseContact
from ..imports import importing
from ..invitations.events import ProviderEvent
from ..invitations.models import Delivery
from ..participants import duplicates, merging, registry, renewing, tending
from ..participants.merges import Merge, PossibleDuplicate
from ..participants.models import Claim, Participant, ParticipantInterest
from . import erasing, purposes
from .holdings import HOLDINGS
from .models import RetentionRun, RightsRequest

AT_ONCE = 500
# A worker goes on with other work after so many seconds, and comes back.
SLICE = 20
UNFINISHED = "unfinished"
REQUEST_KEPT = datetime.timedelta(days=730)
CUT = {held.model: held.cut or {} for held in HOLDINGS}

Counts = dict[str, int]
Moment = datetime.datetime


def never() -> bool:
    return False


@dataclass(frozen=True)
class Clock:
    """One thing that time does.

    `due` names the rows, `act` does a batch of them and returns how many it did; `setting` is the
    setting that says how long, "" for a fixed time of `days`; `first` is when the next is due.
    """

    name: str
    label: Any
    due: Callable[[Moment], QuerySet[Any]]
    act: Callable[[list[int], Moment], int]
    setting: str = ""
    days: int = 0
    first: Callable[[Moment], Moment | None] | None = None

    def lasts(self) -> int:
        """Days after which it strikes."""
        return int(getattr(conf, self.setting.lower())()) if self.setting else self.days


# What the clocks do


def _fade(ids: list[int], at: Moment) -> int:
    return ParticipantInterest.objects.filter(pk__in=ids).delete()[0]


def _settle(ids: list[int], at: Moment) -> int:
    rows = ContactPermission.objects.filter(pk__in=ids)
    settling.settle(list(rows.values_list("participant", flat=True)), at=at)
    return len(ids)


def _close_merges(ids: list[int], at: Moment) -> int:
    return Merge.objects.filter(pk__in=ids).update(moved={})


def _keep_apart(ids: list[int], at: Moment) -> int:
    return duplicates.lapse(at=at)


def _cut_requests(ids: list[int], at: Moment) -> int:
    rows = RightsRequest.objects.filter(pk__in=ids)
    rows.filter(receipt__has_key="note").update(receipt={})
    return rows.update(participant=None, mail=None)


@transaction.atomic
def _cut_answers(ids: list[int], at: Moment) -> int:
    """The answers stay; who gave them, and what they ticked and typed beside them, goes."""
    rows = ConsultationResponse.objects.filter(pk__in=ids)
    claims = list(rows.exclude(claim=None).values_list("claim", flat=True))
    ResponseContact.objects.filter(response__in=ids).delete()
    number = rows.update(**CUT[ConsultationResponse])
    Claim.objects.filter(pk__in=claims, confirmed_at__isnull=False).delete()
    return number


@transaction.atomic
def _forget_who_answered(ids: list[int], at: Moment) -> int:
    """Without this, the flag and the code of a lone response would lead from one to the other.

    Whoever was left out for having answered was sent nothing: their row stays for the sum alone.
    """
    rows = Delivery.objects.filter(pk__in=ids)
    rows.filter(reason=Delivery.Reason.ANSWERED).update(**CUT[Delivery])
    return rows.update(has_answered=False)


@transaction.atomic
def _remove(ids: list[int], at: Moment) -> int:
    """Look once more, for somebody may have confirmed just now."""
    settling.locked_whole(pk__in=ids)
    gone = list(purposes.to_remove(at=at).filter(pk__in=ids).values_list("pk", flat=True))
    erasing.erase_many(gone, at=at, suppress=False)
    return len(gone)


def _release(ids: list[int], at: Moment) -> int:
    return Participant.objects.filter(pk__in=ids).update(kept_until=None)


def _quarantine(ids: list[int], at: Moment) -> int:
    end = at + datetime.timedelta(days=conf.quarantine_days())
    return Participant.objects.filter(pk__in=ids, kept_until=None).update(kept_until=end)


# What is due


def _open_pairs(at: Moment) -> QuerySet[PossibleDuplicate]:
    rows = PossibleDuplicate.objects.filter(state=PossibleDuplicate.State.OPEN)
    return rows.filter(found_at__lte=at - duplicates.UNDECIDED)


def _old_merges(at: Moment) -> QuerySet[Merge]:
    return Merge.objects.filter(at__lte=at - merging.UNDOABLE).exclude(moved={})


def _old_events(at: Moment) -> QuerySet[ProviderEvent]:
    kept = datetime.timedelta(days=conf.event_days())
    return ProviderEvent.objects.filter(received_at__lte=at - kept)


def _old_requests(at: Moment) -> QuerySet[RightsRequest]:
    tied = Q(participant__isnull=False) | Q(mail__isnull=False) | Q(receipt__has_key="note")
    return RightsRequest.objects.filter(tied, closed_at__lte=at - REQUEST_KEPT)


# When the next is due


def _earliest(rows: QuerySet[Any], field: str, days: int = 0) -> Moment | None:
    found: Moment | None = rows.aggregate(first=Min(field))["first"]
    return found + datetime.timedelta(days=days) if found else None


def _next_fading(at: Moment) -> Moment | None:
    days = conf.interest_days()
    rows = ParticipantInterest.objects.filter(removed_at=None)
    rows = rows.filter(renewed_at__gt=at - datetime.timedelta(days=days))
    return _earliest(rows, "renewed_at", days) if days else None


def _next_end(at: Moment) -> Moment | None:
    return _earliest(ContactPermission.objects.filter(lapses=True, recheck_at__gt=at), "recheck_at")


def _next_question(at: Moment) -> Moment | None:
    rows = ContactPermission.objects.filter(lapses=True, recheck_at__gt=at + renewing.NOTICE)
    return _earliest(rows, "recheck_at", -renewing.NOTICE.days)


def _next_cut(at: Moment) -> Moment | None:
    return min((end for end in purposes.cut_dates().values() if end > at), default=None)


def _next_removal(at: Moment) -> Moment | None:
    return _earliest(Participant.objects.filter(kept_until__gte=at), "kept_until")


CLOCKS = (
    Clock(
        "interests",
        _("Interests that nothing renewed are forgotten"),
        lambda at: tending.faded(at=at),
        _fade,
        setting="INTEREST_DAYS",
        first=_next_fading,
    ),
    Clock(
        "agreements",
        _("Agreements to be invited end"),
        lambda at: renewing.over(at=at),
        lambda ids, at: renewing.end(ids=ids, at=at),
        setting="PERMISSION_DAYS",
        first=_next_end,
    ),
    Clock(
        "pauses",
        _("Pauses end"),
        lambda at: renewing.past_pauses(at=at),
        lambda ids, at: settling.settle_due(at=at, ids=ids),
    ),
    Clock(
        "dated",
        _("Agreements from before this rule are given their end"),
        lambda at: renewing.undated(at=at),
        _settle,
        setting="PERMISSION_DAYS",
    ),
    Clock(
        "asked",
        _("People are asked whether we may go on, before their agreement ends"),
        lambda at: renewing.running_out(at=at),
        lambda ids, at: renewing.ask(ids=ids, at=at),
        days=renewing.NOTICE.days,
        first=_next_question,
    ),
    Clock(
        "answers",
        _("Answers are cut from the people who gave them"),
        lambda at: purposes.to_cut(at=at),
        _cut_answers,
        setting="RESPONSE_DAYS",
        first=_next_cut,
    ),
    Clock(
        "flags",
        _("That somebody answered from an invitation is forgotten"),
        lambda at: purposes.to_forget(at=at),
        _forget_who_answered,
        setting="RESPONSE_DAYS",
        first=_next_cut,
    ),
    Clock(
        "merges",
        _("Merges can no longer be taken back"),
        _old_merges,
        _close_merges,
        days=merging.UNDOABLE.days,
    ),
    Clock(
        "pairs",
        _("Possible duplicates that nobody looked at stay apart"),
        _open_pairs,
        _keep_apart,
        days=duplicates.UNDECIDED.days,
    ),
    Clock(
        "requests",
        _("Closed requests keep their receipt alone"),
        _old_requests,
        _cut_requests,
        days=REQUEST_KEPT.days,
    ),
    Clock(
        "claims",
        _("What nobody confirmed ends"),
        lambda at: registry.over(at=at),
        lambda ids, at: registry.expire(at=at),
        setting="PENDING_DAYS",
    ),
    Clock(
        "rows",
        _("Rows of sheets that nobody looked at are left out"),
        lambda at: importing.unseen_rows(at=at),
        lambda ids, at: importing.end_reviews(at=at),
        setting="QUARANTINE_DAYS",
    ),
    Clock(
        "sheets",
        _("Uploaded sheets are deleted"),
        lambda at: importing.due_files(at=at),
        lambda ids, at: importing.delete_due_files(at=at),
        setting="IMPORT_FILE_DAYS",
    ),
    Clock(
        "events",
        _("What mail providers reported is forgotten"),
        _old_events,
        lambda ids, at: ProviderEvent.objects.filter(pk__in=ids).delete()[0],
        setting="EVENT_DAYS",
    ),
    Clock(
        "removed",
        _("People whom there is no reason to keep are removed"),
        lambda at: purposes.to_remove(at=at),
        _remove,
        setting="QUARANTINE_DAYS",
        first=_next_removal,
    ),
    Clock(
        "released",
        _("People whom there is a reason to keep again stay"),
        lambda at: purposes.to_release(at=at),
        _release,
    ),
    Clock(
        "quarantined",
        _("People whom there is no reason to keep get their last days"),
        lambda at: purposes.to_quarantine(at=at),
        _quarantine,
    ),
)


def plan(*, at: Moment) -> Counts:
    """What a run at this time would do; changes nothing."""
    return {clock.name: clock.due(at).count() for clock in CLOCKS}


def run(*, at: Moment, stopping: Callable[[], bool] = never) -> Counts:
    """Do what is due, and return how much each clock did; a row of the same counts is kept.

    In batches of 500 rows, each a transaction of its own: a run that is killed is simply run
    again. Where `stopping` ended it early, the counts say that it is unfinished.
    """
    counts = {clock.name: _go_through(clock, at, stopping) for clock in CLOCKS}
    kept = {**counts, UNFINISHED: 1} if stopping() else counts
    RetentionRun.objects.create(at=at, counts=kept)
    return counts


def _go_through(clock: Clock, at: Moment, stopping: Callable[[], bool]) -> int:
    done = last = 0
    while not stopping():
        rows = clock.due(at).filter(pk__gt=last).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            break
        last = ids[-1]
        done += clock.act(ids, at)
    return done


def daily(*, at: Moment, stopping: Callable[[], bool] = never) -> int:
    """The worker's part: one run a day, in slices, and a look for possible duplicates after it.

    Returns how much was done; more than nothing where there is more to do.
    """
    last = RetentionRun.objects.order_by("-at", "-pk").first()
    is_of_today = last and timezone.localdate(last.at) >= timezone.localdate(at)
    if last and is_of_today and UNFINISHED not in last.counts:
        return 0
    began = time.monotonic()
    counts = run(at=at, stopping=lambda: stopping() or time.monotonic() - began > SLICE)
    if not stopping() and time.monotonic() - began <= SLICE:
        duplicates.find(at=at)
    return 1 + sum(counts.values())
