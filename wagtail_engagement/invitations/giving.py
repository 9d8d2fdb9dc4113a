"""Invitations and places in teams change hands. Who wrote and who sent something stays said."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from .models import Invitation
from .teams import Team


def give(*, numbers: list[int], to: Any) -> None:
    """Make somebody the one whose invitations these are.

    Who made the last change and who asked for a second person stay as they are: those are facts,
    and giving a draft away must not let anybody approve words of their own.
    """
    Invitation.objects.filter(pk__in=numbers).update(created_by=to)


@transaction.atomic
def give_place(*, numbers: list[int], giver: Any, to: Any) -> None:
    """Put somebody into teams in the place of another."""
    for team in Team.objects.filter(pk__in=numbers):
        team.members.remove(giver)
        team.members.add(to)


@transaction.atomic
def admit(*, team: Team, user: Any, actor: Any) -> None:
    """Make a colleague a member of a team."""
    team.members.add(user)
    _log(team, "team_joined", user, actor)


@transaction.atomic
def let_go(*, team: Team, user: Any, actor: Any) -> None:
    """End somebody's membership of a team."""
    team.members.remove(user)
    _log(team, "team_left", user, actor)


def _log(team: Team, what: str, user: Any, actor: Any) -> None:
    action = f"wagtail_engagement.{what}"
    log(team, action, user=actor, title=str(team), data={"member": user.pk})
