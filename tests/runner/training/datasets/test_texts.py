"""Text: parts that never mix, each token the one that follows, a name for the content."""

import hashlib
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from runner.build import data as build_data
from runner.training import datasets, weights
from runner.training.datasets import language
from runner.training.models import GPT

TEXT = "".join(chr(97 + i * i % 26) for i in range(400))  # 26 letters at most


def test_a_text_is_cut_by_place_into_blocks_that_follow_each_other():
    found = language(TEXT, context=5)
    alphabet = sorted(set(TEXT))
    assert found.classes == len(alphabet)
    assert found.input_shape == (5,)
    # 360, 20 and 20 characters; the last target of the last block is one more
    for part, text in (
        (found.train, TEXT[:360]),
        (found.val, TEXT[360:380]),
        (found.test, TEXT[380:]),
    ):
        blocks = (len(text) - 1) // 5
        assert part.inputs.shape == part.targets.shape == (blocks, 5)
        assert part.inputs.dtype == part.targets.dtype == torch.int64
        read = ["".join(alphabet[i] for i in row.flatten()) for row in (part.inputs, part.targets)]
        assert read == [text[: 5 * blocks], text[1 : 5 * blocks + 1]]


def test_train_size_counts_blocks_and_leaves_the_rest():
    whole, part = language(TEXT, context=5), language(TEXT, context=5, train_size=7)
    assert torch.equal(part.train.inputs, whole.train.inputs[:7])
    assert torch.equal(part.val.inputs, whole.val.inputs)
    with pytest.raises(ValueError, match=r"^train_size must lie in \[1, 71\].*got 72$"):
        language(TEXT, context=5, train_size=72)


def test_blocks_take_no_more_memory_than_the_text():
    found = language(TEXT, context=5)
    storages = {
        p.untyped_storage().data_ptr()
        for s in (found.train, found.val, found.test)
        for p in (s.inputs, s.targets)
    }
    assert len(storages) == 1


def test_the_content_has_a_name_that_changes_with_a_character():
    one, same, other = (language(t, context=5).content for t in (TEXT, TEXT, TEXT[:-1] + "a"))
    assert TEXT[-1] != "a"
    assert one == same != other
    places = [sorted(set(TEXT)).index(c) for c in TEXT]
    assert one == hashlib.sha256(np.array(places, dtype="<i8").tobytes()).hexdigest()


def test_a_tokeniser_of_ones_own():
    text = " ".join(f"word{i % 7}" for i in range(100))
    found = language(text, context=3, encode=lambda t: [int(w[-1]) + 10 for w in t.split()])
    assert found.classes == 17
    assert found.train.inputs[1].tolist() == [13, 14, 15]
    assert found.train.targets[1].tolist() == [14, 15, 16]
    same = language(
        text, context=3, encode=lambda t: np.array([int(w[-1]) + 10 for w in t.split()])
    )
    assert same.content == found.content


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": ""}, r"^text must hold characters, got none$"),
        (
            {"text": "abc" * 6},
            r"^text must be so long that 5% of it are two tokens, got 18 tokens$",
        ),
        ({"context": 0}, r"^context must be at least 1 token, got 0$"),
        ({"context": 20}, r"^context must be at most 19, for which 400 tokens have room .*got 20$"),
        ({"encode": lambda text: []}, r"^encode must return the tokens of a text, got none$"),
        ({"encode": lambda text: None}, r"^encode must return whole numbers, .*, got NoneType; "),
        ({"encode": str.split}, r"^encode must return whole numbers, .*, got list; "),
        ({"encode": lambda text: [0, -1]}, r"^encode must .* >= 0, .* -1 among them$"),
        ({"encode": lambda text: [0.5]}, r"^encode must .* >= 0, .* of torch.float32, 0.5 among"),
        ({"encode": lambda text: [[1, 2]]}, r"^encode must .*, got shape \(1, 2\) of torch.int64"),
    ],
)
def test_what_makes_no_blocks_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        language(**{"text": TEXT, "context": 5} | given)


def test_pythons_reference_is_there_once_and_no_part_repeats_another():
    found = datasets.python_docs(context=50)
    paragraphs = list(
        dict.fromkeys(p for name in sorted(topics) for p in topics[name].split("\n\n") if p)
    )
    whole = "\n\n".join(paragraphs)
    alphabet = np.array(sorted(set(whole)))
    assert found.classes == len(alphabet)
    cut = round(0.9 * len(whole))
    train = "".join(alphabet[found.train.inputs.flatten()])
    assert train == whole[: len(train)]
    assert cut - 51 <= len(train) < cut
    val = "".join(alphabet[found.val.inputs.flatten()])
    assert val == whole[cut : cut + len(val)]
    inner = val.split("\n\n")[1:-1]
    assert len(inner) > 20
    assert not set(inner) & set(train.split("\n\n"))


def test_pythons_reference_has_its_own_context():
    assert datasets.python_docs().input_shape == (128,)
    one, other = (datasets.python_docs(context=context) for context in (64, 128))
    assert one.content == other.content


def test_a_decoder_learns_more_than_how_often_a_character_is(command, store):
    line = "dataset=python_docs dataset.context=32 dataset.train_size=2000 task=language model=gpt"
    small = "model.layers=1 model.heads=2 model.width=32"
    assert command(f"{line} {small} optimizer=adam lr=1e-2 train.steps=80").status == 0
    (run,) = store.runs()
    data = datasets.python_docs(context=32, train_size=2000)
    model = GPT((32,), data.classes, layers=1, heads=2, width=32).eval()
    weights.load_into(model, store.file(run, "weights.safetensors"))
    with torch.no_grad():
        scores = model(data.val.inputs)
    expected = cross_entropy(scores.flatten(0, 1), data.val.targets.flatten()).item()
    assert run.data.metrics["val/loss"] == pytest.approx(expected, rel=1e-5)
    assert run.data.metrics["val/perplexity"] == pytest.approx(np.exp(expected), rel=1e-5)
    counts = torch.bincount(data.train.targets.flatten(), minlength=data.classes) + 1
    often = (counts / counts.sum()).log()
    assert expected < -often[data.val.targets.flatten()].mean().item() - 0.3


def test_the_content_is_part_of_a_runs_name(job, monkeypatch):
    line = "dataset=python_docs dataset.context=16 task=language model=gpt model.layers=1"
    before = job(line).trial.fingerprint(0)
    assert job(line).trial.fingerprint(0) == before
    name = next(iter(topics))
    monkeypatch.setitem(topics, name, "!" + topics[name])
    build_data._load.cache_clear()
    assert job(line).trial.fingerprint(0) != before
    build_data._load.cache_clear()
