"""The list of imports, and the addresses of all their screens."""

from __future__ import annotations

from typing import Any

import django_filters
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.admin.widgets.button import HeaderButton

from ..modeladmin import NativeIndexView, NativeModelAdmin
from . import auditing, reviewing, views
from .models import ImportBatch


class ImportFilterSet(WagtailFilterSet):
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"), choices=ImportBatch.Status.choices
    )

    class Meta:
        model = ImportBatch
        fields = ["status"]


class ImportIndexView(NativeIndexView):
    @cached_property
    def header_buttons(self) -> list[Any]:
        return [
            HeaderButton(_("Bring in sheets"), url=views.url("upload"), icon_name="upload"),
        ]

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        return [
            *super().header_more_buttons,
            HeaderButton(_("Compare lists"), url=views.url("compare"), icon_name="list-ul"),
            HeaderButton(_("Bring in a form"), url=views.url("bring"), icon_name="form"),
        ]


class ImportAdmin(NativeModelAdmin):
    model = ImportBatch
    base_url_path = "imports"
    menu_label = gettext_lazy("Imports")
    menu_icon = "upload"
    menu_order = 350
    codenames = {"view": "import_participant"}
    filterset_class = ImportFilterSet
    index_view_class = ImportIndexView
    list_display = [
        TitleColumn(
            "name",
            label=gettext_lazy("Sheet"),
            get_url=lambda batch: reverse(f"{views.NAMESPACE}:show", args=[batch.pk]),
        ),
        Column("source", label=gettext_lazy("Where it comes from")),
        Column("get_status_display", label=gettext_lazy("Status")),
        Column("waits_for", label=gettext_lazy("Waits for")),
        Column("rows_done", label=gettext_lazy("Rows")),
        DateColumn("created_at", label=gettext_lazy("Uploaded"), sort_key="created_at"),
    ]

    def extra_urls(self) -> list[Any]:
        return [
            path("upload/", auditing.upload, name="upload"),
            path("compare/", auditing.compare, name="compare"),
            path("compare/counts/", auditing.compare_counts, name="compare_counts"),
            path("bring/", auditing.bring, name="bring"),
            path("<int:pk>/", views.show, name="show"),
            path("<int:pk>/sheets/", auditing.sheets, name="sheets"),
            path("<int:pk>/discard/", auditing.discard, name="discard"),
            path("<int:pk>/columns/", views.columns, name="columns"),
            path("<int:pk>/same/", views.same, name="same"),
            path("<int:pk>/words/", views.words, name="words"),
            path("<int:pk>/origin/", views.origin, name="origin"),
            path("<int:pk>/park/", views.park, name="park"),
            path("<int:pk>/check/", views.check, name="check"),
            path("<int:pk>/numbers/", views.numbers, name="numbers"),
            path("<int:pk>/start/", views.start, name="start"),
            path("<int:pk>/undo/", views.undo, name="undo"),
            path("<int:pk>/review/", reviewing.review, name="review"),
            path("<int:pk>/review/<int:row_pk>/", reviewing.decide, name="decide"),
            path("<int:pk>/report/", reviewing.report, name="report"),
        ]
