"""Doing again what the journal says and an older copy of the database has forgotten.

Each thing is done by the rule that did it first, so that nothing of it is left out: leaving,
objecting, being erased, being written to. Nothing is ever given back: an agreement that was made
after the copy is in no journal, and whoever made it can make it again.
"""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .. import addresses, conf, inserting
from ..consent import barring, settling
from ..consent.models import ConsentEvent, Purpose, Suppression
from ..consent.queries import stopped_for_good
from ..consultations.models import Consultation, ConsultationResponse
from ..invitations import rebuilding
from ..invitations.rebuilding import Handed
from ..journal import HEAD, Entry
from ..participants.models import Participant
from ..seal.models import JournalEntry
from . import erasing

# What became of a line. Together they are all the lines that were read.
KNOWN, DONE, NOBODY, NOWHERE, UNREADABLE = "known", "done", "nobody", "nowhere", "unreadable"

HANDED, BACK, REFUSED = OF_MESSAGES = ("handed", "back", "refused")
MALFORMED = (KeyError, ValueError, TypeError, AttributeError)

People = dict[str, Participant]


def replay(entries: Iterable[Entry | None], *, at: datetime.datetime) -> Counter[str]:
    """Do again what these lines say, as far as it is not known here; count lines by outcome."""
    counts: Counter[str] = Counter()
    lines = []
    for entry in entries:
        if entry and is_of_use(entry):
            lines.append(entry)
        else:
            says_nothing = entry and (HEAD in entry or entry.get("do") == "tried")
            counts[KNOWN if says_nothing else UNREADABLE] += 1
    told = known_entries(lines)
    fresh = [entry for entry in lines if entry.get("entry") not in told]
    counts[KNOWN] += len(lines) - len(fresh)
    people = _people_of(fresh)
    for entry in fresh:
        if entry["do"] == "started":
            counts[_start(entry)] += 1
    counts += _messages([entry for entry in fresh if entry["do"] in OF_MESSAGES])
    for entry in fresh:
        if entry["do"] in AGAIN:
            counts[AGAIN[entry["do"]](entry, people, at)] += 1
    return counts


def known_entries(lines: Iterable[Entry]) -> set[str]:
    """Of lines that were made with a change, those whose change this database has."""
    named = {entry["entry"] for entry in lines if "entry" in entry}
    found = JournalEntry.objects.filter(uuid__in=named)
    return {str(name) for name in found.values_list("uuid", flat=True)}


def is_of_use(entry: Entry) -> bool:
    """Whether a line has all that its kind needs; a newer version may write kinds unknown here."""
    try:
        for name in ("delivery", "invitation", "consultation", "person", "entry", "about"):
            if entry.get(name):
                uuid.UUID(entry[name])
        _texts(entry)
        Suppression.Reason(entry.get("reason", Suppression.Reason.MANUAL))
        is_whole = all(name in entry for name in NEEDED[entry["do"]])
        return is_whole and _is_text(entry) and _at(entry).tzinfo is not None
    except MALFORMED:
        return False


def _is_text(entry: Entry) -> bool:
    said = [entry.get(name, "") for name in ("to", "key", "action")]
    return all(isinstance(text, str) for text in [*said, *entry.get("all", ())])


def _texts(entry: Entry) -> list[tuple[uuid.UUID, str]]:
    """Which texts somebody who was erased wanted gone, by response and question."""
    return [(uuid.UUID(response), str(key)) for response, key in entry.get("texts", ())]


def _at(entry: Entry) -> datetime.datetime:
    return datetime.datetime.fromisoformat(entry["at"])


# Whose keyed hashes these are


def _people_of(entries: list[Entry]) -> People:
    """The people behind lines that stop or erase somebody, by keyed hash and by uuid."""
    about = [entry for entry in entries if entry["do"] in AGAIN]
    uuids = {entry["person"] for entry in about if entry.get("person")}
    found: People = {
        str(person.uuid): person for person in Participant.objects.filter(uuid__in=uuids)
    }
    marks: dict[str, str] = {}
    for entry in about:
        if entry.get("person") not in found:
            marks |= dict.fromkeys(entry.get("all", [entry.get("to")]), entry["key"])
    return found | _behind(marks)


def _behind(marks: dict[str, str]) -> People:
    """The people who have these addresses now: one pass over the register for any number."""
    keys = set(marks.values()) & set(conf.keys())
    if not keys:
        return {}
    owner: dict[str, int] = {}
    register = Participant.objects.order_by("pk").values_list("pk", "address_key")
    for pk, key in register.iterator(chunk_size=5000):
        for key_id in keys:
            mark, _key_id = addresses.fingerprint(key, key_id)
            if mark in marks:
                owner[mark] = pk
    people = Participant.objects.filter(pk__in=inserting.among(set(owner.values()))).in_bulk()
    return {mark: people[pk] for mark, pk in owner.items()}


def _person(entry: Entry, people: People) -> Participant | None:
    return people.get(entry.get("person") or "") or people.get(entry["to"])


# Invitations


def _start(entry: Entry) -> str:
    is_new = rebuilding.start(
        invitation=uuid.UUID(entry["invitation"]),
        code=str(entry["code"])[:8],
        consultation=uuid.UUID(entry["consultation"]),
        at=_at(entry),
    )
    if is_new:
        return DONE
    known = Consultation.objects.filter(uuid=entry["consultation"])
    return KNOWN if known.exists() else NOWHERE


def net(entries: Iterable[Entry]) -> tuple[dict[uuid.UUID, Handed], dict[uuid.UUID, str]]:
    """What stands of these lines in the end: what was handed over, and what was not taken."""
    handed: dict[uuid.UUID, Handed] = {}
    not_taken: dict[uuid.UUID, str] = {}
    for entry in entries:
        name = uuid.UUID(entry["delivery"])
        if entry["do"] == HANDED:
            invitation = uuid.UUID(entry["invitation"])
            handed[name] = Handed(name, invitation, entry["to"], entry["key"], _at(entry))
            not_taken.pop(name, None)
        else:
            not_taken[name] = entry["do"]
            if entry["do"] == BACK:
                handed.pop(name, None)
    return handed, not_taken


def _messages(lines: list[Entry]) -> Counter[str]:
    handed, not_taken = net(lines)
    here, changed = rebuilding.mark_handed(handed)
    forgotten = [one for name, one in handed.items() if name not in here]
    people = _behind({one.mark: one.key_id for one in forgotten})
    whose = [
        (one, person.merged_into_id or person.pk)
        for one in forgotten
        if (person := people.get(one.mark))
    ]
    added, nowhere = rebuilding.add_handed(whose)
    changed += added + rebuilding.take_back(
        back=[name for name, do in not_taken.items() if do == BACK],
        refused=[name for name, do in not_taken.items() if do == REFUSED],
    )
    nobody = len(forgotten) - len(whose)
    done = min(changed, len(lines) - nobody - nowhere)
    known = len(lines) - nobody - nowhere - done
    return Counter({DONE: done, NOBODY: nobody, NOWHERE: nowhere, KNOWN: known})


# People


def _leave(entry: Entry, people: People, at: datetime.datetime) -> str:
    person = _person(entry, people)
    if person is None or not Participant.objects.filter(pk=person.pk).exists():
        return NOBODY
    about = Consultation.objects.filter(uuid=entry["about"]).first() if entry["about"] else None
    if entry["about"] and about is None:
        return NOWHERE
    subject = about.pk if about and entry["purpose"] == Purpose.RESULT else None
    if (entry["purpose"], subject) in stopped_for_good(person.pk):
        return KNOWN
    settling.record(
        participant=person,
        purpose=entry["purpose"],
        action=entry["action"],
        channel=ConsentEvent.Channel.SYSTEM,
        consultation=about,
        evidence="journal",
        at=_at(entry),
    )
    settling.settle([person.pk], at=at)
    return DONE


def _stop(entry: Entry, people: People, at: datetime.datetime) -> str:
    said: dict[str, Any] = {
        "purpose": entry["purpose"],
        "reason": entry["reason"],
        "source": entry.get("source") or "",
        "at": _at(entry),
    }
    here = {mark: people[mark] for mark in entry["all"] if mark in people}
    later = _agreed_later({person.pk for person in here.values()}, _at(entry))
    emails = [person.email for person in here.values() if person.pk not in later]
    barring.suppress_many(emails=emails, **said)
    nobodys = [
        Suppression(fingerprint=mark, key_id=entry["key"], **said)
        for mark in entry["all"]
        if mark not in here
    ]
    barring.suppress_marks(nobodys)
    return DONE if emails or nobodys else KNOWN


def _agreed_later(ids: set[int], moment: datetime.datetime) -> set[int]:
    """Who agreed anew after a line was written: the database knows more than the line."""
    own = (ConsentEvent.Channel.FORM, ConsentEvent.Channel.CHOICES)
    given = ConsentEvent.objects.filter(action=ConsentEvent.Action.GIVEN, channel__in=own)
    later = given.filter(participant__in=ids, at__gt=moment).order_by()
    return set(later.values_list("participant", flat=True))


def _erase(entry: Entry, people: People, at: datetime.datetime) -> str:
    person = _person(entry, people)
    if person is None:
        return NOBODY
    if str(person.uuid) != entry.get("person") and person.joined_at > _at(entry):
        return KNOWN  # Somebody who was erased and came back.
    texts = _texts(entry)
    known = dict(
        ConsultationResponse.objects.filter(uuid__in=[name for name, _key in texts])
        .order_by()
        .values_list("uuid", "pk")
    )
    try:
        erasing.erase(
            person=person,
            keeps_responses=bool(entry["keeps"]),
            at=at,
            texts=[(known[name], key) for name, key in texts if name in known],
        )
    except erasing.AlreadyErased:
        return KNOWN  # As part of another record of the same person.
    return DONE


AGAIN: dict[str, Callable[[Entry, People, datetime.datetime], str]] = {
    "left": _leave,
    "stopped": _stop,
    "erased": _erase,
}
NEEDED = {
    "started": ("invitation", "code", "consultation"),
    HANDED: ("delivery", "invitation", "to", "key"),
    BACK: ("delivery",),
    REFUSED: ("delivery",),
    "left": ("to", "key", "purpose", "about", "action"),
    "stopped": ("all", "key", "purpose", "reason"),
    "erased": ("to", "key", "keeps", "texts"),
}
