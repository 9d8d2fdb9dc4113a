"""Screens for answers: the consultations, their responses, and what is held back."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import BaseColumn, Column, DateColumn, NumberColumn, TitleColumn
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton
from wagtail.log_actions import log

from ..exports import DOWNLOADS, XLSX_ROWS
from ..modeladmin import DayColumn, NativeIndexView, NativeModelAdmin, may
from ..participants.admin import ParticipantInspectView
from . import responses, routes
from .exporting import export_rows
from .models import Consultation, ConsultationResponse
from .queries import readable_by
from .questions import Definition

Status = ConsultationResponse.Status
NAMESPACE = "wagtail_engagement_responses"


# The timeline of a person names the answers that its reader may read, and no others.
ParticipantInspectView.readable_by = staticmethod(readable_by)


class ConsultationIndexView(NativeIndexView):
    """Every consultation whose answers the editor may read, newest first."""

    page_title = gettext_lazy("Responses")

    def get_base_queryset(self) -> QuerySet[Consultation]:
        found = readable_by(self.request.user)
        return found.annotate(counted=number_of(Status.COUNTED), held=number_of(Status.HELD))

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn("title", label=_("Consultation"), get_url=responses_url),
            Column("state", label=_("State"), accessor=state_in_words),
            DayColumn("closes_at", label=_("Closes"), sort_key="closes_at"),
            NumberColumn("counted", label=_("Responses")),
            NumberColumn("held", label=_("Held")),
        ]

    @cached_property
    def header_buttons(self) -> list[Any]:
        if not may(self.request.user, "moderate_response"):
            return []
        return [HeaderButton(_("Held responses"), url=reverse(f"{NAMESPACE}:held"))]


def number_of(status: str) -> Coalesce:
    """Responses of a status, counted for the rows of one page of the listing alone."""
    rows = ConsultationResponse.objects.filter(consultation=OuterRef("pk"), status=status)
    counted = rows.order_by().values("consultation").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def state_in_words(consultation: Consultation) -> str:
    return str(consultation.state_at(timezone.now()).label)


def responses_url(consultation: Consultation) -> str:
    return reverse(f"{NAMESPACE}:of_consultation", args=[consultation.pk])


def read_url(response: ConsultationResponse) -> str:
    return reverse(f"{NAMESPACE}:read", args=[response.pk])


class ResponseFilterSet(WagtailFilterSet):
    """By state and by how people arrived; the links to choose from are the consultation's own."""

    route_key = django_filters.ChoiceFilter(label=gettext_lazy("Link"), choices=())

    class Meta:
        model = ConsultationResponse
        fields = ["status", "route", "route_key"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        consultation = self.request.resolver_match.kwargs["consultation_id"]
        named = routes.names(get_object_or_404(Consultation, pk=consultation))
        self.filters["route_key"].extra["choices"] = list(named.items())


class ResponseIndexView(NativeIndexView):
    """The responses of one consultation."""

    model = ConsultationResponse
    any_permission_required = None  # The consultation is looked up among the readable ones.
    permission_policy = None
    filterset_class = ResponseFilterSet
    paginate_by = 50
    header_icon = "form"
    default_ordering = "-submitted_at"

    @cached_property
    def consultation(self) -> Consultation:
        return get_object_or_404(readable_by(self.request.user), pk=self.kwargs["consultation_id"])

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not may(request.user, "view_response"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_base_queryset(self) -> QuerySet[ConsultationResponse]:
        return ConsultationResponse.objects.filter(consultation=self.consultation)

    def get_index_url(self) -> str:
        return responses_url(self.consultation)

    def get_index_results_url(self) -> str:
        return reverse(f"{NAMESPACE}:of_consultation_results", args=[self.consultation.pk])

    def get_page_title(self) -> str:
        return _("Responses")

    def get_page_subtitle(self) -> str:
        return self.consultation.title

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn("reference", label=_("Reference"), get_url=read_url),
            DateColumn("submitted_at", label=_("Received"), sort_key="submitted_at"),
            Column("status", label=_("Status"), accessor="get_status_display"),
            Column("route", label=_("Arrived by"), accessor="get_route_display"),
        ]

    @cached_property
    def header_buttons(self) -> list[Any]:
        user, key = self.request.user, [self.consultation.pk]
        buttons = []
        if may(user, "enter_response"):
            url = reverse("wagtail_engagement_enter", args=key)
            buttons.append(HeaderButton(_("Enter an answer"), url=url, icon_name="plus"))
        return buttons + (self._downloads() if may(user, "export_response") else [])

    def _downloads(self) -> list[Any]:
        url = reverse(f"{NAMESPACE}:export", args=[self.consultation.pk])
        cut = routes.cut_of(self.request.GET)
        csv, xlsx = urlencode(cut), urlencode({**cut, "kind": "xlsx"})
        return [
            HeaderButton(_("Download CSV"), url=f"{url}?{csv}", icon_name="download", priority=1),
            HeaderButton(_("Download XLSX"), url=f"{url}?{xlsx}", icon_name="download", priority=2),
        ]

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        user, key = self.request.user, [self.consultation.pk]
        url = reverse("wagtail_engagement_routes", args=key)
        buttons = [HeaderButton(_("How people arrived"), url=url, icon_name="link")]
        if may(user, "view_participant") and may(user, "view_invitation"):
            url = reverse("wagtail_engagement_notified", args=key)
            buttons.append(HeaderButton(_("Must be notified"), url=url, icon_name="mail"))
        return buttons


class DecideColumn(BaseColumn):
    """The two buttons that decide about a held response."""

    cell_template_name = "wagtail_engagement/admin/_decide.html"

    class Media:
        css = {"all": ["wagtail_engagement/admin.css"]}

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context = super().get_cell_context_data(instance, parent_context)
        return {**context, "csrf_token": get_token(parent_context["request"])}


class HeldIndexView(NativeIndexView):
    """What waits for a look. Each counts by itself in the end; nothing is lost."""

    model = ConsultationResponse
    any_permission_required = None
    permission_policy = None
    paginate_by = 50
    page_title = gettext_lazy("Held responses")
    header_icon = "form"
    default_ordering = "held_until"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not (may(request.user, "moderate_response") and may(request.user, "view_response")):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_base_queryset(self) -> QuerySet[ConsultationResponse]:
        return held_for(self.request.user).select_related("consultation")

    def get_index_url(self) -> str:
        return reverse(f"{NAMESPACE}:held")

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn("reference", label=_("Reference"), get_url=read_url),
            Column("consultation", label=_("Consultation"), accessor="consultation.title"),
            Column("held_because", label=_("Why")),
            DateColumn("submitted_at", label=_("Received")),
            DayColumn("held_until", label=_("Counts by itself on"), sort_key="held_until"),
            DecideColumn("decide", label=_("Does it count?")),
        ]


def held_for(user: Any) -> QuerySet[ConsultationResponse]:
    """Held responses that somebody may read."""
    held = ConsultationResponse.objects.filter(status=Status.HELD)
    return held.filter(consultation__in=readable_by(user))


def find_response(user: Any, number: int) -> ConsultationResponse:
    found = ConsultationResponse.objects.filter(consultation__in=readable_by(user))
    found = found.select_related("consultation", "form_version", "contact")
    return get_object_or_404(found, pk=number)


class ReadView(PermissionRequiredMixin, WagtailAdminTemplateMixin, TemplateView):
    """One response in words. Every look is written to the audit log."""

    permission_required = "wagtail_engagement.view_response"
    raise_exception = True
    template_name = "wagtail_engagement/admin/response.html"
    header_icon = "form"

    @cached_property
    def response_row(self) -> ConsultationResponse:
        return find_response(self.request.user, self.kwargs["pk"])

    def get_page_title(self) -> str:
        return _("Response %(reference)s") % {"reference": self.response_row.reference}

    def get_breadcrumbs_items(self) -> list[Any]:
        consultation = self.response_row.consultation
        return [
            *self.breadcrumbs_items,
            {"url": reverse(f"{NAMESPACE}:index"), "label": _("Responses")},
            {"url": responses_url(consultation), "label": consultation.title},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row, user = self.response_row, self.request.user
        definition = Definition(row.form_version.definition)
        return super().get_context_data(
            row=row,
            answers=definition.readable(row.answers),
            contact=getattr(row, "contact", None) if may(user, "view_participant_pii") else None,
            person_url=person_url(row, user),
            decides=row.status == Status.HELD and may(user, "moderate_response"),
            **kwargs,
        )

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        rendered = super().get(request, *args, **kwargs)
        log_about(self.response_row, "wagtail_engagement.response_viewed", request.user)
        return rendered


def person_url(row: ConsultationResponse, user: Any) -> str:
    """Who answered leads into the register for those who may see names; "" for others."""
    allowed = may(user, "view_participant") and may(user, "view_participant_pii")
    if row.participant_id is None or not allowed:
        return ""
    return reverse("wagtail_engagement_participants:inspect", args=[row.participant_id])


def log_about(row: ConsultationResponse, action: str, user: Any) -> None:
    log(row, action, user=user, title=str(row))


class DecideView(PermissionRequiredMixin, View):
    """Release or reject a held response, on POST alone."""

    http_method_names = ["post"]
    permission_required = (
        "wagtail_engagement.view_response",
        "wagtail_engagement.moderate_response",
    )
    raise_exception = True
    releases = True

    def post(self, request: Any, pk: int) -> Any:
        row = find_response(request.user, pk)
        rule = responses.release if self.releases else responses.reject
        try:
            rule(response=row, at=timezone.now())
        except responses.NotHeld:
            messages.warning(request, _("This response was decided about already."))
            return redirect(read_url(row))
        done = "released" if self.releases else "rejected"
        log_about(row, f"wagtail_engagement.response_{done}", request.user)
        told = _("The response counts now.") if self.releases else _("The response does not count.")
        messages.success(request, told)
        return redirect(f"{NAMESPACE}:held")


class ExportView(PermissionRequiredMixin, View):
    """All counted responses of a consultation: CSV, streamed, or a workbook."""

    http_method_names = ["get"]
    permission_required = (
        "wagtail_engagement.view_response",
        "wagtail_engagement.export_response",
    )
    raise_exception = True

    def get(self, request: Any, consultation_id: int) -> Any:
        consultation = get_object_or_404(readable_by(request.user), pk=consultation_id)
        with_contact = may(request.user, "view_participant_pii")
        kind = "xlsx" if request.GET.get("kind") == "xlsx" else "csv"
        cut = routes.cut_of(request.GET)
        rows = consultation.responses.counted().filter(**cut).order_by("submitted_at", "id")
        number = rows.count()
        if kind == "xlsx" and number > XLSX_ROWS:
            told = _("These are too many responses for a workbook. Download the CSV file.")
            messages.error(request, told)
            return redirect(responses_url(consultation))
        log(
            consultation,
            "wagtail_engagement.responses_exported",
            user=request.user,
            data={"rows": number, "with_contact": with_contact, **cut},
        )
        name = slugify(consultation.title)[:60] or "consultation"
        lines = export_rows(consultation, rows, with_contact=with_contact)
        return DOWNLOADS[kind](lines, filename=f"responses-{name}")


class ResponsesAdmin(NativeModelAdmin):
    """Answers by consultation: list, read, export, and what is held."""

    model = Consultation
    base_url_path = "responses"
    menu_label = gettext_lazy("Responses")
    menu_icon = "form"
    menu_order = 200
    codenames = {"view": "view_response"}
    extra_permissions = (
        "export_response",
        "moderate_response",
        "view_sensitive_response",
        "enter_response",
        "enter_late_response",
    )
    index_view_class = ConsultationIndexView

    def extra_urls(self) -> list[Any]:
        listing = ResponseIndexView.as_view
        one = "<int:consultation_id>/"
        return [
            path("held/", HeldIndexView.as_view(), name="held"),
            path(one, listing(), name="of_consultation"),
            path(f"{one}results/", listing(results_only=True), name="of_consultation_results"),
            path(f"{one}export/", ExportView.as_view(), name="export"),
            path("read/<int:pk>/", ReadView.as_view(), name="read"),
            path("release/<int:pk>/", DecideView.as_view(releases=True), name="release"),
            path("reject/<int:pk>/", DecideView.as_view(releases=False), name="reject"),
        ]
