"""The entity model: a token classification network (transformers).

torch and transformers are imported here (and in train.py and evaluate.py) alone, and here only when
a model is loaded.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from services.notes.domain import Entity
from services.notes.encoder import TAGS, encoder_folder
from services.notes.reading import tags
from services.notes.reading.sentences import Span
from services.notes.reading.tables import rules_digest
from shared.errors import Misconfigured
from shared.service import ModelCard

if TYPE_CHECKING:
    from shared.settings import Settings

SHIPPED = Path(__file__).parent / "weights" / "entities"
VERSION = "1.0.0"
PASSAGE_TOKENS, OVERLAP_TOKENS = 256, 48
BATCH_TOKENS = 4096


@dataclass(frozen=True)
class NotesModel:
    """Reads passages; safe to share between threads: the network is under one lock."""

    network: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    scheme: tags.Scheme = field(repr=False)
    card: ModelCard
    lock: Lock = field(default_factory=Lock, repr=False)

    def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
        """Entities of each passage with offsets within it, however long it is."""
        if not passages:
            return []
        with self.lock:
            words = self._scores(passages)
        found = []
        for passage, scored in zip(passages, words, strict=True):
            spans = sorted(scored)
            scores = np.array([scored[s][1] for s in spans]).reshape(len(spans), -1)
            found.append([_tight(e, passage) for e in tags.entities(spans, scores, self.scheme)])
        return found

    def _scores(self, passages: Sequence[str]) -> list[dict[Span, tuple[int, Any]]]:
        """For each passage and word.

        Tokens to the nearer edge of its piece, log probabilities of the word's first token.
        """
        room = self._room()
        coded = self.tokenizer(
            list(passages),
            truncation=True,
            max_length=room,
            stride=min(OVERLAP_TOKENS, room // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        found: list[dict[Span, tuple[int, Any]]] = [{} for _ in passages]
        for pieces in _batches([len(ids) for ids in coded["input_ids"]]):
            scores = self._run([coded["input_ids"][p] for p in pieces])
            for piece, of_tokens in zip(pieces, scores, strict=True):
                scored = found[coded["overflow_to_sample_mapping"][piece]]
                for span, token, margin in _words(coded, piece):
                    if margin > scored.get(span, (-1, None))[0]:
                        scored[span] = (margin, of_tokens[token])
        return found

    def _room(self) -> int:
        return min(
            PASSAGE_TOKENS,
            int(self.tokenizer.model_max_length),
            int(getattr(self.network.config, "max_position_embeddings", PASSAGE_TOKENS)),
        )

    def _run(self, pieces: Sequence[Sequence[int]]) -> Any:
        import torch

        longest = max(map(len, pieces))
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor(
            [[*p, *[pad] * (longest - len(p))] for p in pieces], device=self.network.device
        )
        mask = torch.tensor(
            [[1] * len(p) + [0] * (longest - len(p)) for p in pieces], device=self.network.device
        )
        with torch.inference_mode():
            logits = self.network(input_ids=ids, attention_mask=mask).logits
        return torch.log_softmax(logits.double(), -1).cpu().numpy()


def _words(coded: Any, piece: int) -> Iterator[tuple[Span, int, int]]:
    """(span, first token, tokens to the nearer edge) of each word in a piece."""
    word_ids, offsets = coded.word_ids(piece), coded["offset_mapping"][piece]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for token, word in enumerate(word_ids):
        if word is not None and offsets[token][1] > offsets[token][0]:
            first.setdefault(word, token)
            last[word] = token
    for word, token in first.items():
        yield (
            (offsets[token][0], offsets[last[word]][1]),
            token,
            min(token, len(word_ids) - 1 - token),
        )


def _tight(entity: Entity, passage: str) -> Entity:
    """Some tokenizers count a word's leading space as its own."""
    quoted = passage[entity.start : entity.end]
    return replace(
        entity,
        start=entity.start + len(quoted) - len(quoted.lstrip()),
        end=entity.end - len(quoted) + len(quoted.rstrip()),
    )


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Pieces of like length together, up to BATCH_TOKENS with their padding."""
    batch: list[int] = []
    for piece in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[piece] * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(piece)
    yield batch


def load(settings: "Settings") -> NotesModel:
    """The model that the settings name; the shipped one by default.

    Raises:
        Misconfigured: no such model, not a token classification one, or weights that are not the
            published ones.
    """
    import torch

    _quieten()
    torch.set_num_threads(settings.torch_threads)
    network, tokenizer, card = (
        _plugged(settings.notes_model) if settings.notes_model else _shipped()
    )
    scheme = tags.scheme_of({int(k): v for k, v in network.config.id2label.items()})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    digest = (
        f"sha256:{hashlib.sha256((_weights_digest(network) + rules_digest()).encode()).hexdigest()}"
    )
    name = "clinical-note-reader" if not settings.notes_model else "clinical-note-reader-plugged"
    model_card = ModelCard(name, "Clinical note reader", VERSION, digest, card)
    return NotesModel(
        network.eval().to(device, torch.bfloat16 if device == "cuda" else torch.float32),
        tokenizer,
        scheme,
        model_card,
    )


def _quieten() -> None:
    from transformers.utils import logging

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _shipped() -> tuple[Any, Any, str]:
    """The encoder of its package with the adapter merged into it, once, and the head."""
    from safetensors.torch import load_file
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    weights = SHIPPED / "adapter_model.safetensors"
    published = json.loads((SHIPPED / "metrics.json").read_text(encoding="utf-8"))["sha256"]
    if hashlib.sha256(weights.read_bytes()).hexdigest() != published:
        raise Misconfigured(
            f"{weights.name} of the notes model is not the published file; install careloop again, "
            "or train it and publish its digest"
        )
    labels = dict(enumerate(TAGS))
    network = AutoModelForTokenClassification.from_pretrained(
        encoder_folder(),
        id2label=labels,
        label2id={v: k for k, v in labels.items()},
        use_safetensors=True,
    )
    merge_adapter(
        network,
        load_file(weights),
        json.loads((SHIPPED / "adapter_config.json").read_text(encoding="utf-8")),
    )
    return (
        network,
        AutoTokenizer.from_pretrained(encoder_folder()),
        (SHIPPED / "README.md").read_text(encoding="utf-8"),
    )


def merge_adapter(network: Any, tensors: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """W += (alpha / r) B A for each adapted layer, and the head as trained.

    What peft's merge_and_unload does, without its import of seconds.

    Raises:
        Misconfigured: a tensor that belongs to no layer of this network.
    """
    import torch

    layers = dict(network.named_modules())
    with torch.no_grad():
        for key, tensor in tensors.items():
            name, _, part = key.removeprefix("base_model.model.").rpartition(".")
            if name.endswith(".lora_A"):
                target = name.removesuffix(".lora_A")
                other = tensors[key.replace(".lora_A.", ".lora_B.")]
                layers[target].weight += (
                    config["lora_alpha"] / config["r"] * (other.float() @ tensor.float())
                )
            elif not name.endswith(".lora_B"):
                if name not in layers:
                    raise Misconfigured(
                        f"the notes model's adapter has a tensor for `{name}`, which the encoder "
                        "does not have"
                    )
                getattr(layers[name], part).copy_(tensor.float())


def _plugged(source: str) -> tuple[Any, Any, str]:
    """Any token classification model of transformers.

    A folder or a hub id, safetensors only.
    """
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    try:
        network = AutoModelForTokenClassification.from_pretrained(source, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        raise Misconfigured(
            f"CARELOOP_NOTES_MODEL: no token classification model in safetensors at `{source}` "
            f"({type(error).__name__})"
        ) from error
    if not tokenizer.is_fast:
        raise Misconfigured(
            "CARELOOP_NOTES_MODEL: its tokenizer gives no character offsets (a fast tokenizer, "
            "tokenizer.json, is needed)"
        )
    card = Path(source, "README.md")
    return (
        network,
        tokenizer,
        card.read_text(encoding="utf-8")
        if card.is_file()
        else f"# {source}\n\nA model of the user's own. No card came with it; careloop has not "
        "validated it.\n",
    )


def _weights_digest(network: Any) -> str:
    """SHA-256 (hex) of all tensors, by name.

    The same weights have the same digest wherever they came from.
    """
    import torch

    total = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
