"""Making a copied database safe for staging: nobody of the register is left in it.

What a screen needs to look real stays: how many people, what they chose, what they may be sent,
consultations and their counts. `masks` says for each table what goes. Until all of it is done the
copy belongs to no site, so that no worker sends from it; it may be stopped and run again.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import CharField, JSONField, Max, Min, Model, QuerySet, Value
from django.db.models.functions import Cast, LPad
from wagtail.models import ModelLogEntry

from .. import addresses, conf, inserting, journal
from ..consent.models import Suppression
from ..consultations.models import ConsultationResponse, FormVersion
from ..consultations.questions import CHOICE_KINDS, Definition
from ..imports import files
from ..imports.models import ImportBatch
from ..participants.models import Participant
from ..seal import sealing
from ..seal.models import Seal
from .masks import DOMAIN, MASKS, Mask

APP = "wagtail_engagement"
AT_ONCE = 5_000
MEANWHILE = "being made safe"
STAYS = {*CHOICE_KINDS, "number"}  # kinds of question whose answers name nobody


class LooksLive(Exception):
    """The settings are those of the site that the database belongs to; `host` has to be typed."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class LiveJournal(Exception):
    """The settings name the journal of the live site, which a copy must not write to."""


class NoMask(Exception):
    """Nobody has said what becomes of these tables; the message names them."""


def sanitise(*, typed: str, at: datetime.datetime) -> Counter[str]:
    """Take everybody out of a copy and seal it for its own site; count rows by table.

    `typed` is the host of the site that the copy is of, needed where the settings do not tell it
    from the live one. Raises LooksLive, LiveJournal or NoMask before anything is changed.
    """
    _look_before(typed)
    sealing.seal_anew(at=at, environment=MEANWHILE)
    counts: Counter[str] = Counter()
    counts["files"] = _drop_files()
    _move_marks()
    _empty_answers()
    for model in tables():
        counts[model.__name__] = _put_over(model, MASKS[model.__name__])
    ours = ModelLogEntry.objects.filter(content_type__app_label=APP)
    counts["log"] = ours.update(label="", data={})
    _forget_pages_of_disk()
    sealing.seal_anew(at=at)
    return counts


def tables() -> list[type[Model]]:
    """Every table of the package."""
    return list(apps.get_app_config(APP).get_models())


def _look_before(typed: str) -> None:
    unknown = [model.__name__ for model in tables() if model.__name__ not in MASKS]
    if unknown:
        raise NoMask(", ".join(unknown))
    seal = Seal.objects.first()
    host = seal.host if seal else sealing.host()
    if (seal is None or sealing.is_ours(seal)) and typed.strip().lower() != host:
        raise LooksLive(host)
    if seal and seal.journal and seal.journal == journal.name_of(conf.journal() or "/"):
        raise LiveJournal


# Tables


def _put_over(model: type[Model], mask: Mask) -> int:
    """Put the mask over a table in pieces, each a transaction of its own."""
    changes = {name: _as_value(to) for name, to in {**mask.texts, **mask.others}.items()}
    number = 0
    for rows in _pieces(model):
        if mask.is_emptied:
            number += rows.delete()[0]
            continue
        if mask.goes:
            number += rows.filter(mask.goes()).delete()[0]
        if changes:
            number += rows.update(**changes)
    return number


def _as_value(to: Any) -> Any:
    return Value(to, output_field=JSONField()) if isinstance(to, (list, dict)) else to


def _pieces(model: type[Model]) -> Iterator[QuerySet[Any]]:
    everything = model._base_manager.order_by()
    ends = everything.aggregate(first=Min("pk"), last=Max("pk"))
    if not isinstance(ends["first"], int):
        return  # No rows, or a table of reference without numbers.
    for first in range(ends["first"], ends["last"] + 1, AT_ONCE):
        yield everything.filter(pk__gte=first, pk__lt=first + AT_ONCE)


# What takes more than one expression


def _move_marks() -> None:
    """Let do-not-contact follow people to their new addresses, and cut it from all others."""
    moved: list[int] = []
    for piece in _pieces(Participant):
        moved += _move_marks_of(dict(piece.values_list("pk", "email")))
    number = Cast("pk", CharField())
    for rows in _pieces(Suppression):
        others = rows.exclude(pk__in=inserting.among(moved)) if moved else rows
        others.update(fingerprint=LPad(number, 64, Value("0")))


@transaction.atomic
def _move_marks_of(emails: dict[int, str]) -> list[int]:
    owner = {mark: pk for pk, email in emails.items() for mark in addresses.fingerprints(email)}
    rows = list(Suppression.objects.filter(fingerprint__in=inserting.among(owner)))
    taken: dict[tuple[int, str | None], int] = {}
    twice = []
    for row in rows:
        pk = owner[row.fingerprint]
        if (pk, row.purpose) in taken:  # Under an older key too.
            twice.append(row.pk)
            continue
        taken[pk, row.purpose] = row.pk
        row.fingerprint, row.key_id = addresses.fingerprint(f"person-{pk}{DOMAIN}")
    Suppression.objects.filter(pk__in=twice).delete()
    kept = [row for row in rows if row.pk not in twice]
    Suppression.objects.bulk_update(kept, ["fingerprint", "key_id"], batch_size=500)
    return [row.pk for row in kept]


def _empty_answers() -> None:
    """Empty texts and days in the answers as they were sent; choices and numbers stay."""
    stays = {
        version.pk: {
            q["key"] for q in Definition(version.definition).questions if q["kind"] in STAYS
        }
        for version in FormVersion.objects.all()
    }
    for piece in _pieces(ConsultationResponse):
        changed = []
        for row in piece.only("answers", "form_version_id"):
            kept = stays[row.form_version_id]
            answers = {key: said if key in kept else "" for key, said in row.answers.items()}
            if answers != row.answers:
                row.answers = answers
                changed.append(row)
        ConsultationResponse.objects.bulk_update(changed, ["answers"], batch_size=500)


def _drop_files() -> int:
    """Delete the sheets that were uploaded, from this site's own folder."""
    gone = 0
    for batch in ImportBatch.objects.exclude(stored_as=""):
        path = files.path_of(batch)
        gone += path.exists()
        path.unlink(missing_ok=True)
    return gone


def _forget_pages_of_disk() -> None:
    """SQLite leaves what was deleted in its file until it is written anew."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
