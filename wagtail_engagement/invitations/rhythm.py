"""Who gets invitations together, in a summary, and what that changes about being asked too often.

A summary is one email, however many invitations lie in it. What the law makes the council write, and
whom it says to notify, waits for none.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from .. import conf
from ..participants.models import Participant


def waits(*, is_by_law: bool = False) -> Q:
    """Of rows with a `participant`, those whose person waits for a summary."""
    if is_by_law or not conf.summary_days():
        return Q(pk__in=[])
    chose = Participant.objects.filter(summaries_since__isnull=False, must_be_notified=False)
    return Q(participant__in=chose.values("pk"))


def is_waiting(person: Participant, *, is_by_law: bool) -> bool:
    """The same of one person."""
    is_at_once = is_by_law or person.must_be_notified or not conf.summary_days()
    return person.summaries_since is not None and not is_at_once


def not_lately(said: str, *, is_by_law: bool) -> str:
    """Qualify "not invited lately" where somebody gets summaries, for whom it is not asked."""
    some = Participant.objects.filter(summaries_since__isnull=False)
    if is_by_law or not conf.summary_days() or not some.exists():
        return said
    return _("%(not_invited)s (or get invitations in summaries)") % {"not_invited": said}
