"""Screens while and after an invitation is sent: how far it is, who got it, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages

from ..modeladmin import may
from . import limiting, queries, reminding, rendering, sending, summary_letters, timing
from .audience import Counts
from .forms import FEW_DAYS, DecideForm, ReminderForm
from .listing import DeliveryPages
from .models import Delivery, Invitation
from .screens import (
    TEMPLATES,
    breadcrumbs,
    edit_url,
    list_people,
    may_add,
    may_follow,
    may_see_people,
    may_send,
    url,
)

PAGE_SIZE = 50
# The groups of deliveries that the progress screen counts, each with its list.
GROUPS: dict[str, tuple[str, ...]] = {
    "sent": queries.SENT,
    "waiting": Delivery.LIVE,
    "not_arrived": queries.NOT_ARRIVED,
    "unknown": (Delivery.State.UNCERTAIN,),
    "skipped": (Delivery.State.SKIPPED,),
}


@may_follow
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    if not invitation.is_started:
        return redirect(edit_url(invitation))
    may_turn = may(request.user, "send_invitation")
    context = {
        **_numbers(request, invitation),
        "begins_at": invitation.begins_at,
        "has_left": invitation.has_left,
        "reminder": invitation.reminders.first(),
        "reminder_due": invitation.remind_days and reminding.due_at(invitation),
        "reminder_form": ReminderForm(initial={"remind_days": invitation.remind_days}),
        "may_remind": may(request.user, "add_invitation") and not invitation.reminds_id,
        "sent_text": rendering.shown(invitation.rendered),
        "sent_part": summary_letters.shown(invitation.rendered),
        "counts": Counts(
            invitation.recipients, invitation.exclusions, 0, not_drawn=invitation.not_drawn
        ),
        "may_send": may_turn,
        "may_add": may(request.user, "add_invitation"),
        "header_title": str(invitation),
        "header_icon": "mail",
        "breadcrumbs_items": breadcrumbs(str(invitation)),
    }
    return TemplateResponse(request, f"{TEMPLATES}/progress.html", context)


@may_follow
@require_GET
def numbers(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the progress screen that changes; its script asks for it every few seconds."""
    invitation = get_object_or_404(Invitation, pk=pk)
    return TemplateResponse(request, f"{TEMPLATES}/_numbers.html", _numbers(request, invitation))


@may_follow
@may_see_people
@require_GET
def people(request: HttpRequest, pk: int, group: str) -> HttpResponse:
    """List the deliveries behind one number of the progress screen."""
    invitation = get_object_or_404(Invitation, pk=pk)
    if group not in GROUPS:
        raise Http404
    found = invitation.deliveries.filter(state__in=GROUPS[group]).select_related("participant")
    pages = DeliveryPages(found.order_by("pk"), PAGE_SIZE)
    decides = group == "unknown" and may(request.user, "send_invitation")
    return list_people(request, invitation, _labels()[group], pages, decides=decides)


def _turn(rule: Callable[..., Any], done: Any) -> Callable[..., HttpResponse]:
    """A view for a button that pauses, resumes or stops."""

    @may_send
    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        invitation = get_object_or_404(Invitation, pk=pk)
        try:
            rule(invitation=invitation, actor=request.user, at=timezone.now())
        except sending.NotPossible:
            messages.warning(request, _("Nothing was done: somebody was quicker, or it is over."))
        else:
            messages.success(request, done)
        return redirect(url("progress", pk))

    return view


@may_add
@require_POST
def follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk)
    again = sending.follow_up(invitation=invitation, actor=request.user, at=timezone.now())
    messages.success(request, _("This is a new draft for those who missed the first."))
    return redirect(edit_url(again))


@may_add
@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Draft the reminder by hand."""
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        draft = sending.remind(invitation=invitation, actor=request.user, at=timezone.now())
    except sending.NotPossible:
        messages.warning(request, _("People are reminded once at most, of what they got."))
        return redirect(url("progress", pk))
    messages.success(
        request, _("This is a reminder, not yet sent, for those who have not answered.")
    )
    return redirect(edit_url(draft))


@may_send
@require_POST
def plan_reminder(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan the reminder that goes out by itself, move it, or call it off."""
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    form = ReminderForm(request.POST)
    if not form.is_valid():
        messages.error(request, FEW_DAYS)
        return redirect(url("progress", pk))
    days = form.cleaned_data["remind_days"]
    if days and not _may_still_remind(invitation, days):
        text = _("That day has passed, or comes too soon after the invitation. Enter fewer days.")
        messages.error(request, text)
        return redirect(url("progress", pk))
    try:
        sending.plan_reminder(invitation=invitation, days=days, actor=request.user)
    except sending.NotPossible:
        messages.warning(request, _("The reminder has gone out already."))
    else:
        done = _("The reminder is planned.") if days else _("No reminder goes out by itself.")
        messages.success(request, done)
    return redirect(url("progress", pk))


def _may_still_remind(invitation: Invitation, days: int) -> bool:
    now = timezone.now()
    begins = invitation.begins_at or invitation.started_at or now
    return reminding.fits(consultation=invitation.consultation, days=days, begins=begins, at=now)


@may_send
@may_see_people
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again, or leave, what may or may not have arrived: for some people or for all."""
    invitation = get_object_or_404(Invitation, pk=pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose at least one person."))
        return redirect(url("people", pk, "unknown"))
    again = form.cleaned_data["what"] == "again"
    numbers = None if form.cleaned_data["all"] else form.cleaned_data["delivery"]
    try:
        count = sending.decide(
            invitation=invitation,
            numbers=numbers,
            again=again,
            actor=request.user,
            at=timezone.now(),
        )
    except sending.NotPossible:
        messages.error(request, _("Nobody could answer any more, so that nothing is sent again."))
        return redirect(url("progress", pk))
    if again:
        done = ngettext("%(n)s email is sent again.", "%(n)s emails are sent again.", count)
    else:
        done = ngettext(
            "%(n)s email is left as it is.", "%(n)s emails are left as they are.", count
        )
    messages.success(request, done % {"n": count})
    return redirect(url("progress", pk))


def _labels() -> dict[str, str]:
    return {
        "sent": _("Sent"),
        "waiting": _("Waiting"),
        "not_arrived": _("Refused or came back"),
        "unknown": _("We cannot tell"),
        "skipped": _("Not sent after all"),
    }


def _numbers(request: HttpRequest, invitation: Invitation) -> dict[str, Any]:
    found = queries.progress(invitation)
    now = timezone.now()
    is_moving = invitation.status in (Invitation.Status.SENDING, Invitation.Status.SCHEDULED)
    return {
        "trouble": limiting.trouble(now) if is_moving else None,
        "quiet_until": timing.quiet_until(now) if is_moving else None,
        "invitation": invitation,
        "progress": found,
        "gathering": queries.gathering(invitation) if is_moving and found.waiting else None,
        "numbers": [(group, label, getattr(found, group)) for group, label in _labels().items()],
        "is_moving": is_moving,
        "shows_people": may(request.user, "view_participant"),
    }


progress_urls = [
    path("<int:pk>/progress/", progress, name="progress"),
    path("<int:pk>/progress/numbers/", numbers, name="numbers"),
    path("<int:pk>/progress/<slug:group>/", people, name="people"),
    path(
        "<int:pk>/pause/",
        _turn(sending.pause, gettext_lazy("The invitation is paused.")),
        name="pause",
    ),
    path(
        "<int:pk>/resume/",
        _turn(sending.resume, gettext_lazy("The invitation goes on.")),
        name="resume",
    ),
    path(
        "<int:pk>/stop/",
        _turn(sending.stop, gettext_lazy("The invitation has been stopped.")),
        name="stop",
    ),
    path("<int:pk>/follow-up/", follow_up, name="follow_up"),
    path("<int:pk>/remind/", remind, name="remind"),
    path("<int:pk>/plan-reminder/", plan_reminder, name="plan_reminder"),
    path("<int:pk>/decide/", decide, name="decide"),
]
