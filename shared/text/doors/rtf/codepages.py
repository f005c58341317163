"""From the bytes of RTF to characters: code pages, and the signs of symbol fonts."""

import codecs
from typing import Final

from shared.text.doors.sheet import Sheet

ANSI: Final = "cp1252"
PAGES: Final = {
    437: "cp437", 708: "iso8859-6", 709: "iso8859-6", 819: "latin-1", 850: "cp850", 852: "cp852",
    860: "cp860", 862: "cp862", 863: "cp863", 864: "cp864", 865: "cp865", 866: "cp866",
    874: "cp874", 932: "cp932", 936: "gbk", 949: "cp949", 950: "big5", 1250: "cp1250",
    1251: "cp1251", 1252: "cp1252", 1253: "cp1253", 1254: "cp1254", 1255: "cp1255",
    1256: "cp1256", 1257: "cp1257", 1258: "cp1258", 10000: "mac-roman", 65001: "utf-8",
}  # fmt: skip
CHARSETS: Final = {
    0: "cp1252", 77: "mac-roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""Of fonts (`\\fcharset`); 1 means the document's own."""
SYMBOL: Final = "symbol"
SYMBOL_CHARSET: Final = 2
PRIVATE: Final = 0xF000
"""Where the characters of symbol fonts stand in Unicode."""
SIGNS: Final = {
    0x6F: "\u2610", 0x71: "\u2610", 0xA8: "\u2610", 0x6E: "\u25a0", 0x78: "\u2612", 0xFD: "\u2612",
    0xFE: "\u2611", 0xFC: "\u2713", 0xFB: "\u2717", 0xB7: "\u2022", 0xA7: "\u2022",
}  # fmt: skip
"""Boxes, ticks and bullets of Wingdings and Symbol."""


def sign(number: int) -> str:
    """Return the sign of a symbol font; of one not known, its private character."""
    return SIGNS.get(number & 0xFF, chr(PRIVATE + (number & 0xFF)))


class Bytes:
    """Bytes that wait for those that make them a character."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._page = ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._place = -1

    @property
    def waits(self) -> bool:
        """Whether a first byte waits for its second one."""
        return self._place >= 0

    def add(self, raw: bytes, place: int, step: int, page: str) -> None:
        """Add bytes of a code page, `step` characters of the source apart."""
        if page == SYMBOL:
            for i, byte in enumerate(raw):
                self._sheet.add(sign(byte), place + i * step, spread=False)
            return
        if page != self._page or self._decoder is None:
            self.flush()
            self._page, self._decoder = page, codecs.getincrementaldecoder(page)("replace")
        for i, byte in enumerate(raw):
            begun = self._place if self.waits else place + i * step
            chars = self._decoder.decode(bytes((byte,)))
            self._place = -1 if chars else begun
            self._sheet.add(chars, begun, spread=False)

    def flush(self) -> None:
        """End what waits: half a character is one that can't be read."""
        if self.waits and self._decoder is not None:
            self._decoder.reset()
            self._sheet.add("\ufffd", self._place, spread=False)
            self._place = -1
