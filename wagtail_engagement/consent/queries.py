"""Reading wordings, and what the site says about itself."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from wagtail.models import Site

from .models import ConsentWording
from .notices import EngagementSettings

FALLBACK_LANGUAGE = "en"


def current_wordings(language: str) -> dict[str, ConsentWording]:
    """The newest wording of each purpose in a language, in English where it has none.

    A purpose without any wording is left out, and with it its box: nobody can agree to words
    that do not exist. `cy-gb` finds `cy`. One query.
    """
    wanted = [language, language.partition("-")[0], FALLBACK_LANGUAGE]
    found: dict[str, ConsentWording] = {}
    rows = ConsentWording.objects.filter(language__in=wanted)
    for wording in sorted(rows, key=lambda row: (-wanted.index(row.language), row.version)):
        found[wording.purpose] = wording
    return found


def wordings_by_id(ids: Iterable[int]) -> dict[int, ConsentWording]:
    """The wordings that were shown, whatever is current today."""
    return ConsentWording.objects.in_bulk(set(ids))


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
