"""Whose data is asked for, and how each table is searched for it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from .. import addresses
from ..consultations.models import ResponseContact
from ..imports import cells
from ..imports.models import ImportRow
from ..invitations.events import ProviderEvent
from ..participants.models import Participant, RegisterMail


@dataclass(frozen=True)
class Whom:
    """People of the register: the numbers of their records, their addresses as keys.

    `is_thorough`: also look for what names their addresses without being tied to them.
    """

    ids: tuple[int, ...]
    keys: tuple[str, ...]
    is_thorough: bool = True

    @cached_property
    def marks(self) -> list[str]:
        """Keyed hashes of the addresses, under every key of the site."""
        return [mark for key in self.keys for mark in addresses.fingerprints(key)]


def whom(people: QuerySet[Participant], *, is_thorough: bool = True) -> Whom:
    """These people with the records that were merged into theirs."""
    ids = set(people.values_list("pk", flat=True))
    found: set[int] = set()
    while ids - found:
        found |= ids
        ids = set(Participant.objects.filter(merged_into__in=ids).values_list("pk", flat=True))
    everyone = Participant.objects.filter(pk__in=found)
    keys = everyone.order_by("pk").values_list("address_key", flat=True)
    return Whom(tuple(sorted(found)), tuple(keys), is_thorough)


def of_person(them: Whom) -> Q:
    return Q(participant__in=them.ids)


def claims_of(them: Whom) -> Q:
    if not them.is_thorough:
        return of_person(them)
    return Q(participant__in=them.ids) | Q(address_key__in=them.keys)


def mails_to(them: Whom) -> Q:
    return Q(participant__in=them.ids) | Q(fingerprint__in=them.marks)


def links_of(them: Whom) -> Q:
    """A link belongs to nobody yet while the mail that carried it waits for an answer."""
    if not them.is_thorough:
        return of_person(them)
    mails = RegisterMail.objects.filter(mails_to(them))
    return Q(participant__in=them.ids) | Q(uuid__in=mails.values("uuid"))


def contacts_of(them: Whom) -> Q:
    mine = Q(response__participant__in=them.ids)
    if not them.is_thorough:
        return mine
    typed = ResponseContact.objects.annotate(key=Lower("email")).filter(key__in=them.keys)
    return mine | Q(pk__in=typed.values("pk"))


def events_of(them: Whom) -> Q:
    """Reports on their messages, and those not applied yet that name the address."""
    mine = Q(delivery__participant__in=them.ids)
    named = Q(pk__in=())
    for key in them.keys if them.is_thorough else ():
        named |= Q(payload__icontains=key)
    waiting = ProviderEvent.objects.filter(named, applied_at=None)
    whole = [re.compile(rf"(?<![\w.+-]){re.escape(key)}(?![\w-]|\.\w)") for key in them.keys]
    pairs = waiting.order_by().values_list("pk", "payload")
    found = [pk for pk, said in pairs if any(key.search(said.lower()) for key in whole)]
    return mine | Q(pk__in=found)


def rows_of_sheets(them: Whom) -> Q:
    """Rows that became the person, and rows somebody has still to look at that name the address."""
    mine = Q(participant__in=them.ids)
    if not them.is_thorough:
        return mine
    named = Q(pk__in=())
    for key in them.keys:
        named |= Q(said__contains=key)
    kept = ImportRow.objects.filter(values__isnull=False)
    kept = kept.annotate(said=Lower(Cast("values", TextField()))).filter(named)
    # joann@example.com contains ann@example.com: the search only narrows.
    pairs = kept.order_by().values_list("pk", "values")
    return mine | Q(pk__in=[pk for pk, values in pairs if _is_named(values, them)])


def _is_named(values: Any, them: Whom) -> bool:
    return any(addresses.key(cells.address(text)[0]) in them.keys for text in values.values())


def pairs_of(them: Whom) -> Q:
    return Q(first__in=them.ids) | Q(second__in=them.ids)


def merges_of(them: Whom) -> Q:
    return Q(kept__in=them.ids) | Q(merged__in=them.ids)


def moves_of(them: Whom) -> Q:
    return Q(participant__in=them.ids) | Q(address_key__in=them.keys)


class NotInRegister(Exception):
    """Nobody in the register has this address or uuid; the message says so."""


def find(words: str) -> Participant:
    """Return the person with an address or a uuid, of merged records the kept one.

    Raises NotInRegister.
    """
    known = Participant.objects.select_related("merged_into")
    try:
        found = known.filter(uuid=uuid.UUID(words)).first()
    except ValueError:
        found = known.filter(address_key=addresses.key(_cleaned(words))).first()
    if found is None:
        raise NotInRegister(
            _("Nobody in the register has this address. Look for another spelling.")
        )
    return found.merged_into or found


def _cleaned(words: str) -> str:
    try:
        return addresses.clean(words)
    except addresses.AddressRefused as refused:
        raise NotInRegister(str(refused)) from refused
