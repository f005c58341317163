"""Notes model: weights."""

import json
import os
import shutil
from pathlib import Path

import pytest

from services.notes import evaluate
from services.notes.analyze import read
from services.notes.domain import Inputs
from services.notes.model import SHIPPED, NotesModel, load, merge_adapter
from services.notes.training.corpora import read_iob
from shared.errors import Misconfigured
from shared.settings import Settings
from tests.integration.notes_model.support import DATA, tiny_bert


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
        evaluate.read_assertions(DATA / "negation" / "annotations.tsv")
    )
    assert negation["negation F1"] >= evaluate.FLOORS["negation F1"]
