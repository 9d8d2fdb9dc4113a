"""What becomes of one row: decided from what it says, what was declared and what is known.

Rows and sheets may come in any order, and the strictest one wins whatever the order. Nothing is
written here: `Changes` says what is to be stored.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from ..consent.models import ConsentEvent
from .columns import Row
from .knowing import Known, Register
from .mapping import Field
from .models import ImportRow
from .terms import Terms

Action = ConsentEvent.Action
Outcome = ImportRow.Outcome

REASON_LENGTH = 250
NOTE_LENGTH = 2000


@dataclass(slots=True)
class Judged:
    """What became of a row, why, and of whom it speaks.

    `column` is the one that decided: what cannot be read, or a no. `repeats` are the names and
    interests that some sheet had brought before.
    """

    number: int
    outcome: str
    reason: str = ""
    column: int | None = None
    known: Known | None = None
    unmeant: tuple[str, ...] = ()
    row: Row | None = None
    repeats: dict[str, list[Any]] | None = None


@dataclass
class Changes:
    """What some rows add to the register."""

    newcomers: list[Known] = field(default_factory=list)
    touched: dict[int, Known] = field(default_factory=dict)
    names: list[tuple[Known, str]] = field(default_factory=list)
    notes: list[tuple[Known, str]] = field(default_factory=list)
    interests: list[tuple[Known, int, datetime.datetime]] = field(default_factory=list)
    renewals: dict[tuple[int, int], tuple[Known, datetime.datetime]] = field(default_factory=dict)
    events: list[tuple[Known, str, datetime.datetime, int]] = field(default_factory=list)
    leavers: list[Known] = field(default_factory=list)

    def touch(self, known: Known) -> None:
        if known.person_id:
            self.touched[known.person_id] = known


def first_look(number: int, row: Row) -> Judged | None:
    """Return what becomes of a row that speaks of nobody; None where somebody is named."""
    if row.is_header:
        return Judged(number, Outcome.REFUSED, _("Repeats the headings"))
    if row.is_footer:
        return Judged(number, Outcome.REFUSED, _("Not a row of data"))
    if row.error:
        return Judged(number, Outcome.REFUSED, row.error, row.error_column)
    if not row.email:
        return Judged(number, Outcome.NO_ADDRESS, _("There is no address in this row"))
    return None


@dataclass
class Judge:
    """Judges rows one after the other; what an earlier row brought is known to the next.

    `noes` are the people of whom rows further down say no, so that no yes of theirs ever counts.
    """

    terms: Terms
    register: Register
    changes: Changes
    noes: Collection[str] = ()

    def judge(self, number: int, row: Row, permission: str = "") -> Judged:
        """Decide about a row that names an address; `permission` is what staff read in it."""
        known = self.register.of(row.email)
        said = permission or row.permission
        said_no_in = self._column_of_no if said == "out" else None
        left_before = known.has_left and not known.exists
        if known.is_barred or left_before:
            if said == "out" and not known.has_left:
                self._leaves(known)
            told = _("On the do-not-contact list")
            return Judged(number, Outcome.SUPPRESSED, told, said_no_in)
        if said == "unclear":
            told = _("Nobody can tell whether this row says yes or no. Decide it by hand")
            return Judged(number, Outcome.REVIEW, told)
        if said == "out" and known.agreed_at and known.agreed_at > self.terms.left_at:
            told = _("Agreed on our own form after the days of this sheet")
            return Judged(number, Outcome.UNCHANGED, told, said_no_in, known)
        is_new = not known.exists
        if is_new:
            known.exists = True
            self.changes.newcomers.append(known)
        repeats = None if is_new else self._repeats(known, row)
        adds, unmeant = self._notes_of(known, row)
        adds |= self._permission(known, said, row, number)
        reasons = [*row.warnings, *self._of_words(unmeant)]
        outcome = Outcome.NEW if is_new else Outcome.ADDED if adds else Outcome.UNCHANGED
        if said == "in" and (known.is_out or known.stopped_self):
            outcome = Outcome.SUPPRESSED
            reasons.insert(0, _("Asked us not to write; nothing of that is changed"))
        elif said == "out":
            reasons.insert(0, _("Said no on this sheet: do not contact"))
        reason = ". ".join(reasons)[:REASON_LENGTH]
        return Judged(number, outcome, reason, said_no_in, known, tuple(unmeant), repeats=repeats)

    @cached_property
    def _column_of_no(self) -> int:
        """Where a row says no; its address where the whole file is one of people who left."""
        mapping = self.terms.mapping
        return [*mapping.columns(Field.PERMISSION), *mapping.columns(Field.EMAIL), 0][0]

    def _of_words(self, unmeant: list[str]) -> list[str]:
        if not unmeant:
            return []
        words = ", ".join(f"“{text}”" for text in unmeant)
        return [_("Not an interest here, so not stored: %(words)s") % {"words": words}]

    # Who they are

    def _wanted(self, row: Row) -> set[int]:
        """The interests that a row gives: everyone's on this sheet, and its own."""
        return {*self.terms.everyone, *filter(None, map(self.terms.interest, row.interests))}

    def _repeats(self, known: Known, row: Row) -> dict[str, list[Any]] | None:
        names = [row.name] if row.name in known.names else []
        topics = [pk for pk in sorted(self._wanted(row)) if known.interests.get(pk)]
        return {"names": names, "interests": topics} if names or topics else None

    def _notes_of(self, known: Known, row: Row) -> tuple[bool, list[str]]:
        """Note what a row says of somebody; return whether that is new, and words left out."""
        adds = self._name(known, row.name)
        adds |= self._facts(known, row)
        note = row.notes[:NOTE_LENGTH]
        if note and note not in known.notes:
            known.notes.add(note)
            self.changes.notes.append((known, note))
            adds = True
        since = self.terms.collected(row.date) or self.terms.now
        for pk in self._wanted(row):
            adds |= self._interest(known, pk, since)
        return adds, [text for text in row.interests if not self.terms.interest(text)]

    def _name(self, known: Known, name: str) -> bool:
        is_own = known.came_alone and name == known.name
        if not name or name in known.names or is_own:
            return False
        may_rename = not known.name or (not known.came_alone and known.name in known.names)
        known.names.add(name)
        self.changes.names.append((known, name))
        if may_rename:
            known.name = best_name(known.names)
            self.changes.touch(known)
        return True

    def _facts(self, known: Known, row: Row) -> bool:
        """Note area and kind; what is there is never changed back."""
        adds = False
        area = self.register.area_of(row.postcode) or row.area
        if area and not known.area:
            known.area, adds = area, True
        is_organisation = self.terms.is_organisation(row.kind)
        if is_organisation and not known.is_organisation:
            known.is_organisation = adds = True
        if is_organisation and self.terms.must_be_notified and not known.must_be_notified:
            known.must_be_notified = adds = True
        if adds:
            self.changes.touch(known)
        return adds

    def _interest(self, known: Known, pk: int, since: datetime.datetime) -> bool:
        if pk not in known.interests:
            known.interests[pk] = since
            self.changes.interests.append((known, pk, since))
            return True
        renewed = known.interests[pk]
        if renewed and since > renewed:
            known.interests[pk] = since
            self.changes.renewals[id(known), pk] = (known, since)
        return False

    # What they said

    def _permission(self, known: Known, said: str, row: Row, number: int) -> bool:
        """Note a yes, a no, or the duty to notify; return whether that changes anything."""
        if said == "out":
            return self._no(known, number)
        adds = False
        since = self.terms.agreed(row.date)
        will_say_no = bool(self.noes) and known.key in self.noes
        if said == "in" and since and not known.stopped_self:
            adds = not known.yes_at or since > known.yes_at
            is_news = not known.told_yes_at or since > known.told_yes_at
            if is_news and not will_say_no:
                known.told_yes_at = since
                self.changes.events.append((known, Action.GIVEN, since, number))
            known.yes_at = max(known.yes_at or since, since)
        must_be_told = self.terms.must_be_notified and known.must_be_notified
        if must_be_told and not known.told_duty and not will_say_no:
            known.told_duty = True
            told_at = self.terms.collected(None) or self.terms.now
            self.changes.events.append((known, Action.INFORMED, told_at, number))
        return adds

    def _no(self, known: Known, number: int) -> bool:
        adds = not known.is_out and not known.stopped_self
        known.is_out = True
        if not known.told_out:
            known.told_out = True
            self.changes.events.append((known, Action.WITHDRAWN, self.terms.left_at, number))
        if not known.has_left:
            self._leaves(known)
        return adds

    def _leaves(self, known: Known) -> None:
        known.has_left = True
        self.changes.leavers.append(known)


def best_name(names: set[str]) -> str:
    """Return the most complete name, whatever the order in which they came; "" of none."""
    if len(names) == 1:
        return next(iter(names))
    return min(names, key=lambda name: (-name.count(" "), -len(name), name), default="")
