"""The listing of participants: what it shows, filters and finds, and for whom."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn, Column, DateColumn, TitleColumn
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.admin.widgets.button import HeaderButton, ListingButton
from wagtail.log_actions import log

from .. import addresses
from ..consent.models import ContactPermission
from ..modeladmin import APP_LABEL, NativeIndexView, NumberPaginator, may
from . import areas, renewing
from .models import Interest, Participant, ParticipantInterest

Reason = ContactPermission.Reason
UNASKED = "unasked"  # of those whose permission ran out
NAMESPACE = "wagtail_engagement_participants"
EXPORTS = ("view_participant", "view_participant_pii", "export_participant")


def areas_to_choose() -> list[tuple[str, str]]:
    return [(name, name) for name in areas.names()]


class ParticipantFilterSet(WagtailFilterSet):
    invitations = django_filters.ChoiceFilter(
        label=gettext_lazy("Invitations"),
        choices=[
            *Reason.choices,
            (UNASKED, gettext_lazy("permission ran out, and we had not asked")),
        ],
        method="by_permission",
    )
    interest = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Interest"),
        queryset=Interest.objects.filter(merged_into=None),
        method="by_interest",
    )
    area = django_filters.ChoiceFilter(label=gettext_lazy("Area"), choices=areas_to_choose)
    joined_at = django_filters.DateFromToRangeFilter(
        label=gettext_lazy("Joined"), widget=DateRangePickerWidget
    )
    leaving = django_filters.ChoiceFilter(
        label=gettext_lazy("Reason to stay"),
        choices=[("soon", gettext_lazy("None: they go by themselves"))],
        method="by_end",
    )

    class Meta:
        model = Participant
        fields: list[str] = []

    def by_permission(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        if value == UNASKED:
            ended = renewing.unasked(at=timezone.now())
            return queryset.filter(pk__in=ended.values("participant"))
        return queryset.filter(_stands("pk", value))

    def by_end(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(kept_until__isnull=False)

    def by_interest(self, queryset: QuerySet, name: str, value: Interest) -> QuerySet:
        return queryset.filter(Exists(_links(value).filter(participant=OuterRef("pk"))))

    def numbers(self) -> QuerySet | None:
        """The numbers of those asked for, newest first, where narrow indexes alone can tell.

        That needs no look at anybody but those on the page. None for other questions, which do.
        """
        told = self.form.cleaned_data if self.is_valid() else {}
        asked = {name: value for name, value in told.items() if value}
        interest, reason = asked.pop("interest", None), asked.pop("invitations", "")
        if asked or reason == UNASKED:
            return None
        rows: QuerySet = Participant.objects.all()
        person = "pk"
        if interest:
            rows, person = _links(interest), "participant_id"
        elif reason and reason != Reason.NEVER_AGREED:
            return _standing(reason).order_by("-participant_id").values("participant_id")
        rows = rows.exclude(**{f"{person}__in": Participant.objects.merged().values("pk")})
        if reason:
            rows = rows.filter(_stands(person, reason))
        return rows.order_by(f"-{person}").values(person)


def _links(interest: Interest) -> QuerySet:
    return ParticipantInterest.objects.filter(interest=interest, removed_at=None)


def _standing(reason: str) -> QuerySet:
    """The permissions of those who stand so towards invitations."""
    permissions = ContactPermission.objects
    if reason == Reason.GRANTED:
        return permissions.may_be_invited()
    return permissions.not_invited_because(reason)


def _stands(person: str, reason: str) -> Any:
    """Whether the person whose number is in the column `person` stands so towards invitations."""

    def has(permissions: QuerySet) -> Exists:
        return Exists(permissions.filter(participant=OuterRef(person)))

    if reason != Reason.NEVER_AGREED:
        return has(_standing(reason))
    # Hardly any of them has a row that says so.
    other = set(Reason) - {Reason.GRANTED, Reason.NEVER_AGREED}
    permissions = ContactPermission.objects
    return ~has(permissions.may_be_invited()) & ~has(permissions.not_invited_because(*other))


class ParticipantIndexView(NativeIndexView):
    """Names and addresses are shown to those who may see them, and found by nobody else (S16)."""

    search_permission = "view_participant_pii"
    search_hint = gettext_lazy("Whole address or name")
    search_finds = gettext_lazy("a whole address, or how a name begins")

    def get_base_queryset(self) -> QuerySet:
        return Participant.objects.current()

    def get_paginator(self, queryset: QuerySet, per_page: int, **kwargs: Any) -> Any:
        numbers = None if self.is_searching else self.filters.numbers()
        if numbers is None:
            return super().get_paginator(queryset, per_page, **kwargs)
        people = self.order_queryset(self.get_base_queryset())
        if self.ordering == "id":
            numbers = numbers.reverse()
        return NumberPaginator(people, per_page, numbers=numbers, **kwargs)

    def search_queryset(self, queryset: QuerySet) -> QuerySet:
        """Find by the exact address or by how a name begins."""
        if not self.is_searching:
            return queryset
        try:
            key = addresses.key(addresses.clean(self.search_query))
        except addresses.AddressRefused:
            return queryset.filter(name__istartswith=self.search_query)
        found = Participant.objects.filter(address_key=key).values_list("pk", "merged_into").first()
        # Somebody with two addresses is found by either.
        return queryset.filter(pk=found[1] or found[0]) if found else queryset.none()

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Write to the audit log that somebody searched; the words could be an address."""
        response = super().get(request, *args, **kwargs)
        if self.is_searchable and self.is_searching:
            action = "wagtail_engagement.participants_searched"
            log(request.user, action, user=request.user, title=_("Participants"))
        return response

    @cached_property
    def columns(self) -> list[Column]:
        shown = may(self.request.user, "view_participant_pii")
        address = "email" if shown else "masked_email"
        named = [Column("name", label=_("Name"))] if shown else []
        ticks = [BulkActionsCheckboxColumn("bulk_actions", obj_type="participant")]
        return [
            *(ticks if self.bulk_buttons else []),
            TitleColumn(
                address,
                label=_("Email address"),
                get_url=self.get_inspect_url,
                get_title_id=lambda person: f"participant_{person.pk}_title",
            ),
            *named,
            Column("kind", label=_("Kind"), accessor="get_kind_display"),
            # Numbers are given out in the order of joining, and need no sorting.
            DateColumn("joined_at", label=_("Joined"), sort_key="id"),
        ]

    @cached_property
    def bulk_buttons(self) -> list[ListingButton]:
        """What this editor may do with ticked people; Wagtail's own footer offers all to all."""
        names = (APP_LABEL, Participant._meta.model_name)
        found = bulk_action_registry.get_bulk_actions_for_model(*names)
        return [
            ListingButton(
                action.display_name,
                reverse("wagtail_bulk_action", args=[*names, action.action_type]),
                attrs={"aria-label": action.aria_label, "data-bulk-action-button": ""},
                classname="bulk-action-btn",
            )
            for action in sorted(found, key=lambda action: action.action_priority)
            if getattr(action, "is_for", lambda user: True)(self.request.user)
        ]

    @cached_property
    def header_buttons(self) -> list[Any]:
        if not all(may(self.request.user, codename) for codename in EXPORTS):
            return []
        query = self.request.GET.copy()
        for name in (self.page_kwarg, "_w_filter_fragment"):
            query.pop(name, None)
        url = f"{reverse(f'{NAMESPACE}:export')}?{query.urlencode()}"
        return [HeaderButton(_("Export"), url=url, icon_name="download")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(bulk_buttons=self.bulk_buttons, **kwargs)


class Listed:
    """What the listing shows for the query string of a request."""

    def __init__(self, request: Any) -> None:
        self.view = ParticipantIndexView(
            model=Participant,
            filterset_class=ParticipantFilterSet,
            index_results_url_name=f"{NAMESPACE}:index_results",
        )
        self.view.setup(request)

    def people(self) -> QuerySet[Participant]:
        found = self.view.filter_queryset(self.view.get_base_queryset())
        return self.view.search_queryset(found)

    def filters(self) -> dict[str, str]:
        """The filters in words; a search is named without its words, which could be an address."""
        active = self.view.active_filters if self.view.is_filtering else ()
        found = {str(each.field_label): str(each.value) for each in active}
        return {**found, _("Search"): _("yes")} if self.view.is_searching else found
