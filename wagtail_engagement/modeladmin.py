"""The bridge: screens are declared as a ModelAdmin and rendered by Wagtail's own model views.

modeladmin's own views are never served: they let anyone who may list also look up any related
column by query string, and answer an unknown parameter with an error. This is the only module
that imports `wagtail_modeladmin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.urls import include, path, reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from wagtail.admin.menu import Menu, MenuItem
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.ui.tables import Column
from wagtail.admin.views import generic
from wagtail.admin.views.generic import history
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail_modeladmin.menus import GroupMenuItem
from wagtail_modeladmin.options import ModelAdmin, ModelAdminGroup, modeladmin_register

try:
    from wagtail.permissions import register_permission_policy
except ImportError:  # Wagtail 7.4 asks the views instead, which are given the policy below.
    register_permission_policy = None

__all__ = [
    "DayColumn",
    "EngagementGroup",
    "NativeIndexView",
    "NativeModelAdmin",
    "NumberPaginator",
    "register",
]

APP_LABEL = "wagtail_engagement"
register = modeladmin_register


def may(user: Any, codename: str) -> bool:
    """Whether somebody has one of the package's permissions."""
    return bool(user.has_perm(f"{APP_LABEL}.{codename}"))


class NamedPolicy(ModelPermissionPolicy):
    """Maps what Wagtail's views ask for to the package's own permissions.

    An action without a permission is nobody's, not even a superuser's: proof is never edited.
    """

    def __init__(self, model: Any, codenames: dict[str, str]) -> None:
        super().__init__(model)
        self.codenames = codenames

    def _get_permission_codenames(self, actions: Iterable[str]) -> set[str]:
        return {self.codenames[action] for action in actions if action in self.codenames}

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action in self.codenames and may(user, self.codenames[action])

    def user_has_any_permission(self, user: Any, actions: Iterable[str]) -> bool:
        """Wagtail lets whoever may add also list; for personal data adding is not seeing."""
        asked = set(actions)
        seeing = asked - {"add"} or asked
        return any(self.user_has_permission(user, action) for action in seeing)


class DayColumn(Column):
    """A day of the calendar; Wagtail's own column calls every day to come "just now"."""

    def get_value(self, instance: Any) -> str:
        moment = super().get_value(instance)
        return date_format(localtime(moment), "j F Y") if moment else ""


class NumberPaginator(WagtailPaginator):
    """Counts and finds its pages by the numbers of rows alone, then fetches the rows of one page.

    `numbers` is a queryset of the primary keys of `rows`, both in the same order. It can come from
    another table whose index holds everything that was asked for.
    """

    def __init__(self, rows: QuerySet, per_page: int, *, numbers: QuerySet, **options: Any) -> None:
        super().__init__(rows, per_page, **options)
        self.numbers = numbers

    @cached_property
    def count(self) -> int:
        return self.numbers.count()

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        these = self.numbers[start : start + self.per_page]
        return self._get_page(self.object_list.filter(pk__in=these), number, self)


NARROW = forms.Media(css={"all": ["wagtail_engagement/narrow.css"]})


class NativeIndexView(generic.IndexView):
    """Wagtail's listing without its export, and with a search that can need a permission.

    The export of Wagtail writes formulas as they are and knows no permission of its own.
    """

    search_permission = ""
    # What the search finds, where that is less than people expect of one, in few words that fit
    # into its field, and as the end of a sentence.
    search_hint: Any = ""
    search_finds: Any = ""

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.is_export = False

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        context["media"] += NARROW
        return context

    @cached_property
    def is_searchable(self) -> bool:
        if self.search_permission:
            return may(self.request.user, self.search_permission)
        return bool(self.search_fields)

    def get_search_form(self) -> Any:
        form = super().get_search_form()
        if form and self.search_hint:
            hints = {"placeholder": self.search_hint, "title": self.said_of_search()}
            form.fields[self.search_kwarg].widget.attrs.update(hints)
        return form

    def said_of_search(self) -> str:
        return _("The search finds %(what)s.") % {"what": self.search_finds}

    @cached_property
    def no_results_message(self) -> str:
        if self.is_searching and self.search_finds:
            return f"{_('Nothing was found.')} {self.said_of_search()}"
        return str(super().no_results_message)


WAGTAILS_VIEWS = ("add", "edit", "delete", "history", "usage", "inspect", "copy", "reorder")
ROUTES = {
    "index": "",
    "index_results": "results/",
    "add": "new/",
    "edit": "edit/<int:pk>/",
    "delete": "delete/<int:pk>/",
    "inspect": "inspect/<int:pk>/",
    "history": "history/<int:pk>/",
    "history_results": "history-results/<int:pk>/",
}


class NativeViewSet(ModelViewSet):
    """A model's views, of which only those named in `served` exist."""

    permission_policy = None
    served: tuple[str, ...] = ()
    form_class: Any = None
    add_to_reference_index = False

    def get_form_class(self, for_update: bool = False) -> Any:
        return self.form_class or super().get_form_class(for_update=for_update)

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Withhold the names of views that are not served, so that nothing links to them."""
        found = super().get_common_view_kwargs(**kwargs, permission_policy=self.permission_policy)
        hidden = {f"{name}_url_name" for name in WAGTAILS_VIEWS if name not in self.served}
        return {key: value for key, value in found.items() if key not in hidden}

    def get_urlpatterns(self) -> list[Any]:
        return [
            path(ROUTES[name], getattr(self, f"{name}_view"), name=name) for name in self.served
        ]


class PolicyMenuItem(MenuItem):
    def __init__(self, *args: Any, policy: NamedPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.policy = policy

    def is_shown(self, request: Any) -> bool:
        return self.policy.user_has_any_permission(request.user, {"view", "change"})


class NativeModelAdmin(ModelAdmin):
    """A declaration as users of modeladmin know it, drawn by Wagtail's own views.

    `served` names the views that exist (see ROUTES), `codenames` the permission for each of
    "view", "add", "change" and "delete". `extra_urls` adds screens beside the generic ones.
    """

    served: tuple[str, ...] = ("index", "index_results")
    codenames: dict[str, str] = {}
    extra_permissions: tuple[str, ...] = ()
    filterset_class: Any = None
    form_class: Any = None
    list_per_page = 50
    list_display: Any = None
    search_fields: Any = None
    index_view_class: Any = NativeIndexView
    create_view_class: Any = generic.CreateView
    edit_view_class: Any = generic.EditView
    delete_view_class: Any = generic.DeleteView
    inspect_view_class: Any = generic.InspectView
    history_view_class: Any = history.HistoryView

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.policy = NamedPolicy(self.model, self.codenames)
        if register_permission_policy:
            register_permission_policy(self.model, self.policy)
        self.viewset = self.get_viewset()

    def get_viewset(self) -> NativeViewSet:
        declared = {
            "list_display": self.list_display,
            "filterset_class": self.filterset_class,
            "form_class": self.form_class,
            "search_fields": self.search_fields,
            "ordering": self.ordering,
            "index_template_name": self.index_template_name,
            "create_template_name": self.create_template_name,
            "inspect_template_name": self.inspect_template_name,
        }
        return NativeViewSet(
            f"{APP_LABEL}_{self.base_url_path.replace('-', '_')}",
            model=self.model,
            icon=self.get_menu_icon(),
            served=self.served,
            permission_policy=self.policy,
            list_per_page=self.list_per_page,
            inspect_view_enabled="inspect" in self.served,
            copy_view_enabled=False,
            index_view_class=self.index_view_class,
            add_view_class=self.create_view_class,
            edit_view_class=self.edit_view_class,
            delete_view_class=self.delete_view_class,
            inspect_view_class=self.inspect_view_class,
            history_view_class=self.history_view_class,
            **{name: value for name, value in declared.items() if value},
        )

    def extra_urls(self) -> list[Any]:
        return []

    def get_menu_item(self, order: int | None = None) -> PolicyMenuItem:
        return PolicyMenuItem(
            self.get_menu_label(),
            reverse(self.viewset.get_url_name("index")),
            name=f"{APP_LABEL}-{self.base_url_path}",
            icon_name=self.get_menu_icon(),
            order=order if order is not None else self.get_menu_order(),
            policy=self.policy,
        )

    def get_permissions_for_registration(self) -> Any:
        return permissions(*self.codenames.values(), *self.extra_permissions)

    def get_admin_urls_for_registration(self) -> tuple[Any, ...]:
        viewset = self.viewset
        patterns = (viewset.get_urlpatterns() + self.extra_urls(), viewset.url_namespace)
        return (path(f"engagement/{self.base_url_path}/", include(patterns)),)

    def register_admin_url_finders(self) -> None:
        if "edit" in self.served:
            self.viewset.register_admin_url_finder()


def permissions(*codenames: str) -> Any:
    """Our permissions of these names, for the form in which groups are given them."""
    return Permission.objects.filter(content_type__app_label=APP_LABEL, codename__in=set(codenames))


class EngagementGroup(ModelAdminGroup):
    """One menu that dashboards, snippets and host sites join through a hook."""

    submenu_hook = "register_engagement_menu_item"

    def get_menu_item(self) -> GroupMenuItem:
        menu = Menu(register_hook_name=self.submenu_hook, items=self.get_submenu_items())
        return GroupMenuItem(self, self.get_menu_order(), menu)

    def get_submenu_items(self) -> list[Any]:
        return [admin.get_menu_item() for admin in self.modeladmin_instances]
