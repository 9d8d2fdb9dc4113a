"""What goes out, went out and is planned, of all teams, and who would be asked more than once.

Who is asked by two comes from frozen deliveries where an invitation has started, else from the query
of its audience. So that the screen opens quickly in a city of a million, only the entries nearest to
today are compared, and of many people every so-many-th is looked at: the numbers are "about" then.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from .. import conf
from ..consent.models import ContactPermission
from ..participants.models import Participant
from . import reminding
from .audience import INCLUDED, Audience
from .models import Delivery, Invitation

MOST_LISTED = 200
MOST_COMPARED = 20
MOST_DRAFTS = 5  # that are counted
LOOKED_AT = 10_000  # people of whom each is looked at; of more, one in as many as one of these
STEPS = (7, 13, 29, 53, 101, 211, 503)
Status = Invitation.Status
COUNTED = (*Delivery.LIVE, *Delivery.LEFT)


@dataclass(frozen=True)
class Number:
    """How many people, exactly or about."""

    people: int
    is_about: bool = False

    @property
    def shown(self) -> str:
        number = number_format(self.people, force_grouping=True)
        return _("about %(number)s") % {"number": number} if self.is_about else str(number)


@dataclass(frozen=True)
class Sample:
    """One in so many people, by their numbers. A prime, so that it follows no pattern of a sheet."""

    step: int = 1

    @classmethod
    def of(cls, people: int) -> Sample:
        fitting = (step for step in (1, *STEPS) if people <= step * LOOKED_AT)
        return cls(next(fitting, STEPS[-1]))

    @classmethod
    def of_register(cls) -> Sample:
        last = Participant.objects.order_by("-pk").values_list("pk", flat=True).first()
        return cls.of(last or 0)

    def among(self, rows: Any) -> Any:
        """Of rows that each name a participant, those of the sample."""
        if self.step == 1:
            return rows
        return rows.alias(remainder=F("participant_id") % self.step).filter(remainder=0)

    def times(self, found: int) -> Number:
        """What was found among the sample, for everybody; two digits are as much as it tells."""
        if self.step == 1:
            return Number(found)
        people = found * self.step
        return Number(round(people, -max(len(str(people)) - 2, 0)), is_about=True)


@dataclass(frozen=True)
class Entry:
    """One mailing on the calendar; `at` is None where no day is chosen.

    `people` is None where they were not counted, and for a reminder the most that there can be.
    `shared` are other entries that reach some of the same people, with how many.
    """

    invitation: Invitation
    at: datetime.datetime | None
    is_reminder: bool = False
    people: Number | None = None
    shared: list[tuple[Entry, Number]] = field(default_factory=list)

    @property
    def is_draft(self) -> bool:
        return self.invitation.status == Status.DRAFT

    def near(self, other: Entry, at: datetime.datetime) -> bool:
        """Whether both reach people within the days of the council's limit."""
        return abs((self.at or at) - (other.at or at)) <= window()


def window() -> datetime.timedelta:
    """How far the calendar looks back, and how near two invitations have to be to be compared."""
    return datetime.timedelta(days=conf.contact_cap_days())


def began_at(invitation: Invitation) -> datetime.datetime | None:
    """When a started invitation began, or will."""
    is_now = invitation.start == Invitation.Start.NOW
    moment: datetime.datetime | None = invitation.started_at if is_now else invitation.begins_at
    return moment


def entries(*, at: datetime.datetime) -> list[Entry]:
    """Everything on the calendar, in the order of time; what has no day comes where today is."""
    found = [*_started(at), *_reminders(at), *_drafts(at)]
    found.sort(key=lambda entry: abs((entry.at or at) - at))
    near = [_with_people(entry) for entry in found[:MOST_COMPARED]]
    rest = [_with_people(entry) for entry in found[MOST_COMPARED:MOST_LISTED]]
    with _without_compiling():
        near = _compared(near, at)
    return sorted([*near, *rest], key=lambda entry: (entry.at or at, entry.invitation.pk))


def _rows() -> QuerySet[Invitation]:
    return Invitation.objects.select_related("consultation", "team", "reminds")


def _begun_since(moment: datetime.datetime) -> Q:
    Start = Invitation.Start
    return (
        Q(start=Start.NOW, started_at__gt=moment)
        | Q(start=Start.TIME, starts_at__gt=moment)
        | Q(start=Start.OPENING, consultation__opens_at__gt=moment)
    )


def _started(at: datetime.datetime) -> list[Entry]:
    """What is under way or to come, and what left within the window. Today holds what goes on."""
    under_way = Q(status__in=(Status.SCHEDULED, Status.SENDING, Status.PAUSED))
    left = Exists(Delivery.objects.left_the_building().filter(invitation=OuterRef("pk")))
    over = Q(status=Status.FINISHED) | Q(left, status=Status.STOPPED)
    rows = _rows().filter(under_way | over & _begun_since(at - window()))
    found = []
    for invitation in rows.order_by("-pk")[:MOST_LISTED]:
        began = began_at(invitation)
        if invitation.finished_at is None:
            began = max(began or at, at)
        found.append(Entry(invitation, began))
    return found


def _reminders(at: datetime.datetime) -> list[Entry]:
    """Reminders that will leave by themselves."""
    rows = _rows().filter(
        remind_days__isnull=False, reminds=None, reminders=None, consultation__closes_at__gt=at
    )
    rows = rows.filter(status__in=Invitation.STARTED).exclude(status=Status.STOPPED)
    return [
        Entry(row, max(due, at), is_reminder=True)
        for row in rows.order_by("-pk")[:MOST_LISTED]
        if (due := reminding.due_at(row))
    ]


def _drafts(at: datetime.datetime) -> list[Entry]:
    """Drafts that nobody has sent, of consultations that are open or open soon."""
    rows = _rows().filter(
        status=Status.DRAFT,
        consultation__closes_at__gt=at,
        consultation__opens_at__lt=at + window(),
    )
    found = []
    for row in rows.order_by("consultation__opens_at", "-pk")[:MOST_LISTED]:
        opens = row.consultation.opens_at
        found.append(Entry(row, opens if opens > at else None))
    return found


@contextmanager
def _without_compiling() -> Iterator[None]:
    """PostgreSQL would compile these statements for longer than it then runs them."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL jit = off")
        yield


def _with_people(entry: Entry) -> Entry:
    return entry if entry.is_draft else replace(entry, people=Number(entry.invitation.recipients))


# Who is asked by two


def _compared(near: list[Entry], at: datetime.datetime) -> list[Entry]:
    """The entries with how many people each shares with which other."""
    drafts = [entry for entry in near if entry.is_draft][:MOST_DRAFTS]
    audiences = {
        entry.invitation.pk: Audience.of(entry.invitation, at=entry.at or at) for entry in drafts
    }
    counted, both = _of_drafts(audiences)
    started = {entry.invitation.pk: entry.invitation for entry in near if not entry.is_draft}
    both |= _of_started(started)
    for pk, audience in audiences.items():
        met = shared_with(audience, started)
        both |= {frozenset((pk, number)): people for number, people in met.items()}
    near = [
        replace(entry, people=counted.get(entry.invitation.pk)) if entry.is_draft else entry
        for entry in near
    ]
    for entry in near:
        for other in near:
            pair = frozenset((entry.invitation.pk, other.invitation.pk))
            if len(pair) == 2 and pair in both and entry.near(other, at):
                entry.shared.append((other, both[pair]))
    return near


Pairs = dict[frozenset[int], Number]


def _of_started(numbers: dict[int, Invitation]) -> Pairs:
    """How many people two started invitations share, for all pairs in one statement."""
    if len(numbers) < 2:
        return {}
    sample = Sample.of(max(row.recipients for row in numbers.values()))
    theirs = "participant__deliveries"
    rows = sample.among(Delivery.objects.filter(invitation__in=numbers, state__in=COUNTED)).filter(
        **{
            f"{theirs}__invitation__in": numbers,
            f"{theirs}__invitation__gt": F("invitation"),
            f"{theirs}__state__in": COUNTED,
        }
    )
    pairs = rows.order_by().values_list("invitation", f"{theirs}__invitation")
    found = pairs.annotate(Count("pk"))
    return {frozenset((a, b)): sample.times(number) for a, b, number in found}


def _of_drafts(audiences: dict[int, Audience]) -> tuple[dict[int, Number], Pairs]:
    """How many people each draft reaches and two of them share, in one look at the register."""
    if not audiences:
        return {}, {}
    sample = Sample.of_register()
    rows = sample.among(ContactPermission.objects.may_be_invited())
    for pk, audience in audiences.items():
        is_in = sample.among(audience.numbers(INCLUDED).order_by())
        rows = rows.annotate(
            **{f"in_{pk}": Exists(is_in.filter(participant=OuterRef("participant")))}
        )
    names = [f"in_{pk}" for pk in audiences]
    counted: Counter[int] = Counter(dict.fromkeys(audiences, 0))
    both: Counter[frozenset[int]] = Counter()
    for *flags, number in rows.order_by().values_list(*names).annotate(Count("pk")):
        reached = [pk for pk, flag in zip(audiences, flags, strict=True) if flag]
        for pk in reached:
            counted[pk] += number
        for pair in combinations(reached, 2):
            both[frozenset(pair)] += number
    return (
        {pk: sample.times(number) for pk, number in counted.items()},
        {pair: sample.times(number) for pair, number in both.items()},
    )


def shared_with(audience: Audience, numbers: Iterable[int]) -> dict[int, Number]:
    """How many people of an audience get or got each of some started invitations.

    Whoever leaves out all that were invited within the window meets nobody there, but for those
    whom the law says to tell.
    """
    leaves_out = audience.not_invited_days >= conf.contact_cap_days() and not audience.reminds
    told = Participant.objects.filter(must_be_notified=True)
    others = [pk for pk in numbers if not audience.reminds or pk != audience.reminds.pk]
    if not others or (leaves_out and not told.exists()):
        return {}
    sample = Sample.of_register()
    theirs = sample.among(Delivery.objects.filter(invitation__in=others, state__in=COUNTED))
    reached = sample.among(audience.numbers(INCLUDED).order_by())
    found = theirs.filter(participant__in=reached).order_by().values_list("invitation")
    return {pk: sample.times(number) for pk, number in found.annotate(Count("pk"))}


def others_near(invitation: Invitation, *, at: datetime.datetime) -> dict[int, Invitation]:
    """Started invitations that people get or got within the window, the nearest ones."""
    found = [entry for entry in _started(at) if entry.invitation.pk != invitation.pk]
    found = [entry for entry in found if abs((entry.at or at) - at) <= window()]
    found.sort(key=lambda entry: abs((entry.at or at) - at))
    return {entry.invitation.pk: entry.invitation for entry in found[:MOST_COMPARED]}
