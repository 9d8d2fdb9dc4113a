"""What Wagtail's admin learns from us: registration and nothing else."""

from collections.abc import Iterator
from typing import Any

from django.urls import include, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.widgets.button import Button
from wagtail.log_actions import LogActionRegistry
from wagtail.snippets.models import register_snippet

from . import modeladmin
from .consent.admin import SuppressionAdmin, WordingAdmin
from .consultations.admin import ResponsesAdmin
from .consultations.entry_screens import URLS as ENTRY_URLS
from .consultations.pages import ConsultationPageMixin
from .consultations.routing import URLS as ROUTES_URLS
from .imports.admin import ImportAdmin
from .insight.admin import DeliveryAdmin
from .insight.belonging_views import URLS as BELONGING_URLS
from .insight.belonging_views import may_reassign
from .insight.views import URLS as INSIGHT_URLS
from .insight.views import may_see_overview
from .invitations import admin as invitations
from .invitations.calendar_views import may_see_calendar
from .invitations.screens import NAMESPACE
from .invitations.team_screens import TeamAdmin
from .invitations.views import admin_urls
from .participants import bulk
from .participants.admin import (
    AreaAdmin,
    ClaimAdmin,
    DuplicateAdmin,
    InterestAdmin,
    ParticipantAdmin,
)
from .rights.admin import RequestAdmin


@modeladmin.register
class Engagement(modeladmin.EngagementGroup):
    menu_label = _("Engagement")
    menu_item_name = "wagtail-engagement"
    menu_icon = "group"
    menu_order = 250
    items = (
        ResponsesAdmin,
        ParticipantAdmin,
        DuplicateAdmin,
        ClaimAdmin,
        InterestAdmin,
        AreaAdmin,
        WordingAdmin,
        RequestAdmin,
        SuppressionAdmin,
        DeliveryAdmin,
        ImportAdmin,
        TeamAdmin,
    )


class OverviewMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return may_see_overview(request.user)


@hooks.register("register_engagement_menu_item")
def overview_menu_item() -> MenuItem:
    return OverviewMenuItem(
        _("Overview"),
        reverse("wagtail_engagement_overview"),
        name="wagtail_engagement-overview",
        icon_name="home",
        order=100,
    )


class CalendarMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return may_see_calendar(request.user)


@hooks.register("register_engagement_menu_item")
def calendar_menu_item() -> MenuItem:
    return CalendarMenuItem(
        _("Calendar"),
        reverse(f"{NAMESPACE}:calendar"),
        name="wagtail_engagement-calendar",
        icon_name="calendar",
        order=160,
    )


class BelongingsMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return may_reassign(request.user)


@hooks.register("register_engagement_menu_item")
def belongings_menu_item() -> MenuItem:
    return BelongingsMenuItem(
        _("What belongs to whom"),
        reverse("wagtail_engagement_belongings"),
        name="wagtail_engagement-belongings",
        icon_name="user",
        order=940,
    )


@hooks.register("register_admin_urls")
def overview_urls() -> list[Any]:
    return [*INSIGHT_URLS, *ROUTES_URLS, *ENTRY_URLS, *BELONGING_URLS]


LOG_ACTIONS = {
    "participant_viewed": (_("Look at a participant"), _("Looked at this participant")),
    "participants_searched": (_("Search participants"), _("Searched the participants")),
    "participants_exported": (_("Export participants"), _("Exported participants")),
    "participants_tagged": (_("Add interests"), _("Added interests to participants")),
    "participants_untagged": (_("Remove interests"), _("Removed interests from participants")),
    "participants_stopped": (_("Stop contact"), _("Put participants on do not contact")),
    "request_opened": (_("Handle a request"), _("Began to handle this request")),
    "request_closed": (_("Close a request"), _("Closed this request")),
    "request_viewed": (_("Look at a request"), _("Looked at this request")),
    "participant_copied": (_("Copy personal data"), _("Handed out a copy of personal data")),
    "participant_erased": (_("Erase a participant"), _("Erased a participant")),
    "participants_merged": (_("Merge participants"), _("Merged another participant into this")),
    "participants_kept_apart": (_("Keep participants apart"), _("Kept two participants apart")),
    "merge_undone": (_("Take a merge back"), _("Took a merge back")),
    "note_added": (_("Write a note"), _("Wrote a note on this participant")),
    "note_deleted": (_("Delete a note"), _("Deleted a note on this participant")),
    "address_changed": (_("Change an address"), _("The person changed their address")),
    "name_chosen": (_("Choose a name"), _("Chose which name stands first")),
    "interests_merged": (_("Merge interests"), _("Merged this interest into another")),
    "interest_retired": (_("Retire an interest"), _("Retired an interest that nobody used")),
    "areas_loaded": (_("Load areas"), _("Loaded areas and postcodes")),
    "notified_viewed": (_("Look at who must be notified"), _("Looked at who must be notified")),
    "notified_exported": (_("Export who must be notified"), _("Exported who must be notified")),
    "response_viewed": (_("Look at a response"), _("Looked at this response")),
    "response_entered": (_("Enter an answer"), _("Entered an answer that came to staff")),
    "responses_exported": (_("Export responses"), _("Exported the responses")),
    "link_named": (_("Make a named link"), _("Made a link to pass on")),
    "link_removed": (_("Remove a named link"), _("Removed a link that nobody had used")),
    "response_released": (_("Release a response"), _("Released a held response")),
    "response_rejected": (_("Reject a response"), _("Rejected a held response")),
    "database_adopted": (_("Adopt a database"), _("Made the database this site's own")),
    "database_reconciled": (_("Reconcile"), _("Put back what the journal knew")),
    "lists_compared": (_("Compare lists"), _("Compared lists")),
    "import_received": (_("Take a sheet in"), _("Took this sheet in")),
    "import_parked": (_("Park a sheet"), _("Parked this sheet")),
    "import_discarded": (
        _("Delete a sheet that was not brought in"),
        _("Deleted a sheet that was not brought in"),
    ),
    "import_started": (_("Import a sheet"), _("Attested this sheet and imported it")),
    "import_undone": (_("Undo an import"), _("Undid this import")),
    "import_row_decided": (_("Decide a row"), _("Decided a row of this import")),
    "import_report_downloaded": (_("Download an import"), _("Downloaded the rows of this import")),
    "import_rows_viewed": (_("Look at rows"), _("Looked at rows of this import")),
    "suppression_added": (_("Add to do not contact"), _("Added to do not contact")),
    "team_joined": (_("Add a member"), _("Added a member to this team")),
    "team_left": (_("Remove a member"), _("Removed a member from this team")),
    "work_given": (_("Give to a colleague"), _("Gave this to another colleague")),
    "suppression_lifted": (_("Lift do not contact"), _("Took off do not contact")),
}


@hooks.register("register_log_actions")
def log_actions(actions: LogActionRegistry) -> None:
    for name, (label, message) in LOG_ACTIONS.items():
        actions.register_action(f"wagtail_engagement.{name}", label, message)
    invitations.register_log_actions(actions)


for action in bulk.ACTIONS:
    hooks.register("register_bulk_action", action)


@hooks.register("register_page_header_buttons")
def invite_button(
    page: Any, user: Any, view_name: str, next_url: str | None = None
) -> Iterator[Button]:
    """Invite people, from the page of a consultation that can still be answered."""
    consultation = page.consultation if isinstance(page, ConsultationPageMixin) else None
    if consultation is not None and consultation.closes_at > timezone.now():
        if modeladmin.may(user, "add_invitation"):
            url = reverse(f"{NAMESPACE}:invite", args=[consultation.pk])
            yield Button(_("Invite people"), url=url, icon_name="mail", priority=5)


@hooks.register("register_permissions")
def invitation_permissions() -> Any:
    return modeladmin.permissions("send_invitation", "approve_invitation", "add_namedlink")


register_snippet(invitations.InvitationViewSet)
hooks.register("before_edit_snippet", invitations.send_to_progress)
hooks.register("before_delete_snippet", invitations.keep_started)


@hooks.register("register_admin_urls")
def invitation_urls() -> list[Any]:
    return [path("engagement/invitations/", include((admin_urls, NAMESPACE)))]
