"""Screens for the register: people, their interests, and those waiting to confirm."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.admin.views import generic
from wagtail.log_actions import log

from ..modeladmin import DayColumn, NativeIndexView, NativeModelAdmin, may
from .exporting import ExportView
from .listing import ParticipantFilterSet, ParticipantIndexView
from .models import Claim, Interest, Participant

LONGEST_TIMELINE = 200  # newest entries of each kind; more would be read by nobody


@dataclass(frozen=True)
class Entry:
    """One line of a timeline."""

    at: datetime.datetime
    kind: str
    text: str


class ParticipantInspectView(generic.InspectView):
    """One person: what we know, may do and did. Every look is written to the audit log."""

    template_name = "wagtail_engagement/admin/participant.html"
    page_title = gettext_lazy("Participant")
    # The consultations whose answers a user may read. The part above sets it, for this one may
    # not import it.
    readable_by: Callable[[Any], QuerySet]

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)
        action = "wagtail_engagement.participant_viewed"
        log(self.object, action, user=request.user, title=str(self.object))
        return response

    def get_fields_context(self) -> list[Any]:
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, person = self.request.user, self.object
        permissions = person.permissions.select_related("consultation").order_by("purpose", "id")
        interests = person.interest_links.filter(removed_at=None).select_related("interest")
        return super().get_context_data(
            shows_contact=may(user, "view_participant_pii"),
            permissions=[(self.purpose_of(row), row) for row in permissions[:LONGEST_TIMELINE]],
            interests=interests.order_by("interest__name"),
            timeline=sorted(self.timeline(), key=lambda entry: entry.at, reverse=True),
            **kwargs,
        )

    @cached_property
    def sees_sensitive(self) -> bool:
        return may(self.request.user, "view_sensitive_response")

    def title_of(self, consultation: Any) -> str:
        """The title, unless the person's part in a sensitive consultation would show."""
        if consultation is None:
            return ""
        if consultation.is_sensitive and not self.sees_sensitive:
            return _("a consultation")
        return str(consultation.title)

    def purpose_of(self, row: Any) -> str:
        about = self.title_of(row.consultation)
        purpose = row.get_purpose_display()
        if not about:
            return str(purpose)
        return _("%(purpose)s: %(title)s") % {"purpose": purpose, "title": about}

    def timeline(self) -> Iterator[Entry]:
        yield Entry(self.object.joined_at, _("Register"), _("Joined"))
        yield from self.consent_entries()
        yield from self.delivery_entries()
        if may(self.request.user, "view_response"):
            yield from self.response_entries()

    def consent_entries(self) -> Iterator[Entry]:
        events = self.object.consent_events.select_related("consultation", "wording")
        for event in events.order_by("-at", "-id")[:LONGEST_TIMELINE]:
            facts = {
                "purpose": self.purpose_of(event),
                "action": event.get_action_display(),
                "channel": event.get_channel_display(),
            }
            text = _("%(purpose)s: %(action)s (%(channel)s)") % facts
            if event.wording:
                text = f"{text}. {_('Shown:')} {event.wording}"
            yield Entry(event.at, _("Permission"), text)

    def delivery_entries(self) -> Iterator[Entry]:
        rows = self.object.deliveries.filter(handed_at__isnull=False)
        rows = rows.select_related("invitation__consultation")
        for row in rows.order_by("-handed_at")[:LONGEST_TIMELINE]:
            title = self.title_of(row.invitation.consultation)
            facts = {"title": title, "state": row.get_state_display()}
            yield Entry(row.handed_at, _("Mail"), _("Invitation to %(title)s: %(state)s") % facts)

    def response_entries(self) -> Iterator[Entry]:
        rows = self.object.responses.select_related("consultation")
        if not self.sees_sensitive:
            rows = rows.filter(consultation__is_sensitive=False)
        mine = self.readable_by(self.request.user).filter(responses__participant=self.object)
        readable = set(mine.values_list("pk", flat=True))
        for row in rows.order_by("-submitted_at")[:LONGEST_TIMELINE]:
            facts = {"title": row.consultation.title, "reference": row.reference}
            text = _("%(title)s, reference %(reference)s") % facts
            told = text if row.consultation_id in readable else _("a consultation")
            yield Entry(row.submitted_at, _("Answer"), told)


class ParticipantAdmin(NativeModelAdmin):
    model = Participant
    base_url_path = "participants"
    menu_label = gettext_lazy("Participants")
    menu_icon = "group"
    menu_order = 400
    served = ("index", "index_results", "inspect")
    codenames = {"view": "view_participant"}
    extra_permissions = ("view_participant_pii", "export_participant", "tag_participant")
    filterset_class = ParticipantFilterSet
    index_template_name = "wagtail_engagement/admin/participants_index.html"
    index_view_class = ParticipantIndexView
    inspect_view_class = ParticipantInspectView

    def extra_urls(self) -> list[Any]:
        return [path("export/", ExportView.as_view(), name="export")]


class ClaimIndexView(NativeIndexView):
    """Who has not confirmed yet. There is nothing to do here: claims end by themselves."""

    def get_base_queryset(self) -> QuerySet:
        return Claim.objects.pending().select_related("mail")

    @cached_property
    def columns(self) -> list[Column]:
        return [
            Column("masked_email", label=_("Email address")),
            DateColumn("created_at", label=_("Since")),
            DayColumn("until", label=_("Until"), accessor=end_of),
            Column("mail", label=_("Confirmation mail"), accessor=mail_in_words),
        ]


def end_of(claim: Claim) -> datetime.datetime:
    """When the claim ends: the later of its two ends, of the purposes that it has."""
    ends = [claim.invite_until] if "invite" in claim.purposes else []
    if "result" in claim.purposes and claim.result_until:
        ends.append(claim.result_until)
    return max(ends or [claim.invite_until])


def mail_in_words(claim: Claim) -> str:
    if claim.mail:
        return str(claim.mail.get_state_display())
    if claim.held_until and claim.held_until > timezone.now():
        day = date_format(timezone.localtime(claim.held_until), "j F Y")
        return _("held until %(day)s") % {"day": day}
    return _("waiting to be sent")


class ClaimAdmin(NativeModelAdmin):
    model = Claim
    base_url_path = "waiting"
    menu_label = gettext_lazy("Waiting to confirm")
    menu_icon = "time"
    menu_order = 500
    codenames = {"view": "view_claim"}
    index_view_class = ClaimIndexView


class InterestIndexView(NativeIndexView):
    def get_base_queryset(self) -> QuerySet:
        return Interest.objects.filter(Q(merged_into=None))


class InterestAdmin(NativeModelAdmin):
    """Interests are retired, not deleted: deleting one loses drafts that use it silently."""

    model = Interest
    base_url_path = "interests"
    menu_label = gettext_lazy("Interests")
    menu_icon = "tag"
    menu_order = 600
    served = ("index", "index_results", "add", "edit", "history", "history_results")
    codenames = {"view": "view_interest", "add": "add_interest", "change": "change_interest"}
    list_display = ["name", "description", "is_retired"]
    search_fields = ["name"]
    index_view_class = InterestIndexView
