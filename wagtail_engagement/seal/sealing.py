"""Whether this database may send: it belongs to this site, and is no older than its journal.

A copy of a city's register must never write to the city. Every round of a worker asks
`may_send`; screens, commands and checks ask `why_not`, which writes nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import log

from .. import conf, journal
from .models import JournalEntry, Seal

Trouble = Seal.Trouble

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What is wrong, then how to go on.
WORDS = {
    "another_site": gettext_lazy(
        "Nothing is sent: this database belongs to %(theirs)s, and the settings are those of"
        " %(ours)s. If it is a copy, run engagement_sanitise. If the site has moved, run"
        " engagement_reconcile --adopt."
    ),
    "no_journal": gettext_lazy(
        "Nothing is sent: the journal is not where WAGTAIL_ENGAGEMENT_JOURNAL says, or cannot be"
        " read. Bring it back. If it is lost, run engagement_reconcile --adopt."
    ),
    "other_journal": gettext_lazy(
        "Nothing is sent: the journal is another one than this database wrote. Put the right path"
        " into WAGTAIL_ENGAGEMENT_JOURNAL. If the old one is lost, run engagement_reconcile --adopt."
    ),
    "short_journal": gettext_lazy(
        "Nothing is sent: the journal is shorter than it was, so that its end is missing. Bring the"
        " whole file back. If it is lost, run engagement_reconcile --adopt."
    ),
    Trouble.OLDER: gettext_lazy(
        "Nothing is sent: the journal knows of things that this database has forgotten, so that it"
        " is an older copy. Run engagement_reconcile, which puts them back."
    ),
    Trouble.UNWRITABLE: gettext_lazy(
        "Nothing is sent: the journal cannot be written. Make room on its disk, and let the worker"
        " write there. Sending then goes on by itself."
    ),
}


@dataclass(frozen=True)
class Refusal:
    """Why nothing is sent: a short code, and what it means with the way to go on."""

    code: str
    text: str


class NotConfirmed(Exception):
    """The host that was typed is not the one of this site."""


def host() -> str:
    """The site's name in the seal: host and port, for http and https are one site.

    Ports tell no two sites on a developer's own machine apart.
    """
    parts = urlsplit(conf.base_url())
    name = parts.hostname or ""
    is_plain = name in LOOPBACK or parts.port in (None, 80, 443)
    return name if is_plain else f"{name}:{parts.port}"


def may_send(*, at: datetime.datetime) -> bool:
    """Whether a worker may hand anything to a mail server now; seals a database that has no seal."""
    seal = bind(at=at)
    return why_not() is None and bool(seal.journal or not conf.journal())


def bind(*, at: datetime.datetime) -> Seal:
    """Seal a database that has no seal yet, and begin the journal that the settings ask for."""
    seal, _is_new = Seal.objects.get_or_create(only=True, defaults={**_mine(), "sealed_at": at})
    if not is_ours(seal):
        return seal
    if seal.key_id != next(iter(conf.keys())):
        Seal.objects.filter(pk=seal.pk).update(**_mine())
    if conf.journal() and not seal.journal:
        try:
            name = journal.create(conf.journal())
        except journal.Unwritable:
            return seal  # `why_not` says so.
        Seal.objects.filter(pk=seal.pk, journal="").update(journal=name, offset=0)
        seal.refresh_from_db()
    if seal.trouble == Trouble.UNWRITABLE and seal.journal:
        _try_again(seal)
    return seal


def _try_again(seal: Seal) -> None:
    try:
        again = [{"do": "tried"}]
        journal.append(conf.journal(), name=seal.journal, entries=again, lasts=True)
    except journal.Unwritable:
        return
    Seal.objects.filter(pk=seal.pk, trouble=Trouble.UNWRITABLE).update(trouble="")


def why_not() -> Refusal | None:
    """What keeps this database from sending, in words; None where it may. Writes nothing."""
    seal = Seal.objects.first()
    if seal is None:
        return None
    if not is_ours(seal):
        facts = {
            "theirs": _called(seal.host, seal.environment),
            "ours": _called(host(), conf.environment()),
        }
        return Refusal("another_site", str(WORDS["another_site"]) % facts)
    where = conf.journal()
    if where or seal.journal:
        return _about_journal(seal, where)
    return None


def _about_journal(seal: Seal, where: str) -> Refusal | None:
    name = journal.name_of(where) if where else ""
    if not seal.journal:  # The next worker, or the next start, begins it or takes it up.
        return None if name or journal.may_begin(where) else _refusal("no_journal")
    if not name or name != seal.journal:
        return _refusal("other_journal" if name else "no_journal")
    if journal.size(where) < seal.offset:
        return _refusal("short_journal")
    return _refusal(seal.trouble) if seal.trouble else None


def _refusal(code: str) -> Refusal:
    return Refusal(code, str(WORDS[code]))


def is_ours(seal: Seal) -> bool:
    """Whether a seal was made by these settings; also with a key that is no longer the newest."""
    secret = conf.keys().get(seal.key_id)
    said = (host(), conf.environment())
    is_same = (seal.host, seal.environment) == said
    return is_same and bool(secret) and hmac.compare_digest(seal.proof, _proof(*said, secret or ""))


def refuse(trouble: str) -> None:
    """Write down why nothing may be sent until it is mended."""
    Seal.objects.filter(trouble="").update(trouble=trouble)


@transaction.atomic
def adopt(*, typed: str, actor: Any, at: datetime.datetime) -> Seal:
    """Make the database this site's own, with the journal of its settings, by somebody's decision.

    A journal that it did not know is read from its beginning. Raises NotConfirmed, or Unwritable
    where the settings name a journal that cannot be made.
    """
    if typed.strip().lower() != host():
        raise NotConfirmed
    seal = bind(at=at)
    before = {"host": seal.host, "environment": seal.environment, "journal": seal.journal}
    name = journal.create(conf.journal()) if conf.journal() else ""
    known = min(seal.offset, journal.size(conf.journal())) if name == seal.journal else 0
    Seal.objects.filter(pk=seal.pk).update(
        **_mine(), journal=name, offset=known, sealed_at=at, trouble=""
    )
    seal.refresh_from_db()
    action = "wagtail_engagement.database_adopted"
    log(seal, action, user=actor, title=str(seal), data={"before": before})
    return seal


@transaction.atomic
def seal_anew(*, at: datetime.datetime, environment: str | None = None) -> Seal:
    """Seal a copy that holds nobody any more for this site, or for nobody while it is made safe.

    What a journal here says of earlier copies is not of this one.
    """
    JournalEntry.objects.all().delete()
    Seal.objects.all().delete()
    if environment is not None:
        return Seal.objects.create(**{**_mine(), "environment": environment}, sealed_at=at)
    name = journal.name_of(conf.journal() or "/")
    end = journal.size(conf.journal()) if name else 0
    return Seal.objects.create(**_mine(), journal=name, offset=end, sealed_at=at)


def _mine() -> dict[str, str]:
    key_id, secret = next(iter(conf.keys().items()))
    said = {"host": host(), "environment": conf.environment()}
    return {**said, "proof": _proof(host(), conf.environment(), secret), "key_id": key_id}


def _proof(name: str, environment: str, secret: str) -> str:
    said = f"seal:{name}\n{environment}".encode()
    return hmac.digest(secret.encode(), said, hashlib.sha256).hex()


def _called(name: str, environment: str) -> str:
    return f"{name} ({environment})" if environment else name or _("a site without a name")
