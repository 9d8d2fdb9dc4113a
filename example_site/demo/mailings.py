"""The invitations of the demo: started by the rule that editors use, delivered by invention."""

from __future__ import annotations

import datetime
from typing import Any

from wagtail.models import ModelLogEntry

from wagtail_engagement import addresses
from wagtail_engagement.consultations.models import REFERENCE_ALPHABET
from wagtail_engagement.invitations import running, sending
from wagtail_engagement.invitations.audience import Audience
from wagtail_engagement.models import Delivery, Invitation

from .calendar import moment
from .leaving import stop
from .pages import Asked, Place
from .people import DAY, Crowd, Person
from .shape import Letter

State = Delivery.State
Status = Invitation.Status
WRITTEN = ["uuid", "state", "reason", "attempt", "handed_at", "fingerprint", "key_id"]
# How many of a thousand messages meet which end.
ENDS = {
    State.DELIVERED: 925,
    State.ACCEPTED: 34,
    State.BOUNCED: 24,
    State.REFUSED: 8,
    State.UNCERTAIN: 4,
    State.COMPLAINED: 5,
}
REASONS = {
    State.REFUSED: "550 5.1.1 mailbox unavailable",
    State.BOUNCED: "bounced",
    State.UNCERTAIN: "the worker stopped while the message was being handed over",
}
LEAVES_BY_IT = 0.012
HANDED_OVER = {Status.FINISHED: 1.0, Status.PAUSED: 0.5, Status.SCHEDULED: 0.0}


class Mailings:
    def __init__(self, place: Place, crowd: Crowd) -> None:
        self.place, self.crowd, self.rng = place, crowd, crowd.rng
        self._sent: dict[int, Invitation] = {}
        self._reached: dict[int, list[Person]] = {}

    def recipients_of(self, asked: Asked) -> list[Person]:
        """Whom the invitation to a consultation has reached."""
        return self._reached.get(asked.row.pk, [])

    def code_of(self, asked: Asked) -> str:
        return self._sent[asked.row.pk].code

    def answered_from(self, asked: Asked) -> datetime.datetime:
        """When the first answers come by it, some hours after it went out."""
        return moment(asked.exercise.letter.day, 13)

    def send(self, asked: Asked, letter: Letter, at: datetime.datetime) -> None:
        """Send an invitation to whom it would go then; where nobody is, it stays a draft."""
        invitation = self.draft(asked, letter, at)
        audience = Audience.of(invitation, at=at).counts().included
        if not audience:
            return
        lead, starts = self.place.users["lead"], Invitation.Start
        start = starts.OPENING if letter.status == Status.SCHEDULED else starts.NOW
        sending.start(
            invitation=invitation,
            shown_count=audience,
            actor=lead,
            at=at,
            plan=sending.Plan(start=start, remind_days=letter.remind_days),
        )
        invitation.refresh_from_db()
        self._sent[asked.row.pk] = invitation
        self._deliver(asked, invitation, share=HANDED_OVER[letter.status])
        if letter.status == Status.PAUSED:
            reason = "Wait until the new map is on the page."
            sending.pause(invitation=invitation, actor=lead, at=at + DAY / 24, reason=reason)
        elif letter.status == Status.FINISHED:
            running.finish(at=at + DAY / 24)
        ModelLogEntry.objects.for_instance(invitation).update(timestamp=at)

    def draft(self, asked: Asked, letter: Letter, at: datetime.datetime) -> Invitation:
        lead = self.place.users["lead"]
        invitation = sending.create_for(consultation=asked.row, actor=lead, at=at - DAY / 2)
        invitation.code = "".join(self.rng.choices(REFERENCE_ALPHABET, k=8))
        invitation.uuid = self.crowd.new_uuid()
        invitation.subject, invitation.preheader = letter.subject, letter.preheader
        invitation.opening, invitation.team = letter.opening, self.place.teams.get(letter.team)
        invitation.save()
        return invitation

    def _deliver(self, asked: Asked, invitation: Invitation, *, share: float) -> None:
        """Let a share of the messages meet their end; who gets summaries waits for one.

        Where it is not all of them, the first is in doubt, so that there is something to decide.
        """
        people = {person.row.pk: person for person in self.crowd.people if person.row.pk}
        rows = list(invitation.deliveries.order_by("participant"))
        self.rng.shuffle(rows)
        for place, row in enumerate(rows):
            row.uuid = self.crowd.new_uuid()
            if place < len(rows) * share and not row.in_summary:
                at = invitation.started_at + datetime.timedelta(seconds=place * 0.4)
                is_broken = place == 0 and share < 1
                ends = {State.UNCERTAIN: 1} if is_broken else ENDS
                self._hand_over(row, people[row.participant_id], at, ends)
        Delivery.objects.bulk_update(rows, WRITTEN, batch_size=400)
        arrived = (State.DELIVERED, State.ACCEPTED)
        self._reached[asked.row.pk] = [
            people[row.participant_id] for row in rows if row.state in arrived
        ]

    def _hand_over(
        self, row: Delivery, person: Person, at: datetime.datetime, ends: dict[Any, int]
    ) -> None:
        if not self._may_stop(person, at):
            stopping = (State.BOUNCED, State.COMPLAINED)
            ends = {end: weight for end, weight in ends.items() if end not in stopping}
        (row.state,) = self.rng.choices(list(ends), weights=list(ends.values()))
        row.reason = REASONS.get(row.state, "")
        row.attempt, row.handed_at = 1, at
        row.fingerprint, row.key_id = addresses.fingerprint(person.row.email)
        if row.state == State.BOUNCED:
            self._end(person, "bounces", row, at)
        elif row.state == State.COMPLAINED:
            self._end(person, "complains", row, at)
        elif row.state == State.DELIVERED and self._may_stop(person, at):
            if self.rng.random() < LEAVES_BY_IT:
                self._end(person, "leaves", row, at)

    def _may_stop(self, person: Person, at: datetime.datetime) -> bool:
        """Nobody agrees again in this story, so whoever has agreed since cannot stop here."""
        return person.stays and person.last_agreed_at < at

    def _end(self, person: Person, fate: str, row: Delivery, at: datetime.datetime) -> None:
        person.fate = fate
        person.stops_at = at + datetime.timedelta(hours=self.rng.uniform(0.1, 40))
        stop(self.crowd, person, evidence=f"delivery {row.uuid}")
