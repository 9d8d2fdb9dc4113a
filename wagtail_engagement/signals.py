"""Signals for host sites. The package sends them after commit and never listens to them.

``response_recorded(sender, response)``: an answer was stored.
``participant_confirmed(sender, participant, claims)``: a person confirmed an address.
``consent_changed(sender, participant, purpose)``: what we may write to a person changed.
``invitation_finished(sender, invitation)``: nothing of an invitation is left to send.
``participant_erased(sender, uuid)``: a person left the register for good.
"""

from django.dispatch import Signal

response_recorded = Signal()
participant_confirmed = Signal()
consent_changed = Signal()
invitation_finished = Signal()
participant_erased = Signal()
