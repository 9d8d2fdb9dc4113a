"""Finding consultations and their pages, without a foreign key from here to Page."""

from __future__ import annotations

import datetime
import re
from typing import Any

import swapper
from django.apps import apps
from django.db.models import CharField, F, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.functional import partition
from wagtail.models import Locale, Site
from wagtail.permissions import page_permission_policy

from .. import conf
from ..participants.models import Interest
from .models import Consultation, FormVersion

DIGEST = re.compile("[0-9a-f]{64}")


def page_models() -> list[Any]:
    """Every concrete page model of this site that is a consultation; the mixin marks them."""
    return [model for model in apps.get_models() if getattr(model, "is_consultation_page", False)]


def pages_by(**filters: Any) -> list[Any]:
    """Consultation pages of any type that match, one query for each type."""
    return [page for model in page_models() for page in model.objects.filter(**filters)]


def pages_of(consultation: Consultation) -> list[Any]:
    """Every page of a consultation: translations, aliases, live or not."""
    return pages_by(consultation=consultation)


def page_of(consultation: Consultation) -> Any | None:
    """The page that speaks for a consultation: live ones first, then the default locale's."""
    default = default_locale_id()
    found, aliases = partition(lambda page: page.alias_of_id is not None, pages_of(consultation))
    ranked = sorted(found, key=lambda page: (not page.live, page.locale_id != default, page.pk))
    return next(iter([*ranked, *aliases]), None)


def url_of(consultation: Consultation) -> str:
    """The address of a consultation's live page for use in mails, "" if there is none.

    No request decides the host: it is `conf.base_url`, or that of the page's own site where
    another site is the default one.
    """
    page = page_of(consultation)
    parts = page.get_url_parts() if page is not None and page.live else None
    if not parts:
        return ""
    site_id, root_url, path = parts
    stands_beside = Site.objects.filter(is_default_site=True).exclude(pk=site_id).exists()
    return f"{root_url if stands_beside else conf.base_url() or root_url}{path}"


def interests_of(row: Consultation) -> list[int]:
    """The keys of what a consultation is about, in the order in which they were chosen."""
    links = Consultation.interests.through.objects.filter(consultation=row).order_by("pk")
    return list(links.values_list("interest", flat=True))


def version_of(page: Any, digest: str) -> Any | None:
    """Return the version of a page's consultation that a posted form names, with its consultation.

    Read with the consultation's interests in one statement: a row for each of them.
    """
    if not DIGEST.fullmatch(digest):
        return None
    found = FormVersion.objects.filter(consultation=page.consultation_id, digest=digest)
    rows: Any = found.select_related("consultation").annotate(interest=F("consultation__interests"))
    versions = list(rows.order_by("interest"))
    version = versions[0] if versions else None
    if version:
        version.interest_ids = [row.interest for row in versions if row.interest]
    return version


def cut_at(
    closes_at: datetime.datetime,
    answered_at: datetime.datetime | None,
    expected_on: datetime.date | None,
) -> datetime.datetime:
    """When answers to a consultation are cut from the people who gave them (Settled 9).

    `response_days` after its outcome is published, else `undecided_days` after it closes; a
    decision that is expected later puts that off.
    """
    after_decision = datetime.timedelta(days=conf.response_days())
    if answered_at:
        return answered_at + after_decision
    end = closes_at + datetime.timedelta(days=conf.undecided_days())
    if expected_on is None:
        return end
    expected = datetime.datetime.combine(
        expected_on, datetime.time.min, timezone.get_default_timezone()
    )
    return max(end, expected + after_decision)


def default_locale_id() -> int | None:
    """The id of the site's default locale; None in a database that has none yet."""
    try:
        return Locale.get_default().pk
    except Locale.DoesNotExist:
        return None


def forms_of(user: Any) -> QuerySet[Any]:
    """The site's own form pages whose submissions somebody may read; none without any."""
    if not apps.is_installed("wagtail.contrib.forms"):
        return _pages().none()
    from wagtail.contrib.forms.utils import get_forms_for_user

    return get_forms_for_user(user)


def form_pages() -> QuerySet[Any]:
    """Every form page of the site's own."""
    if not apps.is_installed("wagtail.contrib.forms"):
        return _pages().none()
    from wagtail.contrib.forms.utils import get_form_types

    return _pages().filter(content_type__in=get_form_types())


def readable_by(user: Any) -> QuerySet[Consultation]:
    """Consultations whose answers somebody may read: those of pages that they may change.

    A row that a form of the site was brought into is read by those who may read that form. Else
    one without a page asks for `view_response` alone; a sensitive one for its own permission.
    """
    if not user.has_perm("wagtail_engagement.view_response"):
        return Consultation.objects.none()
    found = Consultation.objects.all()
    if not user.has_perm("wagtail_engagement.view_sensitive_response"):
        found = found.filter(is_sensitive=False)
    if user.is_superuser:
        return found
    changeable = page_permission_policy.instances_user_has_permission_for(user, "change")
    allowed, paged = Q(), Q()
    for model in page_models():
        pages = model.objects.filter(consultation__isnull=False)
        paged |= Q(pk__in=pages.values("consultation"))
        allowed |= Q(pk__in=pages.filter(pk__in=changeable.values("pk")).values("consultation"))
    pageless = ~paged if paged else Q()
    return found.filter(allowed | (pageless & _of_readable_form(user)))


def _of_readable_form(user: Any) -> Q:
    """Rows that came from no form, from one that somebody may read, or from one that is gone."""
    readable = Q(form_page__in=keys_of(forms_of(user)))
    there = Q(form_page__in=keys_of(form_pages()))
    return Q(form_page="") | readable | ~there


def _pages() -> QuerySet[Any]:
    return swapper.load_model("wagtailcore", "Page").objects.all()


def keys_of(pages: QuerySet[Any]) -> QuerySet[Any]:
    """The keys of pages as text, for a query of rows that name their page by it."""
    return pages.order_by().annotate(key=Cast("pk", CharField())).values("key")


def registration_url(site: Any) -> str | None:
    """The address of a site's sign-up page, None where it has none."""
    models: list[Any] = [m for m in apps.get_models() if getattr(m, "is_registration_page", False)]
    for model in models:
        pages = model.objects.live().public()
        page = (pages.descendant_of(site.root_page) if site else pages).first()
        if page is not None:
            return page.url
    return None


def listed_below(
    page: Any, key: str, *, interest: Interest | None, at: datetime.datetime
) -> list[Any]:
    """Live, public consultations below a page: those that are "open", "upcoming" or "closed"."""
    when: dict[str, Any] = {
        "open": {"opens_at__lte": at, "closes_at__gt": at},
        "upcoming": {"opens_at__gt": at},
        "closed": {"closes_at__lte": at},
    }[key]
    found: list[Any] = []
    for model in page_models():
        pages = model.objects.live().public().descendant_of(page).filter(**when)
        found += pages.filter(interests=interest) if interest else pages
    if key == "closed":
        return sorted(found, key=lambda item: item.closes_at, reverse=True)
    return sorted(found, key=lambda item: item.closes_at if key == "open" else item.opens_at)
