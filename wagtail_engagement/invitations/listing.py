"""Whom an invitation reaches, as one user may see it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from ..consultations.models import Consultation
from ..modeladmin import may
from ..participants.models import Participant
from . import affinity, reasons
from .audience import INCLUDED, Audience, Counts, Exclusion
from .forms import WhoForm
from .models import Invitation

SAMPLE = 10


def may_see_who_answered(consultation: Consultation, user: Any) -> bool:
    """To have answered a sensitive consultation says something about a person by itself."""
    return not consultation.is_sensitive or may(user, "view_sensitive_response")


class DeliveryPages(Paginator):
    """Deliveries a page at a time, each with why its person was chosen, in words."""

    def page(self, number: Any) -> Any:
        page = super().page(number)
        rows = page.object_list = list(page.object_list)
        topics = affinity.shared_topics(rows)
        for row in rows:
            row.chosen_in_words = affinity.in_words(row.chosen, topics.get(row.participant_id, []))
        return page


class Who:
    """Whom some choices reach, as one user may see it."""

    def __init__(self, invitation: Invitation, audience: Audience, user: Any) -> None:
        self.invitation = invitation
        self.audience = audience
        self.shows_people = may(user, "view_participant")
        self.shows_contact = may(user, "view_participant_pii")
        self.shows_who_answered = may_see_who_answered(invitation.consultation, user)

    @classmethod
    def saved(cls, invitation: Invitation, user: Any) -> Who:
        return cls(invitation, Audience.of(invitation, at=timezone.now()), user)

    @classmethod
    def asked(cls, request: Any, invitation: Invitation) -> Who:
        """Whom the choices in an address reach; without any, those that are saved."""
        if "match" not in request.GET:
            return cls.saved(invitation, request.user)
        form = WhoForm(request.GET, instance=invitation)
        if not form.is_valid():
            raise Http404
        return cls(invitation, form.audience(timezone.now()), request.user)

    @cached_property
    def counts(self) -> Counts:
        return self.audience.counts()

    @cached_property
    def sentence(self) -> str:
        return self.audience.sentence(self.counts.included, self.counts.not_drawn)

    @property
    def title(self) -> str:
        """What a list of those who are not left out shows."""
        return _("Could be invited") if self.counts.not_drawn else _("Invited")

    @property
    def reasons(self) -> list[tuple[str, str, int, bool]]:
        """Reason, label, number, and whether this user may see who they are."""
        return [
            (reason, label, number, reason != Exclusion.ANSWERED or self.shows_who_answered)
            for reason, label, number in self.counts.reasons
        ]

    @cached_property
    def sample(self) -> list[Any]:
        first = self.audience.numbers(INCLUDED)[:SAMPLE]
        return list(Participant.objects.filter(pk__in=first).order_by("pk"))

    @property
    def says_why(self) -> bool:
        """Whether the user may ask why one person is in, or is not.

        Not where the answer could be who answered, or did not, and the user may not know that.
        """
        return self.shows_people and self.shows_who_answered

    def why(self, person: Participant) -> str:
        return reasons.why(self.audience, person)

    @property
    def list_query(self) -> str:
        """The choices as a query string, so that a list shows what the sentence counted."""
        query = {
            "match": self.audience.match,
            "not_invited_days": self.audience.not_invited_days,
            "interests": [interest.pk for interest in self.audience.interests],
            **({"is_promotional": "on"} if self.audience.is_promotional else {}),
            **({"beyond_cap_reason": "on"} if self.audience.is_beyond_cap else {}),
            **({"team": self.audience.team.pk} if self.audience.team else {}),
            "at_most": self.audience.at_most or "",
            "chosen_by": self.audience.chosen_by,
        }
        return urlencode(query, doseq=True)
