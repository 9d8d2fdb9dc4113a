"""What is done to many ticked people at once: what was shown is what is acted on.

The confirmation carries the highest number that it counted and a hash of all numbers. Whoever
joins later is not among them; where anybody else came or went, the editor is asked once more.
"""

from __future__ import annotations

import datetime
import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.views.bulk_action import BulkAction
from wagtail.log_actions import log

from ..consent import barring
from ..consent.models import Suppression
from ..modeladmin import may
from . import tagging
from .listing import Listed
from .models import Interest, Participant

BATCH = 1000  # people that one statement acts on
MOST = 50_000  # people at a time: up to 10 seconds, and web servers wait for about 30
SAMPLE = 5  # people whom the confirmation names
LONGEST_NUMBER = 18  # digits that every database takes as a number


@dataclass(frozen=True)
class Selection:
    """The numbers of the people chosen, in order: eight bytes for each."""

    ids: array[int]

    @classmethod
    def of(cls, people: QuerySet[Participant], *, top: int | None = None) -> Selection:
        """Choose people, up to the number `top` where one is given."""
        if top is not None:
            people = people.filter(pk__lte=top)
        numbers = people.order_by("pk").values_list("pk", flat=True)
        return cls(array("q", numbers.iterator(chunk_size=10 * BATCH)))

    @property
    def mark(self) -> str:
        """The highest number, and a hash that no other selection has."""
        top = self.ids[-1] if self.ids else 0
        return f"{top}-{hashlib.sha256(self.ids.tobytes()).hexdigest()}"


def top_of(mark: str) -> int | None:
    """The highest number in what `Selection.mark` wrote, None for anything else."""
    top = mark.partition("-")[0]
    return int(top) if top.isdecimal() and len(top) <= LONGEST_NUMBER else None


class SelectionForm(forms.Form):
    shown = forms.CharField(widget=forms.HiddenInput, required=False)


class TagForm(SelectionForm):
    interests = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Interests"),
        queryset=Interest.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one interest.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interests"].queryset = Interest.objects.in_use()


class UntagForm(TagForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interests"].queryset = Interest.objects.filter(merged_into=None)


class StopForm(SelectionForm):
    source = forms.CharField(
        label=gettext_lazy("How we learned it"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("For example: telephone call of 3 May. Leave out names."),
    )


class ParticipantAction(BulkAction):
    """One act on the people chosen in the listing, by their ticks or by its filters and search."""

    models = [Participant]
    template_name = "wagtail_engagement/admin/bulk_confirm.html"
    permission = ""
    log_action = ""
    explanation: Any = ""

    @classmethod
    def is_for(cls, user: Any) -> bool:
        return may(user, "view_participant") and may(user, cls.permission)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.is_for(request.user):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    # Whom

    def chosen(self) -> QuerySet[Participant]:
        asked = self.request.GET.getlist("id")
        if "all" in asked:
            return Listed(self.request).people()
        numbers = [int(n) for n in asked if n.isdecimal() and len(n) <= LONGEST_NUMBER]
        return Participant.objects.current().filter(pk__in=numbers)

    @cached_property
    def selection(self) -> Selection:
        return Selection.of(self.chosen(), top=top_of(self.request.POST.get("shown", "")))

    def get_actionable_objects(self) -> tuple[Any, dict[str, list[Any]]]:
        """Numbers instead of people: a million people would not fit."""
        return self.selection.ids, {"items_with_no_access": []}

    def prepare_action(self, objects: Any, objects_without_access: Any) -> Any:
        if len(self.selection.ids) > MOST:
            return self.form_invalid(self.cleaned_form)
        if self.selection.mark == self.cleaned_form.cleaned_data["shown"]:
            return None
        told = _("The selection has changed since it was counted. Look at it again, then confirm.")
        self.cleaned_form.add_error(None, told)
        self.selection = Selection.of(self.chosen())
        self.cleaned_form.data = self.request.POST.copy()
        self.cleaned_form.data["shown"] = self.selection.mark
        return self.form_invalid(self.cleaned_form)

    # The confirmation

    def get_initial(self) -> dict[str, Any]:
        return {"shown": self.selection.mark}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        first = self.selection.ids[:SAMPLE]
        shows_contact = may(self.request.user, "view_participant_pii")
        people = Participant.objects.filter(pk__in=first).order_by("pk")
        # Not Wagtail's own context, which lists everybody.
        return super(BulkAction, self).get_context_data(
            number=len(self.selection.ids),
            most=MOST,
            others=len(self.selection.ids) - len(first),
            sample=[each.email if shows_contact else each.masked_email for each in people],
            title=self.display_name,
            explanation=self.explanation,
            submit_url=f"{self.request.path}?{self.request.META['QUERY_STRING']}",
            next=self.next_url,
            **kwargs,
        )

    # The act

    def get_execution_context(self) -> dict[str, Any]:
        return {"told": self.cleaned_form.cleaned_data, "user": self.request.user}

    @classmethod
    def execute_action(cls, objects: Any, **kwargs: Any) -> tuple[int, int]:
        """Act batch by batch and write one entry; return how many people, and what changed."""
        told, user = kwargs["told"], kwargs["user"]
        act = cls.rule(told, timezone.now())
        changed = 0
        for start in range(0, len(objects), BATCH):
            changed += act(objects[start : start + BATCH])
        data: dict[str, Any] = {"people": len(objects), "changed": changed}
        if "interests" in told:
            data["interests"] = [interest.name for interest in told["interests"]]
        log(user, cls.log_action, user=user, title=_("Participants"), data=data)
        return len(objects), changed

    @classmethod
    def rule(cls, told: dict[str, Any], at: datetime.datetime) -> Callable[[array[int]], int]:
        raise NotImplementedError


class TagAction(ParticipantAction):
    display_name = gettext_lazy("Add interests")
    aria_label = gettext_lazy("Add interests to selected participants")
    explanation = gettext_lazy("Nobody gets back an interest that they took away themselves.")
    action_type = "tag"
    action_priority = 10
    permission = "tag_participant"
    log_action = "wagtail_engagement.participants_tagged"
    form_class = TagForm

    @classmethod
    def rule(cls, told: dict[str, Any], at: datetime.datetime) -> Callable[[array[int]], int]:
        given = partial(tagging.tag, interests=list(told["interests"]), at=at)
        return lambda ids: given(participant_ids=ids)

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        if not num_child_objects:
            return _("Nothing was added: everybody had it already, or took it away themselves.")
        told = ngettext(
            "%(number)s interest added.", "%(number)s interests added.", num_child_objects
        )
        return told % {"number": f"{num_child_objects:,}"}


class UntagAction(ParticipantAction):
    display_name = gettext_lazy("Remove interests")
    aria_label = gettext_lazy("Remove interests from selected participants")
    explanation = gettext_lazy("What people chose themselves stays; only they can take it away.")
    action_type = "untag"
    action_priority = 20
    permission = "tag_participant"
    log_action = "wagtail_engagement.participants_untagged"
    form_class = UntagForm

    @classmethod
    def rule(cls, told: dict[str, Any], at: datetime.datetime) -> Callable[[array[int]], int]:
        taken = partial(tagging.untag, interests=list(told["interests"]))
        return lambda ids: taken(participant_ids=ids)

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        if not num_child_objects:
            return _("Nothing was removed: nobody had it, or people chose it themselves.")
        told = ngettext(
            "%(number)s interest removed.", "%(number)s interests removed.", num_child_objects
        )
        return told % {"number": f"{num_child_objects:,}"}


class StopAction(ParticipantAction):
    display_name = gettext_lazy("Do not contact")
    aria_label = gettext_lazy("Do not contact selected participants")
    explanation = gettext_lazy("They get no more mail of any kind from here.")
    action_type = "stop"
    action_priority = 30
    permission = "add_suppression"
    log_action = "wagtail_engagement.participants_stopped"
    form_class = StopForm

    @classmethod
    def rule(cls, told: dict[str, Any], at: datetime.datetime) -> Callable[[array[int]], int]:
        stop = partial(
            barring.suppress_many,
            reason=Suppression.Reason.MANUAL,
            source=told["source"],
            at=at,
        )
        people = Participant.objects.values_list("email", flat=True)
        return lambda ids: stop(emails=people.filter(pk__in=ids))

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> str:
        told = ngettext(
            "We will not write to %(number)s person.",
            "We will not write to %(number)s people.",
            num_parent_objects,
        )
        return told % {"number": f"{num_parent_objects:,}"}


ACTIONS = (TagAction, UntagAction, StopAction)
