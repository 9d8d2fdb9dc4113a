"""What the public pages answer: each view shows a page, or hands one form to one rule."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.core import signing
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.csrf import csrf_failure as django_csrf_failure
from wagtail import hooks
from wagtail.models import Site

from .. import addresses, conf, nudge
from ..consent.models import Purpose
from ..consent.queries import current_wordings, settings_of, wordings_of_form
from ..participants import registry
from ..participants.models import Interest
from . import arriving, holding, publishing, queries, responses, routes
from .forms import (
    OPTIONAL,
    REQUIRED,
    Asked,
    ConsultationForm,
    EngagementForm,
    RegistrationForm,
)
from .models import ConsultationResponse, FormVersion, State
from .questions import Definition

COOKIE = "engagement_response"
COOKIE_SALT = "wagtail_engagement.response"
COOKIE_SECONDS = 24 * 60 * 60
CLOSED_A_PAGE = 20
METHODS = ["GET", "HEAD", "POST"]

STILL_HERE = gettext_lazy("Your answers are still here. Press the button again to send them.")


def _respond(request: HttpRequest, page: Any, template: str, context: dict[str, Any]) -> Any:
    """Render a public page, which no cache may keep: its form is for one person (S05)."""
    response = TemplateResponse(
        request,
        template,
        {
            **page.get_context(request),
            "engagement_base": conf.base_template(),
            "engagement": settings_of(Site.find_for_request(request)),
            "form_action": arriving.own_address(request),
            "signup_url": SimpleLazyObject(partial(_signup_url, request)),
            **context,
        },
    )
    add_never_cache_headers(response)
    return response


def _signup_url(request: HttpRequest) -> str | None:
    """Looked up when a template shows it, which an open consultation's does not."""
    return queries.registration_url(Site.find_for_request(request))


# Consultation pages


def serve_consultation(page: Any, request: HttpRequest) -> HttpResponse:
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    if request.method == "POST":
        return _receive(page, request)
    if arriving.carries_token(request):
        return arriving.clean_address(page, request)
    initial = {"answering": arriving.handle(request)}
    form = consultation_form(page, initial=initial) if page.state == State.OPEN else None
    return _show_consultation(page, request, form=form)


def preview_consultation(page: Any, request: HttpRequest) -> HttpResponse:
    """Show a draft with its form, whatever its dates; nothing is written."""
    return _show_consultation(page, request, form=consultation_form(page))


def _show_consultation(
    page: Any, request: HttpRequest, *, form: ConsultationForm | None, **context: Any
) -> HttpResponse:
    context = {"state": page.state.value, "form": form, **context}
    return _respond(request, page, page.template, context)


def _topics() -> list[tuple[int, str]]:
    return list(Interest.objects.in_use().values_list("pk", "name"))


def asked(page: Any, version: FormVersion | None) -> Asked:
    """What a page asks besides its questions, in the language that is spoken now."""
    wordings = wordings_of_form(translation.get_language() or "en", page.get_site)
    offered = {Purpose.RESULT: page.offer_result, Purpose.INVITE: page.offer_invite}
    return Asked(
        email=page.ask_email,
        name=page.ask_name,
        wordings={p: wordings[p] for p, yes in offered.items() if yes and p in wordings},
        topics=cache(_topics),
        version=version,
    )


def consultation_form(
    page: Any,
    data: Any = None,
    *,
    kind: type[ConsultationForm] = ConsultationForm,
    asks: Callable[[Any, FormVersion | None], Asked] = asked,
    **more: Any,
) -> ConsultationForm:
    """Build the page's form; posted answers meet the very version that was shown to them.

    A form names its version by digest, so that showing one asks the database for none.
    """
    version = queries.version_of(page, str(data.get("version", ""))) if data is not None else None
    definition = Definition(version.definition) if version else publishing.definition_of(page)
    return kind(data, definition=definition, asked=asks(page, version), **more)


def _receive(page: Any, request: HttpRequest) -> HttpResponse:
    form = consultation_form(page, request.POST)
    if page.state != State.OPEN:
        return _refuse_closed(page, request, form)
    if not form.is_valid():
        return _show_consultation(page, request, form=form)
    try:
        response = responses.record(submission=_submission(page, request, form), at=timezone.now())
    except responses.ConsultationClosed:
        return _refuse_closed(page, request, form)
    thanks = _to_thanks(request, response)
    if not page.is_anonymous:
        arriving.note(request, response.consultation, form.cleaned_data["answering"], thanks)
    return thanks


def _refuse_closed(page: Any, request: HttpRequest, form: ConsultationForm) -> HttpResponse:
    """Say that nothing was stored, and hand back what was typed so that it is not lost."""
    notice = _("This consultation is not open, so we have not stored your answers.")
    return _show_consultation(page, request, form=None, notice=notice, kept=form.typed())


def _submission(page: Any, request: HttpRequest, form: ConsultationForm) -> responses.Submission:
    data = form.cleaned_data
    version: Any = form.asked.version or queries.version_of(page, publishing.freeze(page).digest)
    row = version.consultation
    route, route_key = routes.arrival(consultation=row, page=page, asked=request.GET)
    return responses.Submission(
        consultation=row,
        form_version=version,
        answers=form.answers,
        submission_key=data["submission_key"],
        sender_mark=holding.sender_mark(request.META),
        email=data.get("email", ""),
        name=data.get("name", ""),
        purposes=form.purposes,
        interest_ids=form.interest_ids,
        inferred_ids=version.interest_ids if form.purposes else [],
        page_url=request.path[:255],
        route=route,
        route_key=route_key,
        language=(translation.get_language() or "en")[:12],
        held_because=_held_because(request, form),
    )


def _held_because(request: HttpRequest, form: EngagementForm) -> str:
    data = form.cleaned_data
    return holding.reason_to_hold(
        homepage=data["homepage"],
        started=data["started"],
        network=holding.network_of(request.META),
        address_key=addresses.key(data["email"]) if data.get("email") else "",
    )


def _to_thanks(request: HttpRequest, response: ConsultationResponse) -> HttpResponse:
    redirect = HttpResponseRedirect(f"{request.path.rstrip('/')}/thank-you/")
    # Gone with the browser session, for many people answer on a shared computer.
    redirect.set_cookie(
        COOKIE,
        signing.dumps(str(response.uuid), salt=COOKIE_SALT),
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    add_never_cache_headers(redirect)
    return redirect


def show_thanks(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the reference and a copy of the answers to the browser that sent them."""
    if request.method not in ["GET", "HEAD"]:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    context: dict[str, Any] = {"response": None, "mail_expected": False}
    response = _response_of_cookie(page, request)
    if response is not None:
        definition = Definition(response.form_version.definition)
        context["response"] = {
            "reference": response.reference,
            "submitted_at": response.submitted_at,
            "answers_for_print": definition.readable(response.answers),
        }
        context["mail_expected"] = response.claim_id is not None
    return _respond(request, page, page.done_template, context)


def _response_of_cookie(page: Any, request: HttpRequest) -> ConsultationResponse | None:
    try:
        uuid = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=COOKIE_SALT, max_age=COOKIE_SECONDS
        )
    except signing.BadSignature:
        return None
    found = ConsultationResponse.objects.filter(uuid=uuid, consultation=page.consultation_id)
    return found.select_related("form_version").first()


def preview_thanks(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the confirmation page as somebody sees it who left every question open."""
    sample = {
        "reference": "7K3M9QRT",
        "submitted_at": timezone.now(),
        "answers_for_print": publishing.definition_of(page).readable({}),
    }
    return _respond(request, page, page.done_template, {"response": sample, "mail_expected": True})


# Lists of consultations


def serve_index(page: Any, request: HttpRequest) -> HttpResponse:
    """List open, coming and closed consultations; the filter is a plain GET form."""
    interests = list(Interest.objects.in_use())
    chosen = next((i for i in interests if i.slug == request.GET.get("interest")), None)
    state = request.GET.get("state", "")
    headings = {"open": _("Open now"), "upcoming": _("Coming up"), "closed": _("Closed")}
    groups = [
        {
            "key": key,
            "heading": heading,
            "items": queries.listed_below(page, key, interest=chosen, at=timezone.now()),
        }
        for key, heading in headings.items()
        if state not in headings or state == key
    ]
    closed = next((group for group in groups if group["key"] == "closed"), None)
    paged = None
    if closed:
        paged = Paginator(closed["items"], CLOSED_A_PAGE).get_page(request.GET.get("page"))
        closed["items"] = list(paged)
    context = {
        "groups": groups,
        "closed_page": paged,
        "interests": interests,
        "chosen_interest": chosen.slug if chosen else "",
        "chosen_state": state if state in headings else "",
    }
    return _respond(request, page, page.template, context)


# Sign-up pages


def _registration_form(data: Any = None) -> RegistrationForm:
    wordings = current_wordings(translation.get_language() or "en")
    asked = Asked(
        email=REQUIRED,
        name=OPTIONAL,
        wordings={Purpose.INVITE: wordings[Purpose.INVITE]},
        topics=cache(_topics),
    )
    return RegistrationForm(data, asked=asked)


def serve_registration(page: Any, request: HttpRequest) -> HttpResponse:
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    form = _registration_form(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _respond(request, page, page.template, {"form": form})
    _register(request, form)
    redirect = HttpResponseRedirect(f"{request.path.rstrip('/')}/thank-you/")
    add_never_cache_headers(redirect)
    return redirect


def _register(request: HttpRequest, form: RegistrationForm) -> None:
    at = timezone.now()
    held = _held_because(request, form)
    registry.make_claim(
        email=form.cleaned_data["email"],
        name=form.cleaned_data.get("name", ""),
        purposes=form.purposes,
        interest_ids=form.interest_ids,
        inferred_ids=[],
        consultation=None,
        page_url=request.path[:255],
        invite_until=at + datetime.timedelta(days=conf.pending_days()),
        result_until=None,
        held_until=at + datetime.timedelta(days=conf.hold_days()) if held else None,
        at=at,
    )
    nudge.after_commit()


def show_registered(page: Any, request: HttpRequest) -> HttpResponse:
    if request.method not in ["GET", "HEAD"]:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return _respond(request, page, page.done_template, {})


# After a failed CSRF check


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Give a form back with everything that was typed, and a fresh token, instead of a refusal.

    Set ``CSRF_FAILURE_VIEW`` to this. Happens to people without cookies, behind a page cache, or
    whose token grew old. Pages that are not ours get Django's own answer.
    """
    found = _page_at(request)
    page = found[0] if found else None
    is_consultation = getattr(page, "is_consultation_page", False)
    if not found or not (is_consultation or getattr(page, "is_registration_page", False)):
        return django_csrf_failure(request, reason=reason)
    return _through_hooks(
        _consultation_again if is_consultation else _sign_up_again, found, request
    )


def _through_hooks(show: Any, found: Any, request: HttpRequest) -> Any:
    """Serve a page as Wagtail does, so that what is behind a password stays there."""

    def serve(page: Any, request: HttpRequest, args: Any, kwargs: Any) -> Any:
        return show(page, request).render()

    for wrap in reversed(hooks.get_hooks("on_serve_page")):
        serve = wrap(serve)
    page, args, kwargs = found
    for hook in hooks.get_hooks("before_serve_page"):
        stopped = hook(page, request, args, kwargs)
        if isinstance(stopped, HttpResponse):
            return stopped
    return serve(page, request, args, kwargs)


def _consultation_again(page: Any, request: HttpRequest) -> Any:
    form = consultation_form(page, request.POST)
    if page.state != State.OPEN:
        return _refuse_closed(page, request, form)
    form.keep_unjudged()
    return _show_consultation(page, request, form=form, notice=STILL_HERE)


def _sign_up_again(page: Any, request: HttpRequest) -> Any:
    form = _registration_form(request.POST)
    form.keep_unjudged()
    return _respond(request, page, page.template, {"form": form, "notice": STILL_HERE})


def _page_at(request: HttpRequest) -> Any:
    """The page that a form was posted to, with what its `serve` would be called with."""
    site = Site.find_for_request(request)
    if site is None or request.method != "POST":
        return None
    prefix = site.root_page.get_url_parts(request)
    path = request.path.removeprefix(prefix[2].rstrip("/") if prefix and prefix[2] else "")
    components = [part for part in path.split("/") if part]
    try:
        return site.root_page.localized.specific.route(request, components)
    except Exception:  # noqa: BLE001  No page here: host pages may raise anything while routing.
        return None
