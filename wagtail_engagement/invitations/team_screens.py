"""Screens for teams: who of the council writes, under which name, and who belongs to each."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column
from wagtail.admin.views import generic
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import Button, HeaderButton

from ..modeladmin import APP_LABEL, NativeIndexView, NativeModelAdmin
from . import giving
from .colleagues import colleagues, matching, named
from .team_forms import TeamForm
from .teams import Team

NAMESPACE = "wagtail_engagement_teams"
MANAGES = "manage_team"
MOST_FOUND = 20
PAGE_SIZE = 50


def members_url(team: Team) -> str:
    return reverse(f"{NAMESPACE}:members", args=[team.pk])


class TeamFilterSet(WagtailFilterSet):
    is_dissolved = django_filters.BooleanFilter(label=gettext_lazy("Dissolved"))

    class Meta:
        model = Team
        fields = ["is_dissolved"]


class TeamIndexView(NativeIndexView):
    def get_base_queryset(self) -> QuerySet:
        return Team.objects.annotate(number_of_members=Count("members"))

    def get_list_more_buttons(self, instance: Team) -> list[Any]:
        button = Button(_("Members"), url=members_url(instance), icon_name="group", priority=15)
        return [*super().get_list_more_buttons(instance), button]


class TeamAddView(generic.CreateView):
    """Goes on to the members, for a team without any is offered to nobody first."""

    def get_success_url(self) -> str:
        return members_url(self.object)

    def get_success_buttons(self) -> list[Any]:
        return []


class TeamEditView(generic.EditView):
    @cached_property
    def header_buttons(self) -> list[Any]:
        button = HeaderButton(_("Members"), url=members_url(self.object), icon_name="group")
        return [*super().header_buttons, button]


class TeamDeleteView(generic.DeleteView):
    """A team goes only while nothing bears its name; one that wrote is dissolved instead."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        number = self.object.invitations.count()
        if number and self.user_has_permission(self.permission_required):
            text = ngettext(
                "%(count)s invitation bears the name of this team, so that it is kept. Tick"
                " “dissolved” to offer it no longer.",
                "%(count)s invitations bear the name of this team, so that it is kept. Tick"
                " “dissolved” to offer it no longer.",
                number,
            )
            messages.error(request, text % {"count": number})
            return redirect(reverse(f"{NAMESPACE}:edit", args=[self.object.pk]))
        return super().dispatch(request, *args, **kwargs)


class MembersView(PermissionRequiredMixin, WagtailAdminTemplateMixin, TemplateView):
    """Who belongs to a team; colleagues are found by search, for a council has many."""

    permission_required = f"{APP_LABEL}.{MANAGES}"
    raise_exception = True
    template_name = "wagtail_engagement/admin/team_members.html"
    header_icon = "group"

    @cached_property
    def team(self) -> Team:
        return get_object_or_404(Team, pk=self.kwargs["pk"])

    def get_page_title(self) -> str:
        return _("Members of %(team)s") % {"team": self.team}

    def get_breadcrumbs_items(self) -> list[Any]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(f"{NAMESPACE}:index"), "label": _("Teams")},
            {"url": reverse(f"{NAMESPACE}:edit", args=[self.team.pk]), "label": str(self.team)},
            {"url": "", "label": self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET.get("q", "").strip()[:150]
        members = self.team.members.order_by("-is_active", "pk")
        page = Paginator(members, PAGE_SIZE).get_page(self.request.GET.get("p"))
        found: list[Any] = []
        if asked:
            others = colleagues().exclude(engagement_teams=self.team)
            found = list(matching(others, asked)[: MOST_FOUND + 1])
        return super().get_context_data(
            team=self.team,
            page=page,
            members=[(user, named(user)) for user in page],
            asked=asked,
            found=[(user, named(user)) for user in found[:MOST_FOUND]],
            has_more=len(found) > MOST_FOUND,
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take one colleague in, or let one go."""
        number = request.POST.get("user", "")
        number = number if number.isdecimal() and len(number) < 18 else "0"
        if request.POST.get("what") == "remove":
            user = get_object_or_404(self.team.members, pk=number)
            giving.let_go(team=self.team, user=user, actor=request.user)
            told = _("%(who)s is no longer a member of %(team)s.")
        else:
            user = get_object_or_404(colleagues(), pk=number)
            giving.admit(team=self.team, user=user, actor=request.user)
            told = _("%(who)s is a member of %(team)s now.")
        messages.success(request, told % {"who": named(user), "team": self.team})
        return redirect(members_url(self.team))


class TeamAdmin(NativeModelAdmin):
    model = Team
    base_url_path = "teams"
    menu_label = gettext_lazy("Teams")
    menu_icon = "group"
    menu_order = 920
    served = ("index", "index_results", "add", "edit", "delete", "history", "history_results")
    codenames = dict.fromkeys(("view", "add", "change", "delete"), MANAGES)
    extra_permissions = ("reassign_work",)
    list_display = [
        "name",
        Column("sender_name", label=gettext_lazy("Sender name")),
        Column("reply_to", label=gettext_lazy("Answers go to")),
        Column("number_of_members", label=gettext_lazy("Members")),
        Column(
            "is_dissolved",
            label=gettext_lazy("Dissolved"),
            accessor=lambda team: _("Yes") if team.is_dissolved else "",
        ),
    ]
    search_fields = ["name", "sender_name"]
    filterset_class = TeamFilterSet
    form_class = TeamForm
    index_view_class = TeamIndexView
    create_view_class = TeamAddView
    edit_view_class = TeamEditView
    delete_view_class = TeamDeleteView

    def extra_urls(self) -> list[Any]:
        return [path("edit/<int:pk>/members/", MembersView.as_view(), name="members")]
