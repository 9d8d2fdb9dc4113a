"""Interests that stay true: where each comes from, when it fades, and how two become one."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.db.models import (
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from wagtail.models import Page

from .. import conf
from ..consent.models import ContactPermission, Purpose
from .models import Interest, ParticipantInterest

Origin = ParticipantInterest.Origin

FADED_AT_ONCE = 5_000
UNUSED = datetime.timedelta(days=365)


class CannotMerge(Exception):
    """These interests cannot be merged; the message says why."""


# Where it comes from, and when it fades


def provenance(link: ParticipantInterest) -> str:
    """Say to staff where an interest of a person comes from, and of which month."""
    facts = {"month": date_format(timezone.localtime(link.since), "F Y")}
    if link.batch is not None:
        return _("from %(sheet)s") % {"sheet": link.batch.from_where(link.since)}
    if link.consultation is not None and not link.consultation.is_sensitive:
        facts["title"] = link.consultation.title
        if link.origin == Origin.DECLARED:
            return _("chosen on the form of %(title)s, %(month)s") % facts
        return _("from taking part in %(title)s, %(month)s") % facts
    facts["origin"] = link.get_origin_display()
    return _("%(origin)s, %(month)s") % facts


def fades_at(link: ParticipantInterest) -> datetime.datetime | None:
    """When an interest fades unless something renews it; None where the site keeps them."""
    days = conf.interest_days()
    return link.renewed_at + datetime.timedelta(days=days) if days else None


def fade(*, at: datetime.datetime, limit: int = FADED_AT_ONCE) -> int:
    """Forget interests that nothing renewed for long enough; return how many, `limit` at most.

    What people chose stays for as long as they may be invited: without it they would be invited
    to everything.
    """
    old = faded(at=at).order_by("pk").values_list("pk", flat=True)[:limit]
    return ParticipantInterest.objects.filter(pk__in=list(old)).delete()[0]


def faded(*, at: datetime.datetime) -> QuerySet[ParticipantInterest]:
    """Interests whose time is over."""
    days = conf.interest_days()
    if not days:
        return ParticipantInterest.objects.none()
    invited = ContactPermission.objects.filter(
        participant=OuterRef("participant"), purpose=Purpose.INVITE, may_write=True
    ).exclude(lapses=True, recheck_at__lte=at)
    old = ParticipantInterest.objects.filter(
        removed_at=None, renewed_at__lte=at - datetime.timedelta(days=days)
    )
    return old.exclude(Q(origin=Origin.DECLARED) & Exists(invited))


# Two become one


def uses_of(interest: Interest) -> dict[str, int]:
    """How often each table names an interest, by its name on screens; what merging will move."""
    found = {str(_("people")): _people_with(interest).count()}
    for relation in _others_that_name_it():
        count = _rows(relation, interest).count()
        label = _label_of(_owner_of(relation))
        found[label] = found.get(label, 0) + count
    return {label: count for label, count in found.items() if count}


def shared_by(source: Interest, target: Interest) -> int:
    """How many people have both interests."""
    both = ParticipantInterest.objects.filter(participant=OuterRef("participant"), interest=target)
    return _people_with(source).filter(Exists(both)).count()


@transaction.atomic
def merge(*, source: Interest, target: Interest, at: datetime.datetime) -> int:
    """Make one interest part of another for good, and return how many people it moves.

    People, consultations, pages, drafts of invitations and sheets that are being brought in go
    along. Saved drafts of pages that name the merged one still find the other. Whoever took the
    target away keeps it away. Raises CannotMerge.
    """
    rows = Interest.objects.select_for_update(no_key=True).order_by("pk")
    found = {row.pk: row for row in rows.filter(pk__in=(source.pk, target.pk))}
    if source.pk == target.pk or len(found) < 2 or any(r.merged_into_id for r in found.values()):
        raise CannotMerge(_("Choose another interest that is in use."))
    count = _people_with(source).count()
    _unite_people(source, target)
    for relation in _others_that_name_it():
        _repoint(relation, source, target)
    _rewrite_sheets(source, target)
    Interest.objects.filter(merged_into=source).update(merged_into=target)
    Interest.objects.filter(pk=source.pk).update(merged_into=target)
    return count


def _people_with(interest: Interest) -> QuerySet[ParticipantInterest]:
    return ParticipantInterest.objects.filter(interest=interest, removed_at=None)


def _unite_people(source: Interest, target: Interest) -> None:
    """Where somebody has both, the stronger reason and the later renewal win."""
    links = ParticipantInterest.objects
    theirs = links.filter(participant=OuterRef("participant"), interest=source, removed_at=None)
    both = links.filter(Exists(theirs), interest=target, removed_at=None)
    chose = theirs.filter(origin=Origin.DECLARED)
    both.filter(Exists(chose)).update(origin=Origin.DECLARED)
    renewed = Subquery(theirs.values("renewed_at")[:1])
    both.annotate(theirs=renewed).filter(renewed_at__lt=F("theirs")).update(renewed_at=renewed)
    has_target = links.filter(participant=OuterRef("participant"), interest=target)
    links.filter(interest=source).exclude(Exists(has_target)).update(interest=target)
    links.filter(interest=source).delete()


def _others_that_name_it() -> list[Any]:
    """Every foreign key to an interest, but those of people and of interests themselves."""
    relations: Any = Interest._meta.get_fields(include_hidden=True)
    return [
        relation.field
        for relation in relations
        if relation.auto_created
        and relation.one_to_many
        and relation.field.model not in (ParticipantInterest, Interest)
    ]


def _rows(field: Any, interest: Interest) -> QuerySet[Any]:
    return field.model._base_manager.filter(**{field.name: interest})


def _owner_of(field: Any) -> Any:
    """The table whose list of interests a row belongs to, else the row's own."""
    if not field.model._meta.auto_created:
        return field.model
    others = [
        each for each in field.model._meta.fields if each.related_model not in (None, Interest)
    ]
    return others[0].related_model


def _label_of(owner: Any) -> str:
    return _("pages") if issubclass(owner, Page) else str(owner._meta.verbose_name_plural)


def _repoint(field: Any, source: Interest, target: Interest) -> None:
    """Let rows of a table name the target, each owner once."""
    rows = _rows(field, source)
    for constraint in _unique_with(field):
        same = {name: OuterRef(name) for name in constraint if name != field.name}
        taken = field.model._base_manager.filter(**{field.name: target}, **same)
        rows.filter(Exists(taken)).delete()
    rows.update(**{field.name: target})


def _unique_with(field: Any) -> list[tuple[str, ...]]:
    meta = field.model._meta
    found = [*meta.unique_together, *(each.fields for each in meta.total_unique_constraints)]
    return [tuple(names) for names in found if field.name in names]


def _rewrite_sheets(source: Interest, target: Interest) -> None:
    """Let sheets whose words were matched to the source mean the target."""
    sheets: Any = ParticipantInterest._meta.get_field("batch").related_model
    for sheet in sheets._base_manager.exclude(interest_words={}).iterator():
        words = {
            word: target.pk if number == source.pk else number
            for word, number in sheet.interest_words.items()
        }
        if words != sheet.interest_words:
            sheets._base_manager.filter(pk=sheet.pk).update(interest_words=words)


# Those that nobody uses


def unused(*, at: datetime.datetime) -> QuerySet[Interest]:
    """Interests of nobody, which no consultation of the last twelve months was about."""
    people = ParticipantInterest.objects.filter(interest=OuterRef("pk"), removed_at=None)
    recent = Interest.objects.filter(consultations__closes_at__gt=at - UNUSED).values("pk")
    return Interest.objects.in_use().filter(~Exists(people)).exclude(pk__in=recent)


def retire(*, interest: Interest) -> bool:
    """Offer an interest no longer; False if it was retired before."""
    return Interest.objects.filter(pk=interest.pk, is_retired=False).update(is_retired=True) > 0
