"""Screens for the register: people, their interests, and those waiting to confirm."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import Column, DateColumn

from ..modeladmin import DayColumn, NativeIndexView, NativeModelAdmin
from . import area_views, people_views, topic_views
from .exporting import ExportView
from .listing import ParticipantFilterSet, ParticipantIndexView
from .merges import PossibleDuplicate
from .models import Claim, Interest, Participant
from .people_views import ParticipantInspectView
from .places import Area


class ParticipantAdmin(NativeModelAdmin):
    model = Participant
    base_url_path = "participants"
    menu_label = gettext_lazy("Participants")
    menu_icon = "group"
    menu_order = 400
    served = ("index", "index_results", "inspect")
    codenames = {"view": "view_participant"}
    extra_permissions = (
        "view_participant_pii",
        "export_participant",
        "tag_participant",
        "merge_participant",
        "import_participant",
    )
    filterset_class = ParticipantFilterSet
    index_template_name = "wagtail_engagement/admin/participants_index.html"
    index_view_class = ParticipantIndexView
    inspect_view_class = ParticipantInspectView

    def extra_urls(self) -> list[Any]:
        one = "inspect/<int:pk>/"
        return [
            path("export/", ExportView.as_view(), name="export"),
            path("merge/<int:pk>/<int:other>/", people_views.MergeView.as_view(), name="merge"),
            path(f"{one}other/", people_views.FindOther.as_view(), name="find_other"),
            path(f"{one}notes/", people_views.AddNote.as_view(), name="add_note"),
            path(
                f"{one}notes/<int:note_id>/delete/",
                people_views.DeleteNote.as_view(),
                name="delete_note",
            ),
            path(f"{one}names/<int:name_id>/", people_views.UseName.as_view(), name="use_name"),
            path(
                f"{one}merges/<int:merge_id>/undo/",
                people_views.UndoMerge.as_view(),
                name="unmerge",
            ),
        ]


class DuplicateAdmin(NativeModelAdmin):
    """Hints at people who are here twice; the screen behind each asks for both permissions."""

    model = PossibleDuplicate
    base_url_path = "duplicates"
    menu_label = gettext_lazy("Possible duplicates")
    menu_icon = "copy"
    menu_order = 450
    codenames = {"view": "merge_participant"}
    index_view_class = people_views.DuplicateIndexView


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
    index_view_class = topic_views.InterestIndexView

    def extra_urls(self) -> list[Any]:
        return [
            path("merge/<int:pk>/", topic_views.MergeInterestView.as_view(), name="merge"),
            path("unused/", topic_views.UnusedView.as_view(), name="unused"),
            path("unused/<int:pk>/retire/", topic_views.RetireView.as_view(), name="retire"),
        ]


class AreaAdmin(NativeModelAdmin):
    """Wards or parishes, as the council's own file names them."""

    model = Area
    base_url_path = "areas"
    menu_label = gettext_lazy("Areas")
    menu_icon = "site"
    menu_order = 650
    codenames = {"view": "import_participant"}
    index_view_class = area_views.AreaIndexView

    def extra_urls(self) -> list[Any]:
        return area_views.URLS
