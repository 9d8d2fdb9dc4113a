"""Make the groups that the package proposes, or bring them up to date."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.db import transaction

APP_LABEL = "wagtail_engagement"
SEES_REGISTER = {"view_participant", "view_interest", "view_delivery"}
SEES_CONTACT = {"view_participant_pii", "view_claim", "export_participant"}
NAMES_TOPICS = {"add_interest", "change_interest"}
KEEPS_REGISTER = NAMES_TOPICS | {
    "import_participant",
    "tag_participant",
    "merge_participant",
    "erase_participant",
    "view_suppression",
    "add_suppression",
    "change_suppression",
}
READS_ANSWERS = {"view_response", "export_response"}
RUNS_CONSULTATIONS = {
    "moderate_response",
    "enter_response",
    "enter_late_response",
    "view_sensitive_response",
    "manage_consent_wording",
    "change_engagementsettings",
    "add_namedlink",
}
INVITES = {
    "view_invitation",
    "add_invitation",
    "change_invitation",
    "delete_invitation",
    "send_invitation",
    "approve_invitation",
}
TAGS = {"tag_participant"}
RUNS_TEAMS = {"manage_team", "reassign_work"}
LEAD = (
    SEES_REGISTER
    | SEES_CONTACT
    | NAMES_TOPICS
    | TAGS
    | READS_ANSWERS
    | RUNS_CONSULTATIONS
    | INVITES
    | RUNS_TEAMS
)

ROLES = {
    "Engagement lead": LEAD,
    "Engagement analyst": SEES_REGISTER | READS_ANSWERS | {"view_invitation"},
    "Register steward": SEES_REGISTER | SEES_CONTACT | KEEPS_REGISTER,
    "Engagement all-in-one": LEAD | KEEPS_REGISTER,
}


def make_roles() -> list[tuple[str, int, bool]]:
    """Give each group exactly its permissions of ours; whatever else it may do stays.

    Returns name, number of permissions and whether the group is new. Editors and Moderators
    are never touched (S15); a site that wants another mixture makes a group of another name.
    """
    ours = Permission.objects.filter(content_type__app_label=APP_LABEL)
    entry = Permission.objects.get(content_type__app_label="wagtailadmin", codename="access_admin")
    made = []
    with transaction.atomic():
        for name, codenames in ROLES.items():
            group, is_new = Group.objects.get_or_create(name=name)
            group.permissions.remove(*ours.exclude(codename__in=codenames))
            group.permissions.add(entry, *ours.filter(codename__in=codenames))
            made.append((name, len(codenames), is_new))
    return made


class Command(BaseCommand):
    help = "Make or update the groups for engagement: lead, analyst, register steward, all-in-one."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_roles()
        width = max(len(name) for name, _number, _is_new in made)
        for name, number, is_new in made:
            state = "made" if is_new else "up to date"
            self.stdout.write(f"{name:<{width}}  {number:>2} permissions  {state}")
        self.stdout.write(
            "Add people to them in Settings, Users. Answers are read by those who may also edit"
            " the consultation's page, so give the groups page permissions there too."
        )
