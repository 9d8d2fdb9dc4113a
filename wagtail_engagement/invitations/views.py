"""Screens around an invitation's editor: whom it reaches, send, progress, and who got it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages
from wagtail.admin.auth import any_permission_required, permission_required
from wagtail.log_actions import log

from .. import mail
from ..consultations.models import Consultation
from ..modeladmin import NumberPaginator, may
from ..participants.models import Participant
from . import queries, rendering, sending
from .audience import INCLUDED, Audience, Counts, Exclusion
from .forms import NewInvitationForm, SendForm, TestForm, WhoForm
from .models import Delivery, Invitation

NAMESPACE = "engagement_invitations"
LISTED = "wagtailsnippets_wagtail_engagement_invitation:list"
TEMPLATES = "wagtail_engagement/invitations"
SAMPLE = 10
PAGE_SIZE = 50
# The groups of deliveries that the progress screen counts, each with its list.
GROUPS: dict[str, tuple[str, ...]] = {
    "sent": queries.SENT,
    "waiting": Delivery.LIVE,
    "not_arrived": queries.NOT_ARRIVED,
    "unknown": (Delivery.State.UNCERTAIN,),
    "skipped": (Delivery.State.SKIPPED,),
}

may_add = permission_required("wagtail_engagement.add_invitation")
may_change = permission_required("wagtail_engagement.change_invitation")
may_send = permission_required("wagtail_engagement.send_invitation")
may_see_people = permission_required("wagtail_engagement.view_participant")
may_follow = any_permission_required(
    *(f"wagtail_engagement.{verb}_invitation" for verb in ("view", "change", "send"))
)


def url(name: str, *args: Any) -> str:
    return reverse(f"{NAMESPACE}:{name}", args=args)


def edit_url(invitation: Invitation) -> str:
    return reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[invitation.pk])


def may_see_who_answered(consultation: Consultation, user: Any) -> bool:
    """To have answered a sensitive consultation says something about a person by itself."""
    return not consultation.is_sensitive or may(user, "view_sensitive_response")


class Who:
    """Whom some choices reach, as one user may see it."""

    def __init__(self, invitation: Invitation, audience: Audience, user: Any) -> None:
        self.invitation = invitation
        self.audience = audience
        self.shows_people = may(user, "view_participant")
        self.shows_contact = may(user, "view_participant_pii")
        self.shows_who_answered = may_see_who_answered(invitation.consultation, user)

    @classmethod
    def saved(cls, invitation: Invitation, user: Any) -> Who:
        return cls(invitation, Audience.of(invitation, at=timezone.now()), user)

    @cached_property
    def counts(self) -> Counts:
        return self.audience.counts()

    @cached_property
    def sentence(self) -> str:
        return self.audience.sentence(self.counts.included)

    @property
    def reasons(self) -> list[tuple[str, str, int, bool]]:
        """Reason, label, number, and whether this user may see who they are."""
        return [
            (reason, label, number, reason != Exclusion.ANSWERED or self.shows_who_answered)
            for reason, label, number in self.counts.reasons
        ]

    @cached_property
    def sample(self) -> list[Any]:
        first = self.audience.numbers(INCLUDED)[:SAMPLE]
        return list(Participant.objects.filter(pk__in=first).order_by("pk"))

    @property
    def list_query(self) -> str:
        """The choices as a query string, so that a list shows what the sentence counted."""
        query = {
            "match": self.audience.match,
            "not_invited_days": self.audience.not_invited_days,
            "interests": [interest.pk for interest in self.audience.interests],
        }
        return urlencode(query, doseq=True)


# Before sending


@may_add
def new(request: HttpRequest, consultation_pk: int | None = None) -> HttpResponse:
    """Ask for a consultation, or show what there is for one, and start a draft on POST."""
    initial = {"consultation": consultation_pk}
    form = NewInvitationForm(request.POST or None, initial=initial, at=timezone.now())
    if request.method == "POST" and form.is_valid():
        invitation = sending.create_for(
            consultation=form.cleaned_data["consultation"], actor=request.user, at=timezone.now()
        )
        return redirect(edit_url(invitation))
    there = Invitation.objects.filter(consultation=consultation_pk) if consultation_pk else ()
    context = {
        "form": form,
        "there": there,
        "consultation": Consultation.objects.filter(pk=consultation_pk).first(),
        "header_title": _("Invite people"),
        "breadcrumbs_items": _breadcrumbs(_("Invite people")),
        "header_icon": "mail",
    }
    return TemplateResponse(request, f"{TEMPLATES}/new.html", context)


@may_change
@require_POST
def counts(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whom the choices in the form would reach. Reads only; POST carries the whole form."""
    invitation = get_object_or_404(Invitation, pk=pk)
    form = WhoForm(request.POST, instance=invitation)
    if not form.is_valid():
        return HttpResponse(status=422)
    who = Who(invitation, form.audience(timezone.now()), request.user)
    return TemplateResponse(request, f"{TEMPLATES}/_who.html", {"who": who})


@may_change
@may_see_people
@require_GET
def audience(request: HttpRequest, pk: int) -> HttpResponse:
    """List who is invited, or who is left out for one reason."""
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    reason = request.GET.get("why", INCLUDED)
    if reason not in (INCLUDED, *Exclusion.values):
        raise Http404
    if reason == Exclusion.ANSWERED:
        if not may_see_who_answered(invitation.consultation, request.user):
            raise PermissionDenied
    chosen = Audience.of(invitation, at=timezone.now())
    if "match" in request.GET:
        form = WhoForm(request.GET, instance=invitation)
        if not form.is_valid():
            raise Http404
        chosen = form.audience(timezone.now())
    people = Participant.objects.order_by("pk")
    pages = NumberPaginator(people, PAGE_SIZE, numbers=chosen.numbers(reason))
    title = str(Exclusion(reason).label) if reason else _("Invited")
    return _people(request, invitation, title, pages)


@may_change
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk)
    form = TestForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a colleague with an email address."))
        return redirect(edit_url(invitation))
    colleague = form.cleaned_data["to"]
    receipt = sending.send_test(
        invitation=invitation, to=colleague, actor=request.user, at=timezone.now()
    )
    if receipt.verdict == mail.Verdict.ACCEPTED:
        messages.success(request, _("A test is on its way to %(to)s.") % {"to": colleague.email})
    else:
        messages.error(request, _("The test did not leave: %(why)s") % {"why": receipt.reason})
    return redirect(edit_url(invitation))


@may_send
@require_POST
def send(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    form = SendForm(request.POST, invitation=invitation)
    if not form.is_valid():
        for problem in [text for texts in form.errors.values() for text in texts]:
            messages.error(request, problem)
        return redirect(edit_url(invitation))
    try:
        sending.start(
            invitation=invitation,
            shown_count=form.cleaned_data["shown_count"],
            actor=request.user,
            at=timezone.now(),
        )
    except sending.CannotStart as error:
        for problem in error.problems:
            messages.error(request, problem)
        return redirect(edit_url(invitation))
    except sending.AudienceGrew as error:
        text = _("This would now reach %(number)s people. Look at it again before you send it.")
        messages.warning(request, text % {"number": f"{error.count:,}"})
        return redirect(edit_url(invitation))
    except sending.NotPossible:
        messages.warning(request, _("This invitation had been started already."))
    return redirect(url("progress", pk))


# While and after sending


@may_follow
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    if not invitation.is_started:
        return redirect(edit_url(invitation))
    context = {
        **_numbers(request, invitation),
        "sent_text": rendering.shown(invitation.rendered),
        "exclusions": Counts(invitation.recipients, invitation.exclusions, 0),
        "may_send": may(request.user, "send_invitation"),
        "may_add": may(request.user, "add_invitation"),
        "header_title": str(invitation),
        "header_icon": "mail",
        "breadcrumbs_items": _breadcrumbs(str(invitation)),
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
    pages = Paginator(found.order_by("pk"), PAGE_SIZE)
    return _people(request, invitation, _labels()[group], pages)


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
    return {
        "invitation": invitation,
        "progress": found,
        "numbers": [(group, label, getattr(found, group)) for group, label in _labels().items()],
        "is_moving": invitation.status == Invitation.Status.SENDING,
        "shows_people": may(request.user, "view_participant"),
    }


def _people(
    request: HttpRequest, invitation: Invitation, title: str, pages: Paginator
) -> HttpResponse:
    """List people or deliveries, with names and addresses for those who may see them.

    Every page of addresses is written to the audit log.
    """
    back = url("progress", invitation.pk) if invitation.is_started else edit_url(invitation)
    query = request.GET.copy()
    query.pop("p", None)
    page = pages.get_page(request.GET.get("p"))
    shows_contact = may(request.user, "view_participant_pii")
    if shows_contact and page.object_list:
        data = {"list": str(title), "page": page.number}
        action = "wagtail_engagement.invitation_people_viewed"
        log(invitation, action, user=request.user, title=str(invitation), data=data)
    context = {
        "page": page,
        "query": query.urlencode(),
        "is_deliveries": pages.object_list.model is Delivery,
        "shows_contact": shows_contact,
        "back": back,
        "header_title": title,
        "header_icon": "group",
        "breadcrumbs_items": _breadcrumbs(str(invitation), back, title),
    }
    return TemplateResponse(request, f"{TEMPLATES}/people.html", context)


def _breadcrumbs(label: str, address: str = "", last: str = "") -> list[dict[str, str]]:
    items = [{"url": reverse(LISTED), "label": _("Invitations")}, {"url": address, "label": label}]
    return [*items, {"url": "", "label": last}] if last else items


admin_urls = [
    path("new/", new, name="new"),
    path("new/<int:consultation_pk>/", new, name="invite"),
    path("<int:pk>/counts/", counts, name="counts"),
    path("<int:pk>/audience/", audience, name="audience"),
    path("<int:pk>/test/", test, name="test"),
    path("<int:pk>/send/", send, name="send"),
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
]
