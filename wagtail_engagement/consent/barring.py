"""The do-not-contact list. Only this module and an agreement (`settling.give`) change its rows."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models.functions import Coalesce
from wagtail.log_actions import log

from .. import addresses, conf
from ..seal import journalling
from .judging import bars_purpose
from .models import ConsentEvent, Suppression
from .settling import (
    any_bar,
    bars_of,
    lift_rows,
    locked_whole,
    people_of_register,
    project,
    settle,
    together,
)

Cause = Suppression.Reason
AT_ONCE = 500

# From the weakest to the strongest reason not to write; a weaker one never replaces a stronger.
STRENGTH = [
    Cause.BOUNCED,
    Cause.UNSUBSCRIBED,
    Cause.MANUAL,
    Cause.COMPLAINED,
    Cause.OBJECTED,
    Cause.ERASED,
]


class NotLiftable(Exception):
    """Staff may not lift this; only the person can, by confirming the address anew."""


class Whom(TypedDict, total=False):
    """An address, or its keyed hash with the id of the key where the address is not known."""

    address: str
    fingerprint: str
    key_id: str


@together
def suppress(
    *,
    reason: str,
    at: datetime.datetime,
    purpose: str | None = None,
    source: str = "",
    **whom: Unpack[Whom],
) -> Suppression:
    """Stop writing to an address, for one purpose or (None) for all; return the row that says so.

    Doing it twice changes nothing, and a weaker reason never replaces a stronger one. A row for
    every purpose takes the place of weaker rows for one. Where only a fingerprint is known, the
    whole register is read to find its person (about 0.3 s for 100,000 people).
    """
    people = _people_behind(whom)
    if "address" in whom:
        mark, key_id = addresses.fingerprint(whom["address"])
        rows = list(Suppression.objects.of_address(whom["address"]))
    else:
        mark, key_id = whom["fingerprint"], whom["key_id"]
        rows = list(Suppression.objects.filter(fingerprint=mark))
    strength = STRENGTH.index(Cause(reason))
    weaker = [
        row
        for row in rows
        if STRENGTH.index(Cause(row.reason)) < strength
        or (row.reason == reason and _outlives_sheet(source, row))
    ]
    for row in rows:
        if bars_purpose(row, purpose or "") and row not in weaker:
            return row
    gone = [row.pk for row in weaker if purpose is None or row.purpose == purpose]
    if purpose is None:
        gone += [row.pk for row in rows if row.purpose and row.reason == reason]
    Suppression.objects.filter(pk__in=gone).delete()
    row, _is_new = Suppression.objects.update_or_create(
        fingerprint=mark,
        purpose=purpose,
        defaults={"key_id": key_id, "reason": reason, "source": source, "at": at},
    )
    _journal([mark], key_id, row, at)
    project(people, bars_of(people), at)
    return row


@together
def suppress_many(
    *,
    emails: Iterable[str],
    reason: str,
    at: datetime.datetime,
    purpose: str | None = None,
    source: str = "",
) -> int:
    """Stop writing to many addresses at once, by the rules of `suppress`; return how many are new.

    Costs the same statements for any number of addresses that no row names yet; one that a row
    names already is treated by itself.
    """
    wanted = {addresses.key(email): email for email in emails}
    marks = {mark: key for key in wanted for mark in addresses.fingerprints(key)}
    named = {
        marks[mark]
        for mark in Suppression.objects.filter(fingerprint__in=marks).values_list(
            "fingerprint", flat=True
        )
    }
    rows = []
    for key in wanted.keys() - named:
        mark, key_id = addresses.fingerprint(key)
        rows.append(
            Suppression(
                fingerprint=mark,
                key_id=key_id,
                purpose=purpose,
                reason=reason,
                source=source,
                at=at,
            )
        )
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        _journal([row.fingerprint for row in rows], rows[0].key_id, rows[0], at)
    people = people_of_register().filter(address_key__in=wanted.keys() - named)
    settle(people.values_list(Coalesce("merged_into", "pk"), flat=True), at=at)
    for key in named:
        suppress(address=wanted[key], reason=reason, purpose=purpose, source=source, at=at)
    return len(rows)


@together
def take_back(*, entries: Collection[Suppression], sources: dict[int, str]) -> None:
    """Take back entries of a sheet that was brought in by mistake; the caller settles.

    Those in `sources`, by id, stay, for somebody else said the same: they get that source.
    """
    gone = [row.pk for row in entries if row.pk not in sources]
    Suppression.objects.filter(pk__in=gone).delete()
    kept = [row for row in entries if row.pk in sources]
    for row in kept:
        row.source = sources[row.pk]
    Suppression.objects.bulk_update(kept, ["source"])


@together
def lift(*, address: str, purposes: Collection[str], at: datetime.datetime) -> None:
    """Allow an address again for these purposes, whatever the reason was; the rest stays."""
    people = _people_behind({"address": address})
    lift_rows(list(Suppression.objects.of_address(address)), purposes, any_bar)
    project(people, bars_of(people), at)


@transaction.atomic
def lift_by_staff(*, suppression: Suppression, actor: Any, at: datetime.datetime) -> None:
    """Take back a bounce or an entry by staff. Raises NotLiftable for what people asked for."""
    if suppression.reason not in Suppression.LIFTED_BY_STAFF:
        raise NotLiftable
    people = _people_behind({"fingerprint": suppression.fingerprint, "key_id": suppression.key_id})
    log(suppression, "wagtail_engagement.suppression_lifted", user=actor, title=str(suppression))
    suppression.delete()
    project(people, bars_of(people), at)


def suppress_marks(rows: Collection[Suppression]) -> int:
    """Stop writing to addresses that nobody here has, known by their hashes; return how many are new."""
    named = {(row.fingerprint, row.purpose) for row in rows}
    known = Suppression.objects.filter(fingerprint__in=[mark for mark, _purpose in named])
    named -= set(known.values_list("fingerprint", "purpose"))
    fresh = {(row.fingerprint, row.purpose): row for row in rows}
    Suppression.objects.bulk_create([fresh[key] for key in named], ignore_conflicts=True)
    return len(named)


def _journal(marks: list[str], key_id: str, row: Suppression, at: datetime.datetime) -> None:
    """Keep what was stopped outside the database, without what staff typed about it."""
    source = row.source if row.source in ConsentEvent.Channel.values else ""
    said = {"do": "stopped", "key": key_id, "purpose": row.purpose, "reason": row.reason}
    groups = [marks[start : start + AT_ONCE] for start in range(0, len(marks), AT_ONCE)]
    journalling.note([{**said, "source": source, "all": group} for group in groups], at=at)


def _outlives_sheet(source: str, row: Suppression) -> bool:
    """Whether a new source takes the place of a sheet's, which goes when the sheet is undone.

    Not a link's, for a link takes back what a link did; its event stands when the sheet goes.
    """
    if source.startswith(Suppression.SHEET) or source in ConsentEvent.Channel.own():
        return False
    return row.source.startswith(Suppression.SHEET)


def _people_behind(whom: Whom) -> list[Any]:
    """The record with an address, if any, and what is one person with it by a merge."""
    if "address" in whom:
        return locked_whole(address_key=addresses.key(whom["address"]))
    if whom["key_id"] not in conf.keys():
        return []
    for pk, address_key in people_of_register().values_list("pk", "address_key").iterator():
        mark, _key_id = addresses.fingerprint(address_key, whom["key_id"])
        if mark == whom["fingerprint"]:
            return locked_whole(pk=pk)
    return []
