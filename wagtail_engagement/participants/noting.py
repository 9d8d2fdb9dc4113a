"""What staff write about one person: notes, and which of several names stands first."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction

from .details import ParticipantName, ParticipantNote
from .models import Participant


def add(*, person: Participant, text: str, by: Any, at: datetime.datetime) -> ParticipantNote:
    """Write a note. The person may ask to read it."""
    return ParticipantNote.objects.create(participant=person, text=text, by=by, at=at)


def remove(*, person: Participant, note_id: int) -> bool:
    """Delete a note of a person for good; False if it is gone already."""
    return ParticipantNote.objects.filter(participant=person, pk=note_id).delete()[0] > 0


@transaction.atomic
def use_name(*, person: Participant, name_id: int, at: datetime.datetime) -> bool:
    """Let a name on record stand first; the one that stood there goes on record.

    False if the name is not there any more.
    """
    kept = Participant.objects.select_for_update(no_key=True).get(pk=person.pk)
    chosen = ParticipantName.objects.filter(participant=kept, pk=name_id).first()
    if chosen is None:
        return False
    if kept.name and kept.name != chosen.name:
        ParticipantName.objects.get_or_create(
            participant=kept, name=kept.name, defaults={"since": at}
        )
    kept.name = chosen.name
    kept.save(update_fields=["name"])
    chosen.delete()
    return True
