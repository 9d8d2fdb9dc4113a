"""Whom an invitation goes to, and who is left out and why. Reads tables, writes none."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When
from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import conf
from ..consent.models import ContactPermission, Purpose
from ..consultations.models import Consultation, ConsultationResponse
from ..participants.models import Claim, Interest, Participant, ParticipantInterest
from . import rhythm
from .models import Delivery, Invitation
from .teams import Team
from .topics import cares_about, chose, chosen, groups, named_nothing

Origin = ParticipantInterest.Origin
Conditions = dict["Exclusion", Q | Exists]
INCLUDED = ""


class Exclusion(models.TextChoices):
    """Why somebody of the register is left out: the first that applies, in this order."""

    STOPPED = "stopped", gettext_lazy("asked us to stop")
    UNDELIVERABLE = "undeliverable", gettext_lazy("undeliverable")
    PAUSED = "paused", gettext_lazy("paused")
    NOT_AGREED = "not_agreed", gettext_lazy("have not agreed")
    OUT_OF_AREA = "out_of_area", gettext_lazy("out of the area")
    NOT_INTERESTED = "not_interested", gettext_lazy("not interested")
    NOT_INVITED = "not_invited", gettext_lazy("did not get the invitation")
    ANSWERED = "answered", gettext_lazy("already answered")
    RECENT = "recent", gettext_lazy("invited recently")


# What the permission itself says; the other reasons are about people whom we may write to.
BARRED = (Exclusion.STOPPED, Exclusion.UNDELIVERABLE, Exclusion.PAUSED)


@dataclass(frozen=True)
class Counts:
    """How many people an invitation goes to, and how many are left out for which reason.

    Together they are the register, with those who could be invited and are not this time.
    `waiting` people have not confirmed yet and stand beside it.
    """

    included: int
    left_out: dict[str, int]
    waiting: int
    not_drawn: int = 0

    @property
    def total_left_out(self) -> int:
        return sum(self.left_out.values())

    @property
    def register(self) -> int:
        return self.included + self.not_drawn + self.total_left_out

    @property
    def reasons(self) -> list[tuple[str, str, int]]:
        """Reason, its label and number, in the fixed order; reasons of nobody are left away."""
        return [
            (reason.value, str(reason.label), self.left_out[reason])
            for reason in Exclusion
            if self.left_out.get(reason)
        ]


@dataclass(frozen=True)
class Audience:
    """Who is asked, as the form says it; saved or not."""

    consultation: Consultation
    interests: tuple[Interest, ...]
    match: str
    not_invited_days: int
    at: datetime.datetime
    is_promotional: bool = False
    # An obligation goes beyond the limit on how often people are written to.
    is_beyond_cap: bool = False
    team: Team | None = None
    reminds: Invitation | None = None
    at_most: int | None = None
    chosen_by: str = Invitation.Chosen.RANDOM

    @classmethod
    def of(cls, invitation: Invitation, *, at: datetime.datetime, **chosen: Any) -> Audience:
        """Whom an invitation goes to, as it is saved but for what is `chosen` otherwise."""
        saved: dict[str, Any] = {
            "match": invitation.match,
            "not_invited_days": invitation.not_invited_days,
            "is_promotional": invitation.is_promotional,
            "is_beyond_cap": bool(invitation.beyond_cap_reason),
            "team": invitation.team,
            "at_most": invitation.at_most,
            "chosen_by": invitation.chosen_by,
        }
        if "interests" not in chosen:
            saved["interests"] = tuple(invitation.interests.all())
        return cls(
            consultation=invitation.consultation,
            reminds=invitation.reminds,
            at=at,
            **{**saved, **chosen},
        )

    def eligible(self) -> QuerySet[Participant]:
        """Everybody who is invited, or could be where not everybody is."""
        return Participant.objects.filter(pk__in=self.numbers(INCLUDED))

    def left_out(self, reason: str) -> QuerySet[Participant]:
        """Everybody for whom this is the first reason to be left out."""
        return Participant.objects.filter(pk__in=self.numbers(reason))

    def numbers(self, why: str) -> QuerySet[Any, Any]:
        """The numbers (`person`) of those left out for one reason, or invited; in their order."""
        if why in BARRED:
            rows: QuerySet[Any] = ContactPermission.objects.not_invited_because(why)
        elif why == Exclusion.NOT_AGREED:
            return _everybody().filter(~self._has_a_say()).order_by("pk").values(person=F("pk"))
        else:
            rows = self._judged().filter(why=why)
        return rows.order_by("participant_id").values(person=F("participant_id"))

    def judged(self, person: Participant) -> Any:
        """One person as `counts` judges the register; None for a record that is no more.

        `why` is the first reason to be left out, "" for none; `standing`, `since` and `until` are
        of the permission to be invited, None where that is missing.
        """
        found: Any = Participant.objects.current().filter(pk=person.pk).first()
        if found is None:
            return None
        permission = (
            ContactPermission.objects.about_invitations().filter(participant=person).first()
        )
        found.standing = permission and permission.reason
        found.since = permission and permission.since
        found.until = permission and permission.recheck_at
        judged = self._judged().filter(participant=person).values_list("why", flat=True).first()
        barred = found.standing if found.standing in BARRED else Exclusion.NOT_AGREED
        found.why = barred if judged is None else judged
        return found

    def counts(self) -> Counts:
        """Count the whole register, each person once, and who waits to confirm.

        Only who may be written to is judged one by one. Whoever has no say is the rest, so that
        the numbers add up to the register.
        """
        found = _tally(self._judged(), "why")
        left_out = _tally(ContactPermission.objects.not_invited_because(*BARRED), "reason")
        rest = _everybody().count() - sum(found.values()) - sum(left_out.values())
        could = found.pop(INCLUDED, 0)
        included = self._number_drawn(could)
        left_out |= found
        if rest:
            left_out[Exclusion.NOT_AGREED] = rest
        waiting = Claim.objects.pending().filter(
            invite_until__gt=self.at, purposes__has_key=Purpose.INVITE.value
        )
        return Counts(
            included=included,
            left_out=left_out,
            waiting=waiting.aggregate(n=Count("address_key", distinct=True))["n"],
            not_drawn=could - included,
        )

    def could_be_invited(self) -> Any:
        """The permissions of those who could be, with `person`, and `must` for the law's own."""
        told = Participant.objects.filter(pk=OuterRef("participant"), must_be_notified=True)
        must: Any = models.Value(False) if self.is_promotional else Exists(told)
        rows = self._judged().filter(why=INCLUDED)
        return rows.annotate(person=F("participant_id"), must=must)

    def _number_drawn(self, could: int) -> int:
        """How many of those who could be invited are; the law's own are never drawn out."""
        if self.at_most is None or self.at_most >= could:
            return could
        # By their numbers, for they are few, and so the register is not gone through again.
        told = Participant.objects.filter(must_be_notified=True).values_list("pk", flat=True)
        must = self.could_be_invited().filter(must=True, participant__in=list(told))
        return max(self.at_most, must.count())

    def sentence(self, included: int, not_drawn: int = 0) -> str:
        """Say how many people this is, what they have in common, and how they are chosen."""
        agreed = _("agreed to be invited") if self.is_promotional else _("may be invited")
        parts = [agreed]
        if self.reminds:
            parts.insert(0, _("got the invitation"))
        elif self.interests:
            names = [interest.name for interest in self.interests]
            topics = get_text_list(names, self.joint)
            interested = _("interested in %(topics)s, or in no topic in particular")
            parts.insert(0, interested % {"topics": topics})
        else:
            parts.append(_("have not chosen other topics only"))
        if self.consultation.area:
            parts.append(_("not known to live outside %(area)s") % {"area": self.consultation.area})
        if self.not_invited_days and not self.reminds:
            said = not_invited(self.not_invited_days)
            parts.append(rhythm.not_lately(said, is_by_law=self.is_beyond_cap))
        if self._cap_counts:
            parts.append(self._below_cap())
        parts.append(_("have not answered"))
        people = ngettext("%(number)s person", "%(number)s people", included)
        number = number_format(included, force_grouping=True)
        said = f"{people % {'number': number}}: {', '.join(parts)}."
        if not not_drawn:
            return said
        chosen = _("They are chosen from %(all)s people %(how)s.") % {
            "all": number_format(included + not_drawn, force_grouping=True),
            "how": Invitation.Chosen(self.chosen_by).label,
        }
        return f"{said} {chosen}"

    def _optional(self) -> Q:
        """Whom this is not by law for: interests, area and other mail may leave them out."""
        return Q() if self.is_promotional else _need_not_be_told()

    @property
    def _any(self) -> bool:
        return self.match == Invitation.Match.ANY

    @property
    def joint(self) -> str:
        """What stands between the topics when they are named."""
        return _("or") if self._any or not self.interests else _("and")

    @cached_property
    def _conditions(self) -> Conditions:
        """What leaves out people whom we may write to, in the fixed order."""
        found: Conditions = {}
        area = self.consultation.area
        if area:
            elsewhere = ~Q(participant__area="") & ~Q(participant__area__iexact=area)
            found[Exclusion.OUT_OF_AREA] = self._optional() & elsewhere
        if self.reminds:
            found[Exclusion.NOT_INVITED] = ~Q(Exists(self.reached(self.reminds)))
        else:
            found[Exclusion.NOT_INTERESTED] = self._optional() & ~self._interested()
        answers = ConsultationResponse.objects.counted().filter(
            participant=OuterRef("participant"), consultation=self.consultation
        )
        has_answered = Q(Exists(answers))
        if self.reminds:  # Whoever answered from the first invitation, known to us or not.
            has_answered |= Q(Exists(self.reached(self.reminds).filter(has_answered=True)))
        found[Exclusion.ANSWERED] = has_answered
        found[Exclusion.RECENT] = self._invited_recently()
        return found

    @cached_property
    def topics(self) -> tuple[Interest, ...]:
        """The topics that the editor chose; without any, those of the consultation."""
        return self.interests or tuple(self.consultation.interests.all())

    @cached_property
    def topic_groups(self) -> list[frozenset[int]]:
        """The numbers of each topic, with those of every one that was merged into the same."""
        return groups(self.topics)

    def _interested(self) -> Q:
        """Who cares about the topics that the editor chose; without any, about the consultation's.

        People were told that we write only about what they chose, so that an editor who chooses
        no topic still reaches nobody who chose others.
        """
        groups = self.topic_groups
        together: frozenset[int] = frozenset().union(*groups)
        if not self.interests:
            return chose(together) | ~Q(Exists(chosen()))
        asked = [together] if self._any else groups
        return Q(*(cares_about(group) for group in asked)) | named_nothing(together)

    @staticmethod
    def reached(invitation: Invitation) -> QuerySet[Delivery]:
        """The deliveries of somebody that brought them an invitation, as far as we can tell."""
        arrived = invitation.deliveries.filter(state__in=Delivery.ARRIVED)
        return arrived.filter(participant=OuterRef("participant"))

    def _invited_recently(self) -> Q:
        """Invited to this consultation ever, to another one within the days chosen, or as often as
        the council allows.

        What is still on its way counts as sent, else two invitations that are started on one
        morning would both reach the same people; what waits for a summary costs no email more.
        Who gets summaries chose how often, so that the limit alone counts. A reminder follows the invitation that it is about.
        """
        mine = Delivery.objects.filter(participant=OuterRef("participant"))
        if self.reminds:
            return self._optional() & self._capped()
        same = Q(Exists(self.to_this(mine)))
        if self.not_invited_days:
            days = Q(Exists(self.lately(mine, self.not_invited_days)))
            same |= self._optional() & days & ~rhythm.waits(is_by_law=self.is_beyond_cap)
        return same | self._optional() & self._capped()

    @property
    def _cap_counts(self) -> bool:
        """Whether the council's limit leaves out anybody whom the days chosen do not."""
        is_covered = not self.reminds and self.not_invited_days >= conf.contact_cap_days()
        return not (is_covered or self.is_beyond_cap) and bool(conf.contact_cap())

    def _capped(self) -> Q:
        """Who had as many invitations lately as the council allows, or the team's share of them.

        A row that has so many others before it shows it, without counting them all.
        """
        if self.is_beyond_cap:
            return Q(pk__in=[])
        mine = Delivery.objects.filter(participant=OuterRef("participant"))
        lately = self.lately(mine, conf.contact_cap_days()).order_by()
        found = Q(pk__in=[])
        if cap := conf.contact_cap():
            is_full = Q(Exists(lately[cap - 1 : cap]))
            found |= is_full if self._cap_counts else rhythm.waits() & is_full
        if self.team and self.team.cap_share:
            share = self.team.cap_share
            found |= Q(Exists(lately.filter(invitation__team=self.team)[share - 1 : share]))
        return found

    def _below_cap(self) -> str:
        facts = {"number": conf.contact_cap(), "days": conf.contact_cap_days()}
        text = _("had fewer than %(number)s invitations in %(days)s days")
        return text % facts

    def to_this(self, mine: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Those of somebody's deliveries that invite to this consultation."""
        # As a list, for databases look this up better than by way of the table of invitations.
        same = list(self.consultation.invitations.values_list("pk", flat=True))
        return mine.filter(
            Q(state__in=Delivery.LEFT) | Q(state__in=Delivery.LIVE), invitation__in=same
        )

    def lately(self, mine: QuerySet[Delivery], days: int) -> QuerySet[Delivery]:
        """Those of somebody's deliveries that left within so many days, or are on their way."""
        since = self.at - datetime.timedelta(days=days)
        left = Q(state__in=Delivery.LEFT, handed_at__gt=since, carried_by=None)
        return mine.filter(left | Q(state__in=Delivery.LIVE, in_summary=False))

    def _writable(self) -> Any:
        """The permissions of those whom we may write to; somebody has one at most.

        Of what is not the council's own task, only people who agreed are told (P06).
        """
        in_time = Q(recheck_at=None) | Q(recheck_at__gt=self.at)
        found = ContactPermission.objects.may_be_invited().filter(in_time).order_by()
        return found.filter(is_by_consent=True) if self.is_promotional else found

    def _has_a_say(self) -> Any:
        """Whether somebody may be written to, or has a permission that says why not."""
        barred = ContactPermission.objects.not_invited_because(*BARRED)
        return Exists(self._writable().filter(participant=OuterRef("pk"))) | Exists(
            barred.filter(participant=OuterRef("pk"))
        )

    def _judged(self) -> Any:
        """Those whom we may write to, with `why` somebody is left out, "" for who is invited."""
        first = (
            When(condition, then=models.Value(why)) for why, condition in self._conditions.items()
        )
        why = Case(*first, default=models.Value(INCLUDED), output_field=models.CharField())
        return self._writable().annotate(why=why)


def _everybody() -> Any:
    """The register, counted without a look at each person."""
    return Participant.objects.exclude(pk__in=Participant.objects.merged().values("pk"))


def _tally(rows: Any, name: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(name).annotate(Count("pk")))


def _need_not_be_told() -> Q:
    """Whom the law says to tell is told whatever their interests, area and other mail."""
    told = Participant.objects.filter(must_be_notified=True)
    return ~Q(participant__in=told.values("pk"))


def not_invited(days: int) -> str:
    return ngettext(
        "not invited in the last day", "not invited in the last %(days)s days", days
    ) % {"days": days}
