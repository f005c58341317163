"""What the tests of the doors share."""

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from shared.text.doors.opened import Opened
from shared.text.doors.opening import open_attachment

SECRET = "Zebediah"


def html(source: str) -> Opened:
    return open_attachment(source.encode(), "text/html; charset=utf-8")


def rtf(body: str) -> Opened:
    return open_attachment(b"{\\rtf1\\ansi " + body.encode("latin-1") + b"}", "application/rtf")


def ccda(sections: str) -> Opened:
    source = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
        f"<title>Summary</title><component><structuredBody>{sections}</structuredBody></component>"
        "</ClinicalDocument>"
    )
    return open_attachment(source.encode(), "application/xml")


def struck(opened: Opened) -> list[str]:
    return [opened.text[a:b] for a, b in opened.struck]


def pdf(pages: Sequence[Sequence[tuple[int, int, str]]], *, password: str = "") -> bytes:
    """A page per list of (x, y, words); an empty list is a page with a picture alone."""
    out = BytesIO()
    encrypt = StandardEncryption(password, canPrint=0) if password else None
    canvas = Canvas(out, encrypt=encrypt)
    for page in pages:
        if not page:
            canvas.drawImage(ImageReader(_dot()), 10, 10, 100, 100)
        for x, y, words in page:
            canvas.drawString(x, y, words)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _dot() -> BytesIO:
    from PIL import Image

    out = BytesIO()
    Image.new("L", (2, 2)).save(out, "PNG")
    out.seek(0)
    return out
