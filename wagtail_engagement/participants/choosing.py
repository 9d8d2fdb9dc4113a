"""What people decide by themselves, from a link in a mail: topics, permission, leaving."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable

from django.db import transaction

from .. import addresses
from ..consent import barring, settling
from ..consent.models import ConsentEvent, Purpose, Suppression
from ..consent.queries import stopped_for_good
from . import registry, renewing
from .models import Link, Participant, RegisterMail

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel

DAY = datetime.timedelta(days=1)
FRESH_A_DAY = 3


@transaction.atomic
def choose(
    *,
    participant: Participant,
    interest_ids: Collection[int],
    purposes: dict[str, int],
    channel: str,
    at: datetime.datetime,
) -> None:
    """Make topics and invitations what the person chose, and nothing else.

    `purposes` maps what is ticked to the wording shown; without `invite`, invitations stop.
    """
    kept = participant.interest_links.filter(removed_at=None)
    kept.exclude(interest__in=interest_ids).update(removed_at=at)
    registry.declare(dict.fromkeys(interest_ids), participant.pk, at)
    if Purpose.INVITE not in purposes:
        # Also while mail does not arrive: the choice has to outlast the bounce.
        if participant.consent_events.filter(purpose=Purpose.INVITE).exists():
            leave(participant=participant, purposes=[Purpose.INVITE], channel=channel, at=at)
    elif not renewing.was_agreed_lately(participant, at=at):
        shown = purposes[Purpose.INVITE]
        renewing.renew(participant=participant, wording_id=shown, channel=channel, at=at)


def gather(*, participant: Participant, together: bool, at: datetime.datetime) -> None:
    """Send invitations together in summaries, or each by itself; keep since when."""
    them = Participant.objects.filter(pk=participant.merged_into_id or participant.pk)
    if together:
        them.filter(summaries_since=None).update(summaries_since=at)
    else:
        them.update(summaries_since=None)


@transaction.atomic
def leave(
    *,
    participant: Participant,
    purposes: Iterable[str] | None,
    channel: str,
    at: datetime.datetime,
) -> None:
    """Stop writing to a person for these purposes, or (None) for all. Twice is the same as once."""
    wanted = list(Purpose.values if purposes is None else purposes)
    if settling.locked_whole(pk=participant.pk):  # Else they were erased just now.
        _withdraw(participant, wanted, channel, at)
    for purpose in wanted:
        barring.suppress(
            address=participant.email,
            purpose=purpose,
            reason=Suppression.Reason.UNSUBSCRIBED,
            source=channel,
            at=at,
        )


def _withdraw(
    participant: Participant, wanted: list[str], channel: str, at: datetime.datetime
) -> None:
    acts = participant.consent_events.filter(purpose__in=wanted).order_by("at", "id")
    subjects: list[tuple[str, int | None]] = []
    if Purpose.INVITE in wanted:
        subjects.append((Purpose.INVITE, None))
    subjects += [
        (purpose, about if purpose == Purpose.RESULT else None)
        for purpose, about in acts.values_list("purpose", "consultation_id")
    ]
    stopped = stopped_for_good(participant.pk)
    settling.record_many(
        [
            ConsentEvent(
                participant=participant,
                purpose=purpose,
                action=Action.WITHDRAWN,
                channel=channel,
                consultation_id=about,
                at=at,
            )
            for purpose, about in dict.fromkeys(subjects)
            if (purpose, about) not in stopped
        ]
    )


def undoable(
    *, participant: Participant, at: datetime.datetime
) -> tuple[ConsentEvent, ConsentEvent] | None:
    """Return a leaving of the last 24 hours and what it withdrew, None where there is no such."""
    acts = participant.consent_events.filter(purpose=Purpose.INVITE).order_by("-at", "-id")
    match list(acts[:2]):
        case [left, before] if (
            left.action == Action.WITHDRAWN
            and left.channel in Channel.own()
            and left.at > at - DAY
            and before.action == Action.GIVEN
        ):
            return left, before
    return None


@transaction.atomic
def come_back(*, participant: Participant, at: datetime.datetime) -> None:
    """Undo a leaving of the last 24 hours, under the very words that were agreed to before."""
    found = undoable(participant=participant, at=at)
    if found is None:
        return
    left, before = found
    agreed = ConsentEvent(
        participant=participant,
        purpose=Purpose.INVITE,
        action=Action.GIVEN,
        channel=Channel.LEAVE_PAGE,
        consultation_id=before.consultation_id,
        wording_id=before.wording_id,
        evidence=f"takes back event {left.pk}",
        at=at,
    )
    settling.give(participant_id=participant.pk, events=[agreed], is_proven=False, at=at)


# Fresh links


@transaction.atomic
def ask_fresh(*, participant: Participant, at: datetime.datetime) -> None:
    """Queue a mail with a fresh link, at most three in 24 hours; more change nothing."""
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    asked = participant.register_mails.filter(kind=RegisterMail.Kind.FRESH, at__gt=at - DAY)
    if asked.count() < FRESH_A_DAY:
        mark, key_id = addresses.fingerprint(participant.email)
        RegisterMail.objects.create(
            kind=RegisterMail.Kind.FRESH,
            fingerprint=mark,
            key_id=key_id,
            participant=participant,
            retry_at=at,
            at=at,
        )


def use_fresh(*, link: Link, at: datetime.datetime) -> bool:
    """Spend a fresh link; return whether it was still unspent."""
    return bool(Link.objects.filter(pk=link.pk, used_at=None).update(used_at=at))
