"""Named links to a consultation: made for a poster, a partner or a group, and taken away unused."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import IntegrityError, transaction
from wagtail.log_actions import log

from .doors import NamedLink
from .models import Consultation, ConsultationResponse
from .routes import PASSED_ON

TRIES = 5


class NameTaken(Exception):
    """The consultation has a link of this name already."""


class LinkUsed(Exception):
    """Responses came by the link, so that its name is needed."""


def make(
    *, consultation: Consultation, name: str, kind: str, actor: Any, at: datetime.datetime
) -> NamedLink:
    """Make a link under a name. Raises NameTaken."""
    for _try in range(TRIES):
        if NamedLink.objects.filter(consultation=consultation, name=name).exists():
            raise NameTaken
        try:
            with transaction.atomic():
                link = NamedLink.objects.create(
                    consultation=consultation,
                    name=name,
                    kind=kind,
                    created_by=actor,
                    created_at=at,
                )
                _log(link, "link_named", actor)
                return link
        except IntegrityError:
            continue  # Two codes met by chance, or somebody took the name just now.
    raise NameTaken


def remove(*, link: NamedLink, actor: Any) -> None:
    """Take a link away that nobody has used; from now on it counts as the open link.

    Raises LinkUsed.
    """
    came = ConsultationResponse.objects.filter(
        consultation=link.consultation, route__in=PASSED_ON, route_key=link.code
    )
    with transaction.atomic():
        if came.exists():
            raise LinkUsed
        _log(link, "link_removed", actor)
        link.delete()


def _log(link: NamedLink, what: str, actor: Any) -> None:
    action = f"wagtail_engagement.{what}"
    log(link.consultation, action, user=actor, data={"name": link.name, "code": link.code})
