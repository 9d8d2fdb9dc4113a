"""Reading wordings, and what the site says about itself."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from wagtail.models import Site

from .models import ConsentEvent, ConsentWording, LawfulBasis, Purpose, Suppression
from .notices import EngagementSettings

FALLBACK_LANGUAGE = "en"

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel


def current_wordings(language: str) -> dict[str, ConsentWording]:
    """The newest words to agree to for each purpose in a language, in English where it has none.

    A purpose without any wording is left out, and with it its box: nobody can agree to words
    that do not exist. `cy-gb` finds `cy`. One query.
    """
    return _newest(_in_language(language).filter(basis=LawfulBasis.CONSENT), language)


def wordings_of_form(language: str, site: Callable[[], Site | None]) -> dict[str, ConsentWording]:
    """The same for a form of a site, whose invitations may rest on public task.

    Then people are told, and may say no; until the words for that are written, and the decision
    has a name and a day, consent stays. Asks for the site only where such words exist.
    """
    rows = list(_in_language(language))
    told = [row for row in rows if row.basis == LawfulBasis.PUBLIC_TASK]
    found = _newest([row for row in rows if row.basis == LawfulBasis.CONSENT], language)
    if told and settings_of(site()).is_public_task:
        found |= _newest([row for row in told if row.purpose == Purpose.INVITE], language)
    return found


def _preferred(language: str) -> list[str]:
    return [language, language.partition("-")[0], FALLBACK_LANGUAGE]


def _in_language(language: str) -> Any:
    return ConsentWording.objects.filter(language__in=_preferred(language)).order_by()


def _newest(rows: Iterable[ConsentWording], language: str) -> dict[str, ConsentWording]:
    wanted = _preferred(language)
    ranked = sorted(rows, key=lambda row: (-wanted.index(row.language), row.version))
    return {wording.purpose: wording for wording in ranked}


def wordings_by_id(ids: Iterable[int]) -> dict[int, ConsentWording]:
    """The wordings that were shown, whatever is current today."""
    return ConsentWording.objects.in_bulk(set(ids))


def stopped_for_good(participant_id: int) -> set[tuple[str, int | None]]:
    """Purposes, for a result with its consultation, that a person stopped and did not take up again.

    What a sheet or a merge says is left out, for it can be undone.
    """
    decisive = (Action.GIVEN, Action.WITHDRAWN, Action.OBJECTED)
    acts = ConsentEvent.objects.filter(participant=participant_id, action__in=decisive)
    acts = acts.exclude(channel__in=(Channel.IMPORT, Channel.MERGE)).order_by("at", "id")
    last = {
        (purpose, about if purpose == Purpose.RESULT else None): action
        for purpose, about, action in acts.values_list("purpose", "consultation_id", "action")
    }
    return {subject for subject, action in last.items() if action != Action.GIVEN}


def learned(rows: Iterable[Suppression]) -> dict[str, str]:
    """How entries of the do-not-contact list were learned, in words, by their `source`. One query."""
    sources = {row.source for row in rows}
    by_sheet = {found: source for source in sources if (found := _sheet_of(source))}
    sheets: Any = ConsentEvent._meta.get_field("batch").related_model
    words = {source: str(dict(Channel.choices).get(source, source)) for source in sources}
    words |= dict.fromkeys(by_sheet.values(), _("a spreadsheet"))
    for sheet in sheets._base_manager.filter(uuid__in=by_sheet) if by_sheet else ():
        words[by_sheet[sheet.uuid]] = sheet.from_where()
    return words


def _sheet_of(source: str) -> uuids.UUID | None:
    """The sheet that an entry comes from; what staff typed may begin with the same word."""
    if not source.startswith(Suppression.SHEET):
        return None
    try:
        return uuids.UUID(source.removeprefix(Suppression.SHEET))
    except ValueError:
        return None


def settings_of(site: Site | None) -> EngagementSettings:
    """What a site says about itself. Reading writes nothing (E03); Wagtail's `for_site` would."""
    return EngagementSettings.objects.filter(site=site).first() or EngagementSettings(site=site)


def site_settings() -> EngagementSettings:
    """What the default site says about itself; mails are written outside any request."""
    return settings_of(Site.objects.filter(is_default_site=True).first())


def organisation() -> str:
    """Who signs our mails: the name from the settings, else the name of the site."""
    found = site_settings()
    site_name = found.site.site_name if found.site_id else ""
    return found.organisation or site_name or getattr(settings, "WAGTAIL_SITE_NAME", "")
