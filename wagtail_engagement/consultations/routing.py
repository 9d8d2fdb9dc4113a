"""The screen that says how people arrived, and makes links for others to pass on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from ..modeladmin import may
from . import passing, routes
from .admin import NAMESPACE, readable_by, responses_url
from .doors import NamedLink
from .models import Consultation

MAY_READ = "wagtail_engagement.view_response"
MAY_NAME = "wagtail_engagement.add_namedlink"


class NamedLinkForm(forms.ModelForm):
    class Meta:
        model = NamedLink
        fields = ["name", "kind"]
        widgets = {"kind": forms.RadioSelect}


class OfConsultation(PermissionRequiredMixin):
    """A screen about one of the consultations whose answers somebody may read."""

    permission_required: Any = MAY_READ
    raise_exception = True
    kwargs: dict[str, Any]
    request: Any

    @cached_property
    def consultation(self) -> Consultation:
        found = readable_by(self.request.user)
        return get_object_or_404(found, pk=self.kwargs["consultation_id"])

    @property
    def url(self) -> str:
        return reverse("wagtail_engagement_routes", args=[self.consultation.pk])


class RoutesView(OfConsultation, WagtailAdminTemplateMixin, TemplateView):
    template_name = "wagtail_engagement/admin/routes.html"
    header_icon = "link"

    def get_page_title(self) -> str:
        return _("How people arrived: %(title)s") % {"title": self.consultation.title}

    def get_breadcrumbs_items(self) -> list[Any]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(f"{NAMESPACE}:index"), "label": _("Responses")},
            {"url": responses_url(self.consultation), "label": self.consultation.title},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        ways = routes.ways(self.consultation)
        links = self.consultation.named_links.select_related("consultation")
        used = {way.key for way in ways}
        kwargs.setdefault("form", NamedLinkForm())
        return super().get_context_data(
            consultation=self.consultation,
            is_counted=routes.of(self.consultation),
            ways=ways,
            total=sum(way.number for way in ways),
            links=[(link, routes.address(link), link.code in used) for link in links],
            cuts=routes.answers_by_route(self.consultation) if len(ways) > 1 else [],
            may_name=may(self.request.user, "add_namedlink"),
            **kwargs,
        )


class NameLinkView(RoutesView):
    """Makes a link, and shows what is wrong with its name beside the form."""

    http_method_names = ["post"]
    permission_required = (MAY_READ, MAY_NAME)

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        form = NamedLinkForm(request.POST)
        if form.is_valid():
            try:
                link = passing.make(
                    consultation=self.consultation,
                    actor=request.user,
                    at=timezone.now(),
                    **form.cleaned_data,
                )
            except passing.NameTaken:
                form.add_error("name", _("There is a link of this name already"))
            else:
                told = _("“%(name)s” has its own link now. Copy it from the list.")
                messages.success(request, told % {"name": link.name})
                return redirect(self.url)
        return self.render_to_response(self.get_context_data(form=form))


class RemoveLinkView(OfConsultation, View):
    """Takes a link away that nobody has used."""

    http_method_names = ["post"]
    permission_required = (MAY_READ, MAY_NAME)

    def post(self, request: Any, consultation_id: int, pk: int) -> Any:
        link = get_object_or_404(self.consultation.named_links, pk=pk)
        try:
            passing.remove(link=link, actor=request.user)
        except passing.LinkUsed:
            messages.error(request, _("Responses have come by this link, so it stays."))
        else:
            messages.success(request, _("“%(name)s” is gone.") % {"name": link.name})
        return redirect(self.url)


ROOT = "engagement/routes/<int:consultation_id>/"
URLS = [
    path(ROOT, RoutesView.as_view(), name="wagtail_engagement_routes"),
    path(f"{ROOT}name/", NameLinkView.as_view(), name="wagtail_engagement_route_name"),
    path(
        f"{ROOT}<int:pk>/remove/", RemoveLinkView.as_view(), name="wagtail_engagement_route_remove"
    ),
]
