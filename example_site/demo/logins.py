"""Who works at the council. `load_demo` creates them; the log-in page names who can log in."""

from typing import NamedTuple

PASSWORD = "westmere"


class Login(NamedTuple):
    username: str
    first_name: str
    last_name: str
    can: str


LOGINS = [
    Login("admin", "Alex", "Admin", "everything"),
    Login("lead", "Leela", "Nair", "publish, invite and see people"),
    Login("analyst", "Anna", "Marsh", "read answers, without contact details"),
    Login("steward", "Sam", "Okoro", "look after the register of people"),
]
# Has left the council, and what she owned is still hers.
LEAVER = Login("priya", "Priya", "Shah", "")
