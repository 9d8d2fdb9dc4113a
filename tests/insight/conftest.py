"""The council of the admin tests, whose roles read what is told here."""

from tests.admin.conftest import a_patient_site, council, full_council, login  # noqa: F401
