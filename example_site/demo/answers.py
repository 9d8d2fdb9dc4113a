"""Invents what somebody answers to a questionnaire, as plausible values and typed rows."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal
from typing import Any

from wagtail_engagement.models import Answer, ConsultationResponse, FormVersion

from . import sentences
from .pages import key_of
from .shape import Exercise, Question


def invent(
    exercise: Exercise, version: FormVersion, day: datetime.date, rng: random.Random
) -> dict[str, Any]:
    """Return answers by question key, as the form hands them over; unanswered ones are absent."""
    items = {item["key"]: item for item in version.definition}
    found = {}
    for question in exercise.questions:
        if question.kind == "guidance":
            continue
        if question.required or rng.randrange(100) < question.answered:
            key = key_of(exercise, question)
            found[key] = _answer(question, items[key], exercise.theme, day, rng)
    return found


def _answer(
    question: Question, item: dict[str, Any], theme: str, day: datetime.date, rng: random.Random
) -> Any:
    if question.kind == "number":
        low, high = question.between
        return Decimal(round(rng.triangular(low, high, low + (high - low) / 3)))
    if question.kind == "date":
        return day - datetime.timedelta(days=rng.randint(*question.between))
    if question.kind == "text":
        return rng.choice(sentences.SHORT[question.label])
    if question.kind == "long_text":
        return free_text(theme, rng)
    options = [option["key"] for option in item["options"]]
    weights = _weights(question, len(options))
    if question.kind == "multiple":
        return _ticked(options, weights, rng)
    return rng.choices(options, weights=weights)[0]


def _weights(question: Question, number: int) -> list[int]:
    """Return how often each option is chosen: as the exercise says, else by the question alone."""
    if question.weights:
        return list(question.weights[:number])
    own = random.Random(question.label)
    return [own.randint(10, 60) for _option in range(number)]


def _ticked(options: list[str], weights: list[int], rng: random.Random) -> list[str]:
    """Tick each option by its weight in a hundred, and at least one."""
    ticked = [
        key for key, weight in zip(options, weights, strict=True) if rng.randrange(100) < weight
    ]
    return ticked or rng.choices(options, weights=weights)


def free_text(theme: str, rng: random.Random) -> str:
    """Put one to three sentences of a theme together, each about another thing."""
    number = rng.choices((1, 2, 3), weights=(5, 4, 2))[0]
    lines = [
        line.replace("{place}", rng.choice(sentences.PLACES))
        for line in rng.sample(sentences.THEMES[theme], number)
    ]
    if rng.random() < 0.25:
        lines.insert(0, rng.choice(sentences.OPENERS))
    if rng.random() < 0.15:
        lines.append(rng.choice(sentences.CLOSERS))
    return " ".join(lines)


def as_json(answers: dict[str, Any]) -> dict[str, Any]:
    """Return answers as the response keeps them."""
    return {key: _plain(value) for key, value in answers.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def rows(
    response: ConsultationResponse, answers: dict[str, Any], kinds: dict[str, str]
) -> list[Answer]:
    """Return the typed rows of a response, one for each ticked option."""
    found = []
    for key, value in answers.items():
        if kinds[key] in ("single", "agree", "multiple"):
            chosen = value if isinstance(value, list) else [value]
            found += [Answer(response=response, question_key=key, option_key=o) for o in chosen]
        else:
            column = {"number": "number", "date": "date"}.get(kinds[key], "text")
            found.append(Answer(response=response, question_key=key, **{column: value}))
    return found
