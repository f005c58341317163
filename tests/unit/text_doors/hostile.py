"""Documents that are made to take for ever, or to break what reads them: a kind and a size."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

RTF: Final = b"{\\rtf1\\ansi "
CCDA: Final = b"<ClinicalDocument><section><title>A</title><text>"


class Repeated(NamedTuple):
    """A beginning, a piece again and again, and an end."""

    begin: bytes
    piece: bytes
    end: bytes = b"x"

    def document(self, size: int) -> bytes:
        return self.begin + self.piece * (size // len(self.piece) + 1) + self.end


TEXTS: Final = {
    "one token": Repeated(b"", b"x"),
    "blanks": Repeated(b"a", b" \t\n"),
    "right to left": Repeated(b"", "\u202eabc\u200f\u2066".encode()),
    "NULs": Repeated(b"fever", b"a\0"),
    "half an emoji": Repeated(b"fever ", b"\xed\xa0\xbd"),
    "no UTF-8": Repeated(b"", b"\xff\xc3"),
    "combining marks": Repeated(b"e", "\u0301".encode()),
    "UTF-16 in halves": Repeated(b"\xff\xfe", b"a\0\0\xd8"),
}
PAGES: Final = {
    "nested divs": Repeated(b"", b"<div>"),
    "nested bold": Repeated(b"<p>", b"<b>"),
    "end tags": Repeated(b"<p>", b"</b></div>"),
    "cells": Repeated(b"<table><tr>", b"<td>a"),
    "rows": Repeated(b"<table>", b"<tr><td>a<td>b"),
    "nested tables": Repeated(b"", b"<table><tr><td>"),
    "nested lists": Repeated(b"", b"<ul><li>"),
    "paragraphs in spans": Repeated(b"<p><table>", b"<span><p></p>"),
    "crossed tags": Repeated(b"<p>", b"<b><s></b>"),
    "references": Repeated(b"<p>", b"&amp;"),
    "a long reference": Repeated(b"<p>&", b"a"),
    "a long number": Repeated(b"<p>&#", b"9", b";x"),
    "attributes": Repeated(b"<p ", b"a=1 ", b">x"),
    "quotes": Repeated(b"<p ", b"a='", b">x"),
    "open tags": Repeated(b"<p>", b"<a "),
    "less-than signs": Repeated(b"<p>", b"<"),
    "open comments": Repeated(b"<p>", b"<!--"),
    "comments": Repeated(b"<p>", b"<!---->"),
    "scripts": Repeated(b"<p>", b"<script></script "),
    "rules": Repeated(b"<style>", b"a{display:none}", b"</style><p>x"),
    "braces": Repeated(b"<style>", b"{", b"</style><p>x"),
    "selectors": Repeated(b"<style>", b".a,", b"{display:none}</style><p class=b>x"),
    "a selector": Repeated(b"<style>", b"a", b"</style><p>x"),
    "declarations": Repeated(b"<p style='", b"text-decoration:", b"'>x"),
    "classes": Repeated(b"<style>.a{display:none}</style><p class='", b"b ", b"'>x"),
    "hidden": Repeated(b"", b"<p hidden>x"),
    "meta": Repeated(b"", b"<meta ", b">x"),
    "processing": Repeated(b"<p>", b"<?"),
}
DOCUMENTS: Final = {
    "groups": Repeated(RTF, b"{"),
    "ends of groups": Repeated(RTF, b"}"),
    "lengths": Repeated(RTF, b"\\bin99999999 "),
    "backslashes": Repeated(RTF, b"\\"),
    "Unicode": Repeated(RTF, b"\\u946?"),
    "halves": Repeated(RTF, b"\\u-10179?"),
    "fallbacks": Repeated(RTF, b"\\uc9\\u9"),
    "bytes": Repeated(RTF, b"\\'e8"),
    "lead bytes": Repeated(RTF + b"\\ansicpg932 ", b"\\'82"),
    "cells of RTF": Repeated(RTF + b"\\trowd ", b"a\\cell "),
    "rows of RTF": Repeated(RTF, b"\\trowd a\\cell\\row "),
    "fonts": Repeated(RTF + b"{\\fonttbl", b"{\\f1\\fcharset128 A;}", b"}x"),
    "numbers": Repeated(RTF + b"\\b", b"9"),
    "sections": Repeated(b"<ClinicalDocument>", b"<section><title>A</title><text>b</text>"),
    "items": Repeated(CCDA, b"<list><item>"),
    "entries": Repeated(b"<ClinicalDocument><section>", b"<entry><text>"),
    "open CDATA": Repeated(CCDA + b">", b"<![CDATA["),
    "CDATA": Repeated(CCDA, b"<![CDATA[]]>"),
    "cells of C-CDA": Repeated(CCDA, b"<tr><td>a</td>"),
    "entities": Repeated(b"<!DOCTYPE a [", b"<!ENTITY b '&a;&a;'>", b"]><ClinicalDocument>&b;"),
    "documents": Repeated(b"", b"<ClinicalDocument><nonXMLBody><text>"),
}
KINDS: Final[Mapping[str, Repeated]] = {**TEXTS, **PAGES, **DOCUMENTS}
SIZES: Final = (300, 3_000, 10_000, 30_000, 60_000)


def pdf_of_objects(count: int) -> bytes:
    objects = b"".join(b"%d 0 obj\n<< /A %d 0 R >>\nendobj\n" % (i, i + 1) for i in range(4, count))
    return _pdf(b"BT /F1 9 Tf 9 9 Td (gout) Tj ET", objects)


def pdf_of_inflated(size: int) -> bytes:
    return _pdf(zlib.compress(b"BT (gout) Tj ET\n" * (size // 16)), filtered=True)


def pdf_of_zeros(size: int) -> bytes:
    return _pdf(zlib.compress(b"\0" * size), filtered=True)


def pdf_of_nested(depth: int) -> bytes:
    return _pdf(b"BT " + b"[" * depth + b" (gout) TJ ET")


def pdf_of_own_pages(count: int) -> bytes:
    kids = b"2 0 R " * count
    return (
        b"%%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [%s] /Count 1 >>\nendobj\n"
        b"trailer\n<< /Root 1 0 R >>\n" % kids
    )


def _pdf(stream: bytes, more: bytes = b"", *, filtered: bool = False) -> bytes:
    how = b" /Filter /FlateDecode" if filtered else b""
    return (
        b"%%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 999999 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        b" >>\nendobj\n%s999999 0 obj\n<< /Length %d%s >>\nstream\n%s\nendstream\nendobj\n"
        b"trailer\n<< /Root 1 0 R >>\n" % (more, len(stream), how, stream)
    )


PDFS: Final[Mapping[str, tuple[Callable[[int], bytes], int]]] = {
    "100,000 objects": (pdf_of_objects, 100_000),
    "a stream that becomes 40 MB": (pdf_of_inflated, 40_000_000),
    "a stream of 400 MB of NULs": (pdf_of_zeros, 400_000_000),
    "nested arrays": (pdf_of_nested, 100_000),
    "pages that hold themselves": (pdf_of_own_pages, 1_000),
}


def documents() -> Iterator[tuple[str, bytes]]:
    """Yield 300 documents of text, HTML, RTF and C-CDA, each with its name."""
    for name, kind in KINDS.items():
        for size in SIZES:
            yield f"{name} {size}", kind.document(size)
    for name in ("one token", "right to left", "groups", "less-than signs", "blanks"):
        yield f"{name} 1 MB", KINDS[name].document(1_000_000 - 20)
    for depth in (10_000, 30_000):
        for name in ("div", "s", "td", "li", "p hidden"):
            opened, closed = f"<{name}>".encode(), f"</{name.split()[0]}>".encode()
            yield f"{depth} nested {name}", opened * depth + b"x" + closed * depth
