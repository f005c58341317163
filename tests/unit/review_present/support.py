"""What the tests of review present share."""

from typing import Any

from pydicom import Dataset

from services.review.panels.passages import NOTE_MENTION


def mention(start: int, end: int, text: str, assertion: str = "present") -> dict[str, Any]:
    parts = [
        {"url": "start", "valueInteger": start},
        {"url": "end", "valueInteger": end},
        {"url": "text", "valueString": text},
    ]
    return {
        "url": NOTE_MENTION,
        "extension": [
            *parts,
            {"url": "kind", "valueCode": "drug"},
            {"url": "assertion", "valueCode": assertion},
        ],
    }


NOTES = {
    "unicode and CRLF": (
        "Größe 1,80 m 🩺\r\nKein Diabetes.\r\nNimmt Clopidogrel 75 mg; 高血圧 seit Jahren.\r\n",
        "text/plain; charset=utf-8",
    ),
    "a byte order mark": ("\ufeffKein Diabetes, nimmt Clopidogrel; 高血圧.", "text/plain"),
    "UTF-8 that calls itself ASCII": (
        "Größe. Kein Diabetes, nimmt Clopidogrel; 高血圧.",
        "text/plain; charset=us-ascii",
    ),
    "RTF": (
        r"{\rtf1\ansi\ansicpg1252 Gr\'f6\'dfe. {\b Kein} Dia{\i betes}, nimmt Clopidogrel; "
        r"\u39640?\u34880?\u22311?.\par}",
        "text/plain",
    ),
    "HTML with tags in words": (
        "<table><tr><td>Kein Dia<b>bet</b>es<td>nimmt Clo&shy;pidogrel<td>高<i>血</i>圧</table>",
        "text/html; charset=utf-8",
    ),
    "HTML with entities": (
        "<p>Größe&nbsp;&lt; 2&nbsp;m</p>\r\n<b>Kein</b> Diabetes &amp; nimmt "
        "Clopidogrel<br>高血圧</p>",
        "Text/HTML; charset=UTF-8",
    ),
}


def a_film(uid: str, view: str = "PA") -> Dataset:
    made = Dataset()
    made.SOPInstanceUID, made.ViewPosition = uid, view
    return made
