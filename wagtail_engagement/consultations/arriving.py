"""The link of one message that leads to a form: what becomes of it in the browser.

Its second part says which message somebody answered from, and grants nothing. Like the link to a
page of one's own (S02) it is swapped for a cookie and a clean address at once, so that it stands in
no address that is copied, reported by the site's statistics or named to the next site. The form
carries a handle of it, so that a form that was opened from another message, from none, or that
comes from a cache tells nothing.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from ..participants import links
from . import responses, routes
from .models import Consultation

COOKIE = "engagement_answer"
COOKIE_SECONDS = 24 * 60 * 60


def carries_token(request: HttpRequest) -> bool:
    return routes.ANSWERING in request.GET


def own_address(request: HttpRequest) -> str:
    """The address of the page that was asked for, without what stands in one message alone."""
    if not carries_token(request):
        return request.get_full_path()
    kept = [
        (name, value)
        for name, values in request.GET.lists()
        for value in values
        if name != routes.ANSWERING
    ]
    path, _question_mark, _query = request.get_full_path().partition("?")
    return f"{path}?{urlencode(kept)}" if kept else path


def clean_address(page: Any, request: HttpRequest) -> HttpResponse:
    """Lead to the same page without the token; changes nothing else."""
    response = HttpResponseRedirect(own_address(request))
    token = request.GET[routes.ANSWERING]
    if links.is_token(token) and routes.keeps_routes(page.consultation, page):
        response.set_cookie(
            COOKIE,
            token,
            max_age=COOKIE_SECONDS,
            path=request.path,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    add_never_cache_headers(response)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def handle(request: HttpRequest) -> str:
    """What a form carries to prove that it was opened from the message of the browser's cookie."""
    token = request.COOKIES.get(COOKIE, "")
    return links.handle(token) if links.is_token(token) else ""


def note(
    request: HttpRequest, consultation: Consultation, shown: str, response: HttpResponse
) -> None:
    """Let the message that a recorded form was opened from count as answered; use it up."""
    if not shown or shown != handle(request):
        return
    responses.note_answered(
        consultation=consultation, token=request.COOKIES[COOKIE], at=timezone.now()
    )
    response.delete_cookie(COOKIE, path=request.path, samesite="Lax")
