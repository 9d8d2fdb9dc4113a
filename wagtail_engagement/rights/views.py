"""What people do about their own data, behind a link that works once (trust 2.5).

A download or an erasure needs the cookie of the link, the handle of the page, and the proof that
only the page which spent the link has: three things that no passed-on address carries.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..participants import links
from ..participants import views as doors
from ..participants.models import Link
from . import access, asking, erasing, telling
from .forms import ErasureForm
from .models import RightsRequest


@doors.link_page("GET", "HEAD")
def identity_link(request: HttpRequest, token: str) -> HttpResponse:
    return doors.enter(request, Link.Purpose.IDENTITY, token)


@doors.private("GET", "HEAD", "POST")
def identity(request: HttpRequest) -> HttpResponse:
    """Ask the owner of an address whether a request is theirs; only a button decides."""
    link, handle = doors.link_of_cookie(request, Link.Purpose.IDENTITY)
    if link is None or link.participant is None:
        return doors.open_again(request)
    asked = asking.behind(link)
    if asked is None:
        return _answered(request)
    if request.method == "POST" and {"yes", "no"} & set(request.POST):
        said = asking.answer(
            request=asked, link=link, is_own="yes" in request.POST, at=timezone.now()
        )
        return _after_answer(request, said, link, handle) if said else _answered(request)
    context = {
        "masked": link.participant.masked_email,
        "asks_for": asked.get_kind_display(),
        "handle": handle,
    }
    return render(request, "wagtail_engagement/rights/identity.html", context)


def _answered(request: HttpRequest) -> HttpResponse:
    return doors.say(
        request,
        _("This question is answered"),
        _("The link works once. If you need something else, answer the email and write to us."),
    )


def _after_answer(
    request: HttpRequest, asked: RightsRequest, link: Link, handle: str
) -> HttpResponse:
    if asked.state == RightsRequest.State.LAPSED:
        return doors.say(
            request,
            _("Nothing happens"),
            _("We have closed the request. Nobody has seen or changed anything."),
        )
    if asked.kind == RightsRequest.Kind.ERASURE:
        return doors.say(
            request,
            _("Thank you. We will erase you"),
            _("Somebody reads your answers first, in case their words say who wrote them."),
            _("Your reference is %(reference)s.") % {"reference": asked.reference},
        )
    return _show(request, link, handle)


@doors.private("GET", "HEAD", "POST")
def your_data(request: HttpRequest) -> HttpResponse:
    return _your_data(request, Link.Purpose.FRESH)


@doors.private("GET", "HEAD", "POST")
def your_data_by_request(request: HttpRequest) -> HttpResponse:
    return _your_data(request, Link.Purpose.IDENTITY)


def _your_data(request: HttpRequest, purpose: str) -> HttpResponse:
    link, handle = doors.link_of_cookie(request, purpose)
    if link is None or link.participant is None:
        return doors.open_again(request)
    now = timezone.now()
    if not links.proves(link, request.POST.get("proof", ""), at=now):
        return doors.say(
            request,
            _("Your data"),
            _("For your protection this page opens from the button of the page before it alone."),
            links=[(reverse(f"wagtail_engagement:{purpose}"), _("Go to that page"))],
        )
    if "download" in request.POST:
        return _download(link)
    if purpose == Link.Purpose.FRESH and "erase_now" in request.POST:
        return _erase(request, link, handle)
    form = _erasure_form(link) if "erase" in request.POST else None
    return _show(request, link, handle, form)


def _erasure_form(link: Link, data: Any = None) -> ErasureForm:
    person: Any = link.participant
    return ErasureForm(data, has_answered=asking.has_answered(person))


def _show(
    request: HttpRequest, link: Link, handle: str, form: ErasureForm | None = None
) -> HttpResponse:
    is_fresh = link.purpose == Link.Purpose.FRESH
    name = "your_data" if is_fresh else "your_data_by_request"
    person: Any = link.participant
    context: dict[str, Any] = {
        "masked": person.masked_email,
        "handle": handle,
        "proof": links.proof(link),
        "action": reverse(f"wagtail_engagement:{name}"),
        "form": form,
    }
    if is_fresh:
        context |= doors.own_pages(link, handle, "erase" if form else "see")
    return render(request, "wagtail_engagement/rights/your_data.html", context)


def _download(link: Link) -> HttpResponse:
    """The ZIP, made now and kept nowhere; an open request for it that was confirmed is met."""
    person: Any = link.participant
    now = timezone.now()
    content = access.archive(person, at=now)
    asked = RightsRequest.objects.filter(participant=person, mail__uuid=link.uuid).first()
    asking.hand_out(person=person, at=now, request=asked)
    return zip_response(content)


def zip_response(content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _erase(request: HttpRequest, link: Link, handle: str) -> HttpResponse:
    form = _erasure_form(link, request.POST)
    if not form.is_valid():
        return _show(request, link, handle, form)
    person: Any = link.participant
    try:
        done = erasing.erase(person=person, keeps_responses=form.keeps_responses, at=timezone.now())
    except erasing.AlreadyErased:
        return doors.open_again(request)
    context = {"receipt": telling.receipt_of(done)}
    return render(request, "wagtail_engagement/rights/erased.html", context)
