"""Pages on which people say again that we may write, and put right their name and address.

Like every page behind a link: only a pressed button changes anything.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .. import addresses, nudge
from ..consent.models import ConsentEvent, Purpose
from ..consent.queries import current_wordings
from . import choosing, links, moving, queries, rendering, renewing
from . import views as doors
from .forms import WordingForm
from .models import Link, Participant
from .own_forms import NameForm, NewAddressForm

Channel = ConsentEvent.Channel


# Saying yes again


@doors.link_page("GET", "HEAD")
def renew_link(request: HttpRequest, token: str) -> HttpResponse:
    return doors.enter(request, Link.Purpose.RENEW, token)


@doors.private("GET", "HEAD", "POST")
def renew(request: HttpRequest) -> HttpResponse:
    link, handle = doors.link_of_cookie(request, Link.Purpose.RENEW)
    if link is None or link.participant is None:
        return doors.open_again(request)
    person, now = link.participant, timezone.now()
    if request.method != "POST":
        said = request.GET.get("done", "")
        return _renewed(request, person, link, said) or _ask_to_renew(request, person, handle)
    if "no" in request.POST:
        choosing.leave(
            participant=person, purposes=[Purpose.INVITE], channel=Channel.CHOICES, at=now
        )
        return HttpResponseRedirect(f"{request.path}?done=no")
    form = WordingForm(request.POST)
    if not form.is_valid():
        return _ask_to_renew(request, person, handle, form)
    shown = form.cleaned_data["wording"]
    if not renewing.was_agreed_lately(person, at=now):
        renewing.renew(participant=person, wording_id=shown, channel=Channel.CHOICES, at=now)
    return HttpResponseRedirect(f"{request.path}?done=yes")


def _ask_to_renew(
    request: HttpRequest, person: Participant, handle: str, form: WordingForm | None = None
) -> HttpResponse:
    wording = current_wordings(get_language() or "en").get(Purpose.INVITE)
    context = {
        "masked": person.masked_email,
        "handle": handle,
        "wording": wording,
        "form": form or WordingForm(initial={"wording": wording and wording.pk}),
        "agreement": rendering.agreement_of(person.pk),
        "ends_at": queries.agreed_until(person),
    }
    return render(request, "wagtail_engagement/renew.html", context)


def _renewed(
    request: HttpRequest, person: Participant, link: Link, said: str
) -> HttpResponse | None:
    """Say what became of an answer, as far as it still stands."""
    standing = queries.standing_of(person)
    if said == "yes" and standing in doors.AGREED:
        heading, text = _("Thank you"), _("We go on telling you about consultations.")
    elif said == "yes":
        heading = _("We cannot write to this address")
        text = _("Sign up again and confirm your address to hear from us.")
    elif said == "no" and standing not in doors.AGREED:
        heading, text = _("You have left"), _("We do not tell you about consultations any more.")
    else:
        return None
    return _with_choices(request, link, heading, text)


def _with_choices(request: HttpRequest, link: Link, heading: str, *texts: str) -> HttpResponse:
    """A page that says what happened and opens the way to the choices, by the mail's own link."""
    to_choices = (reverse("wagtail_engagement:choices"), _("See or change your choices"))
    response = doors.say(request, heading, *texts, links=[to_choices])
    token = links.token(purpose=Link.Purpose.CHOICES, uuid=link.uuid, key_id=link.key_id)
    doors.set_cookie(request, response, Link.Purpose.CHOICES, token)
    return response


# Name and address, by a fresh link


@doors.private("GET", "HEAD", "POST")
def details(request: HttpRequest) -> HttpResponse:
    """Only the page that spent a fresh link leads here, for what stands here is worth stealing."""
    link, handle = doors.link_of_cookie(request, Link.Purpose.FRESH)
    if link is None or link.participant is None:
        return doors.open_again(request)
    if not links.proves(link, request.POST.get("proof", ""), at=timezone.now()):
        return doors.say(
            request,
            _("Your name and address"),
            _("For your protection this page opens from the button of the page before it alone."),
            links=[(reverse("wagtail_engagement:fresh"), _("Go to that page"))],
        )
    person: Any = link.participant
    naming = NameForm(request.POST if "save_name" in request.POST else None, person=person)
    moving_to = NewAddressForm(request.POST if "save_email" in request.POST else None)
    if moving_to.is_valid():
        way = doors.own_pages(link, handle, "")
        return _ask_new_address(request, person, moving_to.cleaned_data["email"], way)
    done = ""
    if naming.is_valid():
        moving.rename(participant=person, name=naming.cleaned_data["name"])
        done = _("We have saved your name.")
    context = {
        "masked": person.masked_email,
        "naming": naming,
        "moving_to": moving_to,
        "form": moving_to if moving_to.errors else naming,
        "done": done,
        **doors.own_pages(link, handle, "details"),
    }
    return render(request, "wagtail_engagement/details.html", context)


def _ask_new_address(
    request: HttpRequest, person: Participant, email: str, way: dict[str, Any]
) -> HttpResponse:
    """The same answer whoever the address belongs to, and whether or not a mail goes (S04)."""
    moving.ask(participant=person, email=email, at=timezone.now())
    nudge.after_commit()
    return doors.say(
        request,
        _("Check your email"),
        _("We send an email to %(email)s. Open it within seven days and press the button there.")
        % {"email": email},
        _("Until then we go on writing to %(masked)s.") % {"masked": person.masked_email},
        _("An address gets at most one such email a day."),
        **way,
    )


# A new address


@doors.link_page("GET", "HEAD")
def move_link(request: HttpRequest, token: str) -> HttpResponse:
    return doors.enter(request, Link.Purpose.MOVE, token)


@doors.private("GET", "HEAD", "POST")
def move(request: HttpRequest) -> HttpResponse:
    link, handle = doors.link_of_cookie(request, Link.Purpose.MOVE)
    if link is None or link.participant is None:
        return doors.open_again(request)
    change, now = moving.waiting(link), timezone.now()
    if change is None:
        return _moved(request, link)
    if request.method != "POST":
        context = {
            "masked": addresses.mask(change.email),
            "was": link.participant.masked_email,
            "handle": handle,
        }
        return render(request, "wagtail_engagement/move.html", context)
    if "no" in request.POST:
        moving.deny(link=link)
    else:
        try:
            moving.confirm(link=link, at=now)
        except moving.NothingToConfirm:
            pass  # Another press was quicker; the page says what became of it.
    return HttpResponseRedirect(request.path)


def _moved(request: HttpRequest, link: Link) -> HttpResponse:
    if link.used_at is None:
        return doors.say(
            request,
            _("Nothing has changed"),
            _("This was not asked for any more, or somebody said that it was not them."),
        )
    return _with_choices(
        request,
        link,
        _("Thank you"),
        _("We have your new address, and write to it from now on."),
        _("If we knew it before, somebody of the council puts the two records together first."),
    )
