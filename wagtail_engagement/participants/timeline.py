"""One person's history as a relationship, in sentences, for a reader who may see it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..consent.models import ConsentEvent, ContactPermission, Purpose
from ..modeladmin import may
from . import tending
from .merges import Merge
from .models import Participant

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Standing = ContactPermission.Reason

LONGEST = 200  # newest entries of each kind; more would be read by nobody
HAPPENED = {
    (Purpose.INVITE, Action.GIVEN): gettext_lazy("Agreed to be invited"),
    (Purpose.INVITE, Action.INFORMED): gettext_lazy("Was told that we send invitations"),
    (Purpose.INVITE, Action.WITHDRAWN): gettext_lazy("Stopped invitations"),
    (Purpose.INVITE, Action.OBJECTED): gettext_lazy("Objected to invitations"),
    (Purpose.INVITE, Action.LAPSED): gettext_lazy("The agreement to be invited ran out"),
    (Purpose.INVITE, Action.PAUSED): gettext_lazy("Paused invitations until %(until)s"),
    (Purpose.RESULT, Action.GIVEN): gettext_lazy("Asked to hear what came of %(title)s"),
    (Purpose.RESULT, Action.WITHDRAWN): gettext_lazy("Asked not to hear what came of %(title)s"),
}
MERGED_INTO_IT = {
    Action.WITHDRAWN: gettext_lazy("Carried over from the other record: %(purpose)s, stopped"),
    Action.PAUSED: gettext_lazy("Carried over from the other record: %(purpose)s, paused"),
    Action.GIVEN: gettext_lazy("Carried over from the other record: %(purpose)s"),
    Action.RETRACTED: gettext_lazy("As before the merge: %(purpose)s"),
}
ICONS = {
    Action.GIVEN: "circle-check",
    Action.INFORMED: "info-circle",
    Action.WITHDRAWN: "no-view",
    Action.OBJECTED: "no-view",
    Action.PAUSED: "time",
    Action.LAPSED: "time",
    Action.RETRACTED: "rotate",
}


@dataclass(frozen=True)
class Entry:
    """One line of a timeline; `detail` is for those who want to know how."""

    at: Any  # a datetime; columns that may be empty are asked for when they are not
    icon: str
    text: str
    detail: str = ""


def day(moment: datetime.datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y")


class Story:
    """What happened between a person and the council, as one editor may read it.

    `readable` are the consultations whose answers the editor may read. Records that were merged
    into the person's are part of the story.
    """

    def __init__(self, person: Participant, *, user: Any, readable: QuerySet[Any]) -> None:
        self.person = person
        self.user = user
        self.readable = readable
        self.records = [person.pk, *person.merged_from.values_list("pk", flat=True)[:LONGEST]]

    def years(self) -> list[tuple[int, list[Entry]]]:
        """Entries by year, newest first."""
        found = sorted(self._entries(), key=lambda entry: entry.at, reverse=True)
        by_year = groupby(found, key=lambda entry: timezone.localtime(entry.at).year)
        return [(year, list(entries)) for year, entries in by_year]

    @cached_property
    def sees_sensitive(self) -> bool:
        return may(self.user, "view_sensitive_response")

    def title_of(self, consultation: Any) -> str:
        """The title, unless the person's part in a sensitive consultation would show."""
        if consultation is None:
            return ""
        if consultation.is_sensitive and not self.sees_sensitive:
            return _("a consultation")
        return str(consultation.title)

    def purpose_of(self, row: Any) -> str:
        about = self.title_of(row.consultation)
        purpose = str(row.get_purpose_display())
        return (
            _("%(purpose)s: %(title)s") % {"purpose": purpose, "title": about} if about else purpose
        )

    # May we invite?

    def standing(self) -> str:
        """Whether the person may be invited, and why, in one sentence."""
        row = self.person.permissions.filter(purpose=Purpose.INVITE).first()
        if row is None:
            return _("May not be invited: has never agreed.")
        facts = {"day": day(row.since), "how": self._how(row)}
        facts["end"] = day(row.recheck_at) if row.recheck_at else ""
        if row.reason == Standing.GRANTED:
            said = _("May be invited: %(how)s on %(day)s.")
            if row.lapses:
                said = _("May be invited: %(how)s on %(day)s. That ends on %(end)s.")
            return said % facts
        words: dict[str, str] = {
            Standing.STOPPED: _("May not be invited: stopped on %(day)s."),
            Standing.PAUSED: _("Not invited for now: paused until %(end)s."),
            Standing.UNDELIVERABLE: _("Cannot be invited: mail does not arrive, since %(day)s."),
            Standing.LAPSED: _("May not be invited: the agreement ran out on %(day)s."),
        }
        return words.get(row.reason, _("May not be invited: has never agreed.")) % facts

    def _how(self, row: ContactPermission) -> str:
        acts = ConsentEvent.objects.filter(
            participant=self.person, purpose=Purpose.INVITE, at=row.since
        )
        act = acts.select_related("consultation", "batch").order_by("-id").first()
        if act is None:
            return _("agreed")
        if act.action == Action.INFORMED:
            return _("was told of it")
        return self._where(act, _("agreed"))

    def _where(self, act: ConsentEvent, said: str) -> str:
        """What was done, and on whose form or sheet."""
        facts = {"said": said, "title": self.title_of(act.consultation)}
        if act.batch is not None:
            facts["title"] = act.batch.source or _("a spreadsheet")
            return _("%(said)s (by the sheet “%(title)s”)") % facts
        if act.consultation is not None and act.purpose == Purpose.INVITE:
            return _("%(said)s on the form of %(title)s") % facts
        return said

    # Entries

    def _entries(self) -> Iterator[Entry]:
        yield self._joined()
        yield from self._permissions()
        yield from self._interests()
        yield from self._sheets()
        yield from self._merges()
        if may(self.user, "view_response"):
            yield from self._answers()
        yield from self._mails()
        if may(self.user, "view_participant_pii"):
            yield from self._names_and_notes()

    def _joined(self) -> Entry:
        batch = self.person.batch
        if batch is None:
            return Entry(self.person.joined_at, "user", _("Joined the register"))
        told = _("Brought in from the sheet “%(source)s”")
        source = batch.source or _("a spreadsheet")
        return Entry(self.person.joined_at, "table", told % {"source": source})

    def _permissions(self) -> Iterator[Entry]:
        events = ConsentEvent.objects.filter(participant__in=self.records)
        events = events.select_related("consultation", "wording", "batch")
        for event in events.order_by("-at", "-id")[:LONGEST]:
            shown = f". {_('Shown:')} {event.wording.label}" if event.wording else ""
            detail = f"{event.get_channel_display()}{shown}"
            yield Entry(
                event.at, ICONS.get(Action(event.action), "info-circle"), self._said(event), detail
            )

    def _said(self, event: ConsentEvent) -> str:
        facts = {
            "purpose": self.purpose_of(event),
            "action": event.get_action_display(),
            "title": self.title_of(event.consultation) or _("a consultation"),
            "until": day(event.until) if event.until else "",
        }
        if event.channel == Channel.MERGE and event.action in MERGED_INTO_IT:
            return str(MERGED_INTO_IT[Action(event.action)]) % facts
        words = HAPPENED.get((Purpose(event.purpose), Action(event.action)))
        if words is None:
            return _("%(purpose)s: %(action)s") % facts
        return self._where(event, str(words) % facts)

    def _interests(self) -> Iterator[Entry]:
        rows = self.person.interest_links.select_related("interest", "consultation", "batch")
        together = defaultdict(list)
        for row in rows.order_by("-since", "interest__name")[:LONGEST]:
            together[row.since, tending.provenance(row)].append(row.interest.name)
            if row.removed_at:
                told = _("Took away the interest %(name)s") % {"name": row.interest.name}
                yield Entry(row.removed_at, "tag", told)
        for (since, where), names in together.items():
            told = _("Interested in %(names)s") % {"names": get_text_list(names, _("and"))}
            yield Entry(since, "tag", told, where)

    def _sheets(self) -> Iterator[Entry]:
        rows = self.person.import_rows.filter(outcome="added").select_related("batch")
        for row in rows.order_by("-batch")[:LONGEST]:
            at = row.batch.finished_at or row.batch.started_at or row.batch.created_at
            source = row.batch.source or _("a spreadsheet")
            yield Entry(at, "table", _("Was on the sheet “%(source)s”") % {"source": source})

    def _merges(self) -> Iterator[Entry]:
        for row in Merge.objects.filter(kept=self.person).order_by("-at")[:LONGEST]:
            yield Entry(row.at, "resubmit", _("Another record was made part of this one"))
            if row.undone_at:
                yield Entry(row.undone_at, "rotate", _("The merge was taken back"))

    def _mails(self) -> Iterator[Entry]:
        model = self.person.deliveries.model
        rows = model._default_manager.filter(
            participant__in=self.records, handed_at__isnull=False
        ).select_related("invitation__consultation")
        for row in rows.order_by("-handed_at")[:LONGEST]:
            facts = {"title": self.title_of(row.invitation.consultation)}
            told = _("Was invited to %(title)s")
            if row.invitation.consultation_id in self._answered:
                told = _("Was invited to %(title)s, and took part")
            yield Entry(row.handed_at, "mail", told % facts, str(row.get_state_display()))

    @cached_property
    def _answered(self) -> set[int]:
        """Consultations of which the reader may know that the person answered."""
        if not may(self.user, "view_response"):
            return set()
        mine = self.readable.filter(responses__participant=self.person)
        if not self.sees_sensitive:
            mine = mine.filter(is_sensitive=False)
        return set(mine.values_list("pk", flat=True))

    def _answers(self) -> Iterator[Entry]:
        rows = self.person.responses.select_related("consultation")
        if not self.sees_sensitive:
            rows = rows.filter(consultation__is_sensitive=False)
        published = {}
        for row in rows.order_by("-submitted_at")[:LONGEST]:
            if row.consultation_id not in self._answered:
                yield Entry(row.submitted_at, "comment", _("Took part in a consultation"))
                continue
            facts = {"title": row.consultation.title, "reference": row.reference}
            detail = _("reference %(reference)s") % facts
            told = _("Took part in %(title)s") % facts
            yield Entry(row.submitted_at, "comment", told, detail)
            if row.consultation.answered_at:
                told = _("What came of %(title)s was published") % facts
                published[row.consultation_id] = Entry(row.consultation.answered_at, "view", told)
        yield from published.values()

    def _names_and_notes(self) -> Iterator[Entry]:
        for name in self.person.names.order_by("-since")[:LONGEST]:
            told = _("The name %(name)s came on record") % {"name": name.name}
            yield Entry(name.since, "edit", told)
        for note in self.person.notes.all()[:LONGEST]:
            yield Entry(note.at, "edit", _("A note was written"))
        for change in self.person.address_changes.filter(confirmed_at__isnull=False)[:LONGEST]:
            yield Entry(change.confirmed_at, "mail", _("Changed the address"))
