"""Invented people of many origins. Every address is under a domain that nobody can own."""

import random
import re
import unicodedata

DOMAINS = ("example.org", "example.com", "example.net")

# First names and last names that go together; a number says how often a group comes up.
GROUPS = (
    (
        50,
        "Alice Amy Andrew Ben Beth Callum Charlotte Claire Daniel David Eleanor Emily Emma Frank"
        " George Grace Hannah Harry Helen Ian Jack James Jane Jean Joan John Karen Kate Kevin Laura"
        " Lily Linda Lucy Margaret Mark Martin Mary Michael Nicola Nigel Oliver Patricia Paul Peter"
        " Rachel Rebecca Richard Robert Rosie Ruth Sarah Simon Stephen Susan Thomas Tom Victoria"
        " William",
        "Adams Allen Atkinson Bailey Baker Barnes Bell Bennett Booth Bradley Brown Burton Carter"
        " Chapman Clark Clarke Collins Cook Cooper Cox Davies Dawson Dixon Edwards Ellis Fisher"
        " Foster Fox Gibson Graham Green Hall Harris Harrison Hill Holmes Howard Hughes Hunt"
        " Jackson Johnson Kelly King Knight Lawrence Lee Lloyd Marshall Mason Matthews Mills"
        " Mitchell Moore Murray Palmer Parker Pearson Phillips Price Reid Reynolds Richardson"
        " Robinson Rogers Russell Shaw Simpson Smith Spencer Stevens Taylor Thompson Turner Walker"
        " Walsh Ward Watson Webb White Wood Wright Young",
    ),
    (
        8,
        "Aled Angharad Bethan Carys Ceri Dylan Eleri Emyr Ffion Gareth Gethin Gwen Huw Ieuan Lowri"
        " Megan Nia Rhian Rhys Siân",
        "ap-Rhys Bevan Bowen Edwards Evans Griffiths Howells Jenkins Jones Lewis Morgan Owen"
        " Prosser Pugh Rees Vaughan Williams",
    ),
    (
        9,
        "Aileen Alasdair Aoife Brigid Cormac Dermot Eilidh Fergus Fiona Hamish Iain Isla Kirsty"
        " Máire Niamh Roisin Sinéad Siobhan",
        "Byrne Cameron Campbell Doherty Fraser Gallagher Kerr MacDonald McCarthy McLeod Munro"
        " O'Brien O'Connor O'Neill Quinn Ryan Stewart Sutherland",
    ),
    (
        12,
        "Aarav Aisha Amir Anjali Arjun Bilal Deepa Farah Fatima Gurpreet Harjit Imran Jasmin"
        " Kavita Meera Nadia Omar Priya Rajesh Ravi Sana Simran Sunita Tariq Yusuf Zainab",
        "Ahmed Akhtar Ali Begum Chaudhry Das Gill Hussain Iqbal Kaur Khan Mehta Miah Mistry Nair"
        " Patel Rahman Rao Shah Sharma Sidhu Singh Uddin",
    ),
    (
        7,
        "Abena Adaeze Amara Chidi Efua Emeka Folake Ife Kofi Kwame Marcia Ngozi Olu Samuel Tunde"
        " Winston Yaw Zola",
        "Achebe Adebayo Adeyemi Amoah Asante Bailey Balogun Boateng Campbell Danso Eze Francis"
        " Mensah Nwosu Obi Okafor Okeke Osei Owusu",
    ),
    (
        7,
        "Agnieszka Andrei Anna Bogdan Ewa Gabija Ioana Jakub Katarzyna Krzysztof Łukasz Magda"
        " Marek Mihai Oksana Piotr Tomasz Zofia",
        "Dąbrowski Ionescu Jankauskas Kaminski Kowalski Kovalenko Lewandowski Mazur Nowak Popescu"
        " Shevchenko Szymański Wójcik Zieliński",
    ),
    (
        4,
        "Chen Hao Jia Lan Ling Mai Mei Minh Ming Siu Thanh Wei Xin Yan",
        "Chan Cheung Ho Huang Lam Leung Li Lim Liu Nguyen Tran Wang Wong Zhang",
    ),
    (
        3,
        "Ali Ayşe Dilan Elif Hamid Layla Leila Mehmet Nour Parisa Reza Samira Yasmin",
        "Aydın Demir Farahani Haddad Kaya Khoury Nasser Rostami Saleh Yılmaz",
    ),
)
SPELT = str.maketrans({"ł": "l", "Ł": "L", "ı": "i", "ß": "ss", "ø": "o"})


def draw(rng: random.Random) -> tuple[str, str]:
    """Return a first and a last name."""
    ((_weight, first, last),) = rng.choices(GROUPS, weights=[group[0] for group in GROUPS])
    return rng.choice(first.split()), rng.choice(last.split())


def address(first: str, last: str, number: int, rng: random.Random) -> str:
    """Return an address that no other number has."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".translate(SPELT))
    local = re.sub(r"[^a-z.-]", "", plain.encode("ascii", "ignore").decode().lower())
    return f"{local}{number}@{rng.choice(DOMAINS)}"
