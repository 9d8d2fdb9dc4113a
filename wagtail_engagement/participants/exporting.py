"""The export of participants: for a purpose that is written down, with addresses or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Case, OuterRef, Prefetch, QuerySet, Subquery, Value, When
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log

from ..consent.models import ConsentEvent, ContactPermission, Purpose
from ..exports import DOWNLOADS, XLSX_ROWS
from ..modeladmin import APP_LABEL
from .listing import EXPORTS, NAMESPACE, Listed
from .models import Participant, ParticipantInterest

CHUNK = 1000  # people read at a time, with what belongs to them


class ExportForm(forms.Form):
    """Why, and as what. `people` is how many the file would hold."""

    purpose = forms.CharField(
        label=gettext_lazy("What the file is for"),
        max_length=200,
        help_text=gettext_lazy("It is kept in the audit log. Leave out names and addresses."),
        error_messages={"required": gettext_lazy("Say what the file is for.")},
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("File"),
        choices=[
            ("csv", gettext_lazy("CSV, for any number of people")),
            ("xlsx", gettext_lazy("Excel workbook (XLSX)")),
        ],
        initial="csv",
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a kind of file.")},
    )

    def __init__(self, *args: Any, people: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people

    def clean_purpose(self) -> str:
        purpose: str = self.cleaned_data["purpose"]
        if "@" in purpose:
            raise forms.ValidationError(_("Say what the file is for without an address."))
        return purpose

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        if kind == "xlsx" and self.people > XLSX_ROWS:
            told = _("A workbook holds up to %(most)s people here. Choose CSV, or filter the list.")
            raise forms.ValidationError(told % {"most": f"{XLSX_ROWS:,}"})
        return kind


class ExportView(PermissionRequiredMixin, WagtailAdminTemplateMixin, FormView):
    """Ask for the purpose, then hand out those whom the listing shows."""

    permission_required = tuple(f"{APP_LABEL}.{codename}" for codename in EXPORTS)
    raise_exception = True
    form_class = ExportForm
    template_name = "wagtail_engagement/admin/export.html"
    page_title = gettext_lazy("Export participants")
    header_icon = "download"

    @cached_property
    def listed(self) -> Listed:
        return Listed(self.request)

    @cached_property
    def number(self) -> int:
        return self.listed.people().count()

    def get_breadcrumbs_items(self) -> list[Any]:
        listing = {"url": reverse(f"{NAMESPACE}:index"), "label": _("Participants")}
        return [*self.breadcrumbs_items, listing, {"url": "", "label": self.get_page_title()}]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "people": self.number}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = f"{reverse(f'{NAMESPACE}:index')}?{self.request.GET.urlencode()}"
        filters = self.listed.filters()
        return super().get_context_data(number=self.number, filters=filters, back=back, **kwargs)

    def form_valid(self, form: ExportForm) -> Any:
        told = form.cleaned_data
        log(
            self.request.user,
            "wagtail_engagement.participants_exported",
            user=self.request.user,
            title=_("Participants"),
            data={
                "purpose": told["purpose"],
                "rows": self.number,
                "filters": self.listed.filters(),
                "kind": told["kind"],
            },
        )
        return DOWNLOADS[told["kind"]](export_rows(self.listed.people()), filename="participants")


def export_rows(people: QuerySet[Participant]) -> Iterator[list[object]]:
    """Yield the heading and one row a person, in constant memory."""
    yield [
        _("Number"),
        _("Email address"),
        _("Name"),
        _("Kind"),
        _("Area"),
        _("Joined"),
        _("May be invited"),
        _("Interests"),
        _("Where from"),
    ]
    for person in _with_all(people).iterator(chunk_size=CHUNK):
        yield [
            person.pk,
            person.email,
            person.name,
            person.get_kind_display(),
            person.area,
            person.joined_at,
            _may_be_invited(person),
            "; ".join(link.interest.name for link in person.kept_links),
            _where_from(person),
        ]


def _with_all(people: QuerySet[Participant]) -> QuerySet[Any]:
    first = ConsentEvent.objects.filter(participant=OuterRef("pk")).order_by("at", "id")
    told = Case(
        When(consultation__is_sensitive=True, then=Value("")), default="consultation__title"
    )
    links = ParticipantInterest.objects.filter(removed_at=None).select_related("interest")
    standing = ContactPermission.objects.filter(purpose=Purpose.INVITE, consultation=None)
    return (
        people.order_by("pk")
        .annotate(
            channel=Subquery(first.values("channel")[:1]),
            about=Subquery(first.annotate(told=told).values("told")[:1]),
            sheet=Subquery(first.values("batch__source")[:1]),
        )
        .prefetch_related(
            Prefetch("interest_links", links.order_by("interest__name"), to_attr="kept_links"),
            Prefetch("permissions", standing, to_attr="standing"),
        )
    )


def _may_be_invited(person: Any) -> str:
    if not person.standing:
        return _("No: %(reason)s") % {"reason": ContactPermission.Reason.NEVER_AGREED.label}
    row = person.standing[0]
    told = _("Yes: %(reason)s") if row.may_write else _("No: %(reason)s")
    return told % {"reason": row.get_reason_display()}


def _where_from(person: Any) -> str:
    """How the person first came; a sensitive consultation is not named."""
    if not person.channel:
        return ""
    came = str(ConsentEvent.Channel(person.channel).label)
    return ": ".join(filter(None, [came, person.sheet or person.about]))
