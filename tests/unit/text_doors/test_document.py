"""The attachments of a document, opened one after another."""

import base64

from shared.json import Json
from shared.text.doors.document import open_document


def fetch(attachment: Json) -> bytes:
    return base64.b64decode(attachment["data"])


def document(*texts: tuple[str, str]) -> Json:
    attachments = (
        {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}
        for kind, text in texts
    )
    return {"content": [{"attachment": a} for a in attachments]}


def test_the_same_words_in_another_format_are_read_once() -> None:
    opened = open_document(
        document(
            ("text/plain", "Has gout."),
            ("text/html", "<p>Has <b>gout</b></p>"),
            ("text/html", "<p>Has no gout"),
        ),
        fetch,
    )
    assert [(p.attachment, p.opened.text.strip()) for p in opened.parts] == [
        (0, "Has gout."),
        (2, "Has no gout"),
    ]
    assert (opened.count, opened.unread) == (3, [])


def test_of_the_same_words_those_that_are_struck_out_are_read() -> None:
    opened = open_document(
        document(("text/plain", "digoxin, aspirin"), ("text/html", "<s>digoxin</s>, aspirin<br>")),
        fetch,
    )
    assert [(p.attachment, len(p.opened.struck)) for p in opened.parts] == [(1, 1)]


def test_what_was_not_read_names_the_attachment_and_no_odd_label() -> None:
    opened = open_document(
        document(("text/plain", "gout"), ("application/pdf", "%PDF-"), ("Zebediah <x>", " ")), fetch
    )
    assert opened.unread == [
        "Attachment 2 (application/pdf): The PDF can't be read: it is damaged, or takes more than "
        "it may.",
        "Attachment 3: The note holds no text.",
    ]


def test_a_malformed_document_has_no_attachments() -> None:
    for content in ({}, {"content": None}, {"content": "x"}):
        assert open_document(content, fetch).count == 0
