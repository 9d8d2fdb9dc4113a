"""Asking a second person to look at a draft and to send it, and taking that back."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from .. import nudge
from . import queries
from .models import Invitation
from .sending import NotPossible


@transaction.atomic
def ask(*, invitation: Invitation, count: int, actor: Any, at: datetime.datetime) -> None:
    """Ask a second person to look at a draft and send it; any later change undoes this.

    `count` is how many people it would reach, as the one who asks was shown. Raises NotPossible
    once it has started.
    """
    version = queries.version(invitation)
    asked = {"asked_by": actor, "asked_at": at, "asked_version": version, "asked_count": count}
    _change(invitation, "asked", actor, **asked)
    nudge.after_commit()


@transaction.atomic
def take_back(*, invitation: Invitation, actor: Any) -> None:
    """Ask nobody any more. Raises NotPossible once it has started."""
    nobody = {"asked_by": None, "asked_at": None, "asked_version": "", "asked_count": 0}
    _change(invitation, "ask_taken_back", actor, **nobody)


def _change(invitation: Invitation, what: str, actor: Any, **values: Any) -> None:
    draft = Invitation.objects.filter(pk=invitation.pk, status=Invitation.Status.DRAFT)
    if not draft.update(**values):
        raise NotPossible
    action = f"wagtail_engagement.invitation_{what}"
    log(invitation, action, user=actor, title=str(invitation))
