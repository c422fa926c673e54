"""The words a newsreel is made of, Dutch beside English, and how often each right occurs.

Names of people and organisations are made up. Shares are per mille, so that rare cases (protected
sources, special personal data) occur as rarely as in an archive.
"""

EVENTS: tuple[tuple[str, str, str], ...] = (
    ("Opening van een nieuwe brug", "Opening of a new bridge", "bruggen; verkeer"),
    ("Tewaterlating van een vrachtschip", "Launching of a cargo ship", "scheepvaart; havens"),
    ("Elfstedentocht verreden op hard ijs", "Skating tour held on hard ice", "schaatsen; winter"),
    ("Koninklijk bezoek aan een fabriek", "Royal visit to a factory", "koningshuis; industrie"),
    ("Bloemencorso trekt door de straten", "Flower parade in the streets", "bloemen; optochten"),
    ("Dijkwerkers herstellen een doorbraak", "Workers mend a breached dike", "waterbeheer; dijken"),
    ("Kaasmarkt heropend na de winter", "Cheese market reopens after winter", "markten; zuivel"),
    ("Vliegdemonstratie boven zee", "Flying display above the sea", "luchtvaart; kust"),
    ("Staking van de havenarbeiders", "Dock workers on strike", "arbeid; havens"),
    ("Eerste steen voor een school", "First stone laid for a school", "onderwijs; bouw"),
    ("Voetbalwedstrijd in de regen", "Football match in the rain", "voetbal; sport"),
    ("Oogstfeest op het platteland", "Harvest feast in the country", "landbouw; feesten"),
    ("Modeshow met voorjaarshoeden", "Fashion show of spring hats", "mode; vrouwen"),
    ("Proefrit met een elektrische trein", "Test run of an electric train", "spoorwegen; techniek"),
    ("Tentoonstelling van oude meesters", "Exhibition of old masters", "schilderkunst; musea"),
    ("Inpoldering: de laatste spade", "Land reclaimed: the last spade", "polders; waterbeheer"),
    ("Padvinders op zomerkamp", "Scouts at summer camp", "jeugd; zomer"),
    ("Windmolen wordt verplaatst", "Windmill moved to a new site", "molens; monumenten"),
    ("Dierentuin toont jonge olifant", "Zoo shows a young elephant", "dieren; dierentuinen"),
    ("Herdenking bij het monument", "Commemoration at the monument", "herdenkingen; oorlog"),
    ("Radiostation zendt proefconcert uit", "Radio station airs trial concert", "radio; muziek"),
    ("Diamantslijpers aan het werk", "Diamond cutters at work", "ambachten; industrie"),
    ("Wielerronde door het heuvelland", "Cycle race through the hills", "wielrennen; sport"),
    ("Sinterklaas komt aan per boot", "Saint Nicholas arrives by boat", "feesten; jeugd"),
)

PLACES = (
    "Amsterdam", "Rotterdam", "Den Haag", "Utrecht", "Groningen", "Leeuwarden", "Zwolle", "Arnhem",
    "Nijmegen", "Maastricht", "Eindhoven", "Tilburg", "Breda", "Middelburg", "Vlissingen", "Delft",
    "Gouda", "Alkmaar", "Hoorn", "Enkhuizen", "Den Helder", "Harlingen", "Assen", "Emmen",
    "Deventer", "Apeldoorn", "Haarlem", "Leiden", "Dordrecht", "Zaandam", "Lelystad", "Urk",
)  # fmt: skip

SHOTS = (
    "totaal van de toegestroomde menigte", "close-up van een lachende jongen",
    "de burgemeester houdt een toespraak", "muziekkorps trekt voorbij", "vlaggen wapperen",
    "camera rijdt langs de kade", "arbeiders klimmen omhoog", "paarden voor een wagen",
    "vrouwen in klederdracht", "kinderen zwaaien naar de camera", "luchtopname van de stad",
    "stoom stijgt op uit de machine", "handen aan het werk", "een lint wordt doorgeknipt",
    "schip glijdt het water in", "publiek onder paraplu's", "interieur van de hal",
    "bloemen worden neergelegd", "renners passeren de streep", "avondopname met schijnwerpers",
    "vissers halen netten binnen", "een trein rijdt het station binnen", "sneeuw op de daken",
    "marktkoopman prijst zijn waren", "agent regelt het verkeer", "detail van het uurwerk",
    "de zaal applaudisseert", "molenwieken tegen de lucht", "boerin voert de kippen",
    "zwemmers duiken van de kant", "vliegtuig stijgt op", "een kaart wijst de plaats aan",
)  # fmt: skip

FIRST_NAMES = (
    "Aaltje", "Bram", "Catharina", "Dirk", "Elsje", "Floris", "Geertje", "Hendrik", "Ida", "Jan",
    "Klaas", "Lotte", "Maarten", "Neeltje", "Otto", "Pieternel", "Ruben", "Sietske", "Teun", "Wies",
)  # fmt: skip
LAST_NAMES = (
    "Achterberg", "Bosgraaf", "Cornelissen", "Duinhoven", "Eikelboom", "Faasen", "Grootveld",
    "Heemskerk", "IJzerman", "Klaverweide", "Lindeboom", "Molenschot", "Noorderhof", "Oudekerk",
    "Polderman", "Rietdijk", "Stuifzand", "Terpstra", "Veenwouden", "Zandvliet",
)  # fmt: skip

OWNER = "Journaalarchief Nederland"
STUDIOS = ("Noordster Film", "Cineport Amsterdam", "Studio Westkade", "Filmfabriek Lumen")
SHARED = ("Noordster Film; Omroep De Vuurtoren", "Studio Westkade; erven Van der Lind")

# Delivered spelling, per mille. The same statement comes in several spellings, as it does.
FREE = (
    ("https://creativecommons.org/publicdomain/mark/1.0/", 170),
    ("Public Domain Mark 1.0", 60),
    ("http://creativecommons.org/publicdomain/zero/1.0/", 50),
    ("CC0 1.0", 20),
    ("vrij", 20),
    ("NoC-CR", 10),
    ("http://rightsstatements.org/vocab/NoC-NC/1.0/", 10),
    ("http://rightsstatements.org/vocab/NKC/1.0/", 20),
)
LICENSED = (
    ("https://creativecommons.org/licenses/by-sa/3.0/nl/", 130),
    ("CC BY-SA 3.0 NL", 40),
    ("https://creativecommons.org/licenses/by/4.0/", 80),
    ("cc-by-4.0", 30),
    ("CC BY-NC 4.0", 30),
    ("https://creativecommons.org/licenses/by-nc-nd/4.0/deed.nl", 30),
)
CLOSED = (
    ("http://rightsstatements.org/vocab/InC/1.0/", 140),
    ("In Copyright", 50),
    ("https://rightsstatements.org/page/InC-EDU/1.0/?language=nl", 20),
    ("InC-OW-EU", 10),
    ("Copyright Undetermined", 30),
    ("http://rightsstatements.org/vocab/CNE/1.0/", 50),
)

EMBARGOES = (
    "2012-01-01", "2019", "jaren 90", "2031-05-01", "1-9-2035", "2040", "ca. 2033", "204X",
    "voorjaar 2029", "na 2045", "geen", "onbekend",
)  # fmt: skip
