"""An editor asks, reads the answers, and invites people, in Wagtail's own admin."""

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.states import SEND, press
from tests.browser.watch import shot
from tests.site import home
from wagtail_engagement.models import Invitation
from wagtail_engagement.pages.models import ConsultationPage

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
GROUPS = ("Engagement lead", "Moderators")
QUESTIONS = [
    ("Short answer", "Which park?", ""),
    ("Long answer", "What should change?", ""),
    ("Choose one", "How often do you go?", "Daily\nWeekly\n\n  Never "),
    ("Choose any", "What do you do there?", "Walk\r\nCycle\r\nPlay"),
    ("Agree or disagree", "The park feels safe", ""),
    ("Number", "How many minutes away?", ""),
]


def ask(page, place, kind, label, options):
    """Add a question at the end, and paste its options."""
    page.get_by_role("button", name="Insert a block").last.click()
    page.get_by_role("option", name=kind).click()
    page.locator(f"#questions-{place}-value-label").fill(label)
    if options:
        page.locator(f"#questions-{place}-value-options").focus()
        page.keyboard.insert_text(options)


def publish(page):
    page.get_by_role("button", name="More actions").click()
    press(page, "Publish")
    expect(page.get_by_role("status").or_(page.locator(".messages"))).to_contain_text("published")


def test_an_editor_publishes_six_questions_with_options_pasted_one_a_line(town, staff, page):
    editor = staff(*GROUPS)
    editor.goto(f"/admin/pages/{home().pk}/add_subpage/")
    editor.get_by_role("link", name="Consultation", exact=True).click()
    editor.get_by_role("textbox", name="Title*").fill("The future of Mill Meadow")
    editor.get_by_role("textbox", name="Summary*").fill("Tell us what you want of it.")
    editor.get_by_role("tab", name="Questions").click()
    for place, question in enumerate(QUESTIONS):
        ask(editor, place, *question)
    shot(editor, "editor-questions")
    editor.get_by_role("tab", name="Dates and reply").click()
    editor.get_by_role("textbox", name="Opens*").fill("2026-01-01 09:00")
    publish(editor)
    page.goto(ConsultationPage.objects.get().url)
    often = page.get_by_role("group", name="How often do you go?")
    assert often.get_by_role("radio").count() == 3
    assert page.get_by_role("group", name="What do you do there?").locator(
        "label"
    ).all_inner_texts() == ["Walk", "Cycle", "Play"]
    press(page, SEND)
    expect(page.get_by_role("heading", level=1)).to_contain_text("We have your answers")


def test_what_is_wrong_with_a_consultation_is_said_where_it_is(town, staff):
    editor = staff(*GROUPS)
    editor.goto(f"/admin/pages/{town.open().pk}/edit/")
    editor.get_by_role("tab", name="Dates and reply").click()
    editor.get_by_role("textbox", name="Closes*").fill("2020-01-01 09:00")
    editor.get_by_role("button", name="More actions").click()
    press(editor, "Publish")
    expect(editor.locator("#panel-child-dates_and_reply-open-section")).to_contain_text(
        "Closes before it opens"
    )


def invite(town, staff):
    """Three people who may be invited and one who may not; the draft of an invitation to them."""
    consultation = town.open()
    for _number in range(3):
        town.person()
    factories.ParticipantFactory()
    factories.WorkerSignFactory()
    editor = staff(*GROUPS)
    editor.goto(f"/admin/pages/{consultation.pk}/edit/")
    editor.get_by_role("button", name="Actions", exact=True).click()
    editor.get_by_role("link", name="Invite people").click()
    shot(editor, "invite-new")
    press(editor, "Write an invitation")
    return editor


def test_an_editor_sees_whom_an_invitation_reaches_and_who_is_left_out(town, staff):
    editor = invite(town, staff)
    who = editor.locator("[data-engagement-who]")
    expect(who).to_contain_text("3 people: interested in Cycling")
    editor.set_viewport_size({"width": 1280, "height": 2400})
    shot(editor, "invite-draft")
    editor.get_by_text("1 person is not included").click()
    expect(editor.get_by_role("link", name="1 have not agreed")).to_be_visible()
    editor.get_by_label("Parks").check()
    editor.get_by_label("Cycling").uncheck()
    expect(who).to_contain_text("0 people: interested in Parks")
    assert list(Invitation.objects.get().interests.all()) == town.topics[:1]


def test_an_editor_tests_sends_pauses_and_resumes_an_invitation(town, staff, work, mailoutbox):
    editor = invite(town, staff)
    press(editor, "Send the test")
    assert [message.subject for message in mailoutbox] == [
        "[Test] Have your say: The future of Mill Meadow"
    ]
    press(editor, "Send to 3 people")
    expect(editor.get_by_text("0 of 3 done")).to_be_visible()
    shot(editor, "invite-progress")
    press(editor, "Pause")
    assert work() == []
    press(editor, "Go on sending")
    assert len(work()) == 3
    expect(editor.get_by_role("button", name="Send to those who missed it")).to_be_visible()
    expect(editor.get_by_text("3 of 3 done")).to_be_visible()
    assert editor.get_by_role("button", name="Pause").count() == 0
    shot(editor, "invite-finished")
