"""What the data protection pack says: this site's own settings, clocks and counts."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import Site

from .. import conf, mail
from ..consent.models import (
    ConsentWording,
    ContactPermission,
    LawfulBasis,
    Purpose,
    Suppression,
)
from ..consent.notices import EngagementSettings
from ..consent.queries import settings_of
from ..consultations.models import Consultation, ConsultationResponse
from ..consultations.responses import RESULT_WAITS
from ..imports.models import ImportBatch
from ..invitations.models import Delivery
from ..participants import duplicates, merging, registry
from ..participants.models import Claim, Participant
from .models import RetentionRun, RightsRequest
from .retaining import REQUEST_KEPT

# Mail backends of Django that send nothing.
GOES_NOWHERE = ("console", "dummy", "filebased", "locmem")
RETENTION_IS_LATE = datetime.timedelta(days=2)


@dataclass(frozen=True)
class Clock:
    """How long something is kept, and the setting that says so ("" where it is fixed)."""

    what: str
    kept: str
    then: str
    setting: str = ""


@dataclass(frozen=True)
class Pack:
    """Everything that the page of one site is filled from."""

    site: Site
    said: EngagementSettings
    organisation: str
    processors: list[str]
    mail_backend: str
    wordings: list[ConsentWording]
    counts: list[tuple[str, int]]
    clocks: list[Clock]
    missing: list[str]
    last_run: RetentionRun | None
    at: datetime.datetime


def pack_of(site: Site, *, at: datetime.datetime) -> Pack:
    """Collect the pack of a site. The counts are of the one register that all sites share."""
    said = settings_of(site)
    return Pack(
        site=site,
        said=said,
        organisation=said.organisation or site.site_name,
        processors=[line.strip() for line in said.processors.splitlines() if line.strip()],
        mail_backend=mail.backend_path(),
        wordings=current_wordings(said),
        counts=[*counts(at=at)],
        clocks=clocks(),
        missing=[*missing(said, at=at)],
        last_run=RetentionRun.objects.first(),
        at=at,
    )


def current_wordings(said: EngagementSettings) -> list[ConsentWording]:
    """The newest words of each purpose and language, on the basis that is in force."""
    rows = ConsentWording.objects.order_by("purpose", "language", "version")
    if not said.is_public_task:
        rows = rows.exclude(basis=LawfulBasis.PUBLIC_TASK)
    newest = {(row.purpose, row.language, row.basis): row for row in rows}
    return list(newest.values())


def missing(said: EngagementSettings, *, at: datetime.datetime) -> Iterator[str]:
    """Sentences on what the pack cannot say yet, each with what to do."""
    absent = {
        "organisation": _("The name of the council is missing. Fill it in under Settings."),
        "dpo": _("The data protection officer is missing. Fill it in under Settings."),
        "processors": _("The processors are missing. List them under Settings, one a line."),
        "about_us": _("Who you are is missing. Fill it in under Settings."),
        "privacy_notice": _("The privacy notice is missing. Fill it in under Settings."),
        "complaints": _("How to complain is missing. Fill it in under Settings."),
    }
    for name, sentence in absent.items():
        if not strip_tags(getattr(said, name)).strip():
            yield sentence
    if said.invite_basis == LawfulBasis.PUBLIC_TASK and not said.is_public_task:
        yield _("Public task has no named decision. Say under Settings who decided, and when.")
    if not ConsentWording.objects.filter(purpose=Purpose.INVITE).exists():
        yield _("There are no words for invitations. Write them under Wordings.")
    if any(f".{name}." in mail.backend_path() for name in GOES_NOWHERE):
        yield _("Mail does not leave this site. Ask your administrator to set up a mail server.")
    last = RetentionRun.objects.values_list("at", flat=True).first()
    if last is None or last <= at - RETENTION_IS_LATE:
        late = _("The retention clocks have not run for two days.")
        told = late if last else _("The retention clocks have never run.")
        yield told + " " + _("Ask your administrator to run engagement_work.")


# Counts


def counts(*, at: datetime.datetime) -> Iterator[tuple[str, int]]:
    """How many there are of what, today."""
    people = Participant.objects.current()
    kinds = dict(people.order_by().values_list("kind").annotate(Count("pk")))
    yield _("People in the register"), kinds.get(Participant.Kind.PERSON, 0)
    yield _("Organisations in the register"), kinds.get(Participant.Kind.ORGANISATION, 0)
    standing = ContactPermission.objects.filter(purpose=Purpose.INVITE, consultation=None)
    reasons = dict(standing.order_by().values_list("reason").annotate(Count("pk")))
    for reason in ContactPermission.Reason:
        if reason in reasons:
            yield _("Invitations: %(reason)s") % {"reason": reason.label}, reasons[reason]
    silent = sum(kinds.values()) - sum(reasons.values())
    yield _("Invitations: never asked or never answered"), max(silent, 0)
    yield _("In quarantine, to be removed"), people.filter(kept_until__isnull=False).count()
    waiting = Claim.objects.pending().aggregate(n=Count("address_key", distinct=True))
    yield _("Addresses that wait to be confirmed"), waiting["n"]
    yield _("Do not contact (keyed hashes)"), Suppression.objects.count()
    yield _("Consultations"), Consultation.objects.count()
    yield _("Responses"), ConsultationResponse.objects.count()
    linked = ConsultationResponse.objects.filter(participant__isnull=False)
    yield _("Responses linked to a person"), linked.count()
    yield _("Invitations handed to the mail server"), Delivery.objects.left_the_building().count()
    brought_in = ImportBatch.objects.filter(status=ImportBatch.Status.FINISHED)
    yield _("Sheets brought in"), brought_in.count()
    last_year = RightsRequest.objects.filter(asked_at__gt=at - datetime.timedelta(days=365))
    yield _("Requests about personal data in the last year"), last_year.count()
    yield _("Of these not closed"), last_year.filter(closed_at=None).count()


# Clocks


def clocks() -> list[Clock]:
    """How long each kind of data is kept on this site."""
    return [*_clocks_of_people(), *_clocks_of_answers(), *_clocks_of_proof()]


def _days(number: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", number) % {"days": number}


def _ends(number: int, then: str) -> tuple[str, str]:
    """How long, and what happens then, for a clock that a site can stop with 0."""
    return (_days(number), then) if number else (_("without end"), "–")


def _set(name: str) -> str:
    return f"{conf.PREFIX}{name}"


def _clocks_of_people() -> Iterator[Clock]:
    yield Clock(
        _("An agreement to be invited that nobody confirmed"),
        _days(conf.pending_days()),
        _("it is deleted"),
        _set("PENDING_DAYS"),
    )
    facts = {"days": _days(registry.RESULT_KEPT.days), "most": _days(RESULT_WAITS.days)}
    yield Clock(
        _("A wish to hear one result that nobody confirmed"),
        _("until %(days)s after the result, at most %(most)s after closing") % facts,
        _("it is deleted"),
    )
    yield Clock(
        _("A confirmed agreement to be invited"),
        *_ends(conf.permission_days(), _("it ends unless the person renews it")),
        _set("PERMISSION_DAYS"),
    )
    yield Clock(
        _("Somebody whom there is no reason to keep"),
        _days(conf.quarantine_days()),
        _("the person is removed from the register"),
        _set("QUARANTINE_DAYS"),
    )
    yield Clock(
        _("An interest that nothing has renewed"),
        *_ends(
            conf.interest_days(),
            _("it fades; what people chose stays while they may be invited"),
        ),
        _set("INTEREST_DAYS"),
    )
    yield Clock(
        _("A hint that two records are one person"),
        _days(duplicates.UNDECIDED.days),
        _("they stay two people"),
    )
    yield Clock(
        _("What is needed to take a merge back"),
        _days(merging.UNDOABLE.days),
        _("it is deleted"),
    )


def _clocks_of_answers() -> Iterator[Clock]:
    yield Clock(
        _("The link between a response and its person, after a decision"),
        _days(conf.response_days()),
        _("the response is cut from the person; the answers stay as evidence"),
        _set("RESPONSE_DAYS"),
    )
    yield Clock(
        _("The same after closing, where no decision is known"),
        _days(conf.undecided_days()),
        _("the response is cut from the person; the answers stay as evidence"),
        _set("UNDECIDED_DAYS"),
    )
    yield Clock(
        _("A response that is held back"),
        _days(conf.hold_days()),
        _("it counts, unless staff decided otherwise"),
        _set("HOLD_DAYS"),
    )
    yield Clock(
        _("An uploaded sheet"),
        _days(conf.import_file_days()),
        _("the file is deleted; its hash stays"),
        _set("IMPORT_FILE_DAYS"),
    )
    yield Clock(
        _("A row of a sheet that a person has to read"),
        _days(conf.quarantine_days()),
        _("what stands in it is deleted"),
        _set("QUARANTINE_DAYS"),
    )


def _clocks_of_proof() -> Iterator[Clock]:
    yield Clock(
        _("The note that a mail of the register was sent"),
        _days(registry.LEDGER_KEPT.days),
        _("it is deleted; it never holds an address"),
    )
    yield Clock(
        _("The tie between a closed request and its person"),
        _days(REQUEST_KEPT.days),
        _("the request stays, with its reference and its receipt"),
    )
    yield Clock(
        _("Proof of consent, with the words that were shown"),
        _("as long as the person is in the register"),
        _("it goes with the person"),
    )
    yield Clock(
        _("The keyed hash of an address that is not to be written to"),
        _("as long as there is a register"),
        _("it keeps old lists from bringing the address back"),
    )
    yield Clock(
        _("The audit log of staff"),
        _("as long as the site keeps Wagtail's log"),
        _("it knows people by their number alone"),
    )
