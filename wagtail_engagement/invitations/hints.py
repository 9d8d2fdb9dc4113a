"""Lines of step 3 that never stand in the way: who it comes from, and who else writes to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.utils import parseaddr

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import conf, mail
from ..participants.models import Participant
from . import calendar, rhythm
from .audience import INCLUDED, Audience, Counts, Exclusion
from .checking import Check
from .models import Invitation

MOST_NAMED = 3


def hints(invitation: Invitation, audience: Audience, counts: Counts) -> list[Check]:
    """What else an editor ought to know. `counts` are those of the audience."""
    return [
        _sender(invitation),
        *_in_a_summary(audience, counts),
        *_asked_twice(invitation, audience),
        *_beyond_the_limit(audience, counts),
    ]


def _sender(invitation: Invitation) -> Check:
    message = mail.build(to="", subject="", text="", html="", sender=invitation.sender)
    name, address = parseaddr(message.from_email)
    answers = parseaddr(message.reply_to[0])[1] if message.reply_to else address
    text = _("It comes from %(sender)s, and answers go to %(answers)s.")
    return Check(text % {"sender": f"{name} <{address}>" if name else address, "answers": answers})


def _in_a_summary(audience: Audience, counts: Counts) -> Iterator[Check]:
    """How many wait for their summary; of people who are still to be drawn nobody knows."""
    chose = Participant.objects.filter(summaries_since__isnull=False)
    if counts.not_drawn or not chose.exists():
        return
    waits = rhythm.waits(is_by_law=audience.is_beyond_cap)
    number = audience.numbers(INCLUDED).filter(waits).order_by().count()
    if number:
        text = ngettext(
            "%(number)s of these people chose to get it in a summary, within %(days)s days."
            " The preview shows how it reads there.",
            "%(number)s of these people chose to get it in a summary, within %(days)s days."
            " The preview shows how it reads there.",
            number,
        )
        facts = {"number": number_format(number, force_grouping=True)}
        yield Check(text % {**facts, "days": max(conf.summary_days(), 2)})


def _asked_twice(invitation: Invitation, audience: Audience) -> Iterator[Check]:
    """Other invitations to the same people within the days of the council's limit."""
    near = calendar.others_near(invitation, at=audience.at)
    found = calendar.shared_with(audience, near)
    for pk, number in sorted(found.items(), key=lambda pair: -pair[1].people)[:MOST_NAMED]:
        text = ngettext(
            "%(number)s of these people gets another invitation within %(days)s days:"
            " “%(other)s” on %(day)s.",
            "%(number)s of these people get another invitation within %(days)s days:"
            " “%(other)s” on %(day)s.",
            number.people,
        )
        moment = calendar.began_at(near[pk]) or audience.at
        facts = {
            "number": number.shown,
            "days": conf.contact_cap_days(),
            "other": near[pk],
            "day": date_format(timezone.localtime(moment), "j F Y"),
        }
        url = reverse("engagement_invitations:calendar")
        yield Check(text % facts, is_fine=False, url=url)


def _beyond_the_limit(audience: Audience, counts: Counts) -> Iterator[Check]:
    """How many are left out by the limit on emails alone, and not by the days that were chosen."""
    shares = audience.team is not None and bool(audience.team.cap_share)
    if audience.is_beyond_cap or not (conf.contact_cap() or shares):
        return
    if not counts.left_out.get(Exclusion.RECENT):
        return
    if not audience.reminds and audience.not_invited_days >= conf.contact_cap_days():
        return
    without = replace(audience, is_beyond_cap=True).numbers(INCLUDED).order_by().count()
    number = without - counts.included
    if number > 0:
        text = ngettext(
            "%(number)s person is left out by the limit on emails: they had as many in"
            " %(days)s days as the council, or this team, allows.",
            "%(number)s people are left out by the limit on emails: they had as many in"
            " %(days)s days as the council, or this team, allows.",
            number,
        )
        facts = {"number": number_format(number, force_grouping=True)}
        yield Check(text % {**facts, "days": conf.contact_cap_days()})
