"""Screens for leavers: who still has something, and all that belongs to one colleague."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin import messages

from ..invitations.colleagues import colleagues, matching, named
from ..modeladmin import may
from . import belongings
from .views import Screen

PAGE_SIZE = 50
MOST_OFFERED = 200  # in the list that a browser offers while somebody types
MOST_NAMED = 5


def may_reassign(user: Any) -> bool:
    return may(user, "reassign_work")


def others_than(giver: Any) -> Any:
    """The colleagues who can take over from somebody, or from nobody."""
    return colleagues() if giver is None else colleagues().exclude(pk=giver.pk)


class GiveForm(forms.Form):
    """What is given, and to whom: a name that fits one colleague alone."""

    to = forms.CharField(max_length=150, label=gettext_lazy("Give to"))
    things = forms.MultipleChoiceField(
        error_messages={"required": gettext_lazy("Tick at least one thing.")},
    )

    def __init__(self, *args: Any, giver: Any, things: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.giver = giver
        self.others = others_than(giver)
        self.fields["things"].choices = [(thing.key, thing.key) for thing in things]
        self.fields["to"].error_messages["required"] = _("Enter who takes it over.")
        self.fields["things"].error_messages["invalid_choice"] = _(
            "Some of this does not belong to them any more. Look at the list again."
        )

    def clean_to(self) -> Any:
        typed = self.cleaned_data["to"].strip()
        exact = self.others.filter(**{get_user_model().USERNAME_FIELD: typed})
        found = list(exact) or list(matching(self.others, typed)[: MOST_NAMED + 1])
        if len(found) == 1:
            return found[0]
        if not found:
            text = _("No other colleague here is called “%(name)s”.")
            raise forms.ValidationError(text % {"name": typed})
        names = [f"{named(user)} ({user.get_username()})" for user in found[:MOST_NAMED]]
        text = _("Several colleagues fit: %(names)s. Enter what stands in brackets.")
        raise forms.ValidationError(text % {"names": get_text_list(names, _("and"))})


class BelongingsView(Screen):
    """Everybody who has something, those who have left first."""

    template_name = "wagtail_engagement/admin/belongings.html"
    page_title = gettext_lazy("What belongs to whom")
    header_icon = "user"

    def is_for(self, user: Any) -> bool:
        return may_reassign(user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET.get("q", "").strip()[:150]
        now = timezone.now()
        owned = belongings.numbers(at=now)
        users = matching(get_user_model()._default_manager.filter(pk__in=owned), asked)
        rows = [(user, named(user), owned[user.pk]) for user in users]
        rows.sort(key=lambda row: (row[0].is_active, row[1].lower(), row[0].pk))
        page = Paginator(rows, PAGE_SIZE).get_page(self.request.GET.get("p"))
        nobodys = 0 if asked else belongings.nobodys(at=now)
        return super().get_context_data(page=page, asked=asked, nobodys=nobodys, **kwargs)


class BelongingsOfView(Screen):
    """One list of what belongs to a colleague, or to nobody, and one step to give it to another."""

    template_name = "wagtail_engagement/admin/belongings_of.html"
    header_icon = "user"

    def is_for(self, user: Any) -> bool:
        return may_reassign(user)

    @cached_property
    def giver(self) -> Any:
        """None is nobody: what was a user's who is deleted."""
        if "pk" not in self.kwargs:
            return None
        return get_object_or_404(get_user_model()._default_manager, pk=self.kwargs["pk"])

    @cached_property
    def things(self) -> list[belongings.Thing]:
        return belongings.of(self.giver, at=timezone.now())

    def get_page_title(self) -> str:
        if self.giver is None:
            return _("What belongs to nobody")
        return _("What belongs to %(who)s") % {"who": named(self.giver)}

    def get_breadcrumbs_items(self) -> list[Any]:
        items = super().get_breadcrumbs_items()
        listing = {
            "url": reverse("wagtail_engagement_belongings"),
            "label": BelongingsView.page_title,
        }
        return [*items[:-1], listing, items[-1]]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or GiveForm(giver=self.giver, things=self.things)
        ticked = form["things"].value() if form.is_bound else [thing.key for thing in self.things]
        groups = [
            (kind.label, [thing for thing in self.things if thing.kind is kind])
            for kind in belongings.KINDS
        ]
        offered = others_than(self.giver)[:MOST_OFFERED]
        return super().get_context_data(
            giver=self.giver,
            groups=[(label, things) for label, things in groups if things],
            ticked=ticked,
            form=form,
            offered=[(user.get_username(), named(user)) for user in offered],
            **kwargs,
        )

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        form = GiveForm(request.POST, giver=self.giver, things=self.things)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        to, keys = form.cleaned_data["to"], set(form.cleaned_data["things"])
        try:
            number = belongings.give(
                giver=self.giver, keys=keys, to=to, actor=request.user, at=timezone.now()
            )
        except belongings.CannotGive as refused:
            form.add_error("to", str(refused))
            return self.render_to_response(self.get_context_data(form=form))
        told = ngettext(
            "%(count)s thing belongs to %(who)s now.",
            "%(count)s things belong to %(who)s now.",
            number,
        )
        messages.success(request, told % {"count": number, "who": named(to)})
        return redirect(request.path)


URLS = [
    path("engagement/belongings/", BelongingsView.as_view(), name="wagtail_engagement_belongings"),
    path(
        "engagement/belongings/nobody/",
        BelongingsOfView.as_view(),
        name="wagtail_engagement_belongings_of_nobody",
    ),
    path(
        "engagement/belongings/<int:pk>/",
        BelongingsOfView.as_view(),
        name="wagtail_engagement_belongings_of",
    ),
]
