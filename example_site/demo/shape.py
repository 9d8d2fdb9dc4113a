"""What the words of the demo are made of. Days count from today: -10 is ten days ago."""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """`weights` say how often each option is chosen; without them the seed decides."""

    kind: str
    label: str
    options: tuple[str, ...] = ()
    hint: str = ""
    required: bool = False
    weights: tuple[int, ...] = ()
    # Of a number: the usual lowest and highest. Of a date: days before the answer.
    between: tuple[int, int] = (0, 0)
    # How many of a hundred people answer.
    answered: int = 92


class Letter(NamedTuple):
    """An invitation: what it says, and on which day it went out."""

    day: int
    subject: str
    preheader: str
    opening: str
    status: str = "finished"
    team: str = ""
    # Days before the closing date on which people are reminded.
    remind_days: int | None = None


class Outcome(NamedTuple):
    day: int
    we_asked: str
    you_said: str
    we_did: str


class PassedOn(NamedTuple):
    """A link with a name that others pass on, `kind` says who. `code` stands in its address."""

    name: str
    kind: str
    code: str
    # How many of a hundred people without an invitation come by it.
    share: int


class Exercise(NamedTuple):
    """One consultation of the demo. `share` is its part of all responses."""

    slug: str
    title: str
    summary: str
    body: str
    interests: tuple[str, ...]
    opens: int
    closes: int
    questions: tuple[Question, ...]
    theme: str = ""
    share: int = 0
    decision: int | None = None
    who_replies: str = ""
    contact: str = ""
    is_sensitive: bool = False
    ask_name: str = "optional"
    owner: str = "lead"
    links: tuple[PassedOn, ...] = ()
    letter: Letter | None = None
    outcome: Outcome | None = None
    # An option that was added to the first choice question some days after the opening.
    added_option: str = ""
