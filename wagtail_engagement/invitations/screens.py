"""What the screens of invitations share: addresses, permissions, and the list of people."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.admin.auth import any_permission_required, permission_required
from wagtail.log_actions import log

from ..modeladmin import may
from .listing import DeliveryPages
from .models import Invitation

NAMESPACE = "engagement_invitations"
LISTED = "wagtailsnippets_wagtail_engagement_invitation:list"
TEMPLATES = "wagtail_engagement/invitations"

may_add = permission_required("wagtail_engagement.add_invitation")
may_change = permission_required("wagtail_engagement.change_invitation")
may_send = permission_required("wagtail_engagement.send_invitation")
may_see_people = permission_required("wagtail_engagement.view_participant")
may_follow = any_permission_required(
    *(f"wagtail_engagement.{verb}_invitation" for verb in ("view", "change", "send"))
)


def url(name: str, *args: Any) -> str:
    return reverse(f"{NAMESPACE}:{name}", args=args)


def edit_url(invitation: Invitation) -> str:
    return reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[invitation.pk])


def list_people(
    request: HttpRequest,
    invitation: Invitation,
    title: str,
    pages: Paginator,
    *,
    says_why: bool = False,
    decides: bool = False,
) -> HttpResponse:
    """List people or deliveries, with names and addresses for those who may see them.

    `decides` lets somebody say what becomes of deliveries that are in doubt.
    Every page of addresses is written to the audit log.
    """
    back = url("progress", invitation.pk) if invitation.is_started else edit_url(invitation)
    query = request.GET.copy()
    query.pop("p", None)
    page = pages.get_page(request.GET.get("p"))
    shows_contact = may(request.user, "view_participant_pii")
    if shows_contact and page.object_list:
        data = {"list": str(title), "page": page.number}
        action = "wagtail_engagement.invitation_people_viewed"
        log(invitation, action, user=request.user, title=str(invitation), data=data)
    context = {
        "page": page,
        "invitation": invitation,
        "says_why": says_why,
        "decides": decides,
        "query": query.urlencode(),
        "is_deliveries": isinstance(pages, DeliveryPages),
        "shows_contact": shows_contact,
        "back": back,
        "header_title": title,
        "header_icon": "group",
        "breadcrumbs_items": breadcrumbs(str(invitation), back, title),
    }
    return TemplateResponse(request, f"{TEMPLATES}/people.html", context)


def breadcrumbs(label: str, address: str = "", last: str = "") -> list[dict[str, str]]:
    items = [{"url": reverse(LISTED), "label": _("Invitations")}, {"url": address, "label": label}]
    return [*items, {"url": "", "label": last}] if last else items
