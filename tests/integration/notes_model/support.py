"""What the tests of notes model share."""

from pathlib import Path
from typing import Any

from services.notes.analyze import analyze
from services.notes.domain import Findings, Inputs, Mention
from services.notes.model import NotesModel

DATA = Path(__file__).parents[3].parent / "shared" / "data"


NOTE = Path(__file__).parents[3] / "examples" / "patient" / "note.txt"


def mentions(text: str, model: NotesModel) -> tuple[Mention, ...]:
    inputs = Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text)
    [found] = analyze([inputs], model)
    assert isinstance(found, Findings)
    assert all(text[m.start : m.end] == m.text for m in found.mentions)
    assert all(a.end <= b.start for a, b in zip(found.mentions, found.mentions[1:], strict=False))
    return found.mentions


def said(text: str, model: NotesModel) -> dict[str, str]:
    return {m.name: m.assertion for m in mentions(text, model)}


ODD = (
    "\U0001f600\U0001f600 fever\r\n\tand\tcough \U0001f9d1\u200d\u2695\ufe0f n\u00e4usea; "
    "β-blocker: metoprolol",
    "e\u0301 asthma",
    "\ufb01brosis fever",
    "İ gout İİ asthma",
    "fever" * 3 + " " * 50 + "fever",
)


WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "she",
    "has",
    "gout",
    "and",
    "takes",
    "aspirin",
    ".",
    "##s",
    ",",
]


def tiny_bert(
    folder: Path, labels: tuple[str, ...] = ("O", "B-Drug", "I-Drug", "B-Problem", "I-Problem")
) -> tuple[Any, Any]:
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(1)
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 40,
    }
    config = BertConfig(
        vocab_size=len(WORDS),
        id2label=dict(enumerate(labels)),
        label2id={v: k for k, v in enumerate(labels)},
        **sizes,
    )
    tokenizer = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
    return BertForTokenClassification(config), tokenizer
