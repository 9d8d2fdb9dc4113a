"""Screens about one person, or about two who may be one: history, notes, names, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from wagtail.admin import messages
from wagtail.admin.ui.tables import Column, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log

from .. import addresses
from ..modeladmin import APP_LABEL, DayColumn, NativeIndexView, may
from . import duplicates, merging, noting, tending
from .details import ParticipantNote
from .merges import Merge, PossibleDuplicate
from .models import Participant
from .timeline import LONGEST, Story

NAMESPACE = "wagtail_engagement_participants"
DUPLICATES = "wagtail_engagement_duplicates:index"
CONTACT = f"{APP_LABEL}.view_participant_pii"
MERGES = (CONTACT, f"{APP_LABEL}.merge_participant")


def page_of(person_id: int) -> str:
    return reverse(f"{NAMESPACE}:inspect", args=[person_id])


def note_down(person: Participant, action: str, user: Any) -> None:
    """Write an act of staff to the audit log, which knows people by their number alone."""
    log(person, f"wagtail_engagement.{action}", user=user, title=str(person))


class NoteForm(forms.ModelForm):
    class Meta:
        model = ParticipantNote
        fields = ["text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "text": gettext_lazy("The person can ask to read this. Write only what is needed.")
        }


class ParticipantInspectView(generic.InspectView):
    """One person: what we know, may do and did. Every look is written to the audit log."""

    template_name = "wagtail_engagement/admin/participant.html"
    page_title = gettext_lazy("Participant")
    # The consultations whose answers a user may read. The part above sets it, for this one may
    # not import it.
    readable_by: Callable[[Any], QuerySet]

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if self.object.merged_into_id:
            return redirect(page_of(self.object.merged_into_id))
        response = super().get(request, *args, **kwargs)
        note_down(self.object, "participant_viewed", request.user)
        return response

    def get_fields_context(self) -> list[Any]:
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, person = self.request.user, self.object
        story = Story(person, user=user, readable=self.readable_by(user))
        permissions = person.permissions.select_related("consultation").order_by("purpose", "id")
        return super().get_context_data(
            shows_contact=may(user, "view_participant_pii"),
            merges=all(user.has_perm(permission) for permission in MERGES),
            standing=story.standing(),
            permissions=[(story.purpose_of(row), row) for row in permissions[:LONGEST]],
            other_names=person.names.exclude(name=person.name)[:LONGEST],
            interests=self.interests(),
            years=story.years(),
            note_form=NoteForm(),
            undoable=self.undoable(),
            pairs=self.pairs(),
            **kwargs,
        )

    def interests(self) -> list[Any]:
        """Each interest with where it comes from and when it fades."""
        rows = self.object.interest_links.filter(removed_at=None)
        rows = rows.select_related("interest", "consultation", "batch")
        return [
            (row.interest, tending.provenance(row), tending.fades_at(row))
            for row in rows.order_by("interest__name")
        ]

    def undoable(self) -> list[tuple[Merge, Any]]:
        rows = Merge.objects.filter(kept=self.object, undone_at=None).select_related("merged")
        now = timezone.now()
        ends = [(row, merging.undoable_until(row)) for row in rows]
        return [(row, end) for row, end in ends if end > now]

    def pairs(self) -> list[tuple[Participant, PossibleDuplicate]]:
        """Other people whom this one may be."""
        rows = duplicates.waiting().filter(Q(first=self.object) | Q(second=self.object))
        return [
            (row.second if row.first_id == self.object.pk else row.first, row)
            for row in rows[:LONGEST]
        ]


class PersonAct(PermissionRequiredMixin, View):
    """Something done to one person by a button on their page."""

    permission_required: Any = CONTACT
    raise_exception = True
    http_method_names = ["post"]

    def person(self) -> Participant:
        return get_object_or_404(Participant.objects.current(), pk=self.kwargs["pk"])

    def back(self) -> Any:
        return redirect(page_of(self.kwargs["pk"]))


class AddNote(PersonAct):
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        person, form = self.person(), NoteForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Write a note of up to 2,000 characters."))
            return self.back()
        text = form.cleaned_data["text"]
        noting.add(person=person, text=text, by=request.user, at=timezone.now())
        note_down(person, "note_added", request.user)
        messages.success(request, _("The note is on record."))
        return self.back()


class DeleteNote(PersonAct):
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        person = self.person()
        if noting.remove(person=person, note_id=self.kwargs["note_id"]):
            note_down(person, "note_deleted", request.user)
        messages.success(request, _("The note is gone."))
        return self.back()


class UseName(PersonAct):
    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        person = self.person()
        if noting.use_name(person=person, name_id=self.kwargs["name_id"], at=timezone.now()):
            note_down(person, "name_chosen", request.user)
            messages.success(request, _("This name stands first now; the other is kept."))
        return self.back()


class FindOther(PersonAct):
    """Go to the comparison with a person whose address staff know."""

    permission_required = MERGES

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            key = addresses.key(addresses.clean(request.POST.get("address", "")))
        except addresses.AddressRefused as refused:
            messages.error(request, str(refused))
            return self.back()
        person = self.person()
        other = Participant.objects.current().filter(address_key=key).exclude(pk=person.pk).first()
        if other is None:
            messages.error(request, _("Nobody else in the register has this address."))
            return self.back()
        return redirect(f"{NAMESPACE}:merge", pk=person.pk, other=other.pk)


class UndoMerge(PersonAct):
    permission_required = MERGES

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        row = get_object_or_404(Merge, pk=self.kwargs["merge_id"], kept=self.kwargs["pk"])
        try:
            merging.unmerge(merge=row, actor=request.user, at=timezone.now())
        except merging.CannotMerge as refused:
            messages.error(request, str(refused))
            return self.back()
        note_down(row.kept, "merge_undone", request.user)
        messages.success(request, _("These are two participants again, as they were."))
        return self.back()


class MergeView(PermissionRequiredMixin, WagtailAdminTemplateMixin, TemplateView):
    """Two records side by side, and what would become of them. Every look is logged."""

    permission_required = MERGES
    raise_exception = True
    template_name = "wagtail_engagement/admin/merge.html"
    page_title = gettext_lazy("Are these one person?")
    header_icon = "group"

    @cached_property
    def people(self) -> list[Participant]:
        numbers = [self.kwargs["pk"], self.kwargs["other"]]
        found = Participant.objects.current().in_bulk(numbers)
        if len(found) < 2:
            raise Http404
        return [found[number] for number in numbers]

    @cached_property
    def pair(self) -> PossibleDuplicate | None:
        one, other = sorted(person.pk for person in self.people)
        return PossibleDuplicate.objects.filter(first=one, second=other).first()

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        for person in self.people:
            note_down(person, "participant_viewed", request.user)
        return super().get(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[Any]:
        listing = {"url": reverse(DUPLICATES), "label": _("Possible duplicates")}
        return [*self.breadcrumbs_items, listing, {"url": "", "label": self.get_page_title()}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        readable = ParticipantInspectView.readable_by(self.request.user)
        stories = [Story(p, user=self.request.user, readable=readable) for p in self.people]
        is_open = self.pair is not None and self.pair.state == PossibleDuplicate.State.OPEN
        return super().get_context_data(
            people=self.people,
            sides=[
                {"person": story.person, "standing": story.standing(), "years": story.years()}
                for story in stories
            ],
            pair=self.pair,
            apart_on=duplicates.ends_at(self.pair) if self.pair and is_open else None,
            days=merging.UNDOABLE.days,
            **kwargs,
        )

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        numbers = {str(person.pk): person for person in self.people}
        kept = numbers.pop(request.POST.get("keep", ""), None)
        if kept is None:
            return self.leave_apart(request)
        (merged,) = numbers.values()
        try:
            merging.merge(kept=kept, merged=merged, actor=request.user, at=timezone.now())
        except merging.CannotMerge as refused:
            messages.error(request, str(refused))
            return redirect(DUPLICATES)
        note_down(kept, "participants_merged", request.user)
        messages.success(request, _("They are one participant now."))
        return redirect(page_of(kept.pk))

    def leave_apart(self, request: Any) -> Any:
        if request.POST.get("keep") != "both":
            messages.error(request, _("Choose which address stays, or keep both apart."))
            return redirect(request.path)
        now = timezone.now()
        if self.pair and duplicates.keep_apart(pair=self.pair, actor=request.user, at=now):
            note_down(self.people[0], "participants_kept_apart", request.user)
        messages.success(request, _("They stay two participants."))
        return redirect(DUPLICATES)


class DuplicateIndexView(NativeIndexView):
    """Pairs to look at. Each says when it stays apart by itself."""

    def get_base_queryset(self) -> QuerySet:
        return duplicates.waiting()

    @cached_property
    def columns(self) -> list[Column]:
        masked = not may(self.request.user, "view_participant_pii")

        def address(person: Participant) -> str:
            return person.masked_email if masked else person.email

        return [
            TitleColumn(
                "first",
                label=_("One"),
                accessor=lambda row: address(row.first),
                get_url=None if masked else merge_url,
            ),
            Column("second", label=_("The other"), accessor=lambda row: address(row.second)),
            Column("hint", label=_("Why"), accessor="get_hint_display"),
            DayColumn("end", label=_("If nobody looks, apart on"), accessor=duplicates.ends_at),
        ]


def merge_url(row: PossibleDuplicate) -> str:
    return reverse(f"{NAMESPACE}:merge", args=[row.first_id, row.second_id])
