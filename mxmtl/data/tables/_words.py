"""What people write into tables: words for unknown, for yes and no, names of columns, dates.

None of it is decided here: what may mean something is said, and the user says what it means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

# How people and programs spell an unknown label, in lower case.
SPELLINGS = frozenset(
    word
    for line in (
        "na|n/a|n.a.|#n/a|<na>|nan|nat|nil|null|(null)|none|?|??|-|--|---|—|–|.|..|...|*|\\n",
        "unknown|unk|unclear|unsure|not sure|missing|undefined|unspecified|not specified|not known",
        "not available|not reported|not recorded|not applicable|don't know|dont know|do not know",
        "n.d.|n. d.|tbd|#ref!|#div/0!|#value!|#num!|#name?|#null!",
        "unbekannt|k.a.|k. a.|keine angabe|n.v.|unklar|inconnu|inconnue|non renseigné|nsp",
        "desconocido|desconocida|sin datos|s/d|desconhecido|desconhecida|sconosciuto|sconosciuta",
        "onbekend|ukjent|okänd|ukendt|tuntematon|nieznany|brak danych|b/d|neznámý|bilinmiyor",
        "неизвестно|н/д|нет данных|невідомо|未知|不详|不詳|不明|未定|不清楚|미상|모름|غير معروف",
        "空|缺失|不知道|不确定|不確定|待定|暂无|无数据|未标注|未填|未填写|无法判断|データなし|/|――|——|‐",
    )
    for word in line.split("|")
)
# And that none of the names holds, where a cell may have several.
NOTHING = frozenset(
    "none|nothing|nil|no finding|no findings|none of the above|none of these"
    "|keine|keiner|keines|aucun|aucune|rien|ninguno|ninguna|nenhum|nenhuma|nessuno"
    "|nessuna|geen|ingen|inget|brak|нет|无|無|没有|沒有|なし|特になし|없음|لا شيء".split("|")
)
# Words for yes and no, beside those that a Binary takes as they are.
YES_NO = tuple(
    tuple(pair.split("/"))
    for pair in (
        "ja/nein|ja/nee|ja/nej|ja/nei|oui/non|sí/no|si/no|sì/no|sim/não|sim/nao|tak/nie|ano/ne|да/нет"
        "|evet/hayır|igen/nem|kyllä/ei|是/否|有/无|有/無|はい/いいえ|예/아니오|نعم/لا|on/off|t/f"
        "|wahr/falsch|vrai/faux|verdadero/falso|verdadeiro/falso|vero/falso|waar/onwaar|prawda/fałsz"
        "|pravda/nepravda|sand/falsk|sant/falskt|sann/usann|tosi/epätosi|igaz/hamis|doğru/yanlış"
        "|истина/ложь|真/假|present/absent|positive/negative|pos/neg|y/n|yes/no|对/错|√/×|✓/✗|○/×"
    ).split("|")
)
# What says where a row comes from, or what it is called, and is nothing to predict: of names
# without case, spaces and marks.
OF_ROWS = re.compile(
    r"(id|ids|uuid|guid|index|idx|rowid|row(no|num|number)|unnamed\d*|level0"
    r"|(cv|k)?folds?(id|idx|no|nr|num|number|\d*)?|split|subset|partition"
    r"|(is|in)(train|training|trainingimage|valid|val|test)|usage|evaluationstatus"
    r"|annotator|completedby|leadtime|createdat|updatedat|timestamp"
    r"|url|md5|sha1|sha256|hash|phash|checksum)"
)
SPLITS = frozenset("train training val valid validation dev test testing eval".split())
# And of columns with many different cells.
OF_MANY = re.compile(
    r"(patient|subject|case|study|series|accession|sample|specimen|slide|record|serial|person"
    r"|participant|animal|individual|mrn|barcode|patienten|proben|paciente|患者|病人|样本)"
    r"(no|nr|num|number|code|nummer|id|编号|号|番号)?"
)
LABEL = re.compile(r"class|categor|label|target|species|breed|attribute|tag|type")  # not of rows
ID = re.compile(r"(?:.*[a-z0-9_ ])?(?:ID|Id|_id| id|_uid|UID|_idx|_index)")
DAY = r"(0?[1-9]|[12]\d|3[01])"  # or a month
MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*"
NAMED = re.compile(rf"\d{{1,4}}[-./ ]{MONTH}([-./ ]\d{{2,4}})?|{MONTH}[-./ ]\d{{1,4}}(,? \d{{4}})?")
DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4})([T ]\d{1,2}:\d{2}\S*)?"
    rf"|{DAY}(?P<mark>[-/.]){DAY}(?P=mark)\d{{2}}([T ]\d{{1,2}}:\d{{2}}\S*)?"
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
    r"|\d{4} ?[年년] ?\d{1,2} ?[月월]( ?\d{1,2} ?[日号號일])?|\d{1,2}[月월] ?\d{1,2}[日号號일]"
    r"|\d{1,2}[时時点點시] ?\d{1,2}[分분]( ?\d{1,2}[秒초])?"
    rf"|{NAMED.pattern}"
)
# An amount as people write it: 3,5 and 1,200 and 45% and $12.50 and 1.234,5 and 5,- and 90+.
CURRENCY = r"[$€£¥₩₹₽]|USD|EUR|GBP|CHF|CNY|RMB|JPY|KRW|kr|zł|Kč|Ft|руб|元|圆|円|원"
SIGN, UNIT = rf"[<>≤≥~≈]?\s?(?:{CURRENCY})?\s?[+\-–]?", rf"%|{CURRENCY}|\+"
DIGITS = r"(?:\d{1,3}(?:[ ,.'\u2019\u00a0]\d{3})+|\d+)(?:[.,](?:\d+|[-–—]))?"
AMOUNT = re.compile(rf"{SIGN}{DIGITS}\s?(?:{UNIT})?")
MEASURE = re.compile(rf"{SIGN}{DIGITS}\s?(?:[^\W\d_]|[°²³/]){{1,5}}")
TENS = {"万": 4, "萬": 4, "亿": 8, "億": 8}  # how many zeros
# What East Asian keyboards write for the letters, digits and marks of others, and a real minus.
HALF = {0xFF01 + place: chr(0x21 + place) for place in range(94)}
HALF |= {0x3000: " ", 0x2212: "-", 0xFFE1: "£", 0xFFE5: "¥", 0xFFE6: "₩"}
DECIMALS = {  # not 1.250, which may be a thousand
    mark: re.compile(rf".*\d[{mark}](?:\d{{1,2}}|\d{{4,}}|[-–—])\D*|\D*0[{mark}]\d+\D*")
    for mark in ".,"
}


ACCENTS = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")  # of other scripts they make other letters


def folded(name: str) -> str:
    """Return a name without what people do not mean by it: case, spaces, forms, a plural, accents.

    >>> folded("Light  Blue") == folded("light blue"), folded("cats") == folded("Cat")
    (True, True)
    >>> folded("München") == folded("Munchen"), folded("か") == folded("が")
    (True, False)
    """
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())
    if not text.isascii():
        bare = ACCENTS.sub("", unicodedata.normalize("NFD", text))
        text = unicodedata.normalize("NFC", bare)
    return text[:-1] if len(text) > 3 and text.endswith("s") and not text.endswith("ss") else text


def yes_and_no(words: Iterable[str]) -> tuple[str, str] | None:
    """Return the words of a column that say yes and no in some language; None if there are none.

    >>> yes_and_no(["Ja", "Nein", "unklar"]), yes_and_no(["male", "female"])
    (('Ja', 'Nein'), None)
    """
    spelled = {word.lower(): word for word in words}
    for yes, no in YES_NO:
        if yes in spelled and no in spelled:
            return spelled[yes], spelled[no]
    return None


def half_width(text: str) -> str:
    """Return a text in letters, digits and marks of ASCII where an East Asian keyboard has others.

    >>> half_width("１４．５％"), half_width("未知")
    ('14.5%', '未知')
    """
    return text if text.isascii() else text.translate(HALF)


def decimal_marks(cells: Iterable[str]) -> str:
    """Return which of point and comma certainly stand before decimals in some of the amounts.

    >>> decimal_marks(["1.250", "0.48"]), decimal_marks(["1.250", "0,5", "3.5"])
    ('.', '.,')
    """
    amounts = [half for half in map(half_width, cells) if AMOUNT.fullmatch(half)]
    return "".join(mark for mark, proof in DECIMALS.items() if any(map(proof.fullmatch, amounts)))


def are_amounts(cells: Iterable[str], few: int) -> bool:
    """Tell whether cells are amounts as people write them, and no names such as 2D or 65+.

    >>> are_amounts(["3,5", "4"], 10), are_amounts(["3.5 kg", "4 kg"], 10)
    (True, True)
    >>> are_amounts(["2D", "3D"], 10), are_amounts(["1", "2", "3+"], 10)
    (False, False)
    """
    cells = [half_width(cell) for cell in cells]
    decimals, many = any("." in cell or "," in cell for cell in cells), len(cells) > few
    if all(map(AMOUNT.fullmatch, cells)):
        bounded = [cell for cell in cells if is_bound(cell)]
        return not bounded or ((many or decimals) and len(bounded) < len(cells))
    found = [MEASURE.fullmatch(cell) or AMOUNT.fullmatch(cell) for cell in cells]
    units = {cell.lstrip("+-–0123456789., ") for cell in cells}
    return None not in found and (decimals or (many and len(units) == 1))


def is_amount(cell: str) -> bool:
    """Tell whether a cell among others is an amount: 39%, 3,5, 2.5 kg, and not 90+ or 2D."""
    cell = half_width(cell)
    measure = MEASURE.fullmatch(cell) is not None and ("." in cell or "," in cell)
    amount = AMOUNT.fullmatch(cell) is not None and not is_bound(cell)
    return measure or (amount and not cell.isdigit())


def is_bound(cell: str) -> bool:
    """Tell whether a cell is the bound of an amount: <0.1, 90+."""
    return cell[0] in "<>≤≥~≈＜＞" or cell[-1] in "+＋"


def plain_amount(cell: str, mark: str) -> str:
    """Return an amount as a plain number; ``mark`` is what stands before its decimals.

    The other mark stands between thousands, and so before three digits: before one, two or more
    than three it is what somebody else wrote before decimals.

    >>> plain_amount("$1,234.5", "."), plain_amount("1.234,5 €", ","), plain_amount("45%", ".")
    ('1234.5', '1234.5', '45')
    >>> plain_amount("3,5", "."), plain_amount("3,500", "."), plain_amount("007", ",")
    ('3.5', '3500', '007')
    >>> plain_amount("１０，２９２元", "."), plain_amount("12,- €", ","), plain_amount("3 cm", ".")
    ('10292', '12', '3 cm')
    >>> plain_amount("1.2万", "."), plain_amount("3万元", ".")
    ('12000', '30000')
    """
    between = "," if mark == "." else "."
    thousands = rf"\d{{1,3}}(?:[ '\u2019\u00a0{between}]\d{{3}})+"
    decimals = rf"(?:[{mark}]|[{between}](?!\d{{3}}(?!\d)))(\d+)|[.,][-–—]"
    found = re.fullmatch(
        rf"([+\-–]?)\s?(?:{CURRENCY})?\s?({thousands}|\d+)(?:{decimals})?\s?([万萬亿億]?)"
        rf"(?:%|{CURRENCY})?",
        half_width(cell),
    )
    if found is None or (found.group(2)[0] == "0" and len(found.group(2)) > 1):
        return cell
    sign, whole, rest, tens = found.groups()
    minus = "-" if sign and sign != "+" else ""
    plain = minus + re.sub(r"\D", "", whole) + (f".{rest}" if rest else "")
    return f"{Decimal(plain).scaleb(TENS[tens]):f}" if tens else plain
