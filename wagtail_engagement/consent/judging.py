"""What a person may be written by everything that they did: the replay, which touches no table.

It is given events and what stands against an address, and says what the permissions have to say.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from .. import conf
from .models import ConsentEvent, ContactPermission, Purpose, Suppression

Action = ConsentEvent.Action
Standing = ContactPermission.Reason
Cause = Suppression.Reason

_MEANS = {
    Action.GIVEN: Standing.GRANTED,
    Action.INFORMED: Standing.GRANTED,
    Action.LAPSED: Standing.LAPSED,
    Action.WITHDRAWN: Standing.STOPPED,
    Action.OBJECTED: Standing.STOPPED,
}

# A person, a purpose, and for a result the consultation that it is about.
Subject = tuple[int, str, int | None]


class Act(NamedTuple):
    """An event, as far as the replay looks at it."""

    participant_id: int
    purpose: str
    action: str
    channel: str
    at: datetime.datetime
    batch_id: int | None = None
    evidence: str = ""
    consultation_id: int | None = None
    until: datetime.datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What one permission row has to say."""

    reason: str
    since: datetime.datetime
    recheck_at: datetime.datetime | None
    lapses: bool = False
    is_by_consent: bool = False

    @property
    def may_write(self) -> bool:
        return self.reason == Standing.GRANTED


def verdicts(
    acts: Iterable[Act], bars: Mapping[int, list[Suppression]], at: datetime.datetime
) -> dict[Subject, Verdict]:
    """What the permissions have to say by what people did, oldest first."""
    told: dict[Subject, list[Act]] = defaultdict(list)
    for act in acts:
        about = act.consultation_id if act.purpose == Purpose.RESULT else None
        told[act.participant_id, act.purpose, about].append(act)
    return {
        subject: verdict
        for subject, done in told.items()
        if (verdict := _judge(done, _standing_against(bars, subject), at))
    }


def _standing_against(bars: Mapping[int, list[Suppression]], subject: Subject) -> list[Suppression]:
    return [bar for bar in bars.get(subject[0], []) if bars_purpose(bar, subject[1])]


def _judge(acts: list[Act], bars: list[Suppression], at: datetime.datetime) -> Verdict | None:
    """Replay what a person did, oldest first; then see what stands against the address.

    None where an import or a merge that was undone left nothing to judge.
    """
    undone = {_brought_by(act) for act in acts if act.action == Action.RETRACTED}
    acts = [
        act
        for act in acts
        if act.action != Action.RETRACTED and ((by := _brought_by(act)) is None or by not in undone)
    ]
    if not acts:
        return None
    reason, since, decisive = Standing.NEVER_AGREED, acts[0].at, acts[0]
    until: datetime.datetime | None = None
    for act in acts:
        if act.at > at:
            return _verdict(_barred(reason, bars), since, decisive, recheck_at=act.at)
        if act.action == Action.PAUSED:
            until = act.until
        elif not _changes_nothing(act, reason):
            reason, since, decisive = _MEANS[Action(act.action)], act.at, act
            until = until if _asks_nobody(act) else None
    if bars and reason != Standing.STOPPED:
        since = max(since, *(bar.at for bar in bars))
    verdict = _verdict(_barred(reason, bars), since, decisive)
    return _timed(verdict, decisive, until, at) if verdict.may_write else verdict


def _verdict(
    reason: str,
    since: datetime.datetime,
    decisive: Act,
    recheck_at: datetime.datetime | None = None,
) -> Verdict:
    agreed = reason == Standing.GRANTED and decisive.action == Action.GIVEN
    return Verdict(reason, since, recheck_at, is_by_consent=agreed)


def _brought_by(act: Act) -> int | str | None:
    """What wrote an event that can be undone as one: an import by number, a merge by its proof."""
    return act.batch_id or (act.evidence if act.channel == ConsentEvent.Channel.MERGE else None)


def _changes_nothing(act: Act, reason: str) -> bool:
    """Nobody who stopped is brought back unasked, and being told adds nothing to an agreement."""
    if reason == Standing.STOPPED:
        return _asks_nobody(act)
    return reason == Standing.GRANTED and act.action == Action.INFORMED


def _asks_nobody(act: Act) -> bool:
    """What never takes back that a person stopped: being told, and somebody's old sheet (P05)."""
    return act.action == Action.INFORMED or act.channel == ConsentEvent.Channel.IMPORT


def _timed(
    verdict: Verdict, act: Act, until: datetime.datetime | None, at: datetime.datetime
) -> Verdict:
    """A pause, and the end that an agreement to be invited has from the day it was given."""
    if until and until > at:
        return replace(verdict, reason=Standing.PAUSED, recheck_at=until)
    days = conf.permission_days()
    if not days or act.action != Action.GIVEN or act.purpose != Purpose.INVITE:
        return verdict
    end = act.at + datetime.timedelta(days=days)
    if end <= at:
        over = replace(verdict, reason=Standing.LAPSED, since=end, is_by_consent=False)
        return replace(over, recheck_at=end, lapses=True)  # `settle_due` writes it down.
    return replace(verdict, recheck_at=end, lapses=True)


def _barred(reason: str, bars: list[Suppression]) -> str:
    if not bars or reason == Standing.STOPPED:
        return reason
    only_bounced = all(bar.reason == Cause.BOUNCED for bar in bars)
    return Standing.UNDELIVERABLE if only_bounced else Standing.STOPPED


def bars_purpose(row: Suppression, purpose: str) -> bool:
    return row.purpose in (None, purpose)
