"""Why an audience has somebody in it, or leaves them out, in words."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from .. import conf
from ..consent.models import ContactPermission
from ..participants.models import Participant, ParticipantInterest
from . import affinity, rhythm
from .audience import INCLUDED, Audience, Exclusion, not_invited
from .models import Invitation


def why(audience: Audience, person: Participant) -> str:
    """Say in one sentence why an audience has somebody in it, or leaves them out.

    What is said follows the query that counts, and so never disagrees with its numbers.
    """
    judged = audience.judged(person)
    if judged is None:
        return _("Not included: this record is no more, or is part of another.")
    if judged.why == INCLUDED:
        facts = {"facts": ", ".join(_in_favour(audience, judged))}
        must = judged.must_be_notified and not audience.is_promotional
        if audience.at_most is None or must or not audience.counts().not_drawn:
            return _("Included: %(facts)s.") % facts
        return _("Could be drawn: %(facts)s.") % facts
    return _("Not included: %(fact)s.") % {"fact": _against(audience, judged)}


def _in_favour(audience: Audience, judged: Any) -> Iterator[str]:
    yield _("may be invited since %(day)s") % {"day": _day(judged.since)}
    days = audience.not_invited_days
    is_together = rhythm.is_waiting(judged, is_by_law=audience.is_beyond_cap)
    if audience.reminds:
        if is_together:
            yield _("gets it in a summary")
        yield _("got the invitation")
        yield _("has not answered")
        return
    if judged.must_be_notified and not audience.is_promotional:
        yield _("must be notified, whatever the topics, the area and other invitations")
        days = 0
    else:
        if is_together:
            yield _("gets it in a summary")
            days = 0
        yield _fitting(audience, judged)
        if audience.consultation.area and judged.area:
            yield _("lives in %(area)s") % {"area": judged.area}
        elif audience.consultation.area:
            yield _("not known to live elsewhere")
    yield not_invited(days) if days else _("not invited to this consultation before")
    yield _("has not answered")
    if audience.at_most is not None and audience.chosen_by == Invitation.Chosen.LIKELY:
        yield from affinity.of(audience, judged)


def _fitting(audience: Audience, judged: Any) -> str:
    """The topics for which somebody is in: chosen ones count alone wherever there are any."""
    chosen, kept = _topics_of(judged)
    asked = frozenset().union(*audience.topic_groups)
    counted = chosen if chosen or not audience.interests else kept
    fitting = [link for link in counted if link.interest_id in asked]
    if not fitting:
        return _("has chosen no topics") if not audience.interests else _("no topic in particular")
    topics = [
        link.interest.name
        if link in chosen
        else f"{link.interest.name} ({link.get_origin_display()})"
        for link in fitting
    ]
    return _("interested in %(topics)s") % {"topics": get_text_list(topics, _("and"))}


def _topics_of(judged: Any) -> tuple[list[Any], list[Any]]:
    """What somebody chose, and all topics that we know of, by name."""
    rows = judged.interest_links.filter(removed_at=None).select_related("interest")
    kept = list(rows.order_by("interest__name"))
    return [row for row in kept if row.origin == ParticipantInterest.Origin.DECLARED], kept


def _against(audience: Audience, judged: Any) -> str:
    """The first reason to leave somebody out, with what it rests on."""
    reason = judged.why
    if reason == Exclusion.NOT_AGREED:
        return _not_agreed(audience, judged)
    if reason == Exclusion.NOT_INTERESTED:
        return _not_interested(audience, judged)
    if reason == Exclusion.RECENT:
        return _recent(audience, judged)
    words = {
        Exclusion.STOPPED: _("asked us to stop, on %(since)s"),
        Exclusion.UNDELIVERABLE: _("mail does not arrive, since %(since)s"),
        Exclusion.PAUSED: _("paused invitations until %(until)s"),
        Exclusion.OUT_OF_AREA: _("lives in %(area)s, and this is about %(here)s"),
        Exclusion.ANSWERED: (
            _("has answered, or somebody did from the invitation to them")
            if audience.reminds
            else _("has answered already")
        ),
        Exclusion.NOT_INVITED: _("did not get the invitation that this one reminds of"),
    }
    facts = {"since": _day(judged.since), "until": _day(judged.until), "area": judged.area}
    return words[Exclusion(reason)] % {**facts, "here": audience.consultation.area}


def _not_agreed(audience: Audience, judged: Any) -> str:
    stands = judged.until is None or judged.until > audience.at
    if judged.standing == ContactPermission.Reason.GRANTED and stands:
        return _("was told that we write, but has not agreed to hear of what is sold")
    ended = {
        ContactPermission.Reason.LAPSED: judged.since,
        ContactPermission.Reason.GRANTED: judged.until,
    }
    if judged.standing in ended:
        return _("the agreement ran out on %(day)s") % {"day": _day(ended[judged.standing])}
    return _("has not agreed to be invited")


def _not_interested(audience: Audience, judged: Any) -> str:
    chosen, kept = _topics_of(judged)
    theirs = [link.interest.name for link in chosen or kept]
    asked = [topic.name for topic in audience.topics]
    facts = {
        "theirs": get_text_list(theirs, _("and")),
        "asked": get_text_list(asked, audience.joint),
    }
    if not asked:
        return _("chose %(theirs)s, and this is about no topic") % facts
    if not theirs:
        return _("took %(asked)s away from their topics") % facts
    if chosen:
        return _("chose %(theirs)s, and this asks for %(asked)s") % facts
    return _("interested in %(theirs)s, and this asks for %(asked)s") % facts


def _recent(audience: Audience, judged: Any) -> str:
    mine = judged.deliveries.all()
    if not audience.reminds and audience.to_this(mine).exists():
        return _("was invited to this consultation before")
    days = max(audience.not_invited_days, conf.contact_cap_days())
    last = audience.lately(mine, days).order_by(F("handed_at").desc(nulls_first=True)).first()
    if last is None or last.handed_at is None:
        return _("another invitation to them is on its way")
    is_together = rhythm.is_waiting(judged, is_by_law=audience.is_beyond_cap)
    is_by_cap = audience.reminds or is_together
    if is_by_cap or not audience.lately(mine, audience.not_invited_days).exists():
        number = audience.lately(mine, conf.contact_cap_days()).count()
        facts = {"number": number, "days": conf.contact_cap_days()}
        text = _("had %(number)s invitations in the last %(days)s days, and no more are allowed")
        return text % facts
    return _("was invited to another consultation on %(day)s") % {"day": _day(last.handed_at)}


def _day(moment: datetime.datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j F Y") if moment else ""
