"""The log of deliveries: to read, never to change."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn

from ..invitations.models import Delivery, Invitation
from ..modeladmin import NativeIndexView, NativeModelAdmin, may
from .upkeep import is_news


class DeliveryFilterSet(WagtailFilterSet):
    invitation = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Invitation"), queryset=Invitation.objects.all()
    )
    ended = django_filters.ChoiceFilter(
        label=gettext_lazy("Invitation ended"),
        choices=[("lately", gettext_lazy("in the last 14 days, or not yet"))],
        method="by_end",
    )

    class Meta:
        model = Delivery
        fields = ["invitation", "state", "bounce"]

    def by_end(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(is_news(at=timezone.now()))


class DeliveryIndexView(NativeIndexView):
    default_ordering = "-id"

    def get_base_queryset(self) -> QuerySet[Delivery]:
        return Delivery.objects.select_related("invitation__consultation", "participant")

    @cached_property
    def columns(self) -> list[Column]:
        shown = may(self.request.user, "view_participant_pii")
        return [
            Column("invitation", label=_("Invitation"), accessor=lambda row: str(row.invitation)),
            Column(
                "participant",
                label=_("To"),
                accessor=lambda row: address_of(row, masked=not shown),
            ),
            Column("state", label=_("State"), accessor="get_state_display"),
            Column("reason", label=_("Why"), accessor="why"),
            DateColumn("handed_at", label=_("Handed over")),
        ]


def address_of(row: Delivery, *, masked: bool) -> str:
    if row.participant is None:
        return _("left the register")
    return row.participant.masked_email if masked else row.participant.email


class DeliveryAdmin(NativeModelAdmin):
    model = Delivery
    base_url_path = "deliveries"
    menu_label = gettext_lazy("Deliveries")
    menu_icon = "mail"
    menu_order = 900
    codenames = {"view": "view_delivery"}
    ordering: Any = "-id"
    filterset_class = DeliveryFilterSet
    index_view_class = DeliveryIndexView
