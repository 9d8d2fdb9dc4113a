"""Staff screens of ours: no barriers, and no inline script or style that Wagtail's lack."""

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tests.browser.watch import barriers, shot
from tests.site import key_of
from wagtail_engagement.invitations import sending
from wagtail_engagement.models import NamedLink, Team
from wagtail_engagement.rights import erasing

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
# Wagtail's rich text editor has no name of its own that axe could find; the rest of `main` is ours.
OURS = {"include": [["main"]], "exclude": [[".Draftail-Editor"]]}
# Wagtail's date filters and its rich text editor. What else a strict policy reports is ours.
WAGTAILS_INLINE = (
    "script-src-elem initDateChooser(",
    "style-src-elem .Draftail-",
    "style-src-elem .public-DraftStyleDefault-",
)
ANSWERED = {"question_key": key_of("The park feels safe"), "option_key": "agree", "text": ""}
SCREENS = {
    "overview": "wagtail_engagement_overview",
    "responses": "wagtail_engagement_responses:index",
    "answers": "wagtail_engagement_responses:of_consultation",
    "routes": "wagtail_engagement_routes",
    "held": "wagtail_engagement_responses:held",
    "response": "wagtail_engagement_responses:read",
    "participants": "wagtail_engagement_participants:index",
    "participant": "wagtail_engagement_participants:inspect",
    "export": "wagtail_engagement_participants:export",
    "waiting": "wagtail_engagement_waiting:index",
    "interests": "wagtail_engagement_interests:index",
    "wordings": "wagtail_engagement_wordings:index",
    "do_not_contact": "wagtail_engagement_do_not_contact:index",
    "deliveries": "wagtail_engagement_deliveries:index",
    "invitations": "wagtailsnippets_wagtail_engagement_invitation:list",
    "invite": "engagement_invitations:invite",
    "invitation": "wagtailsnippets_wagtail_engagement_invitation:edit",
    "audience": "engagement_invitations:audience",
    "why": "engagement_invitations:why",
    "why_person": "engagement_invitations:why_person",
    "progress": "engagement_invitations:progress",
    "calendar": "engagement_invitations:calendar",
    "teams": "wagtail_engagement_teams:index",
    "team": "wagtail_engagement_teams:edit",
    "members": "wagtail_engagement_teams:members",
    "belongings": "wagtail_engagement_belongings",
    "belongings_of": "wagtail_engagement_belongings_of",
    "requests": "wagtail_engagement_requests:index",
    "ask": "wagtail_engagement_requests:ask",
    "request": "wagtail_engagement_requests:handle",
    "receipt": "wagtail_engagement_requests:handle",
}


@pytest.fixture
def numbers(town):
    """The rows that the screens are about, by the first part of their addresses."""
    consultation = town.open().consultation
    person = town.person(name="Ada Lovelace")
    version = consultation.form_versions.get()
    response = factories.ConsultationResponseFactory(form_version=version, held=True)
    link = NamedLink.objects.create(consultation=consultation, name="Library poster")
    for came in ({}, {"route": "partner", "route_key": link.code}):
        row = factories.ConsultationResponseFactory(form_version=version, **came)
        factories.AnswerFactory(response=row, **ANSWERED)
    draft = factories.InvitationFactory(consultation=consultation)
    going = factories.InvitationFactory(consultation=consultation)
    sending.start(invitation=going, shown_count=1, actor=factories.UserFactory(), at=timezone.now())
    team = Team.objects.create(name="Parks", sender_name="Parks team")
    leaver = factories.UserFactory(is_active=False)
    team.members.add(leaver)
    factories.ClaimFactory()
    factories.SuppressionFactory()
    return {
        "answers": [consultation.pk],
        "invite": [consultation.pk],
        "routes": [consultation.pk],
        "response": [response.pk],
        "participant": [person.pk],
        "invitation": [draft.pk],
        "audience": [draft.pk],
        "why": [draft.pk, person.pk],
        "why_person": [person.pk],
        "progress": [going.pk],
        "team": [team.pk],
        "members": [team.pk],
        "belongings_of": [leaver.pk],
        "ask": [person.pk],
        "request": [person.requests.create(kind="erasure", state="confirmed").pk],
        "receipt": [an_erasure().pk],
    }


def an_erasure():
    """A request that was met for somebody whom no mail reaches."""
    gone = factories.ParticipantFactory(email="gone@example.com", agreed=True)
    factories.SuppressionFactory(address=gone.email, reason="bounced")
    return erasing.erase(person=gone, keeps_responses=True, at=timezone.now())


@pytest.mark.parametrize("name", SCREENS)
def test_a_staff_screen_has_no_barriers_and_nothing_inline(name, numbers, staff):
    page = staff("Engagement all-in-one", "Moderators")
    page.goto(reverse(SCREENS[name], args=numbers.get(name, [])))
    page.get_by_role("main").wait_for()
    shot(page, f"staff-{name}")
    assert barriers(page, within=OURS) == []
    foreign = [line for line in page.watch.reports if not line.startswith(WAGTAILS_INLINE)]
    assert foreign == []


# What is right of a narrow window and can be reached neither by scrolling nor otherwise.
CUT_OFF = """() => {
  const scrolls = each => {
    for (let e = each; e && e.tagName !== 'MAIN'; e = e.parentElement)
      if (getComputedStyle(e).overflowX === 'auto') return true;
    return false;
  };
  return [...document.querySelectorAll('main .content *')].filter(
    e => !e.closest('header, nav, .w-slim-header, .w-sr-only') && !scrolls(e)
      && e.getBoundingClientRect().right > innerWidth + 1
  ).map(e => `${e.tagName} ${e.className}`);
}"""


@pytest.mark.parametrize(
    "name", ["do_not_contact", "bar", "requests", "request", "receipt", "pack"]
)
def test_nothing_is_cut_off_in_a_narrow_window(name, numbers, staff):
    page = staff("Engagement all-in-one", "Register steward")
    page.set_viewport_size({"width": 320, "height": 900})
    more = {"bar": "wagtail_engagement_do_not_contact:add", "pack": "wagtail_engagement_pack"}
    page.goto(reverse({**SCREENS, **more}[name], args=numbers.get(name, [])))
    page.get_by_role("main").wait_for()
    shot(page, f"staff-narrow-{name}")
    assert page.evaluate(CUT_OFF) == []
