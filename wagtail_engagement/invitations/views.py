"""Screens around an invitation's editor: whom it reaches, send, progress, and who got it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages
from wagtail.admin.auth import any_permission_required, permission_required
from wagtail.log_actions import log

from .. import addresses, mail
from ..consultations.models import Consultation
from ..modeladmin import NumberPaginator, may
from ..participants.models import Participant
from . import queries, rendering, sending
from .audience import INCLUDED, Counts, Exclusion
from .forms import NewInvitationForm, SendForm, TestForm, WhoForm
from .listing import DeliveryPages, Who, may_see_who_answered
from .models import Delivery, Invitation

NAMESPACE = "engagement_invitations"
LISTED = "wagtailsnippets_wagtail_engagement_invitation:list"
TEMPLATES = "wagtail_engagement/invitations"
PAGE_SIZE = 50
MOST_DRAFTS = 10  # that one person is explained for
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
    who = Who.asked(request, invitation)
    people = Participant.objects.order_by("pk")
    pages = NumberPaginator(people, PAGE_SIZE, numbers=who.audience.numbers(reason))
    title = _("Left out: %(reason)s") % {"reason": Exclusion(reason).label} if reason else who.title
    return _people(request, invitation, title, pages, says_why=who.says_why)


@may_change
@may_see_people
@require_GET
def why(request: HttpRequest, pk: int, person_pk: int) -> HttpResponse:
    """Say why one person is in the audience of a draft, or is not."""
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    if invitation.is_started:
        return redirect(url("progress", pk))
    who = Who.asked(request, invitation)
    if not who.says_why:
        raise PermissionDenied
    return _why(request, person_pk, [who], invitation)


@may_change
@may_see_people
@require_GET
def why_person(request: HttpRequest, person_pk: int) -> HttpResponse:
    """Say for each draft whether it would reach one person, and why."""
    drafts = Invitation.objects.filter(status=Invitation.Status.DRAFT)
    drafts = drafts.filter(consultation__closes_at__gt=timezone.now())
    drafts = drafts.select_related("consultation").order_by("-pk")[:MOST_DRAFTS]
    found = [Who.saved(draft, request.user) for draft in drafts]
    return _why(request, person_pk, [who for who in found if who.says_why])


def _why(
    request: HttpRequest, person_pk: int, found: list[Who], draft: Invitation | None = None
) -> HttpResponse:
    """Show what was found of one person; `draft` is the one to go back to, if it was about one."""
    person = get_object_or_404(Participant.objects.current(), pk=person_pk)
    action = "wagtail_engagement.participant_viewed"
    log(person, action, user=request.user, title=str(person))
    of_person = reverse("wagtail_engagement_participants:inspect", args=[person.pk])
    title, back = _("In or left out, and why"), edit_url(draft) if draft else ""
    context = {
        "person": person,
        "shows_contact": may(request.user, "view_participant_pii"),
        "of_person": of_person,
        "answers": [(who.invitation, edit_url(who.invitation), who.why(person)) for who in found],
        "back": back,
        "header_title": title,
        "header_icon": "group",
        "breadcrumbs_items": _breadcrumbs(str(draft or person), back or of_person, title),
    }
    return TemplateResponse(request, f"{TEMPLATES}/why.html", context)


@may_change
@may_see_people
@permission_required("wagtail_engagement.view_participant_pii")
@require_POST
def ask_why(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to the answer about the person with an address, which stands in no address of a page."""
    invitation = get_object_or_404(Invitation, pk=pk)
    action = "wagtail_engagement.participants_searched"
    log(request.user, action, user=request.user, title=_("Participants"))
    try:
        key = addresses.key(addresses.clean(request.POST.get("address", "")))
    except addresses.AddressRefused as refused:
        messages.error(request, str(refused))
        return redirect(edit_url(invitation))
    person = Participant.objects.filter(address_key=key).first()
    if person is None:
        messages.warning(request, _("Nobody in the register has this address."))
        return redirect(edit_url(invitation))
    return redirect(url("why", pk, person.merged_into_id or person.pk))


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
        "counts": Counts(
            invitation.recipients, invitation.exclusions, 0, not_drawn=invitation.not_drawn
        ),
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
    pages = DeliveryPages(found.order_by("pk"), PAGE_SIZE)
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
    request: HttpRequest,
    invitation: Invitation,
    title: str,
    pages: Paginator,
    *,
    says_why: bool = False,
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
        "invitation": invitation,
        "says_why": says_why,
        "query": query.urlencode(),
        "is_deliveries": isinstance(pages, DeliveryPages),
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
    path("<int:pk>/why/", ask_why, name="ask_why"),
    path("<int:pk>/why/<int:person_pk>/", why, name="why"),
    path("people/<int:person_pk>/why/", why_person, name="why_person"),
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
