"""What is true of an invitation now: what stands in its way, and how far it has come."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Count, F, Min
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from .. import conf
from ..consent import queries as consent_queries
from ..consent.models import ContactPermission
from ..consultations import queries as consultation_queries
from ..consultations.models import ConsultationResponse, State
from ..participants import renewing
from ..participants.models import Claim, Participant, ParticipantInterest, RegisterMail
from . import limiting
from .audience import INCLUDED, Audience, Counts, Exclusion, not_invited
from .models import Delivery, Invitation, WorkerSign

# A worker signs at every round; this long a silence means that none is there.
WORKER_IS_LATE = datetime.timedelta(minutes=10)
SIGN_IS_FRESH = datetime.timedelta(minutes=1)
SOON = datetime.timedelta(days=3)
SENT = (Delivery.State.ACCEPTED, Delivery.State.DELIVERED, Delivery.State.COMPLAINED)
NOT_ARRIVED = (Delivery.State.REFUSED, Delivery.State.BOUNCED)


@dataclass(frozen=True)
class Check:
    """One line of the list before sending: fine, to be looked at, or in the way."""

    text: str
    is_fine: bool = True
    is_blocking: bool = False
    url: str = ""  # Where there is more to see.


@dataclass(frozen=True)
class Progress:
    """How far an invitation has come. The first five numbers add up to its recipients."""

    sent: int
    waiting: int
    not_arrived: int
    unknown: int
    skipped: int
    skipped_reasons: list[tuple[str, str, int]]
    answered: int

    @property
    def total(self) -> int:
        return self.sent + self.waiting + self.not_arrived + self.unknown + self.skipped

    @property
    def settled(self) -> int:
        return self.total - self.waiting


def checks(invitation: Invitation, counts: Counts, at: datetime.datetime) -> list[Check]:
    """What was looked at before sending, in plain words; blocking ones must be mended first."""
    return [
        _check_open(invitation, at),
        _check_page(invitation),
        _check_people(counts),
        *_check_relevance(invitation),
        _check_text(invitation),
        _check_links(),
        _check_council(),
        _check_worker(at),
    ]


def _in_the_way(text: str) -> Check:
    return Check(text, is_fine=False, is_blocking=True)


def _check_open(invitation: Invitation, at: datetime.datetime) -> Check:
    consultation = invitation.consultation
    state = consultation.state_at(at)
    day = date_format(timezone.localtime(consultation.closes_at), "j F Y")
    if state == State.PLANNED:
        return _check_beginning(invitation)
    if state != State.OPEN:
        return _in_the_way(_("The consultation has closed, so nobody could answer."))
    if consultation.closes_at - at < SOON:
        text = _("The consultation closes on %(day)s. That leaves people little time.")
        return Check(text % {"day": day}, is_fine=False)
    return Check(_("The consultation is open until %(day)s.") % {"day": day})


def _check_beginning(invitation: Invitation) -> Check:
    """An invitation to a consultation that is not open yet has to begin later."""
    consultation = invitation.consultation
    opens = date_format(timezone.localtime(consultation.opens_at), "j F Y")
    if invitation.is_started and invitation.start == Invitation.Start.NOW:
        text = _("The consultation opens on %(day)s. Let the invitation begin then, or later.")
        return _in_the_way(text % {"day": opens})
    begins = invitation.begins_at
    if begins and begins < consultation.opens_at:
        text = _("The invitation would begin before the consultation opens on %(day)s.")
        return _in_the_way(text % {"day": opens})
    return Check(_("The consultation opens on %(day)s.") % {"day": opens})


def _check_relevance(invitation: Invitation) -> Iterator[Check]:
    """People were told that we write about what they chose, and about where they live."""
    consultation = invitation.consultation
    chosen, own = set(invitation.interests.all()), set(consultation.interests.all())
    strange = sorted(topic.name for topic in chosen - own if topic.merged_into not in own)
    if strange and own:
        text = _(
            "%(topics)s: not among the topics of this consultation. Say in the opening words what"
            " it has to do with them."
        )
        yield Check(text % {"topics": get_text_list(strange, _("and"))}, is_fine=False)
    elif chosen:
        yield Check(_("The people asked chose what the consultation is about."))
    area = consultation.area
    if not area:
        return
    placed = Participant.objects.exclude(area="")
    if placed.exists() and not placed.filter(area__iexact=area).exists():
        text = _(
            "Nobody is known to live in %(area)s, and everybody whose area is known is left out."
            " See whether it is spelt as in the register."
        )
        yield Check(text % {"area": area}, is_fine=False)


def _check_page(invitation: Invitation) -> Check:
    if invitation.consultation.is_live and consultation_queries.url_of(invitation.consultation):
        return Check(_("The consultation's page is published."))
    return _in_the_way(_("The consultation's page is not published. Publish it first."))


def _check_people(counts: Counts) -> Check:
    if counts.included:
        return Check(_("There are people to invite."))
    return _in_the_way(_("Nobody would get this. Choose other topics, or wait for people to join."))


def _check_text(invitation: Invitation) -> Check:
    if not invitation.subject.strip():
        return _in_the_way(_("There is no subject. Write one in step 2 and save."))
    if not invitation.opening.strip():
        text = _("There are no opening words. The email begins with the consultation itself.")
        return Check(text, is_fine=False)
    return Check(_("Subject and opening words are there."))


def _check_links() -> Check:
    scheme = urlsplit(conf.base_url()).scheme
    if not scheme:
        text = _("The site does not know its own address. Ask for WAGTAIL_ENGAGEMENT_BASE_URL.")
        return _in_the_way(text)
    if scheme != "https":
        text = _("The site's address does not begin with https. Leave buttons need that.")
        return Check(text, is_fine=False)
    return Check(_("Every link leads to this site, and everybody gets a link to leave."))


def _check_council() -> Check:
    if consent_queries.site_settings().complaints and consent_queries.organisation():
        return Check(_("The email says who writes and how to complain."))
    text = _("The email does not say who writes or how to complain. Fill in Settings, Engagement.")
    return Check(text, is_fine=False)


def _check_worker(at: datetime.datetime) -> Check:
    seen = worker_seen_at()
    if seen and at - seen < WORKER_IS_LATE:
        return Check(_("The part of the site that sends emails is running."))
    text = _("The part of the site that sends emails is not running. Emails wait until it is.")
    return Check(text, is_fine=False)


# Why somebody is in, or is not


def why(audience: Audience, person: Participant) -> str:
    """Say in one sentence why an audience has somebody in it, or leaves them out.

    What is said follows the query that counts, and so never disagrees with its numbers.
    """
    judged = audience.judged(person)
    if judged is None:
        return _("Not included: this record is no more, or is part of another.")
    if judged.why == INCLUDED:
        return _("Included: %(facts)s.") % {"facts": ", ".join(_in_favour(audience, judged))}
    return _("Not included: %(fact)s.") % {"fact": _against(audience, judged)}


def _in_favour(audience: Audience, judged: Any) -> Iterator[str]:
    yield _("may be invited since %(day)s") % {"day": _day(judged.since)}
    days = audience.not_invited_days
    if audience.reminds:
        yield _("got the invitation")
        yield _("has not answered")
        return
    if judged.must_be_notified and not audience.is_promotional:
        yield _("must be notified, whatever the topics, the area and other invitations")
        days = 0
    else:
        yield _fitting(audience, judged)
        if audience.consultation.area and judged.area:
            yield _("lives in %(area)s") % {"area": judged.area}
        elif audience.consultation.area:
            yield _("not known to live elsewhere")
    yield not_invited(days) if days else _("not invited to this consultation before")
    yield _("has not answered")


def _fitting(audience: Audience, judged: Any) -> str:
    """The topics for which somebody is in: chosen ones count alone wherever there are any."""
    chosen, kept = _topics_of(judged)
    asked = frozenset().union(*audience.topic_groups)
    counted = chosen if chosen or not audience.interests else kept
    fitting = [link for link in counted if link.interest_id in asked]
    if not fitting:
        return _("has chosen no topics") if not audience.interests else _("no topic in particular")
    topics = [
        link.interest.name
        if link in chosen
        else f"{link.interest.name} ({link.get_origin_display()})"
        for link in fitting
    ]
    return _("interested in %(topics)s") % {"topics": get_text_list(topics, _("and"))}


def _topics_of(judged: Any) -> tuple[list[Any], list[Any]]:
    """What somebody chose, and all topics that we know of, by name."""
    rows = judged.interest_links.filter(removed_at=None).select_related("interest")
    kept = list(rows.order_by("interest__name"))
    return [row for row in kept if row.origin == ParticipantInterest.Origin.DECLARED], kept


def _against(audience: Audience, judged: Any) -> str:
    """The first reason to leave somebody out, with what it rests on."""
    reason = judged.why
    if reason == Exclusion.NOT_AGREED:
        return _not_agreed(audience, judged)
    if reason == Exclusion.NOT_INTERESTED:
        return _not_interested(audience, judged)
    if reason == Exclusion.RECENT:
        return _recent(audience, judged)
    words = {
        Exclusion.STOPPED: _("asked us to stop, on %(since)s"),
        Exclusion.UNDELIVERABLE: _("mail does not arrive, since %(since)s"),
        Exclusion.PAUSED: _("paused invitations until %(until)s"),
        Exclusion.OUT_OF_AREA: _("lives in %(area)s, and this is about %(here)s"),
        Exclusion.ANSWERED: _("has answered already"),
        Exclusion.NOT_INVITED: _("did not get the invitation that this one reminds of"),
    }
    facts = {"since": _day(judged.since), "until": _day(judged.until), "area": judged.area}
    return words[Exclusion(reason)] % {**facts, "here": audience.consultation.area}


def _not_agreed(audience: Audience, judged: Any) -> str:
    stands = judged.until is None or judged.until > audience.at
    if judged.standing == ContactPermission.Reason.GRANTED and stands:
        return _("was told that we write, but has not agreed to hear of what is sold")
    ended = {
        ContactPermission.Reason.LAPSED: judged.since,
        ContactPermission.Reason.GRANTED: judged.until,
    }
    if judged.standing in ended:
        return _("the agreement ran out on %(day)s") % {"day": _day(ended[judged.standing])}
    return _("has not agreed to be invited")


def _not_interested(audience: Audience, judged: Any) -> str:
    chosen, kept = _topics_of(judged)
    theirs = [link.interest.name for link in chosen or kept]
    asked = [topic.name for topic in audience.topics]
    facts = {
        "theirs": get_text_list(theirs, _("and")),
        "asked": get_text_list(asked, audience.joint),
    }
    if not asked:
        return _("chose %(theirs)s, and this is about no topic") % facts
    if not theirs:
        return _("took %(asked)s away from their topics") % facts
    if chosen:
        return _("chose %(theirs)s, and this asks for %(asked)s") % facts
    return _("interested in %(theirs)s, and this asks for %(asked)s") % facts


def _recent(audience: Audience, judged: Any) -> str:
    mine = judged.deliveries.all()
    if not audience.reminds and audience.to_this(mine).exists():
        return _("was invited to this consultation before")
    days = max(audience.not_invited_days, conf.contact_cap_days())
    last = audience.lately(mine, days).order_by(F("handed_at").desc(nulls_first=True)).first()
    if last is None or last.handed_at is None:
        return _("another invitation to them is on its way")
    if audience.reminds or not audience.lately(mine, audience.not_invited_days).exists():
        number = audience.lately(mine, conf.contact_cap_days()).count()
        facts = {"number": number, "days": conf.contact_cap_days()}
        text = _("had %(number)s invitations in the last %(days)s days, and no more are allowed")
        return text % facts
    return _("was invited to another consultation on %(day)s") % {"day": _day(last.handed_at)}


def _day(moment: datetime.datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j F Y") if moment else ""


def version(invitation: Invitation) -> str:
    """A fingerprint of all that is decided before it starts; another one after any change."""
    topics = sorted(invitation.interests.values_list("pk", flat=True))
    team = invitation.team and [invitation.team.sender_name, invitation.team.reply_to]
    said = [topics, team, *(str(getattr(invitation, name)) for name in Invitation.AMENDABLE)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def worker_seen_at() -> datetime.datetime | None:
    """The last sign of life of any worker."""
    return WorkerSign.objects.order_by("-seen_at").values_list("seen_at", flat=True).first()


def progress(invitation: Invitation) -> Progress:
    """Count the deliveries of an invitation in one statement, its answers in another."""
    rows = invitation.deliveries.order_by().values_list("state", "reason").annotate(Count("pk"))
    found: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for state, reason, number in rows:
        found[state] = found.get(state, 0) + number
        if state == Delivery.State.SKIPPED:
            skipped[reason] = number
    answers = ConsultationResponse.objects.counted().filter(route_key=invitation.code)
    return Progress(
        sent=sum(found.get(state, 0) for state in SENT),
        waiting=sum(found.get(state, 0) for state in Delivery.LIVE),
        not_arrived=sum(found.get(state, 0) for state in NOT_ARRIVED),
        unknown=found.get(Delivery.State.UNCERTAIN, 0),
        skipped=found.get(Delivery.State.SKIPPED, 0),
        skipped_reasons=[
            (reason.value, str(reason.label), skipped[reason])
            for reason in Delivery.Reason
            if reason in skipped
        ],
        answered=answers.count(),
    )


def _rate(at: datetime.datetime) -> float:
    """Messages a second, of all workers that sent something in their last round."""
    signs = WorkerSign.objects.filter(seen_at__gt=at - SIGN_IS_FRESH, seconds__gt=0)
    return round(sum(sign.sent / sign.seconds for sign in signs), 1)


def status(at: datetime.datetime) -> dict[str, Any]:
    """What waits and what has happened, for whoever looks after the site. Plain JSON values."""
    states = Delivery.objects.order_by().values_list("state").annotate(Count("pk"))
    queue = {state.value: 0 for state in Delivery.State} | dict(states)
    unmailed = Claim.objects.pending().filter(mail=None)
    addresses = unmailed.aggregate(n=Count("address_key", distinct=True))["n"]
    mails = RegisterMail.objects.filter(state=RegisterMail.State.WAITING).count()
    oldest = Delivery.objects.live().aggregate(oldest=Min("lease_until"))["oldest"]
    began = oldest and oldest - datetime.timedelta(seconds=conf.lease_seconds())
    seen = worker_seen_at()
    trouble = limiting.trouble(at)
    return {
        "deliveries": queue,
        "queue": sum(queue[state] for state in Delivery.LIVE),
        "rate": _rate(at),
        "workers": WorkerSign.objects.filter(seen_at__gt=at - WORKER_IS_LATE).count(),
        "uncertain": queue[Delivery.State.UNCERTAIN],
        "oldest_lease_age": round((at - began).total_seconds()) if began else None,
        "confirmations_waiting": addresses + mails,
        "mail_server_trouble": trouble.trouble if trouble else None,
        "mail_server_tried_again_at": (
            trouble.wait_until.isoformat() if trouble and trouble.wait_until else None
        ),
        "invitations_scheduled": Invitation.objects.filter(
            status=Invitation.Status.SCHEDULED
        ).count(),
        "invitations_paused": Invitation.objects.filter(status=Invitation.Status.PAUSED).count(),
        "invitations_sending": Invitation.objects.filter(status=Invitation.Status.SENDING).count(),
        "agreements_ended_unasked": renewing.unasked(at=at).count(),
        "worker_seen_at": seen.isoformat() if seen else None,
        "worker_is_late": seen is None or at - seen > WORKER_IS_LATE,
    }
