"""What the register knows of the addresses in some rows, before the rows are judged."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models.functions import Coalesce

from .. import addresses
from ..consent import settling
from ..consent.judging import Act
from ..consent.models import ConsentEvent, Purpose, Suppression
from ..inserting import among
from ..participants.details import ParticipantName, ParticipantNote
from ..participants.models import Participant, ParticipantInterest
from ..participants.places import Postcode
from . import columns
from .terms import Terms

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Cause = Suppression.Reason

SOURCE = Suppression.SHEET  # begins the source of an entry in do-not-contact that a sheet made


@dataclass(slots=True, eq=False)
class Known:
    """One person, or an address that is no person yet.

    `is_barred` is by anything but a sheet; `has_left` by a reason that a sheet's "no" would give.
    `stopped_self` and `agreed_at` are what the person did with us; `is_out` and `yes_at` are what
    stands now, sheets included. `told_*` is what the batch in hand has already written down.
    """

    email: str
    person_id: int | None = None
    exists: bool = False
    came_alone: bool = False
    name: str = ""
    area: str = ""
    is_organisation: bool = False
    must_be_notified: bool = False
    names: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    # Each interest with the day that a later sheet may renew; None where that is not ours to do.
    interests: dict[int, datetime.datetime | None] = field(default_factory=dict)
    is_barred: bool = False
    has_left: bool = False
    stopped_self: bool = False
    agreed_at: datetime.datetime | None = None
    is_out: bool = False
    yes_at: datetime.datetime | None = None
    told_yes_at: datetime.datetime | None = None
    told_out: bool = False
    told_duty: bool = False

    @property
    def pk(self) -> int:
        """The number of a person who is in the register by now."""
        if self.person_id is None:
            raise ValueError("This address is no person yet.")
        return self.person_id

    @property
    def key(self) -> str:
        return addresses.key(self.email)


def who_says_no(rows: Iterable[tuple[int, list[str]]], terms: Terms) -> set[str]:
    """The people of whom some rows say no, by the key of their own address."""
    found = columns.who_says_no(rows, terms.mapping, terms.batch.headers)
    noes = {addresses.key(email) for email in found}
    merged = Participant.objects.filter(address_key__in=noes, merged_into__isnull=False)
    return noes | set(merged.values_list("merged_into__address_key", flat=True)) if noes else noes


class Register:
    """Reads people by address in a few statements for any number, and remembers them.

    `locks` lets nobody change them before the transaction ends, for what is written then rests on
    what was read.
    """

    def __init__(
        self, *, batch_id: int | None, now: datetime.datetime, locks: bool = False
    ) -> None:
        self.batch_id, self.now, self.locks = batch_id, now, locks
        self.known: dict[str, Known] = {}
        self.areas: dict[str, str] = {}
        self._people: dict[int, Known] = {}

    def read(self, emails: Iterable[str], postcodes: Iterable[str]) -> None:
        """Learn of addresses and postcodes that were not asked for before."""
        new = {key: email for email in emails if (key := addresses.key(email)) not in self.known}
        if new:
            self._read_people(new)
            self._read_bars(new)
        codes = {plain: code for code in postcodes if (plain := code.replace(" ", ""))}
        rows = Postcode.objects.filter(code__in=codes.keys() - self.areas.keys())
        self.areas.update(rows.values_list("code", "area__name"))

    def begin_sheet(self) -> None:
        """Let another sheet speak of people whom an earlier one named."""
        for known in self.known.values():
            known.told_yes_at, known.told_out, known.told_duty = None, False, False

    def of(self, email: str) -> Known:
        return self.known[addresses.key(email)]

    def area_of(self, postcode: str) -> str:
        return self.areas.get(postcode.replace(" ", ""), "")

    def _read_people(self, emails: dict[str, str]) -> None:
        if self.locks:
            settling.locked_whole(address_key__in=among(emails))
        found = Participant.objects.filter(address_key__in=among(emails))
        kept = dict(found.values_list("address_key", Coalesce("merged_into", "pk")))
        missing = set(kept.values()) - self._people.keys()
        people = Participant.objects.filter(pk__in=among(missing))
        for pk, email, name, area, batch_id, kind, duty in people.values_list(
            "pk", "email", "name", "area", "batch", "kind", "must_be_notified"
        ):
            self._people[pk] = Known(
                email=email,
                person_id=pk,
                exists=True,
                came_alone=batch_id is None,
                name=name,
                area=area,
                is_organisation=kind == Participant.Kind.ORGANISATION,
                must_be_notified=duty,
            )
        self._read_details(missing)
        for key, email in emails.items():
            kept_id = kept.get(key)
            self.known[key] = self._people[kept_id] if kept_id else Known(email=email)

    def _read_details(self, ids: Collection[int]) -> None:
        if not ids:
            return
        names = ParticipantName.objects.filter(participant__in=among(ids))
        for pk, name in names.values_list("participant", "name"):
            self._people[pk].names.add(name)
        notes = ParticipantNote.objects.filter(participant__in=among(ids))
        for pk, text in notes.values_list("participant", "text"):
            self._people[pk].notes.add(text)
        links = ParticipantInterest.objects.filter(participant__in=among(ids))
        for pk, topic, origin, renewed, removed in links.values_list(
            "participant", "interest", "origin", "renewed_at", "removed_at"
        ):
            is_ours = origin == ParticipantInterest.Origin.IMPORTED and not removed
            self._people[pk].interests[topic] = renewed if is_ours else None
        told: dict[int, list[Act]] = defaultdict(list)
        events = ConsentEvent.objects.filter(participant__in=among(ids), purpose=Purpose.INVITE)
        for act in map(Act._make, events.order_by("at", "id").values_list(*Act._fields)):
            told[act.participant_id].append(act)
        for pk, acts in told.items():
            self._replay(self._people[pk], acts)

    def _replay(self, known: Known, acts: list[Act]) -> None:
        """Note what a person did, oldest first, and what sheets said."""
        undone = {act.batch_id for act in acts if act.action == Action.RETRACTED}
        is_paused = False
        for act in acts:
            if act.action == Action.RETRACTED or (act.batch_id and act.batch_id in undone):
                continue
            if act.action == Action.GIVEN:
                known.yes_at = act.at
            if act.channel == Channel.IMPORT:
                known.is_out = known.is_out or act.action == Action.WITHDRAWN
            elif act.action == Action.GIVEN:
                known.agreed_at = act.at
                known.is_out = known.stopped_self = is_paused = False
            elif act.action in (Action.WITHDRAWN, Action.OBJECTED):
                known.stopped_self = True
            elif act.action == Action.PAUSED:
                is_paused = bool(act.until and act.until > self.now)
            if act.batch_id and act.batch_id == self.batch_id:
                self._note_own(known, act)
        known.stopped_self = known.stopped_self or is_paused

    def _note_own(self, known: Known, act: Act) -> None:
        """Remember what this batch has said, so that a row which comes again says it once."""
        if act.action == Action.GIVEN:
            known.told_yes_at = act.at
        known.told_out = known.told_out or act.action == Action.WITHDRAWN
        known.told_duty = known.told_duty or act.action == Action.INFORMED

    def _read_bars(self, emails: dict[str, str]) -> None:
        """Read do-not-contact, of the address in a row and of the person behind it."""
        owner: dict[str, Known] = {}
        for key in emails:
            known = self.known[key]
            for spelling in {key, known.key}:
                owner.update(dict.fromkeys(addresses.fingerprints(spelling), known))
        bars = Suppression.objects.filter(fingerprint__in=among(owner))
        for bar in bars:
            if bar.purpose not in (None, Purpose.INVITE):
                continue
            known = owner[bar.fingerprint]
            by_sheet = bar.reason == Cause.UNSUBSCRIBED and bar.source.startswith(SOURCE)
            known.is_barred = known.is_barred or not by_sheet
            known.has_left = known.has_left or bar.reason != Cause.BOUNCED
            known.is_out = known.is_out or by_sheet
