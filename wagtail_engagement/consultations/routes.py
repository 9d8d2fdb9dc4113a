"""How a response arrived, told by the address of its form alone: no pixel, no redirector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import queries
from .doors import NamedLink, as_code
from .models import REFERENCE_ALPHABET, Answer, Consultation, ConsultationResponse, FormVersion
from .questions import CHOICE_KINDS

Route = ConsultationResponse.Route
Channel = ConsultationResponse.Channel
# In the address of a page: an invitation's code, a named link's, and what stands in one message.
INVITED, NAMED, ANSWERING = "i", "via", "a"
INVITING = (Route.INVITATION.value, Route.REMINDER.value)
PASSED_ON = (Route.PARTNER.value, Route.COMMUNITY.value)


def arrival(*, consultation: Consultation, page: Any, asked: Mapping[str, str]) -> tuple[str, str]:
    """Return the route of a response and the code that is kept of it, from its form's address.

    An unknown, mistyped or foreign code proves nothing, and counts as the open link.
    """
    if not keeps_routes(consultation, page):
        return Route.OPEN, ""
    code = asked.get(INVITED, "")
    if len(code) == 8 and set(code) <= set(REFERENCE_ALPHABET):
        invitation = consultation.invitations.filter(code=code).first()
        if invitation is not None:
            return invitation.arrives_as, code
    code = as_code(asked.get(NAMED, ""))
    link = NamedLink.objects.filter(consultation=consultation, code=code).first() if code else None
    return (link.kind, link.code) if link else (Route.OPEN, "")


def keeps_routes(consultation: Consultation, page: Any) -> bool:
    """Whether anything is kept of how people arrive: not where it could tell who somebody is."""
    return page is not None and not (consultation.is_sensitive or page.is_anonymous)


def of(consultation: Consultation) -> bool:
    """The same by the page that speaks for a consultation; no mail leads to others."""
    return keeps_routes(consultation, queries.page_of(consultation))


def address(link: NamedLink) -> str:
    """The address of a named link, "" while its page is not published."""
    url = queries.url_of(link.consultation)
    return f"{url}?{NAMED}={link.code}" if url else ""


# Counts


@dataclass(frozen=True)
class Way:
    """How many responses came by one route and one code of it."""

    route: str
    label: str
    key: str
    name: str
    number: int
    share: float
    invited: int = 0

    @property
    def rate(self) -> float:
        """Of a hundred people who were invited, how many responses came."""
        return 100 * self.number / self.invited if self.invited else 0


def ways(consultation: Consultation) -> list[Way]:
    """By which ways the counted responses came, in the order of the routes, largest first."""
    found = _counted(consultation)
    total = sum(found.values())
    named = names(consultation)
    sent = dict(consultation.invitations.values_list("code", "recipients"))
    order = list(Route)
    return [
        Way(
            route=route,
            label=str(Route(route).label),
            key=key,
            name=named.get(key, "") if route in (*INVITING, *PASSED_ON, Route.STAFF) else "",
            number=number,
            share=100 * number / total,
            invited=sent.get(key, 0) if route in INVITING else 0,
        )
        for (route, key), number in sorted(
            found.items(), key=lambda item: (order.index(Route(item[0][0])), -item[1])
        )
    ]


def _counted(consultation: Consultation) -> dict[tuple[str, str], int]:
    rows = consultation.responses.counted().order_by()
    found: dict[tuple[str, str], int] = defaultdict(int)
    for route, key, number in rows.values_list("route", "route_key").annotate(Count("pk")):
        # What brought a form in is no way by which its sender came.
        found[route, "" if route == Route.BROUGHT else key] += number
    return found


def names(consultation: Consultation) -> dict[str, str]:
    """The name of each code of a consultation: of its invitations, its named links, and paper."""
    found = {row.code: str(row) for row in consultation.invitations.all()}
    found |= dict(consultation.named_links.values_list("code", "name"))
    entered = consultation.responses.filter(route=Route.STAFF, route_key__in=Channel.values)
    used = entered.order_by().values_list("route_key", flat=True).distinct()
    return found | {key: str(Channel(key).label) for key in used}


def cut_of(asked: Mapping[str, str]) -> dict[str, str]:
    """Which responses an address asks for: those of one route, or of one link."""
    route, key = asked.get("route", ""), asked.get("route_key", "")
    found = {"route": route} if route in Route.values else {}
    return found | ({"route_key": key} if key and len(key) <= 40 and "\x00" not in key else {})


@dataclass(frozen=True)
class Cut:
    """One question with its answers by route: for each option a share of each route's answers."""

    question: str
    routes: list[tuple[str, str]]
    rows: list[tuple[str, list[str]]]


def answers_by_route(consultation: Consultation) -> list[Cut]:
    """How those who came by each route answered each choice question."""
    rows = Answer.objects.filter(
        response__consultation=consultation,
        response__status=ConsultationResponse.Status.COUNTED,
    ).exclude(option_key="")
    by = ("question_key", "response__route")
    chosen = rows.order_by().values_list(*by, "option_key").annotate(Count("pk"))
    number = {(q, route, option): n for q, route, option, n in chosen}
    answered = rows.order_by().values_list(*by).annotate(Count("response", distinct=True))
    base = {(q, route): n for q, route, n in answered}
    asked = {question for question, _route in base}
    items = [item for item in _choice_questions(consultation) if item["key"] in asked]
    return [_cut(item, number, base) for item in items]


def _cut(
    item: dict[str, Any],
    number: dict[tuple[str, str, str], int],
    base: dict[tuple[str, str], int],
) -> Cut:
    key = item["key"]
    came = [route for route in Route if base.get((key, route.value))]
    return Cut(
        question=item["label"],
        routes=[(str(route.label), _people(base[key, route.value])) for route in came],
        rows=[
            (
                str(option["label"]),
                [
                    _percent(
                        number.get((key, route.value, option["key"]), 0), base[key, route.value]
                    )
                    for route in came
                ],
            )
            for option in item["options"]
        ],
    )


def _people(number: int) -> str:
    return ngettext("%(n)s answer", "%(n)s answers", number) % {"n": number}


def _percent(part: int, whole: int) -> str:
    return _("%(share)s%% (%(n)s)") % {"share": round(100 * part / whole), "n": part}


def _choice_questions(consultation: Consultation) -> list[dict[str, Any]]:
    """Every choice question that was ever asked, as it stood last."""
    found: dict[str, dict[str, Any]] = {}
    for version in FormVersion.objects.filter(consultation=consultation).order_by("-number"):
        for item in version.definition:
            if item["kind"] in CHOICE_KINDS:
                found.setdefault(item["key"], item)
    return list(found.values())
