"""The invented people: who they are, what they agree to, what they care about, when they stop."""

from __future__ import annotations

import datetime
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from wagtail_engagement import addresses
from wagtail_engagement.consultations.responses import RESULT_WAITS
from wagtail_engagement.models import (
    Claim,
    ConsentEvent,
    Participant,
    ParticipantInterest,
)

from . import names
from .calendar import end_of_history, some_time
from .ledger import Ledger
from .pages import Asked, Place

DAY = datetime.timedelta(days=1)
Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Origin = ParticipantInterest.Origin

# How many of a hundred people meet which end.
FATES = {
    "stays": 84,
    "leaves": 7,
    "leaves everything": 1,
    "bounces": 5,
    "objects": 2,
    "complains": 1,
}

# Summaries are offered of late, and some who joined since then chose them.
SUMMARIES_SINCE = 35 * DAY
SUMMARIES_SHARE = 0.12


@dataclass
class Person:
    """Somebody of the register, with what the story has to remember about them."""

    row: Participant
    fate: str
    stops_at: datetime.datetime
    last_agreed_at: datetime.datetime
    has_stopped: bool = False
    # Purpose, and for a result its consultation.
    subjects: set[tuple[str, int | None]] = field(default_factory=set)
    interests: dict[int, ParticipantInterest] = field(default_factory=dict)

    def is_reachable_at(self, at: datetime.datetime) -> bool:
        return self.row.joined_at < at < self.stops_at

    @property
    def stays(self) -> bool:
        return self.fate == "stays"


@dataclass(frozen=True)
class Ticked:
    """What somebody ticked on a form: purposes and topics, and where; nowhere on the sign-up page."""

    purposes: tuple[str, ...]
    topics: tuple[int, ...]
    asked: Asked | None
    path: str

    @property
    def row(self) -> Any:
        return self.asked.row if self.asked else None

    @property
    def place(self) -> Any:
        """Where it was ticked, unless that is sensitive."""
        return None if self.row and self.row.is_sensitive else self.row

    @property
    def inferred(self) -> list[int]:
        is_shown = self.asked and not self.row.is_sensitive
        return list(self.asked.interest_ids) if self.asked and is_shown else []


class Crowd:
    """Makes people one after the other and writes what they do into the ledger."""

    def __init__(self, place: Place, ledger: Ledger, rng: random.Random) -> None:
        self.place, self.ledger, self.rng = place, ledger, rng
        self.people: list[Person] = []
        self._number = 0

    def identity(self) -> tuple[str, str]:
        """Return the name and the address of somebody new."""
        self._number += 1
        first, last = names.draw(self.rng)
        return f"{first} {last}", names.address(first, last, self._number, self.rng)

    def new_uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def tick(self, asked: Asked | None, path: str, *, only_result: bool = False) -> Ticked:
        """Choose what somebody ticks: the topics at hand more often than others."""
        if only_result:
            return Ticked(("result",), (), asked, path)
        purposes = ["invite"]
        if asked and self.rng.random() < 0.72:
            purposes.append("result")
        own = set(asked.interest_ids) if asked else set()
        topics = [
            interest.pk
            for interest in self.place.interests.values()
            if self.rng.random() < (0.62 if interest.pk in own else 0.16)
        ]
        if asked is None and not topics:
            topics = [self.rng.choice(list(self.place.interests.values())).pk]
        return Ticked(tuple(purposes), tuple(topics), asked, path)

    def claim(self, who: tuple[str, str], ticked: Ticked, at: datetime.datetime) -> Claim:
        """Return the unsaved claim that a form makes of what was ticked."""
        name, email = who
        asked = ticked.asked
        return Claim(
            uuid=self.new_uuid(),
            email=email,
            address_key=addresses.key(email),
            name="" if asked and not asked.asks_name else name,
            purposes={purpose: self._wording(purpose, at).pk for purpose in ticked.purposes},
            interest_ids=list(ticked.topics),
            inferred_ids=ticked.inferred,
            consultation=ticked.row,
            page_url=ticked.path,
            created_at=at,
            invite_until=at + 14 * DAY,
            result_until=_result_until(asked) if asked else None,
        )

    def _wording(self, purpose: str, at: datetime.datetime) -> Any:
        """The newest words that were in use at a time."""
        used = [wording for wording in self.place.wordings[purpose] if wording.created_at <= at]
        return used[-1]

    def join(self, claim: Claim, ticked: Ticked, at: datetime.datetime) -> Person:
        """Let somebody confirm for the first time."""
        row = Participant(
            uuid=self.new_uuid(),
            address_key=claim.address_key,
            email=claim.email,
            name=claim.name,
            joined_at=at,
            confirmed_at=at,
        )
        if at > end_of_history() - SUMMARIES_SINCE and self.rng.random() < SUMMARIES_SHARE:
            row.summaries_since = at
        (fate,) = self.rng.choices(list(FATES), weights=list(FATES.values()))
        far = end_of_history() + 365 * DAY
        person = Person(row=row, fate=fate, stops_at=far, last_agreed_at=at)
        if fate != "stays":
            person.stops_at = at + (end_of_history() - at) * self.rng.uniform(0.2, 0.98)
        self.people.append(person)
        self.ledger.add(at, row)
        self.confirm(person, claim, ticked, at)
        return person

    def confirm(self, person: Person, claim: Claim, ticked: Ticked, at: datetime.datetime) -> None:
        """Let somebody of the register confirm what a claim says."""
        claim.participant, claim.confirmed_at = person.row, at
        # Consultations overlap, so that an earlier confirmation may be told after a later one.
        person.row.confirmed_at = person.last_agreed_at = max(person.last_agreed_at, at)
        self.ledger.add(at, claim)
        self.ledger.renew(person.row)
        for purpose, wording_id in claim.purposes.items():
            about = ticked.row if purpose == "result" else ticked.place
            person.subjects.add((purpose, about.pk if purpose == "result" else None))
            event = ConsentEvent(
                participant=person.row,
                purpose=purpose,
                action=Action.GIVEN,
                channel=Channel.FORM,
                consultation=about,
                wording_id=wording_id,
                evidence=f"claim {claim.uuid}",
                at=at,
            )
            self.ledger.add(at, event)
        if "invite" in ticked.purposes:
            for pk in ticked.inferred:
                self._care(person, pk, Origin.INFERRED, ticked.place, at)
            for pk in ticked.topics:
                self._care(person, pk, Origin.DECLARED, ticked.place, at)

    def _care(
        self, person: Person, interest_id: int, origin: str, place: Any, at: datetime.datetime
    ) -> None:
        """Note a topic; what a person chose is never turned into what taking part showed."""
        link = person.interests.get(interest_id)
        if link is None:
            link = ParticipantInterest(
                participant=person.row,
                interest_id=interest_id,
                origin=origin,
                consultation=place,
                since=at,
                renewed_at=at,
            )
            person.interests[interest_id] = link
            self.ledger.add(at, link)
            return
        link.renewed_at = at
        if origin == Origin.DECLARED:
            link.origin, link.removed_at = origin, None
        self.ledger.renew(link)

    def change_minds(self, share: float) -> None:
        """Let some take a topic away on their choices page."""
        for person in self.people:
            chosen = [link for link in person.interests.values() if link.pk]
            if person.stays and len(chosen) > 1 and self.rng.random() < share:
                link = self.rng.choice(chosen)
                link.removed_at = some_time(self.rng, link.renewed_at, end_of_history())
                self.ledger.renew(link)


def _result_until(asked: Asked) -> datetime.datetime:
    """A wish to hear the result ends 30 days after it; without one, a good year after closing."""
    if asked.row.answered_at:
        return asked.row.answered_at + 30 * DAY
    return asked.row.closes_at + RESULT_WAITS
