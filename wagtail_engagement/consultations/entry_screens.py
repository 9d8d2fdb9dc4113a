"""The screen on which staff enter answers that came on paper or by telephone."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from ..consent.queries import current_wordings
from ..modeladmin import may
from . import entering, publishing, queries, responses, routes
from .admin import NAMESPACE, responses_url
from .entry_forms import EntryForm
from .forms import NOT_ASKED, OPTIONAL, Asked
from .models import FormVersion, State
from .routing import MAY_READ, OfConsultation
from .views import asked, consultation_form

# What the next of a pile begins with, in the session of whoever types.
LAST = "wagtail_engagement.entered"


def asked_on_paper(page: Any, version: FormVersion | None) -> Asked:
    """What the public form asks, where it can be asked of somebody who has no email.

    Only ticks count: whoever wrote on paper has not read the notice of a public task.
    """
    language = page.locale.language_code
    with translation.override(language):
        online = asked(page, version)
    said_yes_to = current_wordings(language)
    return replace(
        online,
        email=online.email if online.email == NOT_ASKED else OPTIONAL,
        name=online.name if online.name == NOT_ASKED else OPTIONAL,
        wordings={p: said_yes_to[p] for p in online.wordings if p in said_yes_to},
    )


class EnterView(OfConsultation, WagtailAdminTemplateMixin, TemplateView):
    permission_required = (MAY_READ, "wagtail_engagement.enter_response")
    template_name = "wagtail_engagement/admin/enter.html"
    page_title = gettext_lazy("Enter an answer")
    header_icon = "plus"

    @property
    def url(self) -> str:
        return reverse("wagtail_engagement_enter", args=[self.consultation.pk])

    def get_page_subtitle(self) -> str:
        return self.consultation.title

    def get_breadcrumbs_items(self) -> list[Any]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(f"{NAMESPACE}:index"), "label": _("Responses")},
            {"url": responses_url(self.consultation), "label": self.consultation.title},
            {"url": "", "label": self.get_page_title()},
        ]

    @cached_property
    def pages(self) -> list[Any]:
        """The published page in each of its languages, the one that speaks for it first."""
        first = queries.page_of(self.consultation)
        found = [page for page in queries.pages_of(self.consultation) if page.live]
        return sorted(found, key=lambda page: (page != first, page.alias_of_id is not None))

    @cached_property
    def page(self) -> Any | None:
        wanted = self.request.GET.get("language")
        spoken = [page for page in self.pages if page.locale.language_code == wanted]
        return next(iter([*spoken, *self.pages]), None)

    @cached_property
    def at(self) -> datetime.datetime:
        return timezone.now()

    @cached_property
    def is_late(self) -> bool:
        return entering.is_late(self.consultation, self.at)

    @cached_property
    def why_not(self) -> str:
        """Why nothing can be entered now, "" if something can."""
        state = self.consultation.state_at(self.at)
        if self.page is None:
            return _("Its page is not published, so nobody is asked anything.")
        if state == State.OPEN or (self.is_late and may(self.request.user, "enter_late_response")):
            return ""
        if state == State.PLANNED:
            return _("This consultation has not opened yet.")
        if self.is_late:
            return _("This consultation is closed. You need the permission to enter answers late.")
        return _("This consultation is closed, and it is too late to enter more answers.")

    def form(self, data: Any = None) -> Any:
        if self.page is None:
            return None
        return consultation_form(
            self.page,
            data,
            kind=EntryForm,
            asks=asked_on_paper,
            language=self.page.locale.language_code,
            opened_on=timezone.localdate(self.consultation.opens_at),
            asks_why=self.is_late,
            initial=self.begun_with(),
        )

    @property
    def is_next(self) -> bool:
        """Whether this is one more of a pile."""
        return "next" in self.request.GET

    def begun_with(self) -> dict[str, Any]:
        """How the one before it came, for the next of a pile."""
        last = self.request.session.get(LAST) if self.is_next else None
        if last is None:
            return {}
        return {**last, "received_on": datetime.date.fromisoformat(last["received_on"])}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if "form" not in kwargs:
            kwargs["form"] = None if self.why_not else self.form()
        return super().get_context_data(
            why_not=self.why_not,
            is_late=self.is_late,
            is_next=self.is_next,
            consultation=self.consultation,
            languages=[page.locale for page in self.pages] if len(self.pages) > 1 else [],
            spoken=self.page and self.page.locale,
            url=self.url,
            **kwargs,
        )

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        form = self.form(request.POST)
        if form is None or self.why_not:
            kept = form.typed() if form else []
            return self.render_to_response(self.get_context_data(form=None, kept=kept))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        response = entering.enter(
            submission=self._submission(form),
            origin=form.origin,
            keeps_route=routes.keeps_routes(self.consultation, self.page),
            actor=request.user,
            at=self.at,
        )
        told = _("Entered. Its reference is %(reference)s.") % {"reference": response.reference}
        if form.purposes:
            told += " " + _("We ask by email to confirm what was ticked.")
        messages.success(request, told)
        return HttpResponseRedirect(self._onwards(form))

    def _submission(self, form: EntryForm) -> responses.Submission:
        data = form.cleaned_data
        version = form.asked.version or publishing.freeze(self.page)
        row = self.consultation
        return responses.Submission(
            consultation=row,
            form_version=version,
            answers=form.answers,
            submission_key=data["submission_key"],
            sender_mark=f"staff {self.request.user.pk}",
            email=data.get("email", ""),
            name=data.get("name", ""),
            purposes=form.purposes,
            interest_ids=form.interest_ids,
            inferred_ids=queries.interests_of(row) if form.purposes else [],
            language=form.language[:12],
        )

    def _onwards(self, form: EntryForm) -> str:
        if "another" not in self.request.POST:
            self.request.session.pop(LAST, None)
            return responses_url(self.consultation)
        came = form.origin
        self.request.session[LAST] = {
            "channel": came.channel,
            "received_on": came.received_on.isoformat(),
            "note": came.note,
        }
        spoken = (
            {"language": self.request.GET["language"]} if "language" in self.request.GET else {}
        )
        return f"{self.url}?{urlencode({'next': 1, **spoken})}"


URLS = [
    path(
        "engagement/enter/<int:consultation_id>/",
        EnterView.as_view(),
        name="wagtail_engagement_enter",
    ),
]
