"""How likely somebody is to take part: from interests and from past taking part, and nothing else.

What somebody answered is never looked at, nor where they live, how old they are or what they are
called; nor is anything of a sensitive consultation. `docs/choosing-people.md` explains the points.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import Case, Count, Exists, F, IntegerField, Max, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Least
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..consultations.models import ConsultationResponse
from ..consultations.queries import cut_at
from ..participants.models import Participant, ParticipantInterest
from .audience import Audience
from .models import Delivery, Invitation

# By these the answers to an invitation's consultation are cut from people.
DATES = tuple(
    f"consultation__{name}" for name in ("closes_at", "answered_at", "decision_expected_on")
)
ARRIVED = (Delivery.State.ACCEPTED, Delivery.State.DELIVERED)
YEAR = datetime.timedelta(days=365)
CHOSE, SHOWED = 2, 1
LATELY, SOME_TIME_AGO = 2, 1
# Each of the three facts is one number, so that each is one look into the database.
# `past` is responses * 10 + recency; `invited` is earlier invitations * 100 + answered ones.
MOST_RESPONSES, MOST_INVITATIONS = 9, 99
# Two points for a chosen topic and one for a shown one; one for each response, three at most; two
# for one within a year and one within two; up to eight for answering invitations, two of these for
# whoever was never invited.
POINTS = (
    "interest"
    " + CASE WHEN past >= 30 THEN 3 ELSE past / 10 END"
    " + past %% 10"
    " + 8.0 * (invited %% 100 + 1) / (invited / 100 + 4)"
)

# Codes of a delivery: how somebody came to be among fewer than all.
TOLD, RANDOM, LIKELY = "told", "random", "likely"
LIKELY_CODE = f"'{LIKELY} ' || interest || ' ' || past || ' ' || invited"
KNOWN = "interest + past + invited > 0"


class Facts(NamedTuple):
    """What speaks for somebody's taking part, as numbers."""

    interest: int
    past: int
    invited: int


def facts(audience: Audience) -> dict[str, Any]:
    """The columns of `Facts` for rows that name a `participant`, as of the audience's time."""
    return {
        "interest": _interest(audience),
        "past": _past(audience),
        "invited": _invited(audience),
    }


def _interest(audience: Audience) -> Case:
    topics = frozenset().union(*audience.topic_groups)
    kept = ParticipantInterest.objects.filter(
        participant=OuterRef("participant"), removed_at=None, interest__in=list(topics)
    )
    return Case(
        When(Exists(kept.filter(origin=ParticipantInterest.Origin.DECLARED)), then=CHOSE),
        When(Exists(kept), then=SHOWED),
        default=0,
        output_field=IntegerField(),
    )


def _past(audience: Audience) -> Coalesce:
    """Responses to any consultation that is not sensitive, and how long ago the last one was."""
    mine = ConsultationResponse.objects.counted().filter(
        participant=OuterRef("participant"),
        submitted_at__lt=audience.at,
        consultation__is_sensitive=False,
    )
    recency = Case(
        When(last__gt=audience.at - YEAR, then=LATELY),
        When(last__gt=audience.at - 2 * YEAR, then=SOME_TIME_AGO),
        default=0,
    )
    counted = (
        mine.order_by().values("participant").annotate(n=Count("pk"), last=Max("submitted_at"))
    )
    packed = counted.annotate(packed=Least(F("n"), MOST_RESPONSES) * 10 + recency)
    return Coalesce(Subquery(packed.values("packed"), output_field=IntegerField()), 0)


def _invited(audience: Audience) -> Coalesce:
    """Consultations over by now that an invitation arrived for, and those that were answered.

    Once answers are cut from people nobody knows who answered, so that neither counts.
    """
    over = Invitation.objects.filter(
        consultation__closes_at__lte=audience.at, consultation__is_sensitive=False
    )
    # As a list, for databases look this up better than by way of the two tables.
    about = [pk for pk, *dates in over.values_list("pk", *DATES) if cut_at(*dates) > audience.at]
    mine = Delivery.objects.filter(
        participant=OuterRef("participant"),
        invitation__in=about,
        state__in=ARRIVED,
        handed_at__lt=audience.at,
    )
    response = ConsultationResponse.objects.counted().filter(
        participant=OuterRef("participant"), consultation=OuterRef("invitation__consultation")
    )
    asked = "invitation__consultation"
    said_yes: Any = Q(has_answered=True) | Exists(response)
    counted = (
        mine.order_by()
        .values("participant")
        .annotate(
            n=Count(asked, distinct=True),
            yes=Count(asked, distinct=True, filter=said_yes),
        )
    )
    most = MOST_INVITATIONS
    packed = counted.annotate(packed=Least(F("n"), most) * 100 + Least(F("yes"), most))
    return Coalesce(Subquery(packed.values("packed"), output_field=IntegerField()), 0)


# In words


def of(audience: Audience, person: Participant) -> Iterator[str]:
    """What speaks for one person today, in words; topics apart, which `reasons.why` names."""
    row = audience.could_be_invited().filter(participant=person).annotate(**facts(audience))
    for found in row.values_list("past", "invited"):
        yield from said(Facts(0, *found))


def shared_topics(rows: Sequence[Delivery]) -> dict[int, list[str]]:
    """By participant, which topics of the invitation people have; `rows` are of one invitation."""
    if not rows or not any(row.chosen for row in rows):
        return {}
    audience = Audience.of(rows[0].invitation, at=rows[0].retry_at)
    people = [row.participant_id for row in rows]
    asked = frozenset().union(*audience.topic_groups)
    found: dict[int, list[str]] = {}
    links = ParticipantInterest.objects.filter(
        participant__in=people, interest__in=asked, removed_at=None
    )
    for link in links.select_related("interest").order_by("interest__name"):
        found.setdefault(link.participant_id, []).append(link.interest.name)
    return found


def in_words(code: str, topics: Sequence[str] = ()) -> str:
    """Say how somebody came to be chosen, "" where everybody was.

    `topics` are those of the invitation that the person has.
    """
    if code == TOLD:
        return _("must be notified")
    if code == RANDOM:
        return _("drawn at random")
    if not code.startswith(LIKELY):
        return ""
    found = Facts(*(int(number) for number in code.split()[1:]))
    return _("likely to take part: %(facts)s") % {"facts": "; ".join(said(found, topics))}


def said(found: Facts, topics: Sequence[str] = ()) -> Iterator[str]:
    """Each fact in words; none of what is nothing."""
    invited, answered = divmod(found.invited, 100)
    if invited:
        told = ngettext(
            "answered from %(answered)s of %(invited)s earlier invitation",
            "answered from %(answered)s of %(invited)s earlier invitations",
            invited,
        )
        yield told % {"answered": answered, "invited": invited}
    responses, recency = divmod(found.past, 10)
    if responses:
        told = ngettext("has taken part %(n)s time", "has taken part %(n)s times", responses)
        lately = {LATELY: _("within the last year"), SOME_TIME_AGO: _("in the last two years")}
        yield ", ".join(filter(None, [told % {"n": responses}, lately.get(recency)]))
    if found.interest and topics:
        yield _("interested in %(topics)s") % {"topics": get_text_list(list(topics), _("and"))}
    elif found.interest == CHOSE:
        yield _("chose one of its topics")
    elif found.interest:
        yield _("known to care about one of its topics")
