"""Keys of questions and options stay through every edit."""

import pytest

from tests.site import EVERY_KIND, block, key_of
from wagtail_engagement.consultations.questions import (
    Definition,
    OptionsBlock,
    keep_option_keys,
    match_options,
    option_key,
)
from wagtail_engagement.pages.models import ConsultationPage


def options(text, old=()):
    return match_options(OptionsBlock().value_from_form(text), list(old))


def keys(found):
    return {option["label"]: option["key"] for option in found}


def test_options_are_pasted_one_a_line_and_blank_lines_are_nothing():
    labels = [option["label"] for option in options(" Walk \r\n\r\nCycle\n\n  Take   the bus\n")]
    assert labels == ["Walk", "Cycle", "Take the bus"]


def test_moving_an_option_keeps_its_key():
    before = options("Walk\nCycle\nBus")
    assert keys(options("Bus\nWalk\nCycle", before)) == keys(before)


def test_mending_a_spelling_keeps_the_key():
    before = options("Wallk\nCycle")
    after = options("Walk\nCycle", before)
    assert after[0]["key"] == before[0]["key"]


def test_a_new_option_never_takes_a_key_that_was_in_use():
    before = options("Walk\nCycle")
    renamed = options("Stroll\nCycle", before)
    after = options("Stroll\nCycle\nWalk", renamed)
    assert len(set(keys(after).values())) == 3


def test_half_typed_options_of_autosave_keep_one_key():
    typed = ["W", "Wa", "Walk\nC", "Walk\nCycle"]
    found = []
    for text in typed:
        found = options(text, found)
    assert found[0]["key"] == option_key("W")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Only one", "at least two options"),
        ("Yes\nyes", "Two options are the same"),
        ("\n".join(map(str, range(61))), "60 options or fewer"),
    ],
)
def test_poor_options_are_named(text, message):
    with pytest.raises(Exception, match=message):
        OptionsBlock().clean(options(text))


def test_an_edited_questionnaire_takes_over_the_keys_question_by_question():
    field = ConsultationPage._meta.get_field("questions")
    old = field.to_python([block("single", "Where?", options=["North", "South"])])
    new = field.to_python([block("single", "Where?", options=["Noth", "South"])])
    keep_option_keys(new, old)
    assert new[0].value["options"][0]["key"] == option_key("North")


def test_block_definitions_stay_out_of_migrations():
    _name, path, args, kwargs = ConsultationPage._meta.get_field("questions").deconstruct()
    assert path.endswith("questions.QuestionsField")
    assert args == []
    assert not {"block_lookup", "block_types"} & set(kwargs)


def test_a_questionnaire_says_how_long_it_takes_and_dates_read_as_dates():
    field = ConsultationPage._meta.get_field("questions")
    definition = Definition.of_stream(field.to_python(EVERY_KIND))
    assert definition.minutes == 4
    answers = {key_of("When were you last there?"): "2026-03-27"}
    assert ("When were you last there?", "27 March 2026") in definition.readable(answers)
