"""Screens for wordings and for the do-not-contact list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log

from .. import addresses
from ..modeladmin import NativeIndexView, NativeModelAdmin
from . import barring
from .models import ConsentWording, LawfulBasis, Suppression
from .queries import FALLBACK_LANGUAGE, learned

LISTED_SUPPRESSIONS = "wagtail_engagement_do_not_contact:index"


class AddView(generic.CreateView):
    """What is added here has no edit view, so that the message afterwards links to none."""

    def get_success_buttons(self) -> list[Any]:
        return []


def languages() -> list[tuple[str, str]]:
    """The site's languages by lower-cased code, as pages ask for a wording.

    English is always there, for it stands in for every language that has no wording.
    """
    offered = getattr(settings, "WAGTAIL_CONTENT_LANGUAGES", None) or settings.LANGUAGES
    found = {code.lower(): str(name) for code, name in offered}
    return list({FALLBACK_LANGUAGE: _("English"), **found}.items())


class WordingAddView(AddView):
    success_message = gettext_lazy("%(object)s is in use from now on.")

    def get_initial(self) -> dict[str, Any]:
        """Start from the version that `?from=` names, so that a change is small to make."""
        number = self.request.GET.get("from", "")
        start = ConsentWording.objects.filter(pk=number).first() if number.isdecimal() else None
        names = ("purpose", "language", "basis", "label", "hint") if start else ()
        return {**super().get_initial(), **{name: getattr(start, name) for name in names}}

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["language"] = forms.ChoiceField(
            label=form.fields["language"].label, choices=languages, initial=FALLBACK_LANGUAGE
        )
        form.fields["basis"].choices = [
            (basis.value, basis.label) for basis in (LawfulBasis.CONSENT, LawfulBasis.PUBLIC_TASK)
        ]
        return form

    def save_instance(self) -> ConsentWording:
        wording = self.form.instance
        wording.created_by = self.request.user
        self.form.save()
        log(wording, "wagtail.create", user=self.request.user)
        return wording

    def form_valid(self, form: Any) -> Any:
        try:
            return super().form_valid(form)
        except IntegrityError:
            form.instance.version = None
            form.add_error(None, _("Somebody else saved a new version just now. Save again."))
            return self.form_invalid(form)


class WordingIndexView(NativeIndexView):
    def get_list_more_buttons(self, instance: ConsentWording) -> list[Any]:
        buttons = super().get_list_more_buttons(instance)
        if self.add_url:
            url = f"{self.add_url}?from={instance.pk}"
            buttons.append(
                generic.models.MenuItem(
                    _("Write the next version"), url=url, icon_name="copy", priority=10
                )
            )
        return buttons


class WordingAdmin(NativeModelAdmin):
    """A change of words is a new version; nothing is edited or deleted (P01, P03)."""

    model = ConsentWording
    base_url_path = "wordings"
    menu_label = gettext_lazy("Wordings")
    menu_icon = "openquote"
    menu_order = 700
    served = ("index", "index_results", "add", "inspect")
    codenames = {"view": "manage_consent_wording", "add": "manage_consent_wording"}
    list_display = [
        "label",
        "purpose",
        "language",
        "version",
        DateColumn("created_at", label=gettext_lazy("In use since"), sort_key="created_at"),
    ]
    inspect_view_fields = ["purpose", "language", "version", "basis", "label", "hint", "created_at"]
    index_view_class = WordingIndexView
    create_view_class = WordingAddView


class SuppressionForm(forms.ModelForm):
    """An address goes in, and only its keyed hash is kept."""

    address = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=addresses.MAX_LENGTH,
        help_text=gettext_lazy("It is not stored. Search for it to find this entry again."),
    )
    source = forms.CharField(
        label=gettext_lazy("How we learned it"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("For example: telephone call of 3 May. Leave out names."),
    )
    field_order = ["address", "purpose", "source"]

    class Media:
        css = {"all": ["wagtail_engagement/narrow.css"]}

    class Meta:
        model = Suppression
        fields = ["purpose"]

    def clean_address(self) -> str:
        try:
            return addresses.clean(self.cleaned_data["address"])
        except addresses.AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def save(self, commit: bool = True) -> Suppression:
        return barring.suppress(
            address=self.cleaned_data["address"],
            purpose=self.cleaned_data["purpose"] or None,
            reason=Suppression.Reason.MANUAL,
            source=self.cleaned_data["source"],
            at=timezone.now(),
        )


class SuppressionAddView(AddView):
    submit_button_label = gettext_lazy("Do not contact")
    success_message = gettext_lazy("We will not write to this address.")

    def save_instance(self) -> Suppression:
        found = self.form.save()
        action = "wagtail_engagement.suppression_added"
        log(found, action, user=self.request.user, title=str(found))
        return found


class SuppressionFilterSet(WagtailFilterSet):
    class Meta:
        model = Suppression
        fields = ["reason", "purpose"]


class SuppressionIndexView(NativeIndexView):
    """Found by the exact address, by those who may see addresses: else it would be an oracle."""

    search_permission = "view_participant_pii"
    search_hint = gettext_lazy("Whole address")
    search_finds = gettext_lazy("a whole address alone, for none is stored")
    add_item_label = gettext_lazy("Add an address")

    def search_queryset(self, queryset: Any) -> Any:
        if not self.is_searching:
            return queryset
        try:
            return queryset.of_address(addresses.clean(self.search_query))
        except addresses.AddressRefused:
            return queryset.none()

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn("pk", label=_("Entry"), accessor=str, get_url=self.lift_url),
            Column("reason", label=_("Reason"), accessor="get_reason_display"),
            Column("purpose", label=_("Purpose"), accessor=purpose_in_words),
            Column("source", label=_("How we learned it"), accessor=self.learned),
            DateColumn("at", label=_("Since"), sort_key="at"),
        ]

    def get_table(self, object_list: Any) -> Any:
        self.words = learned(object_list)
        return super().get_table(object_list)

    def learned(self, row: Suppression) -> str:
        return self.words[row.source]

    def lift_url(self, row: Suppression) -> str | None:
        if row.reason in Suppression.LIFTED_BY_STAFF and self.user_has_permission("change"):
            return reverse("wagtail_engagement_do_not_contact:lift", args=[row.pk])
        return None


def purpose_in_words(row: Suppression) -> str:
    return row.get_purpose_display() or _("Everything")


class LiftView(PermissionRequiredMixin, WagtailAdminTemplateMixin, TemplateView):
    """Ask, then take an entry off the list. What a person said themselves stays."""

    permission_required = "wagtail_engagement.change_suppression"
    raise_exception = True
    template_name = "wagtail_engagement/admin/lift.html"
    page_title = gettext_lazy("Write to this address again?")
    header_icon = "mail"

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.number = kwargs["pk"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = get_object_or_404(Suppression, pk=self.number)
        return super().get_context_data(
            row=row,
            liftable=row.reason in Suppression.LIFTED_BY_STAFF,
            back=reverse(LISTED_SUPPRESSIONS),
            **kwargs,
        )

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        row = get_object_or_404(Suppression, pk=self.number)
        try:
            with transaction.atomic():
                barring.lift_by_staff(suppression=row, actor=request.user, at=timezone.now())
        except barring.NotLiftable:
            messages.error(request, _("Only the person can take this back, by confirming anew."))
            return redirect(LISTED_SUPPRESSIONS)
        messages.success(request, _("We may write to this address again, where its owner agreed."))
        return redirect(LISTED_SUPPRESSIONS)


class SuppressionAdmin(NativeModelAdmin):
    model = Suppression
    base_url_path = "do-not-contact"
    menu_label = gettext_lazy("Do not contact")
    menu_icon = "no-view"
    menu_order = 800
    served = ("index", "index_results", "add")
    codenames = {
        "view": "view_suppression",
        "add": "add_suppression",
        "change": "change_suppression",
    }
    form_class = SuppressionForm
    filterset_class = SuppressionFilterSet
    index_view_class = SuppressionIndexView
    create_view_class = SuppressionAddView

    def extra_urls(self) -> list[Any]:
        return [path("lift/<int:pk>/", LiftView.as_view(), name="lift")]
