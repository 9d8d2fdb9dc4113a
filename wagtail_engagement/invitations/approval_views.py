"""Two buttons of a draft: ask a second person to send it, and take that back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages

from . import asking, queries, sending
from .audience import Audience
from .models import Invitation
from .screens import edit_url, may_change, url


@may_change
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a second person to look at a draft and to send it, as it was shown."""
    invitation = get_object_or_404(Invitation.objects.select_related("consultation"), pk=pk)
    now = timezone.now()
    if request.POST.get("shown_version") != queries.version(invitation):
        text = _("Somebody has changed this invitation since you opened it. Look at it again.")
        messages.error(request, text)
        return redirect(edit_url(invitation))
    count = Audience.of(invitation, at=now).counts().included
    try:
        asking.ask(invitation=invitation, count=count, actor=request.user, at=now)
    except sending.NotPossible:
        return _too_late(request, pk)
    text = _("Your colleagues find this on their overview. Any change asks them anew.")
    messages.success(request, text)
    return redirect(edit_url(invitation))


@may_change
@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask nobody any more to send a draft."""
    invitation = get_object_or_404(Invitation, pk=pk)
    try:
        asking.take_back(invitation=invitation, actor=request.user)
    except sending.NotPossible:
        return _too_late(request, pk)
    messages.success(request, _("Nobody is asked to send this any more."))
    return redirect(edit_url(invitation))


def _too_late(request: HttpRequest, pk: int) -> HttpResponse:
    messages.warning(request, _("This invitation had been started already."))
    return redirect(url("progress", pk))


approval_urls = [
    path("<int:pk>/ask/", ask, name="ask"),
    path("<int:pk>/take-back/", take_back, name="take_back"),
]
