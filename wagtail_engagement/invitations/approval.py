"""Whether an invitation needs a second person, who that may be, and which ones wait for one."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import QuerySet

from .. import conf
from . import queries
from .models import Invitation


def needs_second_person(count: int) -> bool:
    """Whether so many people are invited only with a second person's consent."""
    return bool(conf.approval_above()) and count > conf.approval_above()


def is_asked_for(invitation: Invitation) -> bool:
    """Whether somebody asked a second person to send this very version."""
    return invitation.asked_by_id is not None and (
        invitation.asked_version == queries.version(invitation)
    )


def is_first(invitation: Invitation, user: Any) -> bool:
    """Whether somebody is one of those who answer for it: who asked, or made the last change."""
    return user.pk in (invitation.asked_by_id, invitation.edited_by_id)


def may_be_sent_by(invitation: Invitation, count: int, user: Any) -> bool:
    """Whether a person may send to so many: above the limit only as the second one."""
    if not needs_second_person(count):
        return True
    is_second = is_asked_for(invitation) and not is_first(invitation, user)
    return is_second and bool(user.has_perm("wagtail_engagement.approve_invitation"))


def asked(*, at: datetime.datetime) -> QuerySet[Invitation]:
    """Drafts for which a second person was asked, changed since or not, while people can answer."""
    drafts = Invitation.objects.filter(status=Invitation.Status.DRAFT, asked_by__isnull=False)
    drafts = drafts.filter(consultation__closes_at__gt=at)
    return drafts.select_related("consultation", "asked_by", "team").order_by("asked_at", "pk")
