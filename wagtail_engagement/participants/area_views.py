"""The screen for wards and postcodes: what is known, and the council's file that says so."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Count, QuerySet
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import FormView
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton
from wagtail.log_actions import log

from .. import conf
from ..modeladmin import APP_LABEL, NativeIndexView
from . import areas

NAMESPACE = "wagtail_engagement_areas"


class AreaIndexView(NativeIndexView):
    default_ordering = "name"

    def get_base_queryset(self) -> QuerySet:
        return super().get_base_queryset().annotate(number=Count("postcodes"))

    @cached_property
    def columns(self) -> list[Column]:
        return [
            Column("name", label=_("Area"), sort_key="name"),
            Column("code", label=_("Code")),
            Column("number", label=_("Postcodes")),
            DateColumn("loaded_at", label=_("Loaded")),
        ]

    @cached_property
    def header_buttons(self) -> list[Any]:
        url = reverse(f"{NAMESPACE}:load")
        return [HeaderButton(_("Load a file"), url=url, icon_name="upload")]


class AreaFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file of areas"),
        help_text=gettext_lazy(
            "One row for each postcode, with a column for the ward or other area. A list of areas"
            " without postcodes is enough for choosing areas by name."
        ),
    )

    def clean_file(self) -> Any:
        file, most = self.cleaned_data["file"], conf.import_bytes()
        if file.size > most:
            told = _(
                "This file is larger than %(size)s MB. Ask your administrator to load it with the"
                " command engagement_areas."
            )
            raise forms.ValidationError(told % {"size": most // 2**20})
        return file


class LoadView(PermissionRequiredMixin, WagtailAdminTemplateMixin, FormView):
    """Take a file, and say row by row what could not be used."""

    permission_required = f"{APP_LABEL}.import_participant"
    raise_exception = True
    form_class = AreaFileForm
    template_name = "wagtail_engagement/admin/areas.html"
    page_title = gettext_lazy("Load areas and postcodes")
    header_icon = "site"

    def get_breadcrumbs_items(self) -> list[Any]:
        listing = {"url": reverse(f"{NAMESPACE}:index"), "label": _("Areas")}
        return [*self.breadcrumbs_items, listing, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(back=reverse(f"{NAMESPACE}:index"), **kwargs)

    def form_valid(self, form: AreaFileForm) -> Any:
        try:
            found = areas.load(form.cleaned_data["file"])
        except areas.FileRefused as refused:
            form.add_error("file", str(refused))
            return self.form_invalid(form)
        user = self.request.user
        data = {"areas": found.areas, "postcodes": found.postcodes, "left_out": found.left_out}
        log(user, "wagtail_engagement.areas_loaded", user=user, title=_("Areas"), data=data)
        told = ngettext(
            "%(number)s postcode is known now.",
            "%(number)s postcodes are known now.",
            found.postcodes,
        )
        messages.success(self.request, told % {"number": f"{found.postcodes:,}"})
        return self.render_to_response(self.get_context_data(form=AreaFileForm(), found=found))


URLS = [path("load/", LoadView.as_view(), name="load")]
