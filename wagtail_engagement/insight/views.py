"""The overview, the data protection pack, and the proof of who was notified."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import AccessMixin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton
from wagtail.log_actions import log
from wagtail.models import Site

from ..consultations import arriving
from ..consultations import views as answering
from ..consultations.admin import Status, number_of, readable_by
from ..consultations.models import Consultation
from ..exports import csv_download
from ..modeladmin import may
from ..participants import views as linked
from ..participants.listing import EXPORTS
from ..participants.models import Link, Participant
from ..rights.reporting import pack_of
from ..seal import sealing
from . import queries, reporting, upkeep

# Whoever may see one of these has a reason to be in the Engagement menu.
WELCOME = ("view_response", "view_participant", "send_invitation", "view_suppression")
SEES_PACK = ("change_engagementsettings", "erase_participant")
FOLLOWS = ("view_invitation", "change_invitation", "send_invitation")
MOST_SHOWN = 10
PAGE_SIZE = 50


def may_any(user: Any, codenames: tuple[str, ...]) -> bool:
    return any(may(user, codename) for codename in codenames)


def may_all(user: Any, codenames: tuple[str, ...]) -> bool:
    return all(may(user, codename) for codename in codenames)


def may_see_overview(user: Any) -> bool:
    return may_any(user, WELCOME)


class Guarded(AccessMixin, View):
    """A screen for those whom `is_for` names."""

    raise_exception = True

    def is_for(self, user: Any) -> bool:
        raise NotImplementedError

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.is_for(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class Screen(Guarded, WagtailAdminTemplateMixin, TemplateView):
    def get_breadcrumbs_items(self) -> list[Any]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.get_page_title()}]


@dataclass(frozen=True)
class Row:
    """A consultation on the overview, as one user may see it."""

    consultation: Any
    is_readable: bool
    steps: str


class OverviewView(Screen):
    template_name = "wagtail_engagement/admin/overview.html"
    page_title = gettext_lazy("Overview")
    header_icon = "group"

    def is_for(self, user: Any) -> bool:
        return may_see_overview(user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at, user = timezone.now(), self.request.user
        may_read = readable_by(user)
        open_now = self.rows(upkeep.with_steps(queries.open_now(at=at)), may_read, at)
        closed = self.rows(upkeep.closed_with_steps(may_read, at=at), may_read, at)
        return super().get_context_data(
            refusal=sealing.why_not(),
            silence=queries.silence(at=at),
            missing=queries.missing_settings(),
            undecided=queries.undecided_basis(),
            lines=upkeep.to_do(user=user, readable=may_read, at=at),
            may_invite=may(user, "add_invitation"),
            may_see_pack=may_any(user, SEES_PACK),
            open_now=open_now[:MOST_SHOWN],
            more_open=len(open_now) > MOST_SHOWN,
            closed=closed[:MOST_SHOWN],
            more_closed=len(closed) > MOST_SHOWN,
            joined=queries.joined_since(queries.start_of_month(at)),
            people=Participant.objects.current().count(),
            **kwargs,
        )

    def rows(self, found: Any, readable: Any, at: datetime.datetime) -> list[Row]:
        """One row more than is shown, to tell whether there are more."""
        shown = list(found.annotate(counted=number_of(Status.COUNTED))[: MOST_SHOWN + 1])
        read = set(readable.filter(pk__in=[row.pk for row in shown]).values_list("pk", flat=True))
        rows = []
        for consultation in shown:
            is_readable = consultation.pk in read
            consultation.has_held = consultation.has_held and is_readable
            steps = upkeep.steps_left(consultation, at=at)
            rows.append(Row(consultation, is_readable, steps))
        return rows


# The data protection pack


@dataclass(frozen=True)
class Cookie:
    name: str
    purpose: str
    kept: str


def cookies() -> list[Cookie]:
    """Every cookie that our public pages set, with its time from the code that sets it."""
    hours = _("%(hours)s hours")
    link = hours % {"hours": linked.COOKIE_SECONDS // 3600}
    form = _("until the browser is closed, %(time)s at most") % {
        "time": hours % {"hours": answering.COOKIE_SECONDS // 3600}
    }
    found = [
        Cookie(answering.COOKIE, _("shows people what they have just answered"), form),
        Cookie(arriving.COOKIE, _("tells that somebody answered from an invitation"), link),
    ]
    for purpose in Link.Purpose:
        try:
            reverse(f"wagtail_engagement:{purpose}")
        except NoReverseMatch:
            continue
        opens = _("opens the page behind a link that we mailed: %(page)s") % {"page": purpose.label}
        found.append(Cookie(f"engagement_{purpose.value}", opens, link))
    if not settings.CSRF_USE_SESSIONS:
        found.append(Cookie(settings.CSRF_COOKIE_NAME, _("keeps forms from being forged"), _age()))
    return found


def _age() -> str:
    seconds = settings.CSRF_COOKIE_AGE
    if seconds is None:
        return _("until the browser is closed")
    return _("%(days)s days") % {"days": seconds // 86400}


class PackView(Screen):
    """The pack in the admin, for reading, or as a plain page, for printing and copying."""

    template_name = "wagtail_engagement/admin/pack.html"
    page_title = gettext_lazy("Data protection pack")
    header_icon = "lock"

    def is_for(self, user: Any) -> bool:
        return may_any(user, SEES_PACK)

    @cached_property
    def site(self) -> Site:
        asked = self.request.GET.get("site", "")
        sites = Site.objects.order_by("-is_default_site", "pk")
        chosen = sites.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 10 else None
        found = chosen or sites.first()
        return found or Site(site_name=settings.WAGTAIL_SITE_NAME)

    @cached_property
    def header_buttons(self) -> list[Any]:
        url = f"{reverse('wagtail_engagement_pack_print')}?site={self.site.pk or ''}"
        return [HeaderButton(_("Open to print"), url=url, icon_name="doc-full")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            pack=pack_of(self.site, at=timezone.now()),
            cookies=cookies(),
            sites=Site.objects.order_by("-is_default_site", "pk"),
            **kwargs,
        )


# Who was notified


class NotifiedView(Screen):
    """The organisations that must be told of a consultation, and whether they were.

    Every page of addresses is written to the audit log.
    """

    template_name = "wagtail_engagement/admin/notified.html"
    header_icon = "mail"

    def is_for(self, user: Any) -> bool:
        return may(user, "view_participant") and may_any(user, FOLLOWS)

    @cached_property
    def consultation(self) -> Consultation:
        return get_object_or_404(Consultation, pk=self.kwargs["consultation_id"])

    def get_page_title(self) -> str:
        return _("Must be notified: %(title)s") % {"title": self.consultation.title}

    @cached_property
    def header_buttons(self) -> list[Any]:
        if not may_all(self.request.user, EXPORTS):
            return []
        url = reverse("wagtail_engagement_notified_export", args=[self.consultation.pk])
        return [HeaderButton(_("Download CSV"), url=url, icon_name="download")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = Paginator(reporting.must_be_told(), PAGE_SIZE)
        page = people.get_page(self.request.GET.get("p"))
        shows_contact = may(self.request.user, "view_participant_pii")
        if shows_contact and page.object_list:
            self.note_down("notified_viewed", {"page": page.number})
        return super().get_context_data(
            consultation=self.consultation,
            page=page,
            notices=reporting.notices(self.consultation, page.object_list),
            number_told=reporting.number_told(self.consultation),
            shows_contact=shows_contact,
            **kwargs,
        )

    def note_down(self, action: str, data: dict[str, Any]) -> None:
        action = f"wagtail_engagement.{action}"
        log(self.consultation, action, user=self.request.user, data=data)


class NotifiedExportView(NotifiedView):
    """The same list as a file, which proves what was sent."""

    def is_for(self, user: Any) -> bool:
        return super().is_for(user) and may_all(user, EXPORTS)

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.note_down("notified_exported", {"rows": reporting.must_be_told().count()})
        name = slugify(self.consultation.title)[:60] or "consultation"
        rows = reporting.export_rows(self.consultation)
        return csv_download(rows, filename=f"notified-{name}")


URLS = [
    path("engagement/", OverviewView.as_view(), name="wagtail_engagement_overview"),
    path("engagement/data-protection/", PackView.as_view(), name="wagtail_engagement_pack"),
    path(
        "engagement/data-protection/print/",
        PackView.as_view(template_name="wagtail_engagement/admin/pack_print.html"),
        name="wagtail_engagement_pack_print",
    ),
    path(
        "engagement/notified/<int:consultation_id>/",
        NotifiedView.as_view(),
        name="wagtail_engagement_notified",
    ),
    path(
        "engagement/notified/<int:consultation_id>/csv/",
        NotifiedExportView.as_view(),
        name="wagtail_engagement_notified_export",
    ),
]
