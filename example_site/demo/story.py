"""Three years of taking part: who answered what and when, and who came into the register by it."""

from __future__ import annotations

import datetime
import hashlib
import random
from dataclasses import dataclass

from wagtail_engagement import addresses
from wagtail_engagement.consultations.models import REFERENCE_ALPHABET
from wagtail_engagement.models import (
    Claim,
    ConsultationResponse,
    FormVersion,
    Invitation,
    Link,
    RegisterMail,
    ResponseContact,
)
from wagtail_engagement.participants import links

from . import answers
from .calendar import end_of_history, moment, some_time
from .council import HISTORY_STARTS
from .leaving import bar_strangers, stop_until
from .mailings import Mailings
from .pages import Asked, Place
from .people import DAY, Crowd, Person

Route = ConsultationResponse.Route
Status = ConsultationResponse.Status

RESPONSES_A_PERSON = 3
SIGN_UP_SHARE = 0.12
RETURNING_SHARE = 0.16
HELD_BECAUSE = ("many from one network", "sent within seconds", "form older than a day")
HELD = datetime.timedelta(days=7)


@dataclass
class Sender:
    """Whose response it is, as far as the form tells."""

    claim: Claim | None = None
    person: Person | None = None
    name: str = ""
    email: str = ""
    route: str = Route.OPEN
    route_key: str = ""
    status: str = Status.COUNTED
    held_because: str = ""


class Story:
    """Tells the history consultation by consultation, in the order in which they opened."""

    def __init__(self, place: Place, crowd: Crowd, participants: int) -> None:
        self.place, self.crowd, self.rng = place, crowd, crowd.rng
        self.ledger, self.participants = crowd.ledger, participants
        self.mailings = Mailings(place, crowd)
        self.has_held = False

    def tell(self) -> None:
        self._sign_up_everywhere()
        shares = sum(asked.exercise.share for asked in self.place.asked)
        for asked in self.place.asked:
            self._write_to_people(asked)
            number = round(asked.exercise.share / shares * RESPONSES_A_PERSON * self.participants)
            if number:
                self._fill(asked, number, shares)
        bar_strangers(self.crowd)
        stop_until(self.crowd, end_of_history())
        self.ledger.write_until(end_of_history())
        self.crowd.change_minds(share=0.04)
        self.ledger.write_until(end_of_history())

    def _write_to_people(self, asked: Asked) -> None:
        """Bring the register to the day of the invitation, and send it."""
        letter = asked.exercise.letter
        if letter is None:
            return
        at = min(moment(letter.day, 10), end_of_history())
        if letter.status == Invitation.Status.DRAFT:
            # It goes to nobody, and what happened since other invitations is still to be told.
            self.mailings.draft(asked, letter, at)
            return
        stop_until(self.crowd, at)
        self.ledger.write_until(at)
        self.mailings.send(asked, letter, at)

    def _sign_up_everywhere(self) -> None:
        """Let people come by the sign-up page, more of them in later years."""
        start, end = moment(HISTORY_STARTS + 10), end_of_history()
        path = self.place.sign_up_path
        for _number in range(round(self.participants * SIGN_UP_SHARE)):
            at = start + (end - start) * self.rng.random() ** 0.7
            ticked = self.crowd.tick(None, path)
            claim = self.crowd.claim(self.crowd.identity(), ticked, at)
            self.crowd.join(claim, ticked, at + _minutes(self.rng, 3, 600, end - at))
        for _number in range(self.participants // 250):
            at = end - 12 * DAY * self.rng.random()
            claim = self.crowd.claim(self.crowd.identity(), self.crowd.tick(None, path), at)
            self._mail(claim)

    # One consultation

    def _fill(self, asked: Asked, number: int, shares: int) -> None:
        joining = round(self.participants * (1 - SIGN_UP_SHARE) * asked.exercise.share / shares)
        returning = self._returning(asked, round(number * RETURNING_SHARE))
        invited = self.mailings.recipients_of(asked)
        coming = [person for person in invited if self.rng.random() < 0.24]
        for person in coming:
            self._come_invited(asked, person)
        for person in _without(returning, coming):
            self._come_back(asked, person)
        for _number in range(joining):
            self._come_first(asked)
        for _number in range(number - joining - len(returning) - len(coming)):
            self._stay_unknown(asked)

    def _time(self, asked: Asked, start: datetime.datetime | None = None) -> datetime.datetime:
        opened = start or asked.row.opens_at
        return some_time(self.rng, opened, min(asked.row.closes_at, end_of_history()))

    def _returning(self, asked: Asked, number: int) -> list[Person]:
        """People who answered something before, rather those who care about this."""
        at, topics = asked.row.opens_at, set(asked.interest_ids)
        known = [p for p in self.crowd.people if p.is_reachable_at(at) and p.stays]
        weights = [4 if topics & p.interests.keys() else 1 for p in known]
        chosen = self.rng.choices(known, weights=weights, k=number) if known else []
        return list({id(person): person for person in chosen}.values())

    def _come_first(self, asked: Asked) -> None:
        at = self._time(asked)
        only_result = self.rng.random() < (0.6 if asked.row.is_sensitive else 0.1)
        ticked = self.crowd.tick(asked, asked.path, only_result=only_result)
        who = self.crowd.identity()
        claim = self.crowd.claim(who, ticked, at)
        confirmed_at = at + _minutes(self.rng, 2, 1500)
        if confirmed_at >= end_of_history():
            self._mail(claim)
            sender = Sender(claim=claim, name=who[0], email=who[1])
            self._answer(asked, at, self._arrive(asked, sender))
            return
        person = self.crowd.join(claim, ticked, confirmed_at)
        self._answer(asked, at, self._arrive(asked, Sender(claim, person, *who)))

    def _come_back(self, asked: Asked, person: Person) -> None:
        at = self._time(asked)
        self._recognise(asked, person, at, Sender(name=person.row.name, email=person.row.email))

    def _come_invited(self, asked: Asked, person: Person) -> None:
        """Answer by the link of an invitation; not everybody says who they are."""
        at = self._time(asked, self.mailings.answered_from(asked))
        sender = Sender(route=Route.INVITATION, route_key=self.mailings.code_of(asked))
        if self.rng.random() < 0.6 and person.stays:
            sender.name, sender.email = person.row.name, person.row.email
            self._recognise(asked, person, at, sender)
        else:
            self._answer(asked, at, sender)

    def _recognise(
        self, asked: Asked, person: Person, at: datetime.datetime, sender: Sender
    ) -> None:
        confirmed_at = at + _minutes(self.rng, 2, 900)
        ticked = self.crowd.tick(asked, asked.path, only_result=self.rng.random() < 0.5)
        claim = self.crowd.claim((sender.name, sender.email), ticked, at)
        sender.claim = claim
        if confirmed_at < end_of_history():
            sender.person = person
            self.crowd.confirm(person, claim, ticked, confirmed_at)
        else:
            self._mail(claim)
        self._answer(asked, at, sender)

    def _stay_unknown(self, asked: Asked) -> None:
        """Answer without an address, or with one that nobody confirmed."""
        at, chance = self._time(asked), self.rng.random()
        sender = self._arrive(asked, Sender())
        if chance < 0.14 and asked.asks_name:
            sender.name, sender.email = self.crowd.identity()
        self._look_twice(sender, at)
        if chance < 0.05 or (chance < 0.3 and sender.status == Status.HELD):
            sender.name, sender.email = self.crowd.identity()
            ticked = self.crowd.tick(asked, asked.path)
            claim = self.crowd.claim((sender.name, sender.email), ticked, at)
            sender.claim = self._what_waits(claim, sender)
        self._answer(asked, at, sender)

    def _arrive(self, asked: Asked, sender: Sender) -> Sender:
        """Let somebody come by a link that was passed on, or by the open address."""
        chance = self.rng.randrange(100)
        for link in asked.exercise.links:
            if 0 <= chance < link.share:
                sender.route, sender.route_key = link.kind, link.code
            chance -= link.share
        return sender

    def _look_twice(self, sender: Sender, at: datetime.datetime) -> None:
        """Hold some of the last days, one at least; of earlier ones a few were decided on."""
        chance = self.rng.random()
        is_recent = at > end_of_history() - 6 * DAY
        if is_recent and (chance < 0.16 or not self.has_held):
            sender.status = Status.HELD
            self.has_held = True
        elif chance < 0.004:
            sender.status = Status.REJECTED
        elif chance > 0.008:
            return
        sender.held_because = self.rng.choice(HELD_BECAUSE)

    def _what_waits(self, claim: Claim, sender: Sender) -> Claim | None:
        """What is left of a claim that nobody confirmed: it may be held, halved or gone."""
        now = end_of_history()
        if sender.status == Status.HELD:
            claim.held_until = claim.created_at + HELD
            self.ledger.add(claim.created_at, claim)
            return claim
        if claim.invite_until <= now:
            claim.interest_ids = claim.inferred_ids = []
            del claim.purposes["invite"]
        is_over = not claim.result_until or claim.result_until <= now
        if (
            sender.status == Status.REJECTED
            or not claim.purposes
            or ("invite" not in claim.purposes and is_over)
        ):
            return None
        self._mail(claim)
        return claim

    def _mail(self, claim: Claim) -> None:
        """Write down that somebody was asked to confirm, with the links of that mail."""
        at = claim.created_at + datetime.timedelta(minutes=1)
        mark, key_id = addresses.fingerprint(claim.email)
        claim.mail = RegisterMail(
            uuid=self.crowd.new_uuid(),
            kind=RegisterMail.Kind.CONFIRM,
            fingerprint=mark,
            key_id=key_id,
            state=RegisterMail.State.SENT,
            attempt=1,
            retry_at=at,
            at=at,
        )
        self.ledger.add(claim.created_at, claim.mail, claim)
        for purpose in (Link.Purpose.CONFIRM, Link.Purpose.CHOICES):
            end = max(claim.invite_until, claim.result_until or claim.invite_until)
            link = links.row(purpose=purpose, uuid=claim.mail.uuid, at=at, expires_at=end)
            self.ledger.add(claim.created_at, Link(**link._asdict()))

    # One response

    def _answer(self, asked: Asked, at: datetime.datetime, sender: Sender) -> None:
        version = _version_at(asked, at)
        said = answers.invent(asked.exercise, version, at.date(), self.rng)
        mark = self.crowd.new_uuid()
        response = ConsultationResponse(
            uuid=self.crowd.new_uuid(),
            reference="".join(self.rng.choices(REFERENCE_ALPHABET, k=8)),
            consultation=asked.row,
            form_version=version,
            participant=sender.person and sender.person.row,
            claim=sender.claim,
            answers=answers.as_json(said),
            status=sender.status,
            held_because=sender.held_because,
            held_until=at + HELD if sender.status == Status.HELD else None,
            route=sender.route,
            route_key=sender.route_key,
            submitted_at=at,
            submission_hash=hashlib.sha256(mark.bytes).hexdigest(),
        )
        kinds = {item["key"]: item["kind"] for item in version.definition}
        # Only a confirmation makes a person that the response can point at.
        when = (sender.claim and sender.claim.confirmed_at) or at
        self.ledger.add(when, response, *answers.rows(response, said, kinds))
        if sender.email:
            name = sender.name if asked.asks_name else ""
            contact = ResponseContact(response=response, email=sender.email, name=name)
            self.ledger.add(when, contact)


def _version_at(asked: Asked, at: datetime.datetime) -> FormVersion:
    """The questionnaire that was on the page at a time."""
    return [version for version in asked.versions if version.created_at <= at][-1]


def _without(people: list[Person], others: list[Person]) -> list[Person]:
    known = {id(person) for person in others}
    return [person for person in people if id(person) not in known]


def _minutes(
    rng: random.Random, low: int, high: int, room: datetime.timedelta | None = None
) -> datetime.timedelta:
    """Return how long somebody takes to open a mail; less than the room there is."""
    found = datetime.timedelta(minutes=rng.uniform(low, high))
    return min(found, room / 2) if room else found
