"""Print the text of a PDF, page by page, as JSON (a process of its own).

The PDF comes on stdin.

A stranger's PDF may take for ever, or all memory, in code that nobody can stop from within: so it
is read by a child that the kernel bounds. Run as a file, it imports nothing of careloop.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

GAP = re.compile(" {3,}")
SAME = 0.9
"""Share of the characters that both ways must find."""


def main(cpu_sec: int, memory_bytes: int, most_pages: int, most_characters: int) -> int:
    """Read, within bounds; the exit status is 0 where JSON was printed."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_sec, cpu_sec))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reader = PdfReader(BytesIO(sys.stdin.buffer.read()))
    if reader.is_encrypted and not reader.decrypt(""):
        json.dump({"encrypted": True}, sys.stdout)
        return 0

    pages: list[dict[str, Any]] = []
    total = len(reader.pages)
    for page in pages_of(reader, min(total, most_pages)):
        pages.append(page)
        most_characters -= len(page["text"])
        if most_characters < 0:
            break
    json.dump({"pages": pages, "total": total, "fields": has_fields(reader)}, sys.stdout)
    return 0


def has_fields(reader: PdfReader) -> bool:
    """Tell whether the fields of a form hold anything: no text layer has it."""
    try:
        found = reader.get_fields() or {}
        return any(field.get("/V") not in (None, "", "/Off") for field in found.values())
    except Exception:  # a stranger's form in somebody else's code
        return False


def pages_of(reader: PdfReader, count: int) -> Iterator[dict[str, Any]]:
    """Yield the text of each page, and whether it shows a picture."""
    for number in range(count):
        try:
            page = reader.pages[number]
            text = text_of(page)
        except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            yield {"text": "", "broken": True}
            continue
        yield {"text": text, "picture": not text.strip() and has_picture(page)}


def text_of(page: Any) -> str:
    """Return a page's text, line by line as it is seen; gaps within a line are tabs.

    What stands in forms, and some damaged pages, only the order of drawing gives.
    """
    drawn = page.extract_text()
    try:
        seen = page.extract_text(
            extraction_mode="layout",
            layout_mode_space_vertically=False,
            layout_mode_strip_rotated=False,
        )
    except Exception:  # a stranger's page in somebody else's code
        return str(drawn)
    if len("".join(seen.split())) < SAME * len("".join(drawn.split())):
        return str(drawn)
    return "\n".join(GAP.sub("\t", line.strip()) for line in seen.splitlines())


def has_picture(page: Any) -> bool:
    """Tell whether the page draws an image."""
    try:
        drawn = page["/Resources"]["/XObject"].get_object().values()
        return any(x.get_object().get("/Subtype") == "/Image" for x in drawn)
    except (PyPdfError, KeyError, AttributeError, TypeError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
