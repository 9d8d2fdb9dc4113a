"""What was declared about a sheet, made ready to judge its rows."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .. import conf
from ..consent.models import LawfulBasis
from ..participants.models import Interest, Participant
from .cells import Vocabulary, is_delimited
from .mapping import Field, Mapping
from .models import ImportBatch

ORGANISATION = Participant.Kind.ORGANISATION


Days = dict[datetime.date | None, datetime.datetime | None]


class Verdict(NamedTuple):
    """What will become of the people on a sheet: a word for the screen, and a sentence."""

    word: str
    sentence: str


def folded(text: str) -> str:
    """Return a text as it is looked up among the names of interests."""
    return " ".join(text.casefold().split())


def moment(day: datetime.date) -> datetime.datetime:
    """Return the beginning of a day in the site's time zone."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


@dataclass(frozen=True)
class Terms:
    """The declarations of one batch as of `now`, which is when it was started."""

    batch: ImportBatch
    mapping: Mapping
    everyone: tuple[int, ...]
    words: dict[str, int | None]
    now: datetime.datetime
    # What a form was about; everyone's interests unless it is sensitive.
    about: tuple[int, ...] = ()
    # What was worked out for a day; a sheet has few of them, and many rows.
    _collected: Days = field(default_factory=dict, init=False, repr=False)
    _agreed: Days = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        batch: ImportBatch,
        *,
        at: datetime.datetime,
        everyone: Sequence[int] | None = None,
    ) -> Terms:
        """Read the declarations; `everyone` stands in for a batch that is not saved.

        Interests that were merged since are what they are now; retired ones mean nothing. Nobody
        is given an interest for having filled in a sensitive form.
        """
        if everyone is None:
            everyone = list(batch.everyone.values_list("pk", flat=True))
        current = _current()
        words = {folded(name): current.get(pk) for pk, name in _names()}
        for text, pk in batch.interest_words.items():
            words[folded(text)] = None if pk is None else current.get(pk)
        about = tuple(sorted({now for pk in everyone if (now := current.get(pk))}))
        return cls(
            batch=batch,
            mapping=Mapping.from_json(batch.mapping),
            everyone=() if batch.is_sensitive else about,
            about=about,
            words={text: pk for text, pk in words.items() if text},
            now=batch.started_at or at,
        )

    def interest(self, text: str) -> int | None:
        """Return the interest that a word means here."""
        return self.words.get(folded(text))

    @cached_property
    def long_names(self) -> Vocabulary | None:
        """What knows interests with a separator in their names; None where none has one."""
        return self.interest if any(map(is_delimited, self.words)) else None

    @cached_property
    def today(self) -> datetime.date:
        return timezone.localdate(self.now)

    @cached_property
    def is_documented(self) -> bool:
        """Whether somebody can say what people agreed to, and when."""
        batch = self.batch
        return bool(
            batch.basis == LawfulBasis.CONSENT
            and batch.words.strip()
            and batch.collected_from
            and batch.collected_to
        )

    @cached_property
    def must_be_notified(self) -> bool:
        """Whether the law says that the organisations on it are told."""
        return self.batch.basis == LawfulBasis.LEGAL_OBLIGATION

    @cached_property
    def may_say_both(self) -> bool:
        """Whether some of its rows can make people mailable, and others say no of the same ones."""
        is_asked = bool(self.mapping.columns(Field.PERMISSION)) and not self.mapping.everyone_out
        return is_asked and (self.is_documented or self.must_be_notified)

    def is_organisation(self, kind: str) -> bool:
        """Whether a row is about an organisation, by its own column, else by what was declared."""
        said = self.mapping.columns(Field.KIND)
        return kind == ORGANISATION or (not said and self.batch.kind == ORGANISATION)

    def collected(self, day: datetime.date | None) -> datetime.datetime | None:
        """Return when a row was collected: on its own day if that is credible, else at the first.

        None where nothing is known.
        """
        if day not in self._collected:
            first, last = self.batch.collected_from, self.batch.collected_to
            is_credible = day and first and last and first <= day <= last
            known = day if is_credible else first
            self._collected[day] = moment(known) if known else None
        return self._collected[day]

    def agreed(self, day: datetime.date | None) -> datetime.datetime | None:
        """Return since when somebody who said yes may be written to; None if they may not."""
        if day not in self._agreed:
            since = self.collected(day) if self.is_documented else None
            self._agreed[day] = since if since and not self.is_too_old(since) else None
        return self._agreed[day]

    def is_too_old(self, since: datetime.datetime) -> bool:
        days = conf.permission_days()
        return bool(days) and since + datetime.timedelta(days=days) <= self.now

    @cached_property
    def left_at(self) -> datetime.datetime:
        """When somebody who said no did so: as late as can be, for the strictest source wins.

        Not the day of the row, for that is when an agreement was collected.
        """
        last = self.batch.collected_to
        end_of_day = datetime.timedelta(days=1, seconds=-1)
        return min(moment(last) + end_of_day, self.now) if last else self.now

    @cached_property
    def kept_until(self) -> datetime.datetime:
        return self.now + datetime.timedelta(days=conf.quarantine_days())

    def verdict(self, *, some_may: bool = False) -> Verdict:
        """Say what becomes of people; `some_may` where some of them may be invited anyway."""
        others = self._others_go()
        goes = others if some_may else self._all_go()
        if self.must_be_notified:
            told = _(
                "Organisations on it must be notified, so they are written to. People on it are"
                " kept apart. %(goes)s"
            )
            return Verdict("notified", told % {"goes": others})
        if self.batch.basis != LawfulBasis.CONSENT:
            told = _("The people on it did not agree by it to be invited. %(goes)s")
            return Verdict("no_consent", told % {"goes": goes})
        if not self.is_documented:
            return Verdict("undocumented", f"{self._missing()} {goes}")
        first, last = self.batch.collected_from, self.batch.collected_to
        if not first or not last or self.is_too_old(moment(last)):
            told = _("What people said is too old to rely on. %(goes)s")
            return Verdict("too_old", told % {"goes": goes})
        if self.is_too_old(moment(first)):
            told = _(
                "People whose own day of collection is recent enough and who said yes may be"
                " invited. For the others what they said is too old. %(goes)s"
            )
            return Verdict("partly_old", told % {"goes": others})
        told = _(
            "People who said yes may be invited, counted from the day when they said so. %(goes)s"
        )
        return Verdict("documented", told % {"goes": others})

    def _all_go(self) -> str:
        return _("Nobody writes to them, and they are removed on %(day)s.") % {"day": self._until}

    def _others_go(self) -> str:
        told = _("Nobody writes to the others, and they are removed on %(day)s.")
        return told % {"day": self._until}

    @property
    def _until(self) -> str:
        return date_format(timezone.localtime(self.kept_until), "j F Y")

    def _missing(self) -> str:
        """Say which evidence there is none of."""
        has_days = self.batch.collected_from and self.batch.collected_to
        if self.batch.words.strip():
            return _("Nobody can show when people agreed: the days of collection are missing.")
        if has_days:
            return _(
                "Nobody can show what people agreed to: the words they were shown are missing."
            )
        return _(
            "Nobody can show what people agreed to and when: the words they were shown and the"
            " days of collection are missing."
        )


def _names() -> list[tuple[int, str]]:
    return list(Interest.objects.order_by("-pk").values_list("pk", "name"))


def _current() -> dict[int, int | None]:
    """Map each interest to what it is now: itself, what it was merged into, or nothing."""
    rows = {
        pk: (into, retired)
        for pk, into, retired in Interest.objects.values_list("pk", "merged_into", "is_retired")
    }
    found: dict[int, int | None] = {}
    for pk in rows:
        now = pk
        while (into := rows[now][0]) is not None:
            now = into
        found[pk] = None if rows[now][1] else now
    return found
