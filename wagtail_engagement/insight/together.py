"""What waits because two people are needed for it, or because somebody has left."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..invitations import approval
from ..invitations.colleagues import named
from ..invitations.models import Invitation
from ..modeladmin import may
from . import belongings
from .desk import Desk, Line, day, local

MOST_LINES = 5


def second_person(desk: Desk) -> Iterator[Line]:
    """Drafts that wait for a second person: for whoever may be that, and for whoever asked."""
    found = (_line(invitation, desk) for invitation in approval.asked(at=desk.at))
    shown = [line for line in found if line]
    yield from shown[:MOST_LINES]


def _line(invitation: Invitation, desk: Desk) -> Line | None:
    stands = approval.is_asked_for(invitation)
    if invitation.asked_by_id == desk.user.pk:
        text = _("“%(subject)s” waits for a second person to send it to %(people)s people.")
        if not stands:
            text = _("“%(subject)s” was changed after you asked a second person to send it.")
    elif stands and _may_be_second(invitation, desk):
        text = _("%(who)s asks a second person to send “%(subject)s” to %(people)s people.")
    else:
        return None
    closes = local(invitation.consultation.closes_at)
    otherwise = _("If nobody sends it by %(date)s, nobody is invited.")
    if not stands:
        otherwise = _("If nobody asks anew by %(date)s, nobody is invited.")
    facts = {
        "who": named(invitation.asked_by),
        "subject": invitation,
        "people": number_format(invitation.asked_count, force_grouping=True),
    }
    return Line(
        text=text % facts,
        otherwise=otherwise % {"date": day(closes)},
        url=reverse(belongings.EDIT, args=[invitation.pk]),
        by=closes,
    )


def _may_be_second(invitation: Invitation, desk: Desk) -> bool:
    acts = all(may(desk.user, f"{act}_invitation") for act in ("approve", "send"))
    return acts and not approval.is_first(invitation, desk.user)


def left_behind(desk: Desk) -> Iterator[Line]:
    """What still belongs to colleagues who are not here any more."""
    owned = belongings.numbers(at=desk.at, has_left=True).most_common(MOST_LINES)
    users = get_user_model()._default_manager.in_bulk([pk for pk, _number in owned])
    for pk, number in owned:
        yield Line(
            text=ngettext(
                "%(count)s thing belongs to %(who)s, who has left.",
                "%(count)s things belong to %(who)s, who has left.",
                number,
            )
            % {"count": number, "who": named(users[pk])},
            otherwise=_("If nobody takes over, nobody looks after them."),
            url=reverse("wagtail_engagement_belongings_of", args=[pk]),
        )
