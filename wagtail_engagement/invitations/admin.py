"""The editor of an invitation: Wagtail's own snippet editor, with steps 3 and 4 below it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList, Panel
from wagtail.admin.ui.tables import Column, DateColumn
from wagtail.log_actions import LogActionRegistry
from wagtail.snippets.views.snippets import (
    CreateView,
    EditView,
    IndexView,
    PreviewOnCreateView,
    PreviewOnEditView,
    SnippetViewSet,
)

from .. import notify
from ..modeladmin import may
from . import (
    approval,
    checking,
    colleagues,
    hints,
    queries,
    rendering,
    screens,
    sending,
    summary_letters,
)
from .forms import InvitationForm, SendForm, TestForm
from .listing import Who
from .models import Invitation

# A mail carries its styles inline, and nothing else that its preview may load.
NOTIFY_TAGS = {*rendering.ALLOWED_TAGS, "h2", "h3", "hr", "blockquote"}
# A header, for a site's own policy leaves one alone that is there, on every version of Django.
PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class AudiencePanel(Panel):
    """Says whom the choices above it reach."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "wagtail_engagement/invitations/audience_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            context = super().get_context_data(parent_context)
            return {**context, "who": self.request.engagement_who, "invitation": self.instance}


class InvitationIndexView(IndexView):
    """Wagtail's listing without its export, which writes formulas as they are (S09)."""

    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.is_export = False


class InvitationAddView(CreateView):
    """A draft begins with its consultation, and so on a screen of our own."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(screens.url("new"))

    post = get


class InvitationEditView(EditView):
    def setup(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        request.engagement_who = Who.saved(self.get_object(), request.user)

    def form_valid(self, form: InvitationForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except sending.NotPossible:
            text = _("This invitation has been started meanwhile and can no longer be changed.")
            messages.error(self.request, text)
            return redirect(screens.url("progress", self.object.pk))

    def get_success_url(self) -> str:
        return str(self.get_edit_url())

    def get_success_message(self, instance: Any = None) -> str:
        return _("Saved. Nothing has been sent.")

    def get_success_buttons(self) -> list[Any]:
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        who = self.request.engagement_who
        checks = checking.checks(who.invitation, who.counts, who.audience.at)
        return {
            **context,
            "who": who,
            "checks": [*checks, *hints.hints(who.invitation, who.audience, who.counts)],
            "is_ready": not any(check.is_blocking for check in checks),
            "may_send": may(self.request.user, "send_invitation"),
            "needs_second": approval.needs_second_person(who.counts.included),
            "is_asked_for": approval.is_asked_for(who.invitation),
            "asked_by": colleagues.named(who.invitation.asked_by),
            "is_first": approval.is_first(who.invitation, self.request.user),
            "is_second": approval.may_be_sent_by(
                who.invitation, who.counts.included, self.request.user
            ),
            "send_form": self._send_form(who),
            "test_form": TestForm(initial={"to": self.request.user.pk}),
        }

    def _send_form(self, who: Who) -> SendForm:
        """Step 4, with what somebody filled in and could not send, and what is wrong with it."""
        seen = {
            "shown_count": who.counts.included,
            "shown_version": queries.version(who.invitation),
        }
        asked = self.request.GET
        data = {**asked.dict(), **seen} if "start" in asked else None
        return SendForm(data, invitation=who.invitation, initial=seen)


class InvitationPreviewView(PreviewOnEditView):
    """Renders what is in the form, saved or not; it stores nothing of it."""

    def get_form(self, query_dict: Any) -> Any:
        self.form = super().get_form(query_dict)
        return self.form

    def get_extra_request_attrs(self) -> dict[str, Any]:
        chosen = getattr(self.form, "cleaned_data", {}).get("interests")
        letter = rendering.preview(self.object, chosen)

        def shown(mode: str) -> HttpResponse:
            if mode == "notify":
                return notify_preview(self.request, letter)
            if mode == "summary":
                return HttpResponse(summary_letters.preview(self.object).html)
            if mode == "text":
                return HttpResponse(letter.text, content_type="text/plain; charset=utf-8")
            return HttpResponse(letter.html)

        def show(mode: str) -> HttpResponse:
            response = shown(mode)
            response["Content-Security-Policy"] = PREVIEW_POLICY
            return response

        return {**super().get_extra_request_attrs(), "show_letter": show}


def notify_preview(request: HttpRequest, letter: rendering.Letter) -> HttpResponse:
    """What GOV.UK Notify makes of a letter, or a sentence on why that cannot be seen."""
    context: dict[str, Any] = {"subject": letter.subject}
    try:
        shown = notify.preview(subject=letter.subject, text=letter.text, html=letter.html)
    except notify.CannotPreview as error:
        context["problem"] = str(error)
    else:
        html = rendering.clean(shown["html"], NOTIFY_TAGS)
        context |= {**shown, "html": mark_safe(html)}  # noqa: S308  cleaned just above
    return render(request, "wagtail_engagement/invitations/notify_preview.html", context)


class InvitationPreviewOnAddView(PreviewOnCreateView):
    """Nothing is there to preview before a consultation is chosen."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.error_response()


class InvitationViewSet(SnippetViewSet):
    model = Invitation
    icon = "mail"
    url_prefix = "engagement/invitations"
    menu_label = gettext_lazy("Invitations")
    menu_name = "wagtail_engagement-invitations"
    menu_hook = "register_engagement_menu_item"
    menu_order = 150
    add_to_admin_menu = True
    index_view_class = InvitationIndexView
    copy_view_enabled = False
    list_display = [
        "__str__",
        Column("consultation", label=gettext_lazy("Consultation")),
        Column("team", label=gettext_lazy("Team")),
        Column("get_status_display", label=gettext_lazy("Status")),
        Column("recipients", label=gettext_lazy("People")),
        DateColumn("started_at", label=gettext_lazy("Started"), sort_key="started_at"),
    ]
    list_filter = ["status", "team"]
    list_per_page = 50
    search_fields = ["subject", "consultation__title"]
    search_backend_name = None
    add_view_class = InvitationAddView
    edit_view_class = InvitationEditView
    preview_on_edit_view_class = InvitationPreviewView
    preview_on_add_view_class = InvitationPreviewOnAddView
    edit_template_name = "wagtail_engagement/invitations/edit.html"
    edit_handler = ObjectList(
        [
            MultiFieldPanel(
                [
                    FieldPanel("consultation", read_only=True),
                    FieldPanel("match"),
                    FieldPanel("interests", widget=forms.CheckboxSelectMultiple),
                    FieldPanel("not_invited_days"),
                    AudiencePanel(),
                ],
                heading=gettext_lazy("1. Who"),
            ),
            # Seldom needed, so folded; the sentence above counts with it.
            MultiFieldPanel(
                [
                    FieldPanel("at_most"),
                    FieldPanel("chosen_by", widget=forms.RadioSelect),
                    FieldPanel("is_promotional"),
                    FieldPanel("beyond_cap_reason"),
                ],
                heading=gettext_lazy("More about who: only some of them, or beyond the limit"),
                classname="collapsed",
            ),
            MultiFieldPanel(
                [
                    FieldPanel("team"),
                    FieldPanel("subject"),
                    FieldPanel("preheader"),
                    FieldPanel("opening"),
                ],
                heading=gettext_lazy("2. What"),
            ),
        ],
        base_form_class=InvitationForm,
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return Invitation.objects.select_related("consultation", "team")

    def register_chooser_viewset(self) -> None:
        """Nothing chooses an invitation, and Wagtail's chooser would list them to all staff."""


# What wagtail_hooks registers


def send_to_progress(request: HttpRequest, instance: Any) -> HttpResponse | None:
    """`before_edit_snippet`: a started invitation is looked at, not edited."""
    if isinstance(instance, Invitation) and instance.is_started:
        return redirect(screens.url("progress", instance.pk))
    return None


def keep_started(request: HttpRequest, instances: Any) -> HttpResponse | None:
    """`before_delete_snippet`, for one and for many: what was sent is kept."""
    if any(isinstance(row, Invitation) and row.is_started for row in instances):
        messages.error(request, _("An invitation that was started is kept, with who got it."))
        return redirect(screens.LISTED)
    return None


def register_log_actions(actions: LogActionRegistry) -> None:
    """`register_log_actions`: what the history of an invitation can say."""
    for name, label, message in (
        ("started", _("Start an invitation"), _("Started the invitation")),
        ("paused", _("Pause an invitation"), _("Paused the invitation")),
        ("resumed", _("Resume an invitation"), _("Resumed the invitation")),
        ("stopped", _("Stop an invitation"), _("Stopped the invitation")),
        ("people_viewed", _("Look at people"), _("Looked at names and addresses of people")),
        ("tested", _("Send a test"), _("Sent a test to a colleague")),
        ("asked", _("Ask for a second person"), _("Asked a second person to send it")),
        ("ask_taken_back", _("Ask nobody any more"), _("Took back asking a second person")),
        ("reminder_planned", _("Plan a reminder"), _("Planned the reminder")),
        ("reminder_called_off", _("Call off a reminder"), _("Called off the reminder")),
        ("reminder_failed", _("Fail to remind"), _("The planned reminder could not start")),
        ("doubt_left", _("Leave what is in doubt"), _("Left what may have arrived as it is")),
        ("doubt_sent_again", _("Send again"), _("Sent again what may not have arrived")),
    ):
        actions.register_action(f"wagtail_engagement.invitation_{name}", label, message)
