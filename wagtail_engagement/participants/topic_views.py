"""Screens that keep the vocabulary of interests short: merge two, retire what nobody uses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import Button, HeaderButton
from wagtail.log_actions import log

from ..modeladmin import APP_LABEL, NativeIndexView
from . import tending
from .models import Interest

NAMESPACE = "wagtail_engagement_interests"
CHANGES = f"{APP_LABEL}.change_interest"


class InterestIndexView(NativeIndexView):
    """The vocabulary as it is today; what was merged is found under the other name."""

    def get_base_queryset(self) -> QuerySet:
        return Interest.objects.filter(merged_into=None)

    @cached_property
    def header_buttons(self) -> list[Any]:
        buttons = list(super().header_buttons)
        if self.request.user.has_perm(CHANGES):
            url = reverse(f"{NAMESPACE}:unused")
            buttons.append(HeaderButton(_("Unused interests"), url=url, icon_name="bin"))
        return buttons

    def get_list_more_buttons(self, instance: Interest) -> list[Any]:
        buttons = super().get_list_more_buttons(instance)
        if self.request.user.has_perm(CHANGES):
            url = reverse(f"{NAMESPACE}:merge", args=[instance.pk])
            buttons.append(
                Button(_("Merge into another"), url=url, icon_name="redirect", priority=40)
            )
        return buttons


class TargetForm(forms.Form):
    into = forms.ModelChoiceField(
        label=gettext_lazy("Merge into"), queryset=Interest.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, source: Interest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = Interest.objects.in_use().exclude(pk=source.pk)


class TopicView(PermissionRequiredMixin, WagtailAdminTemplateMixin, TemplateView):
    permission_required = CHANGES
    raise_exception = True
    header_icon = "tag"

    def get_breadcrumbs_items(self) -> list[Any]:
        listing = {"url": reverse(f"{NAMESPACE}:index"), "label": _("Interests")}
        return [*self.breadcrumbs_items, listing, {"url": "", "label": self.get_page_title()}]


class MergeInterestView(TopicView):
    """Choose what an interest goes into, see what that moves, then do it for good."""

    template_name = "wagtail_engagement/admin/interest_merge.html"
    page_title = gettext_lazy("Merge an interest")

    @cached_property
    def source(self) -> Interest:
        return get_object_or_404(Interest, pk=self.kwargs["pk"], merged_into=None)

    def get_page_subtitle(self) -> str:
        return str(self.source.name)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = TargetForm(self.request.GET or None, source=self.source)
        target = form.cleaned_data["into"] if form.is_bound and form.is_valid() else None
        return super().get_context_data(
            source=self.source,
            form=form,
            target=target,
            uses=tending.uses_of(self.source) if target else {},
            shared=tending.shared_by(self.source, target) if target else 0,
            back=reverse(f"{NAMESPACE}:index"),
            **kwargs,
        )

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        form = TargetForm(request.POST, source=self.source)
        if not form.is_valid():
            messages.error(request, _("Choose an interest that is in use."))
            return redirect(request.path)
        target = form.cleaned_data["into"]
        try:
            people = tending.merge(source=self.source, target=target, at=timezone.now())
        except tending.CannotMerge as refused:
            messages.error(request, str(refused))
            return redirect(request.path)
        action = "wagtail_engagement.interests_merged"
        facts = {"into": target.name, "people": people}
        log(self.source, action, user=request.user, title=self.source.name, data=facts)
        told = _("%(source)s is part of %(target)s now.")
        messages.success(request, told % {"source": self.source.name, "target": target.name})
        return redirect(f"{NAMESPACE}:index")


class UnusedView(TopicView):
    """Interests of nobody, each with a button to retire it."""

    template_name = "wagtail_engagement/admin/interest_unused.html"
    page_title = gettext_lazy("Unused interests")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(unused=tending.unused(at=timezone.now())[:200], **kwargs)


class RetireView(PermissionRequiredMixin, View):
    permission_required = CHANGES
    raise_exception = True
    http_method_names = ["post"]

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        interest = get_object_or_404(Interest, pk=self.kwargs["pk"])
        if tending.retire(interest=interest):
            action = "wagtail_engagement.interest_retired"
            log(interest, action, user=request.user, title=interest.name)
        told = _("%(name)s is offered no longer. Edit it to bring it back.")
        messages.success(request, told % {"name": interest.name})
        return redirect(f"{NAMESPACE}:unused")
