"""What a text that travels to PayCools may hold: one rule for every field, and the marks that spreadsheets leave.

A reason names a character by its Unicode name and its place. It never holds the text.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .errors import FieldError

__all__ = [
    "ACCOUNT",
    "CODE",
    "COMMON_NAME",
    "CURRENCIES",
    "PHONE",
    "Form",
    "account_fault",
    "apart",
    "code_fault",
    "encodable",
    "explained",
    "form_fault",
    "is_clean",
    "mobile_form",
    "name_fault",
    "name_of",
    "order_id_fault",
    "plain_spelling",
    "shown_text",
    "spoiled",
    "text_fault",
]

# printable by their category, and yet nothing that a person sees; the last two stand for what was lost on the way
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U0001d159\U000e0100-\U000e01ef\ufffc\ufffd]"
)
_LOST = "\ufffc\ufffd"
_CONTROLS = {
    "\0": "NULL",
    "\t": "CHARACTER TABULATION",
    "\n": "LINE FEED",
    "\v": "LINE TABULATION",
    "\f": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
    "\x85": "NEXT LINE",
}
_KINDS = {"Cc": "a control character", "Cs": "half a character", "Co": "a private-use character", "Cn": "no character"}


def is_clean(value: str) -> bool:
    """Whether a text may travel: nothing unseen in it, no blank but U+0020, and none at its ends."""
    return (
        value.isprintable()
        and value[:1] != " "
        and value[-1:] != " "
        and (value.isascii() or _UNSEEN.search(value) is None)
    )


def text_fault(value: str) -> str | None:
    """Why a text may not travel; None where it may."""
    if is_clean(value):
        return None
    if value.isspace():
        return "is blank"
    for place, char in enumerate(value, 1):
        if not char.isprintable() or _UNSEEN.match(char):
            return f"character {place} is {name_of(char)}"
    return "begins with a blank" if value.startswith(" ") else "ends with a blank"


def name_of(char: str) -> str:
    """A character for people, by its Unicode name; shown itself only where it is a letter of its own."""
    name = _CONTROLS.get(char) or unicodedata.name(char, "") or _KINDS.get(unicodedata.category(char), "a character")
    shown = f"{char} " if char.isalpha() and not char.isascii() and _UNSEEN.match(char) is None else ""
    return f"{shown}{name} (U+{ord(char):04X})"


def encodable(text: str) -> str:
    """A name from the system as UTF-8 can hold it: what cannot be decoded is escaped, as in `\\xff.csv`."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, which no system's name is
        return text.encode("utf-8", "backslashreplace").decode()


MOST_SHOWN = 300
"""Characters of somebody else's text that are shown."""


def shown_text(text: object, most: int = MOST_SHOWN) -> str:
    """Somebody else's words on one line of ours: for a terminal, a log, a CSV, a page or an error.

    Controls, escapes, line breaks, marks that turn the direction of writing and whatever else is not seen become `?`,
    other blanks a blank; what is longer than `most` is cut.
    """
    words = str(text)
    cut = words if len(words) <= most else words[: max(0, most - 3)]
    if not cut.isprintable() or (not cut.isascii() and _UNSEEN.search(cut)):
        cut = "".join(map(_shown_character, cut))
    return cut if len(words) <= most else cut + "..."


def apart(theirs: object, ours: object, most: int = MOST_SHOWN) -> str:
    """Their word beside ours where they differ: "A1, ours is A2", and why, where no eye sees a difference."""
    told = f"{shown_text(theirs, most)}, ours is {shown_text(ours, most)}"
    if _seen(str(theirs)) != _seen(str(ours)):
        return told
    return f"{told}; they differ in characters that are not seen, or look alike"


def _seen(text: str) -> str:
    """What an eye takes the text for, about."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text)))


def _shown_character(char: str) -> str:
    if char.isprintable() and _UNSEEN.match(char) is None:
        return char
    return " " if unicodedata.category(char) == "Zs" else "?"


class Form(NamedTuple):
    """How a text must look. Every text of the `alphabet` looks so; `letter` tells all characters that may occur."""

    pattern: Any
    reason: str
    alphabet: str | None = None
    explain: Callable[[str], str | None] | None = None
    letter: Callable[[str], object] | None = None
    common: str | None = None
    """What nearly all such texts look like: never one that does not fit."""

    def fits(self, value: str) -> bool:
        """Whether the text looks so."""
        return self.pattern.fullmatch(value) is not None

    def why(self, value: str) -> str:
        """Why it does not."""
        if self.explain is not None:
            return self.explain(value) or self.reason
        return _with_stranger(self.reason, value, self.takes)

    def takes(self, char: str) -> bool:
        """Whether a single character may stand in such a text; for a form that is more than an alphabet, a guess."""
        if self.letter is not None:
            return bool(self.letter(char))
        return re.fullmatch(self.alphabet or "[!-~]", char) is not None


def _with_stranger(reason: str, value: str, takes: Callable[[str], object]) -> str:
    for place, char in enumerate(value, 1):
        if not takes(char):
            return f"{reason}: character {place} is {name_of(char)}"
    return reason


def form_fault(field: str, value: Any, form: Form) -> Iterable[FieldError]:
    """What is wrong with the form of a field's text, where a rule between fields decides on its form."""
    if not isinstance(value, str) or form.fits(value) or not is_clean(value):
        return ()
    return (FieldError(field, form.why(value)),)


# -- what spreadsheets and programs make of a number or a code ---------------------------------------------------------

_NOTHING = frozenset({"nan", "-nan", "+nan", "null", "none", "nil", "n/a", "<na>", "nat", "undefined", "inf", "-inf"})
_ROUNDED = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+")
_MONTHS = (  # as spreadsheets write them: English, Indonesian, Malay, Tagalog, German, Spanish, Thai
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december mei agu agt ags agus okt des januari februari maret juni juli agustus oktober desember "
    "mac ogo ogos dis julai disember ene peb abr mayo hun hul ago set sety nob enero pebrero marso abril hunyo "
    "hulyo agosto setyembre oktubre nobyembre disyembre jän mär mrz mai dez januar jänner februar märz august "
    "oktober dezember dic febrero marzo junio julio septiembre setiembre octubre noviembre diciembre "
    "ม.ค ก.พ มี.ค เม.ย พ.ค มิ.ย ก.ค ส.ค ก.ย ต.ค พ.ย ธ.ค มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม "
    "สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม"
)
_MONTH = (
    rf"(?:{'|'.join(re.escape(name) for name in sorted(set(_MONTHS.split()), key=lambda name: (-len(name), name)))})\.?"
)
_YEAR = "(?:[0-9]{2}|(?:19|20|25)[0-9]{2})"  # Thailand counts 543 years more
_BETWEEN = r"(?:, ?|[./-] ?| )"
_DATE = re.compile(
    r"[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}|[0-9]{1,2}-[A-Za-z]{3,9}(?:-[0-9]{2,4})?"
    r"|(?:0?[1-9]|1[0-2])[-/](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[-/](?:0?[1-9]|1[0-2])"
    rf"|[0-9]{{1,2}}\.?{_BETWEEN}{_MONTH}(?:{_BETWEEN}{_YEAR})?"
    rf"|{_MONTH}{_BETWEEN}(?:[0-9]{{1,2}}{_BETWEEN})?{_YEAR}"
    rf"|{_MONTH}{_BETWEEN}[0-9]"
    rf"|(?:19|20|25)[0-9]{{2}}{_BETWEEN}{_MONTH}(?:{_BETWEEN}[0-9]{{1,2}})?",
    re.IGNORECASE,
)
CURRENCIES = ("PHP", "IDR", "MYR", "THB", "RUB", "USD", "EUR", "SGD", "CNY", "HKD", "JPY", "GBP", "AUD", "KRW", "INR")
"""Currencies that spreadsheets of these countries put before a number."""
_MONEY = re.compile(
    rf"(?:{'|'.join((*CURRENCIES, 'Rp', 'RM'))})[.:]? -?[0-9].*|[0-9].* (?:{'|'.join((*CURRENCIES, 'CR', 'DR'))})"
    "|(?-i:Rp)[.]?-?[0-9].*",
    re.IGNORECASE | re.DOTALL,
)
_GROUPED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+")
_MINUS = re.compile(r"[-\u2010-\u2015\u2212\ufe63\uff0d].*|.*[-\u2010-\u2015\u2212]|\(.*\)", re.DOTALL)
_AS_TEXT = "format the column as text and enter it again"
_WAS_ROUNDED = f"a spreadsheet has rounded this number; {_AS_TEXT}"


def spoiled(value: str) -> str | None:
    """What a spreadsheet or a program made of an account number or a code, if it did."""
    if value.startswith("="):
        return f"begins with =, as a formula does; {_AS_TEXT}"
    if value.startswith(("'", "\u2018", "\u2019", "`")):
        return "begins with an apostrophe, which some spreadsheets put before a text; take it away"
    if value.casefold() in _NOTHING or value.startswith("#"):
        return "is what programs write where nothing stands (nan, null, None, #N/A and the like)"
    if _ROUNDED.fullmatch(value):
        return _WAS_ROUNDED
    if _DATE.fullmatch(value):
        return f"looks like a date, which spreadsheets make of numbers and codes; {_AS_TEXT}"
    if _MONEY.fullmatch(value):
        return f"is written as an amount of money, so it was taken for a number; {_AS_TEXT}"
    if value.isascii() and value.strip("0 -.,") == "":
        return "is zeros only"
    return None


def _number_spoiled(value: str) -> str | None:
    if _MINUS.fullmatch(value):
        return f"has a minus, so it was taken for a number; {_AS_TEXT}"
    if value.isascii() and re.fullmatch(r"[0-9]+[.,]|[0-9]*(?:[.,'_][0-9]+)+", value):
        return f"holds a decimal point or thousands marks, so it was taken for a number; {_AS_TEXT}"
    if _GROUPED.fullmatch(value):
        return f"is written in groups of three, as a number is, so zeros in front may be lost; {_AS_TEXT}"
    return None


# digits are the common case, and zeros only are none; a wallet's number may be a mobile number with its country's +
_COMMON_ACCOUNT = r"0*[1-9][0-9]*"
_ACCOUNT_QUICK = re.compile(rf"{_COMMON_ACCOUNT}|\+[1-9][0-9]{{7,14}}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)*")
_ACCOUNT_REASON = "letters, digits, single blanks and hyphens only"
_PHONE = re.compile(r"\+?[0-9]+(?:[ -][0-9]+)*")


def account_fault(value: str) -> str | None:
    """Why a text is no account number of a bank, a wallet or a card; None where it may be one."""
    if _ACCOUNT_QUICK.fullmatch(value):
        return None
    reason = spoiled(value) or _number_spoiled(value)
    if reason is None and _ROUNDED.fullmatch(value.replace(" ", "").replace("-", "")):
        reason = _WAS_ROUNDED
    if reason is None and _ACCOUNT.fullmatch(value) is None:
        reason = _with_stranger(_ACCOUNT_REASON, value, re.compile("[A-Za-z0-9 -]").fullmatch)
    if reason is None and re.search("[0-9]", value) is None:
        reason = "holds no digit"
    return reason


_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.&/()\-]| (?! ))*(?<! )")


_CODE_CHARACTER = re.compile(r"[A-Za-z0-9_.&/() \-]")


@functools.lru_cache(maxsize=1024)
def code_fault(value: str) -> str | None:
    """Why a text is no code of a bank, a wallet or a channel; None where it may be one."""
    reason = spoiled(value)
    if reason is None and re.fullmatch(r"[0-9]+[.,'][0-9]*", value):
        reason = f"holds a decimal point, so it was taken for a number; {_AS_TEXT}"
    if reason is None and _CODE.fullmatch(value) is None:
        reason = _with_stranger(
            "letters, digits and _ - . & / only, a letter or digit first",
            value,
            re.compile(r"[A-Za-z0-9_.&/() \-]").fullmatch,
        )
    return reason


# -- names and order ids -----------------------------------------------------------------------------------------------

_NO_NAMES = frozenset(
    {"nan", "NaN", "null", "NULL", "none", "None", "undefined", "NaT", "<NA>", "N/A", "n/a", "(null)", "(blank)"}
)
"""As programs spell them. People are called Nan, Null and None, and are taken."""
_ERROR = re.compile(r"#[A-ZÀ-Þ0-9_/]+[!?]|#N/A|#NV|#GETTING_DATA|#+|Err:[0-9]{3}")
_NO_ORDERS = frozenset({"nan", "null", "none", "undefined"})
COMMON_NAME = rf"(?!(?:{'|'.join(map(re.escape, sorted(_NO_NAMES)))})\Z|Err:)(?=[A-Za-z])"
"""What stands before the letters of nearly all names, and of none in which there is a fault."""


def name_fault(value: str) -> str | None:
    """Why a text is no name of a payee: programs and spreadsheets wrote it where none stood."""
    if value in _NO_NAMES:
        return "is what programs write where nothing stands (nan, null, None and the like); write the whole name"
    if _ERROR.fullmatch(value):
        return "is the error of a spreadsheet, not a name"
    if value.startswith("="):
        return "begins with =, as a formula does; write the name itself"
    if _ROUNDED.fullmatch(value):
        return "is a number that a spreadsheet has rounded, not a name"
    if not any(char.isalnum() for char in value):
        return "holds no letter, so it is no name"
    return None


def order_id_fault(value: str) -> str | None:
    """Why a text is no order id of a new order, though it has the form of one."""
    if value.casefold() in _NO_ORDERS:
        return "is what programs write where nothing stands (nan, null, None)"
    return None


class _Explained:
    """Looks like a pattern: takes what a function finds no fault in."""

    def __init__(self, fault: Callable[[str], str | None]) -> None:
        self._fault = fault

    def fullmatch(self, value: str) -> bool | None:
        return True if self._fault(value) is None else None


def explained(fault: Callable[[str], str | None], reason: str, common: str | None = None) -> Form:
    """The form of a text in which a function finds no fault."""
    return Form(_Explained(fault), reason, explain=fault, common=common)


ACCOUNT = explained(account_fault, _ACCOUNT_REASON, _COMMON_ACCOUNT)
CODE = explained(
    code_fault, "is no code", rf"(?!(?i:{'|'.join(sorted(filter(str.isalpha, _NOTHING)))})\Z)[A-Za-z][A-Za-z0-9_]*"
)
PHONE = Form(
    _PHONE, "digits only, with a + in front where it is international", letter=re.compile("[0-9+ -]").fullmatch
)


def mobile_form(pattern: str, reason: str) -> Form:
    """A country's mobile numbers."""
    compiled = re.compile(pattern, re.ASCII)

    def explain(value: str) -> str | None:
        if compiled.fullmatch(value):
            return None
        return spoiled(value) or _number_spoiled(value) or _with_stranger(reason, value, "+0123456789".__contains__)

    return Form(compiled, reason, explain=explain, common=pattern)


# -- plain spelling ----------------------------------------------------------------------------------------------------

_SPELLED = {
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4`\uff07", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "Th",
    "ł": "l",
    "Ł": "L",
    "ı": "i",
    "ħ": "h",
    "Ħ": "H",
}


def plain_spelling(value: str, form: Form | None) -> tuple[str, list[tuple[str, str]]] | None:
    """The text in letters that its form takes, and what stands for which character; None where there is no such text.

    `form` None: any text that may travel will do, so only blanks and unseen marks are replaced.
    """
    changes: dict[str, str] = {}
    spelled = "".join(_spelled(char, form, changes) for char in unicodedata.normalize("NFC", value))
    found = " ".join(part for part in spelled.split(" ") if part) if changes else spelled.strip(" ")
    if not found or not is_clean(found) or (form is not None and not form.fits(found)):
        return None
    return found, list(changes.items())


def _spelled(char: str, form: Form | None, changes: dict[str, str]) -> str:
    plain = char
    if is_clean(char) or char == " ":
        if form is not None and not form.takes(char):
            plain = _SPELLED.get(char) or _without_marks(char)
    elif unicodedata.category(char) == "Zs":
        plain = " "
    elif unicodedata.category(char) == "Cf" or (_UNSEEN.match(char) and char not in _LOST):
        plain = ""
    if plain != char:
        changes[char] = plain
    return plain


def _without_marks(char: str) -> str:
    if not (char.isalpha() or unicodedata.combining(char)):
        return char
    return "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
