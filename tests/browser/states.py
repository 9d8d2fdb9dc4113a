"""How to bring a browser to each state of each public page. A new state is one function here."""

from functools import wraps

from django.utils import timezone
from playwright.sync_api import expect

from tests.site import DAY, add_index
from wagtail_engagement.models import Consultation, Link, RegisterMail
from wagtail_engagement.pages.models import ConsultationPage
from wagtail_engagement.participants import moving

STATES = {}
SEND = "Send my answers"


def state(words):
    """Register a state under its function's name; `words` stand on its page and on no other's."""

    def register(function):
        @wraps(function)
        def reach(town, page):
            function(town, page)
            expect(page.get_by_role("main")).to_contain_text(words)

        STATES[function.__name__] = reach
        return reach

    return register


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def fill_in(page):
    """Answer what must be answered, and one question more."""
    page.get_by_label("What is the street called?").fill("Mill Lane")
    page.get_by_label("What should change?").fill("More benches.\nFewer cars.")
    page.get_by_role("group", name="Do you cycle?").get_by_label("Yes").check()
    moved = page.get_by_role("group", name="When did you move here?")
    for label, text in (("Day", "27"), ("Month", "3"), ("Year", "2019")):
        moved.get_by_label(label).fill(text)


def tick_everything(page, email="ada@example.com"):
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Email me what came of this consultation").check()
    page.get_by_label("Email me about other consultations").check()
    page.get_by_label("Cycling").check()


@state("Have your say")
def open_now(town, page):
    page.goto(town.open().url)


@state("There is a problem")
def errors(town, page):
    open_now(town, page)
    press(page, SEND)


@state("has not opened yet")
def planned(town, page):
    page.goto(town.planned().url)


@state("This consultation is closed")
def closed(town, page):
    page.goto(town.closed().url)


@state("We closed it")
def answered(town, page):
    page.goto(town.answered().url)


@state("Your reference")
def done(town, page):
    open_now(town, page)
    fill_in(page)
    tick_everything(page)
    press(page, SEND)


@state("Thank you for taking part")
def done_elsewhere(town, page):
    page.goto(f"{town.open().url}thank-you/")


@state("What you typed")
def closed_after_typing(town, page):
    open_now(town, page)
    fill_in(page)
    ended = timezone.now() - DAY / 24
    ConsultationPage.objects.update(closes_at=ended)
    Consultation.objects.update(closes_at=ended)
    press(page, SEND)


@state("Your answers are still here")
def csrf_kept(town, page):
    open_now(town, page)
    fill_in(page)
    page.context.clear_cookies()
    press(page, SEND)


@state("Coming up")
def index(town, page):
    town.sign_up()
    page.goto(town.index().url)


@state("There is nothing to answer at the moment")
def index_empty(town, page):
    town.sign_up()
    page.goto(add_index().url)


@state("No consultation fits")
def index_nothing_fits(town, page):
    page.goto(f"{add_index().url}?state=closed")


@state("Which topics do you care about")
def sign_up(town, page):
    page.goto(town.sign_up().url)


@state("Tick the box if you want us to write")
def sign_up_errors(town, page):
    sign_up(town, page)
    press(page, "Sign up")


@state("Check your email")
def sign_up_done(town, page):
    sign_up(town, page)
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Email me about other consultations").check()
    press(page, "Sign up")


@state("If that was you")
def confirm(town, page):
    page.goto(town.to_confirm())


@state("Your email address is confirmed")
def confirmed(town, page):
    confirm(town, page)
    press(page, "Confirm my email address")


@state("We have deleted these details")
def not_me(town, page):
    confirm(town, page)
    press(page, "This was not me")


@state("Leave everything")
def choices(town, page):
    page.goto(town.mailed("choices", participant=town.person()))


@state("We have saved your choices")
def choices_saved(town, page):
    choices(town, page)
    page.get_by_label("Parks").check()
    press(page, "Save my choices")


@state("You have left")
def choices_left(town, page):
    choices(town, page)
    press(page, "Leave everything")


@state("Paused until")
def choices_paused(town, page):
    choices(town, page)
    page.get_by_label("3 months", exact=True).check()
    press(page, "Pause")


@state("Choose for how long to pause")
def choices_not_paused(town, page):
    choices(town, page)
    press(page, "Pause")


@state("May we go on writing to you?")
def renew(town, page):
    page.goto(town.mailed("renew", participant=town.person()))


@state("We go on telling you")
def renewed(town, page):
    renew(town, page)
    press(page, "Yes, go on writing to me")


@state("Use this address?")
def move(town, page):
    person = town.person()
    moving.ask(participant=person, email="ada@new.example.com", at=timezone.now())
    mail = RegisterMail.objects.get(kind="move")
    page.goto(town.mailed("move", participant=person, message=mail.uuid))


@state("We have your new address")
def moved(town, page):
    move(town, page)
    press(page, "Use this address")


@state("Leave it empty if you want us to keep none")
def details(town, page):
    fresh_shown(town, page)
    press(page, "Your name and address")


@state("Open it within seven days")
def details_asked(town, page):
    details(town, page)
    page.get_by_label("New email address").fill("ada@new.example.com")
    press(page, "Change my email address")


@state("Enter your new email address")
def details_errors(town, page):
    details(town, page)
    press(page, "Change my email address")


@state("This link works once")
def fresh(town, page):
    page.goto(town.mailed("fresh", participant=town.person()))


@state("Where your topics come from")
def fresh_shown(town, page):
    fresh(town, page)
    press(page, "Show me")


@state("A ZIP file with a page to read")
def your_data(town, page):
    fresh_shown(town, page)
    press(page, "Download everything")


@state("What is to become of the answers?")
def erasing(town, page):
    fresh_shown(town, page)
    press(page, "Erase me")


@state("Choose what is to become of the answers")
def erasing_errors(town, page):
    erasing(town, page)
    press(page, "Erase me now")


@state("You are erased")
def erased(town, page):
    erasing(town, page)
    page.get_by_label("Keep them without a name").check()
    press(page, "Erase me now")


@state("This link has been used")
def fresh_used(town, page):
    fresh(town, page)
    Link.objects.update(used_at=timezone.now())
    page.reload()


@state("One press is enough")
def leave(town, page):
    page.goto(town.mailed("leave", participant=town.person()))


@state("You have left")
def left(town, page):
    leave(town, page)
    press(page, "Leave")


@state("does not work any more")
def link_forged(town, page):
    page.goto("/engagement/c/aaaaaaaaaaaaaaaaaaaaaa/")


@state("does not work any more")
def link_expired(town, page):
    ended = timezone.now() - DAY
    page.goto(town.mailed("choices", participant=town.person(), expires_at=ended))


@state("Open the link in your email again")
def link_without_cookie(town, page):
    page.goto("/engagement/choices/")
