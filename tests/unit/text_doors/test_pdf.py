"""The text layer of a PDF is read within bounds; what has none is said."""

from io import BytesIO

import pytest
from reportlab.pdfgen.canvas import Canvas

from shared.errors import InvalidInput
from shared.text.doors.opening import open_attachment
from tests.unit.text_doors.support import SECRET, pdf

TABLE = [(72, 700, "warfarin"), (200, 700, "5 mg"), (300, 700, "Discontinued"), (72, 680, "gout")]


def test_pages_and_rows_are_read() -> None:
    raw = pdf([TABLE, [(72, 700, "No pneumonia.")]])
    opened = open_attachment(raw, "text/plain")
    assert (opened.form, opened.unread) == ("pdf", ())
    first, second = opened.text.split("\f")
    assert first.splitlines() == ["warfarin\t5 mg\tDiscontinued", "gout"]
    assert second.strip() == "No pneumonia."
    assert list(opened.places) == list(range(len(opened.text)))


def test_a_scanned_page_among_others_is_said() -> None:
    opened = open_attachment(pdf([TABLE, [], TABLE, []]), "application/pdf")
    assert opened.unread == ("Pages that hold no text: a scan: 2, 4.",)
    assert opened.text.count("\f") == 3


def test_the_fields_of_a_form_are_said_to_be_unread() -> None:
    out = BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 700, "Allergies:")
    canvas.acroForm.textfield(name="allergies", value="penicillin", x=150, y=690)
    canvas.save()
    opened = open_attachment(out.getvalue(), "application/pdf")
    assert opened.text.strip() == "Allergies:"
    assert opened.unread == ("The fields of its form hold values that were not read.",)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (pdf([[]]), "no text layer. It is a scan"),
        (pdf([[(72, 700, SECRET)]], password="secret"), "encrypted with a password"),
        (pdf([TABLE])[:300], "can't be read"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "can't be read"),
        (b"%PDF-1.4\n" + b"1 0 obj\n<< /Length 99999999 >>\nstream\n" * 50, "can't be read"),
    ],
)
def test_what_has_no_text_is_refused_with_its_reason(raw: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        open_attachment(raw, "application/pdf")
    assert SECRET not in str(refused.value)
