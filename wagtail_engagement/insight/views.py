"""The overview: the home of the Engagement menu."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from ..consultations.admin import Status, number_of, readable_by
from ..modeladmin import may
from ..participants.models import Participant
from . import queries

# Whoever may see one of these has a reason to be in the Engagement menu.
WELCOME = ("view_response", "view_participant", "send_invitation", "view_suppression")
MOST_OPEN = 10


def may_see_overview(user: Any) -> bool:
    return any(may(user, codename) for codename in WELCOME)


class OverviewView(WagtailAdminTemplateMixin, TemplateView):
    template_name = "wagtail_engagement/admin/overview.html"
    page_title = gettext_lazy("Overview")
    header_icon = "group"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not may_see_overview(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[Any]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at, user = timezone.now(), self.request.user
        rows = queries.open_now(at=at).annotate(counted=number_of(Status.COUNTED))
        open_now = list(rows[: MOST_OPEN + 1])
        may_read = readable_by(user)
        return super().get_context_data(
            silence=queries.silence(at=at),
            missing=queries.missing_settings(),
            lines=queries.to_do(user=user, readable=may_read, at=at),
            readable={row.pk for row in may_read.filter(pk__in=[row.pk for row in open_now])},
            may_invite=may(user, "add_invitation"),
            open_now=open_now[:MOST_OPEN],
            more_open=len(open_now) > MOST_OPEN,
            joined=queries.joined_since(queries.start_of_month(at)),
            people=Participant.objects.count(),
            **kwargs,
        )
