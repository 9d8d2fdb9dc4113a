"""What belongs to a colleague, and giving it to another: everything in one list, in one step.

Only what still asks something of somebody: what is over stays with whoever did it.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import log

from ..consultations import giving as consultations
from ..consultations.models import Consultation
from ..imports import giving as imports
from ..imports.models import ImportBatch, ImportRow
from ..invitations import giving as invitations
from ..invitations.colleagues import named
from ..invitations.models import Invitation
from ..invitations.teams import Team
from ..modeladmin import may
from ..rights import giving as requests
from ..rights.models import RightsRequest

UNFINISHED = (
    ImportBatch.Status.DRAFT,
    ImportBatch.Status.CHECKED,
    ImportBatch.Status.PARKED,
    ImportBatch.Status.FAILED,
)
Status = Invitation.Status
UNDER_WAY = (Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED)
EDIT = "wagtailsnippets_wagtail_engagement_invitation:edit"


class CannotGive(Exception):
    """Somebody cannot take this over; the message is for staff."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing that belongs to somebody, by the column `whose`.

    `codename` is the permission without which nobody could do anything with it.
    """

    key: str
    label: Any
    whose: str
    rows: Callable[[datetime.datetime], QuerySet[Any]]
    url: Callable[[Any], str]
    give: Callable[..., None]
    codename: str = ""
    said: Callable[[Any], str] = str


@dataclass(frozen=True)
class Thing:
    """One row that belongs to somebody; `key` names it in a form."""

    kind: Kind
    row: Any

    @property
    def key(self) -> str:
        return f"{self.kind.key}:{self.row.pk}"

    @property
    def text(self) -> str:
        return self.kind.said(self.row)

    @property
    def url(self) -> str:
        return self.kind.url(self.row)


def _consultations(at: datetime.datetime) -> QuerySet[Any]:
    """Those that nobody has answered yet; what was brought in from old forms never is."""
    return Consultation.objects.filter(answered_at=None, form_page="").order_by("closes_at", "pk")


def _invitations(at: datetime.datetime) -> QuerySet[Any]:
    rows = Invitation.objects.filter(status__in=UNDER_WAY, consultation__closes_at__gt=at)
    return rows.select_related("consultation").order_by("pk")


def _reminders(at: datetime.datetime) -> QuerySet[Any]:
    """Invitations that are sent, whose reminder is still to leave."""
    rows = Invitation.objects.filter(
        status=Status.FINISHED, remind_days__isnull=False, reminds=None, reminders=None
    )
    rows = rows.filter(consultation__closes_at__gt=at)
    return rows.select_related("consultation").order_by("pk")


def _imports(at: datetime.datetime) -> QuerySet[Any]:
    """Sheets that nobody has brought in, and rows that nobody but a person can read."""
    unread = ImportRow.objects.filter(
        batch=OuterRef("pk"), outcome=ImportRow.Outcome.REVIEW, decided_at=None
    )
    begun = Q(status__in=UNFINISHED, file_gone_at=None)
    read = Q(Exists(unread), status=ImportBatch.Status.FINISHED)
    return ImportBatch.objects.filter(begun | read).order_by("created_at", "pk")


KINDS: tuple[Kind, ...] = (
    Kind(
        "consultation",
        gettext_lazy("Consultations that are not answered yet"),
        "owner",
        _consultations,
        lambda row: reverse("wagtail_engagement_responses:of_consultation", args=[row.pk]),
        consultations.give,
    ),
    Kind(
        "invitation",
        gettext_lazy("Invitations that are drafts or under way"),
        "created_by",
        _invitations,
        lambda row: reverse(EDIT, args=[row.pk]),
        invitations.give,
        codename="change_invitation",
        said=lambda row: f"{row} ({row.get_status_display()})",
    ),
    Kind(
        "reminder",
        gettext_lazy("Reminders that are planned"),
        "created_by",
        _reminders,
        lambda row: reverse(EDIT, args=[row.pk]),
        invitations.give,
        codename="send_invitation",
    ),
    Kind(
        "import",
        gettext_lazy("Imports that wait for somebody"),
        "created_by",
        _imports,
        lambda row: reverse("wagtail_engagement_imports:show", args=[row.pk]),
        imports.give,
        codename="import_participant",
        said=lambda row: str(row.name),
    ),
    Kind(
        "request",
        gettext_lazy("Requests about personal data"),
        "by",
        lambda at: RightsRequest.objects.filter(closed_at=None).order_by("due_at", "pk"),
        lambda row: reverse("wagtail_engagement_requests:handle", args=[row.pk]),
        requests.give,
        codename="erase_participant",
        said=lambda row: f"{row.reference} ({row.get_kind_display()})",
    ),
    Kind(
        "team",
        gettext_lazy("Places in teams"),
        "members",
        lambda at: Team.objects.all(),
        lambda row: reverse("wagtail_engagement_teams:members", args=[row.pk]),
        invitations.give_place,
    ),
)


def of(user: Any, *, at: datetime.datetime) -> list[Thing]:
    """Everything that belongs to somebody, by kind; to nobody where `user` is None.

    A user who is deleted leaves what was theirs to nobody.
    """
    return [Thing(kind, row) for kind in KINDS for row in _rows_of(kind, user, at)]


def _rows_of(kind: Kind, user: Any, at: datetime.datetime) -> QuerySet[Any]:
    """A team has members, so that none of its places is nobody's."""
    rows = kind.rows(at).filter(**{kind.whose: user})
    return rows.none() if user is None and kind.key == "team" else rows


def nobodys(*, at: datetime.datetime) -> int:
    """How many things belong to nobody."""
    return sum(_rows_of(kind, None, at).count() for kind in KINDS)


def numbers(*, at: datetime.datetime, has_left: bool | None = None) -> Counter[int]:
    """How many things belong to whom, by the number of the user: one statement for each kind.

    `has_left` asks only for those who have left, or have not.
    """
    found: Counter[int] = Counter()
    for kind in KINDS:
        owned = kind.rows(at).order_by().exclude(**{kind.whose: None})
        if has_left is not None:
            owned = owned.filter(**{f"{kind.whose}__is_active": not has_left})
        for pk, number in owned.values_list(kind.whose).annotate(Count("pk", distinct=True)):
            found[pk] += number
    return found


@transaction.atomic
def give(*, giver: Any, keys: set[str], to: Any, actor: Any, at: datetime.datetime) -> int:
    """Give what belongs to somebody, or to nobody, to a colleague; return how many things.

    `keys` name the things. What is not theirs any more stays where it is. Raises CannotGive where
    the colleague could do nothing with some of it, and then gives nothing.
    """
    if giver is not None:
        get_user_model()._default_manager.select_for_update(no_key=True).get(pk=giver.pk)
    given = [thing for thing in of(giver, at=at) if thing.key in keys]
    _check(given, to)
    for kind in KINDS:
        mine = [thing.row.pk for thing in given if thing.kind is kind]
        if mine and kind.key == "team":
            kind.give(numbers=mine, giver=giver, to=to)
        elif mine:
            kind.give(numbers=mine, to=to)
    for thing in given:
        facts = {"from": giver and giver.pk, "to": to.pk}
        title, action = str(thing.row), "wagtail_engagement.work_given"
        log(thing.row, action, user=actor, title=title, data=facts)
    return len(given)


def _check(given: list[Thing], to: Any) -> None:
    needed = {thing.kind.key: thing.kind for thing in given if thing.kind.codename}
    missing = [str(kind.label).lower() for kind in needed.values() if not may(to, kind.codename)]
    if missing:
        text = _(
            "%(who)s has no permission to deal with these: %(kinds)s. Untick them, or choose"
            " somebody else."
        )
        raise CannotGive(text % {"who": named(to), "kinds": get_text_list(missing, _("and"))})
