"""Screens for requests of people about their own data: taken down, proved, met and closed."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, TemplateView, View
from wagtail.admin import messages
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log

from ..modeladmin import APP_LABEL, DayColumn, NativeIndexView, NativeModelAdmin, may
from ..participants.models import Participant
from . import access, asking, erasing, telling
from .forms import LetterForm, RequestForm, StaffErasureForm
from .models import RightsRequest
from .views import zip_response

NAMESPACE = "wagtail_engagement_requests"
# Handling a request shows addresses, notes about identity and what somebody wrote.
HANDLES = (f"{APP_LABEL}.erase_participant", f"{APP_LABEL}.view_participant_pii")
PERSON = "wagtail_engagement_participants:inspect"
State = RightsRequest.State


def handle_url(row: RightsRequest) -> str:
    return reverse(f"{NAMESPACE}:handle", args=[row.pk])


def state_in_words(row: RightsRequest) -> str:
    """A closed request may have lapsed, been denied, taken back or overtaken: nothing was done."""
    if row.state == State.LAPSED:
        return _("closed, nothing was done")
    return str(row.get_state_display())


def whose(row: RightsRequest) -> str:
    return str(row.participant) if row.participant else _("left the register")


class RequestFilterSet(WagtailFilterSet):
    waits_for = django_filters.ChoiceFilter(
        label=gettext_lazy("Waits for"), choices=[("us", gettext_lazy("us"))], method="by_waiting"
    )

    class Meta:
        model = RightsRequest
        fields = ["state", "kind"]

    def by_waiting(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(closed_at=None, state__in=RightsRequest.WITH_STAFF)


class RequestIndexView(NativeIndexView):
    """What is open first, by the day on which the law wants an answer."""

    page_title = gettext_lazy("Requests")

    def get_base_queryset(self) -> QuerySet[RightsRequest]:
        rows = RightsRequest.objects.select_related("participant")
        return rows.order_by(F("closed_at").desc(nulls_first=True), "due_at", "pk")

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn("reference", label=_("Reference"), get_url=handle_url),
            Column("kind", label=_("Asks for"), accessor="get_kind_display"),
            Column("participant", label=_("Participant"), accessor=whose),
            Column("state", label=_("State"), accessor=state_in_words),
            DateColumn("asked_at", label=_("Asked")),
            DayColumn("due_at", label=_("Answer by")),
            DayColumn("closed_at", label=_("Closed")),
        ]


class Screen(PermissionRequiredMixin, WagtailAdminTemplateMixin):
    permission_required: Any = HANDLES
    raise_exception = True
    header_icon = "user"

    def get_breadcrumbs_items(self) -> list[Any]:
        listing = {"url": reverse(f"{NAMESPACE}:index"), "label": _("Requests")}
        return [*self.breadcrumbs_items, listing, {"url": "", "label": self.get_page_title()}]


class AskView(Screen, FormView):
    """Take a request down, from the page of the person."""

    form_class = RequestForm
    template_name = "wagtail_engagement/rights/ask.html"
    page_title = gettext_lazy("Handle a request")

    @cached_property
    def person(self) -> Participant:
        return get_object_or_404(Participant.objects.current(), pk=self.kwargs["person_id"])

    def get_page_subtitle(self) -> str:
        return str(self.person)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = reverse(PERSON, args=[self.person.pk])
        return super().get_context_data(back=back, masked=self.person.masked_email, **kwargs)

    def form_valid(self, form: RequestForm) -> Any:
        user = self.request.user
        try:
            row = asking.ask(
                person=self.person, facts=form.cleaned_data, actor=user, at=timezone.now()
            )
        except asking.CannotAsk as refused:
            form.add_error(None, str(refused))
            return self.form_invalid(form)
        messages.success(self.request, _("The request is taken down."))
        return redirect(handle_url(row))


class RequestMixin:
    kwargs: dict[str, Any]

    @cached_property
    def row(self) -> RightsRequest:
        rows = RightsRequest.objects.select_related("participant", "mail")
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    @property
    def is_ready(self) -> bool:
        """Whether the identity is proved and the person is still there."""
        return self.row.state == State.CONFIRMED and self.row.participant is not None

    @property
    def may_erase(self) -> bool:
        return self.is_ready and self.row.kind == RightsRequest.Kind.ERASURE

    @property
    def may_be_copied(self) -> bool:
        """Once more too, for whoever lost the file."""
        asked = self.row.kind == RightsRequest.Kind.ACCESS and self.row.participant is not None
        return asked and self.row.state in (State.CONFIRMED, State.DONE)


class HandleView(RequestMixin, Screen, TemplateView):
    """One request: where it stands, and the one next step. Every look is logged."""

    template_name = "wagtail_engagement/rights/handle.html"
    letter_form: LetterForm | None = None
    erasure_form: StaffErasureForm | None = None

    def get_page_title(self) -> str:
        return str(self.row)

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        rendered = super().get(request, *args, **kwargs)
        log(self.row, "wagtail_engagement.request_viewed", user=request.user, title=str(self.row))
        return rendered

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row
        erases = row.kind == RightsRequest.Kind.ERASURE
        texts = self.texts if erases and self.is_ready else []
        person = row.participant
        return super().get_context_data(
            row=row,
            state=state_in_words(row),
            person_url=reverse(PERSON, args=[person.pk]) if person else "",
            masked=person.masked_email if person else "",
            is_late=row.closed_at is None and row.due_at < timezone.now(),
            is_ready=self.is_ready,
            erases=erases,
            copies=not erases and self.may_be_copied,
            letter_form=self.letter_form or LetterForm(),
            form=self.erasure_form or self.form_of(),
            texts=texts,
            withheld=len(self.written) - len(texts) if erases and self.is_ready else 0,
            receipt=telling.receipt_of(row) if "counts" in row.receipt else None,
            **kwargs,
        )

    @cached_property
    def written(self) -> list[dict[str, Any]]:
        person = self.row.participant
        return asking.free_texts(person) if person else []

    @cached_property
    def texts(self) -> list[dict[str, Any]]:
        """What may be read here; the rest can be neither read nor ticked."""
        if may(self.request.user, "view_sensitive_response"):
            return self.written
        return [text for text in self.written if not text["is_sensitive"]]

    def form_of(self, data: Any = None) -> StaffErasureForm:
        person = self.row.participant
        answered = person is not None and asking.has_answered(person)
        return StaffErasureForm(data, texts=self.texts, has_answered=answered)

    def again(self, request: Any, **forms: Any) -> Any:
        """Show the page once more, with what was typed and what to do about it."""
        for name, form in forms.items():
            setattr(self, name, form)
        return self.render_to_response(self.get_context_data())


class LetterView(HandleView):
    """Accept a letter where nobody answers the mail."""

    http_method_names = ["post"]

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        form = LetterForm(request.POST)
        if not form.is_valid():
            return self.again(request, letter_form=form)
        try:
            asking.prove_by_letter(request=self.row, **form.cleaned_data)
        except asking.CannotAsk as refused:
            messages.error(request, str(refused))
        return redirect(handle_url(self.row))


class CloseView(RequestMixin, PermissionRequiredMixin, View):
    """Close a request that was taken back or cannot be met."""

    permission_required = HANDLES
    raise_exception = True
    http_method_names = ["post"]

    def post(self, request: Any, pk: int) -> Any:
        asking.close(request=self.row, actor=request.user, at=timezone.now())
        messages.success(request, _("The request is closed."))
        return redirect(handle_url(self.row))


class CopyView(RequestMixin, PermissionRequiredMixin, View):
    """The ZIP for the person, made now and kept nowhere."""

    permission_required = HANDLES
    raise_exception = True
    http_method_names = ["post"]

    def post(self, request: Any, pk: int) -> Any:
        row, person, now = self.row, self.row.participant, timezone.now()
        if not self.may_be_copied or person is None:
            messages.error(request, _("First the person has to say that the request is theirs."))
            return redirect(handle_url(row))
        content = access.archive(person, at=now)
        asking.hand_out(person=person, at=now, actor=request.user, request=row)
        return zip_response(content)


class EraseView(HandleView):
    """Erase the person as decided; there is no way back, and a receipt."""

    http_method_names = ["post"]

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        person = self.row.participant
        if person is None or not self.may_erase:
            messages.error(request, _("First the person has to say that the request is theirs."))
            return redirect(handle_url(self.row))
        form = self.form_of(request.POST)
        if not form.is_valid():
            return self.again(request, erasure_form=form)
        try:
            erasing.erase(
                person=person,
                keeps_responses=form.keeps_responses,
                at=timezone.now(),
                actor=request.user,
                request=self.row,
                texts=form.chosen,
            )
        except erasing.AlreadyErased:
            return redirect(handle_url(self.row))
        messages.success(request, _("The person is erased."))
        return redirect(handle_url(self.row))


class RequestAdmin(NativeModelAdmin):
    model = RightsRequest
    base_url_path = "requests"
    menu_label = gettext_lazy("Requests")
    menu_icon = "user"
    menu_order = 700
    codenames = {"view": "erase_participant"}
    filterset_class = RequestFilterSet
    index_view_class = RequestIndexView

    def extra_urls(self) -> list[Any]:
        return [
            path("new/<int:person_id>/", AskView.as_view(), name="ask"),
            path("<int:pk>/", HandleView.as_view(), name="handle"),
            path("<int:pk>/letter/", LetterView.as_view(), name="letter"),
            path("<int:pk>/close/", CloseView.as_view(), name="close"),
            path("<int:pk>/copy/", CopyView.as_view(), name="copy"),
            path("<int:pk>/erase/", EraseView.as_view(), name="erase"),
        ]
