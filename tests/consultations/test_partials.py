"""The partials that public forms are made of, shown with a small form of plain Django fields."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

import wagtail_engagement

PACKAGE = Path(wagtail_engagement.__file__).parent


class DateParts(forms.MultiWidget):
    def __init__(self):
        super().__init__(dict.fromkeys(("day", "month", "year"), forms.TextInput))

    def decompress(self, value):
        return [None, None, None]


class DateField(forms.MultiValueField):
    widget = DateParts

    def compress(self, parts):
        return parts


class SmallForm(forms.Form):
    use_required_attribute = False
    side = forms.ChoiceField(
        choices=[("left", "Left"), ("right", "Right")],
        widget=forms.RadioSelect,
        help_text="Choose one",
        error_messages={"required": "Choose a side"},
    )
    street = forms.CharField(error_messages={"required": "Enter a street"})
    why = forms.CharField(required=False)
    topics = forms.MultipleChoiceField(
        required=False, choices=[("1", "Parks")], widget=forms.CheckboxSelectMultiple
    )
    day = DateField(fields=[forms.CharField()] * 3, required=False)
    agree = forms.BooleanField(required=False, help_text="You can leave at any time")


def show(field, **context):
    html = render_to_string("wagtail_engagement/_field.html", {"field": field, **context})
    return BeautifulSoup(html, "html.parser")


def test_every_link_of_the_error_summary_reaches_the_first_failing_control():
    form = SmallForm({})
    summary = render_to_string("wagtail_engagement/_error_summary.html", {"form": form})
    links = {a["href"]: a.text for a in BeautifulSoup(summary, "html.parser").find_all("a")}
    assert links == {"#id_side_0": "Choose a side", "#id_street": "Enter a street"}
    assert show(form["side"]).find(id="id_side_0")["type"] == "radio"
    assert show(form["street"]).find(id="id_street").name == "input"


def test_an_error_says_so_to_people_who_cannot_see_that_it_is_red():
    shown = show(SmallForm({})["street"])
    error = shown.find(id="id_street_error")
    assert " ".join(error.text.split()) == "Error: Enter a street"
    assert shown.find("input")["aria-describedby"] == "id_street_error"


def test_a_group_has_a_legend_and_its_hint_is_read_with_it():
    group = show(SmallForm()["side"]).find("fieldset")
    assert group.find("legend").text.strip() == "Side"
    assert group.find(id=group["aria-describedby"]).text == "Choose one"
    assert [label["for"] for label in group.find_all("label")] == ["id_side_0", "id_side_1"]


@pytest.mark.parametrize("name", ["why", "topics", "day"])
def test_what_may_be_left_out_is_marked_optional(name):
    shown = show(SmallForm()[name])
    assert "(optional)" in shown.find(class_="engagement-label").text


def test_what_must_be_answered_has_neither_asterisk_nor_required_attribute():
    shown = show(SmallForm()["street"])
    assert shown.find("label").text.strip() == "Street"
    assert not shown.find("input").has_attr("required")


def test_a_date_is_three_labelled_boxes_that_keep_what_was_typed():
    form = SmallForm({"day_day": "31", "day_month": "", "day_year": "<b>"})
    boxes = show(form["day"]).find_all("input")
    labels = show(form["day"]).find_all("label")
    assert [box.get("value") for box in boxes] == ["31", None, "<b>"]
    assert [(label["for"], label.text) for label in labels] == [
        ("id_day_0", "Day"),
        ("id_day_1", "Month"),
        ("id_day_2", "Year"),
    ]


def test_a_permission_is_one_unticked_box_with_its_words_and_hint():
    shown = show(SmallForm()["agree"])
    box = shown.find("input")
    assert (box["type"], box.has_attr("checked")) == ("checkbox", False)
    assert shown.find(id=box["aria-describedby"]).text == "You can leave at any time"
    assert shown.find("label", attrs={"for": box["id"]}).text == "Agree"


def test_words_between_questions_stand_before_the_next_one():
    form = SmallForm()
    form.fields["street"].guidance_before = [mark_safe("<p>About your street</p>")]
    shown = show(form["street"])
    assert shown.find("p", string="About your street").find_next("input")["id"] == "id_street"


def test_a_page_with_one_question_can_make_its_label_the_heading():
    shown = show(SmallForm()["street"], heading_level=1)
    assert shown.find(role="heading", attrs={"aria-level": "1"}).text == "Street"


def test_the_stylesheet_stays_under_eight_kilobytes():
    sheet = PACKAGE / "static" / "wagtail_engagement" / "engagement.css"
    assert sheet.stat().st_size < 8000


def test_no_page_carries_a_script_or_style_of_its_own():
    templates = PACKAGE / "templates" / "wagtail_engagement"
    # Mail programs know no stylesheets, and a copy of somebody's data is read from their own disk.
    alone = {*(templates / "mail").rglob("*.html"), templates / "rights" / "copy.html"}
    pages = [path for path in templates.rglob("*.html") if path not in alone]
    for path in pages:
        page = BeautifulSoup(path.read_text(), "html.parser")
        assert not page.find_all(style=True), path.name
        assert not page.find_all("style"), path.name
        assert not page.find_all("script", src=False), path.name
