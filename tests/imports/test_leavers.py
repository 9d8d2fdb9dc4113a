"""A no is found where a sheet hides it: in its name, in a hidden column, in a list of who left."""

import pytest

from wagtail_engagement.imports.columns import guess

from .test_columns import read


def test_a_file_of_people_who_left_marks_everyone_out():
    headers = ["Email Address", "UNSUB_TIME"]
    mapping = guess(headers, [])
    assert read(["ann@example.org", ""], mapping, headers).permission == "out"
    assert guess(["Email"], [], sheet="Unsubscribed members").everyone_out
    assert not guess(["Email"], [], sheet="Subscribed members").everyone_out


@pytest.mark.parametrize(
    "name", "DO NOT CONTACT|Opt-outs|Opt out|DNC list|Don't email|Unsubscribes|Bounced".split("|")
)
def test_the_name_of_a_sheet_of_people_who_left_is_understood(name):
    assert guess(["Email"], [], sheet=f"{name} contacts 2019.xlsx").everyone_out


@pytest.mark.parametrize(
    "name", ["Members, opted out removed", "Everybody not unsubscribed", "List without opt-outs"]
)
def test_a_sheet_from_which_they_were_taken_holds_those_who_stayed(name):
    assert not guess(["Email"], [], sheet=name).everyone_out


def test_a_hidden_column_that_says_who_opted_out_counts():
    headers = ["Email", "OK to contact?", "Unsubscribed"]
    mapping = guess(headers, [], hidden_columns=[2])
    assert read(["ann@example.org", "yes", "yes"], mapping, headers).permission == "out"


def test_somebody_who_joined_a_list_and_stayed_is_in():
    headers = ["Email", "Unsubscribed"]
    assert read(["ann@example.org", "no"], headers=headers).permission == "in"
    assert read(["ann@example.org", "yes"], headers=headers).permission == "out"
