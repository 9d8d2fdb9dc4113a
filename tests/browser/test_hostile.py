"""What somebody types stays text wherever it is shown: to residents, to staff, in a mail (S08)."""

import json

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests import factories
from tests.browser.states import SEND, press
from tests.site import add_index, block
from wagtail_engagement.models import ConsultationResponse, Interest, Invitation, Participant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
OWN = [
    '"><img src=x onerror=alert(1)>',
    "</textarea></title><script>alert(1)</script>",
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)",
    "<svg/onload=alert(1)>{{7*7}}${alert(1)}",
    "<a href=javascript:alert(1)>here</a>",
]
# Whatever could run: handlers, addresses that are scripts, and scripts that say `alert`.
LIVE = r"""() => [...document.querySelectorAll("*")].filter((e) =>
  [...e.attributes].some((a) => /^on/i.test(a.name)
    || (/^(href|src|action|formaction|data|srcdoc)$/i.test(a.name) && /^\s*(javascript|data:text)/i.test(a.value)))
  || (e.matches("script:not([type*=json]), style, iframe[srcdoc]") && /alert\(/.test(e.textContent))
).map((e) => e.outerHTML.slice(0, 200))"""


def look(page, *addresses):
    """Open each address; nothing typed may live there. Dialogs fail the test by themselves."""
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("load")
        found = [line for frame in page.frames for line in frame.evaluate(LIVE)]
        assert found == [], address


@pytest.fixture
def hostile(town):
    """A consultation whose every word is an attack."""
    Interest.objects.filter(pk=town.topics[0].pk).update(name=OWN[0])
    title, summary, label, hint, option, contact = OWN
    kinds = [block("text", label, hint=hint, required=True), block("long_text", title)]
    kinds.append(block("single", option, options=[title, label, hint], required=True))
    return town.open(
        title=title, summary=summary, contact=contact, area=hint, slug="hostile", questions=kinds
    )


def answer(page, consultation, texts):
    """Answer with attacks, under a name that is one, and with an address."""
    page.goto(consultation.url)
    page.locator("form#engagement-form input[type=text]:visible").first.fill(texts[0][:200])
    page.locator("textarea").fill("\n".join(texts))
    page.locator("input[type=radio]").first.check()
    page.get_by_label("Full name").fill(texts[-1][:190])
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Email me about other consultations").check()
    press(page, SEND)


def test_what_an_editor_writes_stays_text_for_residents(hostile, town, page):
    index = add_index()
    hostile.move(index, pos="last-child")
    hostile.refresh_from_db()
    look(page, hostile.url, index.url, town.sign_up().url)
    page.goto(hostile.url)
    press(page, SEND)
    expect(page.get_by_role("alert")).to_contain_text("' autofocus onfocus=alert(1) x='")
    assert page.evaluate(LIVE) == []


def test_what_a_resident_writes_stays_text_for_the_resident(hostile, page, work):
    answer(page, hostile, OWN)
    expect(page.get_by_role("heading", level=1)).to_contain_text("We have your answers")
    expect(page.get_by_role("main")).to_contain_text(OWN[1])
    assert page.evaluate(LIVE) == []
    page.goto("about:blank")
    page.set_content(work()[0].alternatives[0][0])
    assert page.evaluate(LIVE) == []


def staff_screens(person, invitation):
    response = ConsultationResponse.objects.get()
    screens = ["index", "of_consultation", "read"]
    keys = [[], [response.consultation_id], [response.pk]]
    named = zip(screens, keys, strict=True)
    return [
        *(reverse(f"wagtail_engagement_responses:{name}", args=args) for name, args in named),
        reverse("wagtail_engagement_overview"),
        reverse("wagtail_engagement_participants:index"),
        reverse("wagtail_engagement_participants:inspect", args=[person.pk]),
        reverse("wagtail_engagement_interests:index"),
        reverse("engagement_invitations:audience", args=[invitation.pk]),
        reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[invitation.pk]),
    ]


@pytest.fixture
def attacks(outside_data):
    return json.loads((outside_data / "hostile" / "xss_payloads.json").read_text())


@pytest.mark.outside
def test_what_anybody_writes_stays_text_for_staff(hostile, town, page, staff, attacks):
    answer(page, hostile, [*OWN, *attacks])
    person = town.person(name=OWN[0])
    ConsultationResponse.objects.exclude(consultation=hostile.consultation).delete()
    Participant.objects.filter(pk=person.pk).update(name=attacks[0][:190])
    invitation = factories.InvitationFactory(
        consultation=hostile.consultation, subject=OWN[1], preheader=OWN[0]
    )
    editor = staff("Engagement all-in-one", "Moderators")
    look(editor, *staff_screens(person, invitation))
    look(editor, f"/admin/pages/{hostile.pk}/view_draft/", f"/admin/pages/{hostile.pk}/edit/")


def test_the_preview_of_an_invitation_shows_attacks_as_text(hostile, town, staff):
    invitation = factories.InvitationFactory(
        consultation=hostile.consultation, subject=OWN[1], preheader=OWN[0]
    )
    editor = staff("Engagement all-in-one")
    editor.goto(reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[invitation.pk]))
    editor.get_by_role("button", name="Toggle preview").click()
    letter = editor.frame_locator("#w-preview-iframe")
    expect(letter.get_by_role("heading", level=1)).to_have_text(OWN[0])
    assert [line for frame in editor.frames for line in frame.evaluate(LIVE)] == []
    assert Invitation.objects.get().subject == OWN[1]
