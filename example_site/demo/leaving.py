"""How invented people stop hearing from the council: leaving, objecting, complaining, bouncing."""

from __future__ import annotations

import datetime

from wagtail_engagement import addresses
from wagtail_engagement.models import ConsentEvent, Suppression

from .calendar import moment
from .ledger import Ledger
from .people import Action, Channel, Crowd, Person

Cause = Suppression.Reason
LEAVING_BY = (Channel.ONE_CLICK, Channel.LEAVE_PAGE, Channel.CHOICES)
PROVIDER = "mail provider: demo"


def stop_until(crowd: Crowd, at: datetime.datetime) -> None:
    """Let everybody stop whose time comes before `at`, with all that they agreed to by then."""
    for person in crowd.people:
        if not person.stays and not person.has_stopped and person.stops_at < at:
            stop(crowd, person)


def stop(crowd: Crowd, person: Person, evidence: str = "") -> None:
    """Write down that somebody stops at their time, in the way of their fate."""
    person.has_stopped = True
    at, ledger = person.stops_at, crowd.ledger
    ledger.touch(person.row)
    if person.fate == "bounces":
        ledger.add(at, _bar(person.row.email, Cause.BOUNCED, None, PROVIDER, at))
    elif person.fate == "complains":
        _withdraw(ledger, person, Action.WITHDRAWN, Channel.PROVIDER, evidence)
        ledger.add(at, _bar(person.row.email, Cause.COMPLAINED, None, PROVIDER, at))
    elif person.fate == "objects":
        _withdraw(ledger, person, Action.OBJECTED, Channel.STAFF, "telephone call")
        ledger.add(at, _bar(person.row.email, Cause.OBJECTED, None, "telephone call", at))
    else:
        channel = Channel.ONE_CLICK if evidence else crowd.rng.choice(LEAVING_BY)
        _leave(ledger, person, channel, evidence)


def _leave(ledger: Ledger, person: Person, channel: str, evidence: str) -> None:
    purposes = ("invite", "result") if person.fate == "leaves everything" else ("invite",)
    _withdraw(ledger, person, Action.WITHDRAWN, channel, evidence, purposes)
    for purpose in purposes:
        at = person.stops_at
        ledger.add(at, _bar(person.row.email, Cause.UNSUBSCRIBED, purpose, channel, at))


def _withdraw(
    ledger: Ledger,
    person: Person,
    action: str,
    channel: str,
    evidence: str,
    purposes: tuple[str, ...] = ("invite",),
) -> None:
    """Append an act for each thing that was agreed to; leaving invitations needs no agreement."""
    for purpose, about_id in sorted({*person.subjects, ("invite", None)}, key=str):
        if purpose in purposes:
            event = ConsentEvent(
                participant=person.row,
                purpose=purpose,
                action=action,
                channel=channel,
                consultation_id=about_id,
                evidence=evidence,
                at=person.stops_at,
            )
            ledger.add(person.stops_at, event)


def _bar(
    address: str, reason: str, purpose: str | None, source: str, at: datetime.datetime
) -> Suppression:
    mark, key_id = addresses.fingerprint(address)
    return Suppression(
        fingerprint=mark, key_id=key_id, purpose=purpose, reason=reason, source=source, at=at
    )


def bar_strangers(crowd: Crowd) -> None:
    """Put some addresses on the do-not-contact list that belong to nobody of the register."""
    for reason, source, day in (
        (Cause.ERASED, "letter", -512),
        (Cause.ERASED, "telephone call", -203),
        (Cause.ERASED, "email to the council", -64),
        (Cause.MANUAL, "asked at the town hall", -340),
        (Cause.MANUAL, "asked at an event in Elm Park", -150),
    ):
        _name, address = crowd.identity()
        crowd.ledger.add(moment(day, 11), _bar(address, reason, None, source, moment(day, 11)))
