"""Three invented years of asking, in which people answer by what nobody can see.

Each person has a habit, two topics that they care about and an area; some say which topics these
are. Whether somebody answers depends on habit, on the topic, on having answered within a year, and
on chance; it does not depend on the area. What the register learns of it is what it would learn
in life: some responses are tied to their person, of the others only the link that was answered from.
"""

from __future__ import annotations

import datetime
import math
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone

from wagtail_engagement.consent.models import ContactPermission
from wagtail_engagement.consultations.models import (
    Consultation,
    ConsultationResponse,
    FormVersion,
)
from wagtail_engagement.invitations.models import Delivery, Invitation
from wagtail_engagement.participants.models import Interest, Participant, ParticipantInterest

from .importing import empty, insert

DAY = datetime.timedelta(days=1)
YEAR = 365 * DAY
QUARTERS = 12
TOPICS = ["Parks", "Cycling", "Schools", "Housing", "Libraries", "Buses"]
# Shares of the people; one in ten says no area.
AREAS = {"North": 35, "South": 25, "East": 15, "West": 10, "Old Town": 4, "The Island": 1, "": 10}
# The chance to answer, as log-odds: of anybody who is asked, then what adds to it.
ASKED, NOT_ASKED = -2.2, -4.5
HABIT, CARES, LATELY, CHANCE = 0.9, 0.8, 0.6, 1.0
# Shares of a hundred.
SAYS_TOPICS, IS_INVITED, ARRIVES, IS_TIED, SHOWS_TOPIC = 50, 30, 95, 60, 50


@dataclass
class Person:
    """Somebody of the invented town; `habit` and `cares` are known to nobody."""

    number: int
    area: str
    habit: float
    cares: set[int]
    joined_at: datetime.datetime
    says: set[int] = field(default_factory=set)
    shows: dict[int, datetime.datetime] = field(default_factory=dict)
    last: datetime.datetime | None = None
    tied_last: datetime.datetime | None = None
    was_asked: bool = False


class World:
    """A register with its past; `answers` says what comes of the next invitation."""

    def __init__(self, *, people: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = timezone.now()
        forget()
        self.topics = [
            Interest.objects.get_or_create(slug=name.lower(), defaults={"name": name})[0]
            for name in TOPICS
        ]
        self.people = [self._person(number) for number in range(1, people + 1)]
        insert(Participant, [_row(person) for person in self.people])
        insert(ContactPermission, [_permission(person) for person in self.people])
        for quarter in range(QUARTERS):
            self._ask(quarter)
        links = [link for person in self.people for link in self._links(person)]
        insert(ParticipantInterest, links)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def next_invitation(self) -> Invitation:
        """The draft about a consultation that is still to be answered."""
        topic = self.chance.randrange(len(TOPICS))
        row = self._consultation(self.now - DAY, topic, closes=self.now + 30 * DAY)
        draft = Invitation.objects.create(consultation=row)
        draft.interests.set([self.topics[topic]])
        return draft

    def answers(self, person: Person, topic: int, at: datetime.datetime, *, asked: bool) -> bool:
        """Whether somebody answers this time."""
        odds = (ASKED if asked else NOT_ASKED) + leaning(person, topic, at)
        odds += CHANCE * self.chance.gauss(0, 1)
        return self.chance.random() < 1 / (1 + math.exp(-odds))

    def _person(self, number: int) -> Person:
        (area,) = self.chance.choices(list(AREAS), weights=list(AREAS.values()))
        cares = set(self.chance.sample(range(len(TOPICS)), 2))
        return Person(
            number=number,
            area=area,
            habit=self.chance.gauss(0, 1),
            cares=cares,
            joined_at=self.now - self.chance.random() * 3 * YEAR,
            says=cares if self._happens(SAYS_TOPICS) else set(),
        )

    def _happens(self, of_hundred: int) -> bool:
        return self.chance.random() * 100 < of_hundred

    def _consultation(self, at: datetime.datetime, topic: int, *, closes: Any) -> Consultation:
        row = Consultation.objects.create(
            title=TOPICS[topic], opens_at=at, closes_at=closes, is_live=True
        )
        row.interests.set([self.topics[topic]])
        return row

    def _ask(self, quarter: int) -> None:
        """One consultation of the past: some of those who had joined are invited to it."""
        at = self.now - 3 * YEAR + (quarter + 0.5) * 3 * YEAR / QUARTERS
        topic = quarter % len(TOPICS)
        row = self._consultation(at, topic, closes=at + 28 * DAY)
        version = FormVersion.objects.create(
            consultation=row, number=1, digest=f"{row.pk:064x}", definition=[]
        )
        invitation = Invitation.objects.create(
            consultation=row, status=Invitation.Status.FINISHED, started_at=at
        )
        deliveries, responses = [], []
        for person in self.people:
            if person.joined_at > at:
                continue
            invited = self._happens(IS_INVITED)
            arrived = invited and self._happens(ARRIVES)
            answers = self.answers(person, topic, at, asked=arrived)
            if invited:
                deliveries.append(_delivery(invitation, person, at, arrived, answers and arrived))
            person.was_asked |= arrived
            if answers:
                responses.append(self._response(version, person, topic, at + 3 * DAY))
        insert(Delivery, deliveries)
        insert(ConsultationResponse, responses)

    def _response(
        self, version: FormVersion, person: Person, topic: int, at: datetime.datetime
    ) -> ConsultationResponse:
        is_tied = self._happens(IS_TIED)
        person.last = at
        if is_tied:
            person.tied_last = at
            if self._happens(SHOWS_TOPIC):
                person.shows[topic] = at
        return ConsultationResponse(
            consultation_id=version.consultation_id,
            form_version=version,
            participant_id=person.number if is_tied else None,
            submitted_at=at,
            submission_hash=uuid.uuid4().hex,
        )

    def _links(self, person: Person) -> list[ParticipantInterest]:
        known = dict.fromkeys(person.says, "declared")
        known |= {topic: "inferred" for topic in person.shows if topic not in person.says}
        return [
            ParticipantInterest(
                participant_id=person.number, interest=self.topics[topic], origin=origin
            )
            for topic, origin in known.items()
        ]


def leaning(person: Person, topic: int, at: datetime.datetime) -> float:
    """What adds to somebody's chance to answer, before chance itself, which nobody can know."""
    is_lately = person.last is not None and person.last > at - YEAR
    return HABIT * person.habit + CARES * (topic in person.cares) + LATELY * is_lately


def forget() -> None:
    """Everything that a world has stored."""
    for model in (ConsultationResponse, Delivery, FormVersion):
        model._base_manager.all()._raw_delete(connection.alias)
    Invitation.objects.all().delete()
    empty()
    Consultation.objects.all().delete()


def _row(person: Person) -> Participant:
    email = f"person.{person.number}@example.org"
    return Participant(
        pk=person.number,
        address_key=email,
        email=email,
        area=person.area,
        joined_at=person.joined_at,
    )


def _permission(person: Person) -> ContactPermission:
    return ContactPermission(
        participant_id=person.number,
        purpose="invite",
        may_write=True,
        reason="granted",
        is_by_consent=True,
        since=person.joined_at,
    )


def _delivery(
    invitation: Invitation, person: Person, at: datetime.datetime, arrived: bool, answers: bool
) -> Delivery:
    return Delivery(
        invitation=invitation,
        participant_id=person.number,
        state="delivered" if arrived else "bounced",
        handed_at=at,
        has_answered=answers,
    )
