"""Hostile documents end in a text or in a reason, in time that grows with their length alone."""

import logging
import time

import pytest

from shared.errors import InvalidInput
from shared.text.doors.opening import open_attachment
from shared.text.doors.pdf.layer import CPU_SEC
from tests.unit.text_doors.hostile import KINDS, PDFS, documents

FOUND = list(documents())
SEC_PER_BYTE = 60e-6
"""Several times what the slowest kind needs; a quadratic step would need a hundred times more."""


def test_there_are_three_hundred() -> None:
    assert len(FOUND) + len(PDFS) >= 300
    assert len({name for name, _ in FOUND}) == len(FOUND)
    assert len(KINDS) > 50


@pytest.mark.parametrize("raw", [d for _, d in FOUND], ids=[n for n, _ in FOUND])
def test_it_ends_in_a_text_or_a_reason(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    began = time.process_time()
    try:
        opened = open_attachment(raw, "")
    except InvalidInput as refused:
        assert refused.reason.endswith(".") and len(refused.reason) < 100
    else:
        assert opened.text.strip() and len(opened.places) == len(opened.text)
        opened.text.encode()
        assert max(opened.places) < len(raw)
    assert time.process_time() - began < 0.5 + SEC_PER_BYTE * len(raw)
    assert caplog.records == []


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_ends_in_a_text_or_a_reason(name: str) -> None:
    make, size = PDFS[name]
    raw = make(size)
    began = time.perf_counter()
    try:
        assert "gout" in open_attachment(raw, "application/pdf").text
    except InvalidInput as refused:
        assert refused.reason.endswith(".")
    assert time.perf_counter() - began < 5 * CPU_SEC
