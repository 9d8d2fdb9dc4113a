"""Screens around an invitation's editor: whom it reaches and why, a test, and Send."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages
from wagtail.admin.auth import permission_required
from wagtail.log_actions import log

from .. import addresses, mail
from ..consultations.models import Consultation
from ..modeladmin import NumberPaginator, may
from ..participants.models import Participant
from . import sending
from .approval_views import approval_urls
from .audience import INCLUDED, Exclusion
from .calendar_views import calendar_urls
from .forms import NewInvitationForm, SendForm, TestForm, WhoForm
from .listing import Who, may_see_who_answered
from .models import Invitation
from .progress_views import progress_urls
from .screens import (
    TEMPLATES,
    breadcrumbs,
    edit_url,
    list_people,
    may_add,
    may_change,
    may_see_people,
    may_send,
    url,
)

PAGE_SIZE = 50
MOST_DRAFTS = 10  # that one person is explained for


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
        "breadcrumbs_items": breadcrumbs(_("Invite people")),
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
    return list_people(request, invitation, title, pages, says_why=who.says_why)


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
        "breadcrumbs_items": breadcrumbs(str(draft or person), back or of_person, title),
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
    again = f"{edit_url(invitation)}?{form.as_query()}#engagement-send"
    if not form.is_valid():
        for problem in [text for texts in form.errors.values() for text in texts]:
            messages.error(request, problem)
        return redirect(again)
    try:
        sending.start(
            invitation=invitation,
            shown_count=form.cleaned_data["shown_count"],
            actor=request.user,
            at=timezone.now(),
            plan=form.plan(),
        )
    except sending.CannotStart as error:
        for problem in error.problems:
            messages.error(request, problem)
        return redirect(again)
    except sending.AudienceGrew as error:
        text = _("This would now reach %(number)s people. Look at it again before you send it.")
        messages.warning(request, text % {"number": f"{error.count:,}"})
        return redirect(again)
    except sending.NotPossible:
        messages.warning(request, _("This invitation had been started already."))
    return redirect(url("progress", pk))


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
    *approval_urls,
    *calendar_urls,
    *progress_urls,
]
