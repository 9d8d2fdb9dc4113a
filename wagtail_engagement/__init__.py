"""Turn each answer to a council's consultation into the start of a relationship.

The map, from the bottom up. A part may import the parts below it, never one above:

- ``conf``, ``signals``: settings read at call time; signals sent to the host site
- ``addresses``: what an email address is, and when two are the same person
- ``mail``, ``nudge``, ``exports``, ``inserting``, ``prepared``: the mail connection, the wake-up call
  for workers, safe cells, many rows at once, statements that are planned once
- ``journal``, ``received``: a file that outlives the database, what a mail looked like on arrival
- ``batch``: many people in one call to a provider, after proving that nobody sees another
- ``notify``: a mail backend for GOV.UK Notify
- ``modeladmin``: the bridge from ``wagtail_modeladmin`` declarations to Wagtail's own views
- ``seal``: whose database this is, and what is journalled outside it
- ``consent``: what we may do with an address, and the proof
- ``participants``: the one register of people, their interests and their own choices
- ``consultations``: asking: consultations, questionnaires, responses; abstract page mixins
- ``invitations``: writing to people: audience, sending, tracking
- ``imports``: spreadsheets in: reading, matching columns, batches that can be undone
- ``rights``: access, erasure, retention: reads and cleans every part
- ``insight``: reads every part and writes none of their tables
- ``work``: drains every part's queue; ``checks``: names what a site has not set up
- ``pages``: a small app of its own with the concrete page types

``models`` re-exports every table for host sites; nothing inside the package imports it.
"""

__version__ = "0.1.0"
