"""Pages behind the links in mails. A link sets a cookie and leads to a clean address (S02).

Only a pressed button changes anything, for software follows every link in a mail (trust 1.3).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from wagtail.models import Site

from .. import nudge
from ..consent.models import ConsentEvent, ContactPermission, Purpose
from ..consent.queries import current_wordings, settings_of
from . import areas, choosing, links, queries, registry, rendering, renewing
from .forms import ChoicesForm
from .models import Link, Participant, RegisterMail
from .own_forms import PauseForm

COOKIE_SECONDS = 24 * 60 * 60
# Whoever paused has not taken back that they agreed.
AGREED = (ContactPermission.Reason.GRANTED, ContactPermission.Reason.PAUSED)
View = Callable[..., HttpResponse]
Channel = ConsentEvent.Channel


def private(*methods: str, referrer: str = "same-origin") -> Callable[[View], View]:
    """A page that no cache, search engine or log-in middleware gets hold of.

    Clean pages keep `same-origin`: with `no-referrer` browsers send a form's Origin as "null",
    which Django's CSRF check refuses.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def sealed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in methods:
                response = view(request, *args, **kwargs)
            else:
                response = HttpResponseNotAllowed(methods)
            # Django logs the address of a refused request, and ours holds a token (S03).
            response._has_been_logged = True  # type: ignore[attr-defined]
            add_never_cache_headers(response)
            response["Referrer-Policy"] = referrer
            response["X-Robots-Tag"] = "noindex, nofollow"
            return response

        return login_not_required(sealed)

    return decorate


def link_page(*methods: str) -> Callable[[View], View]:
    return private(*methods, referrer="no-referrer")


# Links, cookies and plain pages


def say(
    request: HttpRequest,
    heading: str,
    *paragraphs: str,
    links: list[tuple[str, str]] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {"heading": heading, "paragraphs": paragraphs, "links": links or [], **more}
    return render(request, "wagtail_engagement/message.html", context, status=status)


def _unknown(request: HttpRequest) -> HttpResponse:
    """The same for forged, foreign and expired links, which tells nobody anything (S04)."""
    return say(
        request,
        _("This link does not work any more"),
        _("It may be incomplete, or its time may be over."),
        _("Open it again from the email, or use a link in a newer email from us."),
        status=404,
    )


def open_again(request: HttpRequest) -> HttpResponse:
    return say(
        request,
        _("Open the link in your email again"),
        _(
            "For your protection this page only works for a day after you open the link, in the same browser."
        ),
    )


def set_cookie(request: HttpRequest, response: HttpResponse, purpose: str, token: str) -> None:
    response.set_cookie(
        f"engagement_{purpose}",
        token,
        max_age=COOKIE_SECONDS,
        path=reverse(f"wagtail_engagement:{purpose}"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def enter(request: HttpRequest, purpose: str, token: str) -> HttpResponse:
    """Swap a link for a cookie and a clean address; nothing else changes."""
    if links.find(purpose=purpose, token=token, at=timezone.now()) is None:
        return _unknown(request)
    response = HttpResponseRedirect(reverse(f"wagtail_engagement:{purpose}"))
    set_cookie(request, response, purpose, token)
    return response


def link_of_cookie(request: HttpRequest, purpose: str) -> tuple[Link | None, str]:
    """Return the link that the browser holds, and the handle that its forms carry.

    A form from another mail, opened in the same browser, carries another handle: no link then.
    """
    token = request.COOKIES.get(f"engagement_{purpose}", "")
    link = links.find(purpose=purpose, token=token, at=timezone.now())
    if link is None:
        return None, ""
    handle = links.handle(token)
    if request.method == "POST" and request.POST.get("handle") != handle:
        return None, ""
    return link, handle


# Confirming


@link_page("GET", "HEAD")
def confirm_link(request: HttpRequest, token: str) -> HttpResponse:
    return enter(request, Link.Purpose.CONFIRM, token)


@private("GET", "HEAD", "POST")
def confirm(request: HttpRequest) -> HttpResponse:
    link, handle = link_of_cookie(request, Link.Purpose.CONFIRM)
    if link is None:
        return open_again(request)
    mail = queries.mail_behind(link)
    if link.used_at or mail is None:
        return _already_confirmed(request, link)
    now = timezone.now()
    if request.method != "POST":
        return _ask_to_confirm(request, mail, handle)
    if "not_me" in request.POST:
        registry.not_me(mail=mail, at=now)
    else:
        try:
            registry.register(mail=mail, at=now)
        except registry.NothingToConfirm:
            return _unknown(request)
    return HttpResponseRedirect(request.path)


def _ask_to_confirm(request: HttpRequest, mail: RegisterMail, handle: str) -> HttpResponse:
    now = timezone.now()
    claims = mail.claims.pending().select_related("consultation").order_by("created_at", "pk")
    granted = {claim: given for claim in claims if (given := registry.granted_by(claim, at=now))}
    if not granted:
        return _unknown(request)
    context = {
        "masked": next(iter(granted)).masked_email,
        "ticked": rendering.ticked(granted),
        "handle": handle,
    }
    return render(request, "wagtail_engagement/confirm.html", context)


def _already_confirmed(request: HttpRequest, link: Link) -> HttpResponse:
    """Say what became of a link that was used, and open the way to the person's choices."""
    if link.participant_id is None:
        return say(
            request,
            _("We have deleted these details"),
            _("Nobody has joined our register with your address through this email."),
        )
    response = say(
        request,
        _("Your email address is confirmed"),
        _("We will only write to you about what you ticked."),
        links=[(reverse("wagtail_engagement:choices"), _("See or change your choices"))],
    )
    choices = links.token(purpose=Link.Purpose.CHOICES, uuid=link.uuid, key_id=link.key_id)
    set_cookie(request, response, Link.Purpose.CHOICES, choices)
    return response


# Choices


@link_page("GET", "HEAD")
def choices_link(request: HttpRequest, token: str) -> HttpResponse:
    return enter(request, Link.Purpose.CHOICES, token)


@private("GET", "HEAD", "POST")
def choices(request: HttpRequest) -> HttpResponse:
    link, handle = link_of_cookie(request, Link.Purpose.CHOICES)
    if link is None or link.participant is None:
        return open_again(request)
    person = link.participant
    if request.method != "POST":
        return _show_choices(request, person, _choices_form(person), handle)
    if "fresh" in request.POST:
        choosing.ask_fresh(participant=person, at=timezone.now())
        nudge.after_commit()
        return HttpResponseRedirect(f"{request.path}?done=fresh")
    if "leave" in request.POST:
        choosing.leave(
            participant=person, purposes=None, channel=Channel.CHOICES, at=timezone.now()
        )
        return HttpResponseRedirect(f"{request.path}?done=left")
    if "pause" in request.POST or "go_on" in request.POST:
        return _pause(request, person, handle)
    form = _choices_form(person, request.POST)
    if not form.is_valid():
        return _show_choices(request, person, form, handle)
    choosing.choose(
        participant=person,
        interest_ids=form.cleaned_data.get("interests", []),
        purposes=form.purposes,
        channel=Channel.CHOICES,
        at=timezone.now(),
    )
    together = form.cleaned_data.get("rhythm")
    if together is not None:
        choosing.gather(participant=person, together=together, at=timezone.now())
    areas.move_in(participant_id=person.pk, area=form.cleaned_data.get("postcode", ""))
    return HttpResponseRedirect(f"{request.path}?done=saved")


def _pause(request: HttpRequest, person: Participant, handle: str) -> HttpResponse:
    now = timezone.now()
    if "go_on" in request.POST:
        renewing.end_pause(participant=person, at=now)
        return HttpResponseRedirect(f"{request.path}?done=going_on")
    pausing = PauseForm(request.POST)
    if not pausing.is_valid():
        return _show_choices(request, person, _choices_form(person), handle, pausing)
    renewing.pause(participant=person, months=pausing.cleaned_data["months"], at=now)
    return HttpResponseRedirect(f"{request.path}?done=paused")


def _choices_form(person: Participant, data: Any = None) -> ChoicesForm:
    wordings = current_wordings(get_language() or "en")
    return ChoicesForm(
        data,
        topics=queries.topics_of(person),
        wording=wordings.get(Purpose.INVITE),
        is_invited=queries.standing_of(person) in AGREED,
        is_together=person.summaries_since is not None,
    )


def _show_choices(
    request: HttpRequest,
    person: Participant,
    form: ChoicesForm,
    handle: str,
    pausing: PauseForm | None = None,
) -> HttpResponse:
    context = {
        "masked": person.masked_email,
        "form": form,
        "pausing": pausing or PauseForm(),
        "has_error": bool(form.errors or (pausing and pausing.errors)),
        "paused_until": queries.agreed_until(person, reason=ContactPermission.Reason.PAUSED),
        "ends_while_paused": renewing.ends_while_paused(person),
        "handle": handle,
        "standing": queries.standing_of(person),
        "results": queries.awaited_results(person),
        "done": request.GET.get("done", ""),
        "engagement": settings_of(Site.find_for_request(request)),
    }
    return render(request, "wagtail_engagement/choices.html", context)


# A fresh link


def own_pages(link: Link, handle: str, here: str) -> dict[str, Any]:
    """What leads from one page behind a fresh link to the others: each wants handle and proof."""
    pages = (
        (
            "taken_part",
            reverse("wagtail_engagement:fresh"),
            _("What you took part in, your topics"),
        ),
        ("details", reverse("wagtail_engagement:details"), _("Your name and address")),
        ("see", reverse("wagtail_engagement:your_data"), _("Download everything")),
        ("erase", reverse("wagtail_engagement:your_data"), _("Erase me")),
    )
    return {"handle": handle, "proof": links.proof(link), "own_pages": pages, "here": here}


@link_page("GET", "HEAD")
def fresh_link(request: HttpRequest, token: str) -> HttpResponse:
    return enter(request, Link.Purpose.FRESH, token)


@private("GET", "HEAD", "POST")
def fresh(request: HttpRequest) -> HttpResponse:
    link, handle = link_of_cookie(request, Link.Purpose.FRESH)
    if link is None or link.participant is None:
        return open_again(request)
    person, now = link.participant, timezone.now()
    context: dict[str, Any] = {"masked": person.masked_email, "handle": handle}
    # Whoever comes back from another of these pages brings the proof, and spends nothing.
    comes_back = links.proves(link, request.POST.get("proof", ""), at=now)
    if comes_back or (request.method == "POST" and choosing.use_fresh(link=link, at=now)):
        context |= own_pages(link, handle, "taken_part")
        context["responses"] = queries.participation(person)
        context["topics"] = queries.origins(person)
    elif request.method == "POST" or link.used_at:
        return say(
            request,
            _("This link has been used"),
            _("It works once. Ask for another one on the page of your choices."),
            links=[(reverse("wagtail_engagement:choices"), _("Your choices"))],
        )
    return render(request, "wagtail_engagement/fresh.html", context)


# Leaving


@csrf_exempt
@link_page("GET", "HEAD", "POST")
def leave_link(request: HttpRequest, token: str) -> HttpResponse:
    """POST is the leave button of a mail program (RFC 8058): no cookie, no redirect, no session.

    The body is never read, so that any body will do. The answer for an unknown token is the same
    whatever the reason (E02).
    """
    if request.method != "POST":
        return enter(request, Link.Purpose.LEAVE, token)
    now = timezone.now()
    link = links.find(purpose=Link.Purpose.LEAVE, token=token, at=now)
    if link is None or link.participant is None:
        return HttpResponse("Unknown link", status=404, content_type="text/plain")
    choosing.leave(
        participant=link.participant,
        purposes=[Purpose.INVITE],
        channel=Channel.ONE_CLICK,
        at=now,
    )
    return HttpResponse("OK", content_type="text/plain")


@private("GET", "HEAD", "POST")
def leave(request: HttpRequest) -> HttpResponse:
    link, handle = link_of_cookie(request, Link.Purpose.LEAVE)
    if link is None or link.participant is None:
        return open_again(request)
    person, now = link.participant, timezone.now()
    if request.method == "POST":
        if "undo" in request.POST:
            choosing.come_back(participant=person, at=now)
        else:
            choosing.leave(
                participant=person, purposes=[Purpose.INVITE], channel=Channel.LEAVE_PAGE, at=now
            )
        return HttpResponseRedirect(request.path)
    context = {
        "masked": person.masked_email,
        "handle": handle,
        "has_left": queries.standing_of(person) == ContactPermission.Reason.STOPPED,
        "can_come_back": choosing.undoable(participant=person, at=now) is not None,
    }
    return render(request, "wagtail_engagement/leave.html", context)
