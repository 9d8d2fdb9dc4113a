"""Wake a task worker after commit. The queues are our own tables; a lost nudge loses nothing."""

from __future__ import annotations

from importlib import import_module

import django
from django.core.management import call_command
from django.db import transaction

# Django's own tasks where it has them, else the package that Wagtail brings along.
_PACKAGE = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
task = import_module(_PACKAGE).task
ImmediateBackend = import_module(f"{_PACKAGE}.backends.immediate").ImmediateBackend


@task()
def work_once() -> None:
    """Do what waits, as `engagement_work --once` does from cron."""
    call_command("engagement_work", once=True)


def after_commit() -> None:
    """Ask for a worker once the current transaction has committed.

    Nothing happens where tasks run at once, inside the request: everything would be sent while
    somebody waits for a page. `engagement_work` does the work there. An unreachable task backend
    is logged by Django and never breaks the request.
    """
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    if not runs_at_once():
        work_once.enqueue()


def runs_at_once() -> bool:
    """Whether tasks run inside the request that asks for them, so that none are asked for."""
    return isinstance(work_once.get_backend(), ImmediateBackend)
