"""Builds the site of the demo: pages, interests, settings, wordings and the people who log in."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from home.models import HomePage, StandardPage
from wagtail.models import GroupPagePermission, Page, Site

from wagtail_engagement.consultations.questions import option_key
from wagtail_engagement.models import (
    ConsentWording,
    Consultation,
    EngagementSettings,
    FormVersion,
    Interest,
    NamedLink,
    Team,
)
from wagtail_engagement.pages.models import (
    ConsultationIndexPage,
    ConsultationPage,
    RegistrationPage,
)

from . import asked_before, asked_now, council
from .calendar import moment
from .logins import LEAVER, LOGINS, PASSWORD
from .shape import Exercise, Question

EXERCISES = sorted(asked_now.EXERCISES + asked_before.EXERCISES, key=lambda found: found.opens)
GROUPS = {
    "lead": "Engagement lead",
    "analyst": "Engagement analyst",
    "steward": "Register steward",
}
# Answers are read by those who may edit the page that asked for them.
ON_PAGES = {
    "lead": ("add_page", "change_page", "publish_page"),
    "analyst": ("change_page",),
}


@dataclass
class Asked:
    """A consultation as the site now has it."""

    exercise: Exercise
    page: ConsultationPage
    row: Consultation
    versions: list[FormVersion]
    interest_ids: list[int]

    @property
    def path(self) -> str:
        return self.page.get_url()

    @property
    def asks_name(self) -> bool:
        return self.exercise.ask_name != "not_asked"


@dataclass
class Place:
    """What people of the demo find when they come."""

    asked: list[Asked]
    sign_up_path: str
    interests: dict[str, Interest]
    wordings: dict[str, list[ConsentWording]]
    users: dict[str, Any]
    teams: dict[str, Team]


def build() -> Place:
    users = _users()
    interests = {
        slug: Interest.objects.create(slug=slug, name=name, description=about)
        for slug, (name, about) in council.INTERESTS.items()
    }
    home = _home()
    index = home.add_child(
        instance=ConsultationIndexPage(
            title="Have your say",
            slug="have-your-say",
            introduction=council.INDEX_INTRODUCTION,
            show_in_menus=True,
        )
    )
    sign_up = home.add_child(
        instance=RegistrationPage(
            title="Stay in touch",
            slug="stay-in-touch",
            introduction=council.SIGN_UP_INTRODUCTION,
            show_in_menus=True,
        )
    )
    for slug, (title, introduction, body, is_in_menu) in council.PAGES.items():
        page = StandardPage(slug=slug, title=title, introduction=introduction, body=body)
        page.show_in_menus = is_in_menu
        home.add_child(instance=page)
    _grant(index)
    asked = [_ask(index, exercise, interests, users) for exercise in EXERCISES]
    return Place(asked, sign_up.get_url(), interests, _wordings(), users, _teams(users))


def _users() -> dict[str, Any]:
    """Make the people of the log-in page, each with the group of their role."""
    # Its own report would stand between the lines of ours.
    call_command("engagement_roles", verbosity=0, stdout=io.StringIO())
    found = {}
    for login in [*LOGINS, LEAVER]:
        user = get_user_model().objects.create_user(
            login.username,
            f"{login.username}@westmere.example",
            PASSWORD,
            first_name=login.first_name,
            last_name=login.last_name,
            is_superuser=login.username == "admin",
            is_staff=login.username == "admin",
            is_active=login is not LEAVER,
        )
        if login.username in GROUPS:
            user.groups.add(Group.objects.get(name=GROUPS[login.username]))
        found[login.username] = user
    return found


def _teams(users: dict[str, Any]) -> dict[str, Team]:
    found = {}
    for slug, (name, sender_name, address, members) in council.TEAMS.items():
        found[slug] = Team.objects.create(
            name=name, sender_name=sender_name, reply_to=address, mailbox=address
        )
        found[slug].members.set(users[username] for username in members)
    return found


def _home() -> HomePage:
    """Put our home page in the place of the one that Wagtail's migrations make."""
    site = Site.objects.get(is_default_site=True)
    welcome = site.root_page
    home = HomePage(
        title="Have a say in Westmere", slug="westmere", introduction=council.HOME_INTRODUCTION
    )
    Page.get_first_root_node().add_child(instance=home)
    site.root_page = home
    site.site_name = council.SETTINGS["organisation"]
    site.save()
    welcome.delete()
    EngagementSettings.objects.create(site=site, **council.SETTINGS)
    return home


def _grant(index: Page) -> None:
    for username, codenames in ON_PAGES.items():
        group = Group.objects.get(name=GROUPS[username])
        for permission in Permission.objects.filter(
            content_type__app_label="wagtailcore", codename__in=codenames
        ):
            GroupPagePermission.objects.create(group=group, page=index, permission=permission)


def _ask(
    index: Page, exercise: Exercise, interests: dict[str, Interest], users: dict[str, Any]
) -> Asked:
    """Publish a consultation, and its outcome, as if it had been done on those days."""
    page = ConsultationPage(
        owner=users[exercise.owner],
        opens_at=moment(exercise.opens),
        closes_at=moment(exercise.closes, 23, 59),
        decision_expected_on=None
        if exercise.decision is None
        else moment(exercise.decision).date(),
        first_published_at=moment(exercise.opens - 3),
        **{
            name: getattr(exercise, name)
            for name in (
                *("slug", "title", "summary", "body", "who_replies", "contact"),
                *("is_sensitive", "ask_name"),
            )
        },
    )
    page.interests = [interests[slug] for slug in exercise.interests]
    page.questions = _stream(exercise, with_added=not exercise.added_option)
    if exercise.outcome:
        page.we_asked, page.you_said, page.we_did = exercise.outcome[1:]
    index.add_child(instance=page)
    if exercise.added_option:
        page.questions = _stream(exercise, with_added=True)
    page.save_revision(user=users["lead"]).publish(user=users["lead"])
    return _dated(exercise, ConsultationPage.objects.get(pk=page.pk))


def _dated(exercise: Exercise, page: ConsultationPage) -> Asked:
    """Set the times that publishing takes from today's clock, and make the links to pass on."""
    rows = Consultation.objects.filter(pk=page.consultation_id)
    for link in exercise.links:
        NamedLink.objects.create(
            consultation=rows.get(),
            created_by=page.owner,
            created_at=moment(exercise.opens),
            name=link.name,
            kind=link.kind,
            code=link.code,
        )
    if exercise.outcome:
        rows.update(answered_at=moment(exercise.outcome.day))
    versions = list(rows.get().form_versions.order_by("number"))
    for version, day in zip(versions, (exercise.opens - 3, exercise.opens + 4), strict=False):
        version.created_at = moment(day)
    FormVersion.objects.bulk_update(versions, ["created_at"])
    ids = [interest.pk for interest in page.interests.all()]
    return Asked(exercise, page, rows.get(), versions, ids)


def _stream(exercise: Exercise, *, with_added: bool) -> str:
    """Return the questions as the page stores them, their keys made from their words."""
    blocks = []
    for place, question in enumerate(exercise.questions):
        options = question.options
        if with_added and exercise.added_option and place == 0:
            options = (*options, exercise.added_option)
        blocks.append(
            {
                "type": question.kind,
                "id": key_of(exercise, question),
                "value": _value(question, options),
            }
        )
    return json.dumps(blocks)


def _value(question: Question, options: tuple[str, ...]) -> Any:
    if question.kind == "guidance":
        return question.label
    value = {"label": question.label, "hint": question.hint, "required": question.required}
    if options:
        return value | {"options": [{"key": option_key(o), "label": o} for o in options]}
    return value


def key_of(exercise: Exercise, question: Question) -> str:
    """Return the key of a question, which is the id of its block."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{exercise.slug}/{question.label}"))


def _wordings() -> dict[str, list[ConsentWording]]:
    """Return the wordings by purpose, oldest first; the invitation's has a second version."""
    # The first ones are as old as the database, but were shown all through the history. Behind
    # the guard of the table on purpose: no real site has a reason to.
    ConsentWording._base_manager.update(created_at=moment(council.HISTORY_STARTS))
    day, label, hint = council.SECOND_WORDING
    ConsentWording(purpose="invite", label=label, hint=hint, created_at=moment(day)).save()
    found: dict[str, list[ConsentWording]] = {}
    for wording in ConsentWording.objects.filter(language="en").order_by("version"):
        found.setdefault(wording.purpose, []).append(wording)
    return found
