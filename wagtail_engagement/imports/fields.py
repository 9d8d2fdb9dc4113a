"""Form fields for uploaded sheets and for days."""

from __future__ import annotations

from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from .. import conf

MOST_FILES = 20


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SheetsInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SheetsField(forms.FileField):
    """One or more sheets, each within the limit of the site."""

    widget = SheetsInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods", "multiple": True})

    def __init__(self, *, fewest: int = 1, **kwargs: Any) -> None:
        self.fewest = fewest
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, (list, tuple)) else [data] if data else []
        files = [super(SheetsField, self).clean(each, initial) for each in given or [None]]
        if not self.fewest <= len(files) <= MOST_FILES:
            told = _("Choose %(fewest)s to %(most)s files.")
            raise forms.ValidationError(told % {"fewest": self.fewest, "most": MOST_FILES})
        for file in files:
            if file.size > conf.import_bytes():
                raise forms.ValidationError(
                    _(
                        "“%(file)s” is larger than %(most)s. Split it, or ask whoever looks after "
                        "this site to bring it in with the command engagement_import."
                    )
                    % {"file": file.name, "most": filesizeformat(conf.import_bytes())}
                )
        return files
