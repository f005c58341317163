"""The shipped notes model and ConText on sentences that trip readers up, and a user's own model in
their place.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.notes import evaluate
from services.notes.analyze import SURE, analyze, read
from services.notes.context import squeeze
from services.notes.domain import Entity, Findings, Inputs, Mention
from services.notes.model import SHIPPED, NotesModel, load, merge_adapter
from services.notes.training.corpora import read_iob
from shared.errors import Misconfigured
from shared.settings import Settings

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NOTE = Path(__file__).parents[2] / "examples" / "patient" / "note.txt"


@pytest.fixture(scope="module")
def model() -> NotesModel:
    return load(Settings())


def mentions(text: str, model: NotesModel) -> tuple[Mention, ...]:
    inputs = Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text)
    [found] = analyze([inputs], model)
    assert isinstance(found, Findings)
    assert all(text[m.start : m.end] == m.text for m in found.mentions)
    assert all(a.end <= b.start for a, b in zip(found.mentions, found.mentions[1:], strict=False))
    return found.mentions


def said(text: str, model: NotesModel) -> dict[str, str]:
    return {m.name: m.assertion for m in mentions(text, model)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "She denies chest pain, shortness of breath or fever.",
            {"chest pain": "negated", "dyspnea": "negated", "fever": "negated"},
        ),
        (
            "No evidence of heart failure but there is pneumonia.",
            {"heart failure": "negated", "pneumonia": "present"},
        ),
        ("No history of asthma.", {"asthma": "negated"}),
        (
            "She has a history of asthma and hypertension.",
            {"asthma": "present", "hypertension": "present"},
        ),
        ("Extremities: No edema.", {"edema": "negated"}),
        ("Negative   for\npneumonia.", {"pneumonia": "negated"}),
        ("Pneumonia was ruled out.", {"pneumonia": "negated"}),
        ("Rule out pneumonia.", {"pneumonia": "possible"}),
        ("Possible pulmonary embolism.", {"pulmonary embolism": "possible"}),
        ("Mother with breast cancer.", {"breast cancer": "family"}),
        (
            "Family history of colon cancer, no family history of stroke.",
            {"colon cancer": "family"},
        ),
        ("Return if fever or vomiting.", {"fever": "hypothetical", "vomiting": "hypothetical"}),
        ("He had influenza two years ago.", {"influenza": "historical"}),
        ("No fever. Cough since Monday.", {"fever": "negated", "cough": "present"}),
        ("No change in her asthma medication; worsening dyspnea.", {"dyspnea": "present"}),
        (
            "Allergic to penicillin and codeine. Takes warfarin.",
            {"penicillin": "allergy", "codeine": "allergy", "warfarin": "present"},
        ),
        ("Penicillin allergy.", {"penicillin": "allergy"}),
        (
            "Warfarin was stopped in May; started apixaban.",
            {"warfarin": "stopped", "apixaban": "present"},
        ),
        ("Discontinue omeprazole.", {"omeprazole": "stopped"}),
        ("She is not on aspirin.", {"aspirin": "negated"}),
        ("Consider clopidogrel.", {"clopidogrel": "hypothetical"}),
    ],
)
def test_how_a_sentence_speaks_of_it(
    text: str, expected: dict[str, str], model: NotesModel
) -> None:
    found = said(text, model)
    assert {name: found.get(name) for name in expected} == expected


def test_negation_ends_with_its_sentence_and_its_line(model: NotesModel) -> None:
    assert said("- No diabetes\n- Gout\n- Asthma", model) == {
        "diabetes mellitus": "negated",
        "gout": "present",
        "asthma": "present",
    }


ODD = (
    "\U0001f600\U0001f600 fever\r\n\tand\tcough \U0001f9d1\u200d\u2695\ufe0f n\u00e4usea; "
    "β-blocker: metoprolol",
    "e\u0301 asthma",
    "\ufb01brosis fever",
    "İ gout İİ asthma",
    "fever" * 3 + " " * 50 + "fever",
)


@pytest.mark.parametrize("text", ODD)
def test_spans_are_exact_whatever_the_characters(text: str, model: NotesModel) -> None:
    assert mentions(text, model)


def test_a_sentence_longer_than_the_network_is_read_to_its_end(model: NotesModel) -> None:
    text = "the patient who was seen and " * 400 + "has asthma and sarcoidosis"
    assert [m.text for m in mentions(text, model)][-2:] == ["asthma", "sarcoidosis"]


def test_the_model_finds_what_no_list_has(model: NotesModel) -> None:
    found = mentions(
        "He has sarcoidosis and takes bosentan 125 mg daily. Serum glucose was 101.", model
    )
    assert [(m.text, m.kind, m.concept) for m in found] == [
        ("sarcoidosis", "problem", None),
        ("bosentan", "drug", None),
    ]
    assert all(m.confidence is not None and SURE <= m.confidence <= 1 for m in found)


def test_the_demo_note(model: NotesModel) -> None:
    found = Findings(mentions(NOTE.read_text(encoding="utf-8"), model))
    problems = {group[0].name for group in found.present("problem").values()}
    assert {
        "hypertension",
        "coronary artery disease",
        "hyperlipidemia",
        "cough",
        "fever",
    } <= problems
    assert (
        not {"chest pain", "colon cancer", "pneumonia", "stroke", "type 2 diabetes mellitus"}
        & problems
    )
    assert {g[0].name for g in found.present("drug").values()} == {
        "clopidogrel",
        "aspirin",
        "omeprazole",
        "simvastatin",
        "lisinopril",
    }
    aside = {(m.name, m.assertion) for m in found.set_aside()}
    assert {
        ("chest pain", "negated"),
        ("colon cancer", "family"),
        ("pneumonia", "possible"),
        ("penicillin", "allergy"),
        ("ibuprofen", "stopped"),
    } <= aside


def test_the_same_note_gives_the_same_findings_alone_and_in_a_batch(model: NotesModel) -> None:
    texts = [NOTE.read_text(encoding="utf-8"), "Gout.", "He has sarcoidosis."]
    batch = [Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", t) for t in texts]
    together = analyze(batch, model)
    assert [analyze([i], model)[0] for i in batch] == together


def test_a_long_note_takes_time_in_proportion(model: NotesModel) -> None:
    page = NOTE.read_text(encoding="utf-8")
    began = time.process_time()
    one = len(mentions(page, model))
    short = time.process_time() - began
    began = time.process_time()
    many = len(mentions(page * 20, model))
    assert many == pytest.approx(20 * one, rel=0.05)
    assert time.process_time() - began < 60 * max(short, 0.05)


@pytest.mark.parametrize("piece", ["no HTN ", "no HTN. ", "HTN((((", "HTN no no no "])
def test_names_and_modifiers_without_a_full_stop_take_time_in_proportion(
    piece: str, model: NotesModel
) -> None:
    class ContextOnly:
        def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
            return [[] for _ in passages]

        modifiers = model.modifiers

    def seconds(characters: int) -> float:
        began = time.process_time()
        text = piece * (characters // len(piece))
        assert len(
            read(
                Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text), ContextOnly()
            ).mentions
        ) == text.count("HTN")
        return time.process_time() - began

    seconds(2_000)
    assert seconds(32_000) < 8 * max(
        seconds(8_000), 0.1
    )  # each name with each modifier: 16 times as long


def test_nothing_of_the_note_is_logged(
    model: NotesModel, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    mentions("Zebediah denies quinsy. Takes warfarin.", model)
    out, err = capfd.readouterr()
    assert "quinsy" not in caplog.text + out + err
    assert "Zebediah" not in caplog.text + out + err


def test_squeezed_text_maps_back_character_by_character() -> None:
    text = " a\n\n b\tc  "
    squeezed, places = squeeze(text)
    assert squeezed == "a b c "
    assert [squeezed[p] for p, c in zip(places, text, strict=True) if not c.isspace()] == list(
        "abc"
    )


# --- the weights


def test_a_changed_adapter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "entities"
    shutil.copytree(SHIPPED, copy)
    with (copy / "adapter_model.safetensors").open("r+b") as weights:
        weights.seek(-1, os.SEEK_END)
        weights.write(b"\x01")
    monkeypatch.setattr("services.notes.model.SHIPPED", copy)
    with pytest.raises(Misconfigured, match="not the published file"):
        load(Settings())


def test_the_card_says_whose_numbers_these_are(model: NotesModel) -> None:
    assert model.card.digest.startswith("sha256:")
    metrics = json.loads((SHIPPED / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    for name in ("BC5CDR chemical F1", "BC5CDR disease F1", "NCBI disease F1", "negation F1"):
        assert f"{metrics[name]:.3f}" in model.card.card


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # peft asks transformers by an old name
def test_our_merge_is_pefts(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, TaskType, get_peft_model, get_peft_model_state_dict

    base, _ = tiny_bert(tmp_path)
    twin, _ = tiny_bert(tmp_path)
    adapted = get_peft_model(
        base,
        LoraConfig(
            task_type=TaskType.TOKEN_CLS, r=4, lora_alpha=8, target_modules=["query", "dense"]
        ),
    )
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name or "classifier" in name:
                weight.normal_(std=0.3)
    merge_adapter(
        twin,
        get_peft_model_state_dict(adapted, save_embedding_layers=False),
        {"lora_alpha": 8, "r": 4},
    )
    ids = torch.tensor([[2, 5, 6, 7, 3]])
    with torch.inference_mode():
        assert torch.allclose(
            adapted.eval()(input_ids=ids).logits, twin.eval()(input_ids=ids).logits, atol=1e-5
        )
    with pytest.raises(Misconfigured, match="nowhere"):
        merge_adapter(
            twin, {"base_model.model.nowhere.weight": torch.zeros(1)}, {"lora_alpha": 8, "r": 4}
        )


# --- a model of the user's own

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


@pytest.fixture
def own_model(tmp_path: Path) -> Iterator[Path]:
    network, tokenizer = tiny_bert(tmp_path)
    folder = tmp_path / "own"
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    yield folder


def test_a_users_model_plugs_in_by_configuration_alone(own_model: Path, model: NotesModel) -> None:
    plugged = load(Settings(notes_model=str(own_model)))
    assert "has not validated it" in plugged.card.card
    assert plugged.card.digest != model.card.digest
    assert plugged.card.digest == load(Settings(notes_model=str(own_model))).card.digest
    text = "She has gout, and takes aspirins. " * 30
    marked = plugged.entities([text, "gout"])
    assert len(marked) == 2
    assert all(
        0 <= e.start < e.end <= len(text) and text[e.start : e.end].strip() for e in marked[0]
    )
    found = read(Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text), plugged)
    assert {"gout"} <= {m.name for m in found.mentions}  # the lists speak beside whatever model


def test_what_is_no_such_model_is_refused_with_the_settings_name(
    own_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_NOTES_MODEL"):
        load(Settings(notes_model=str(tmp_path / "nothing")))
    (own_model / "model.safetensors").rename(own_model / "pytorch_model.bin")  # a pickle's name
    with pytest.raises(Misconfigured, match="safetensors"):
        load(Settings(notes_model=str(own_model)))


# --- its numbers, on a tenth of the corpora (`make` of all: python -m services.notes.evaluate
# --check)


def test_it_reaches_its_floors_on_a_tenth(model: NotesModel) -> None:
    if not DATA.is_dir():
        assert not os.environ.get("CI"), "../shared/data is missing"
        pytest.skip("../shared/data is not on this machine")
    scores = evaluate.entity_scores(
        read_iob(DATA / "entities" / "BC5CDR-IOB" / "devel.tsv")[::12],
        model,
        ("Chemical", "Disease"),
    )
    assert scores["Chemical"] > evaluate.FLOORS["BC5CDR chemical F1"] - 0.03
    assert scores["Disease"] > evaluate.FLOORS["BC5CDR disease F1"] - 0.03
    negation = evaluate.assertion_scores(
        evaluate.read_assertions(DATA / "negation" / "annotations.tsv"), model
    )
    assert negation["negation F1"] >= evaluate.FLOORS["negation F1"]
