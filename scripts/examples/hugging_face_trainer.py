"""A small Llama, trained by Hugging Face's Trainer; the TrainerCallback makes it a run.

It needs transformers and accelerate. In this folder, or with it on PYTHONPATH:

    python -m runner loop=hugging_face_trainer.train train.steps=300 warmup=linear lr=3e-3
    python -m runner -m loop=hugging_face_trainer.train train.steps=300 loop.width=32,64 seed=0,1,2
    python -m runner study=schedule loop=hugging_face_trainer.train train.steps=300 study.trials=20

The Trainer spreads over all GPUs that it sees: name one, CUDA_VISIBLE_DEVICES=0.
"""

from pydoc_data.topics import topics

import torch
import transformers


class Follow(transformers.TrainerCallback):
    """Begins the next step behind each update, where the Trainer looks whether to stop."""

    def __init__(self, run):
        self.run, self.steps = run, run.steps()

    def begin(self, control, optimizer):
        control.should_training_stop = next(self.steps, None) is None
        if not control.should_training_stop:
            self.run.set_rate(optimizer)

    def on_train_begin(self, args, state, control, optimizer, **_):
        self.begin(control, optimizer)

    def on_step_end(self, args, state, control, optimizer, **_):
        control.should_evaluate = self.run.evaluates
        if not control.should_evaluate:
            self.begin(control, optimizer)

    def on_evaluate(self, args, state, control, optimizer, metrics, **_):
        self.run.report(val_loss=metrics["eval_loss"])
        self.begin(control, optimizer)


class LoggedTrainer(transformers.Trainer):
    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.run.log(loss=loss)
        return loss


def train(run, width: int = 64, layers: int = 2, batch_size: int = 16, context: int = 64):
    """Train on the text of Python's own reference, letter by letter."""
    text = "".join(topics.values()).encode("ascii", "ignore")
    letters = torch.tensor(list(text[: len(text) // context * context])).view(-1, context)
    blocks = [{"input_ids": block, "labels": block} for block in letters]
    size = {"num_hidden_layers": layers, "num_attention_heads": 2, "intermediate_size": 4 * width}
    config = transformers.LlamaConfig(vocab_size=128, hidden_size=width, **size)
    model = transformers.LlamaForCausalLM(config)
    run.keep(model)
    arguments = transformers.TrainingArguments(
        output_dir=run.folder,
        max_steps=run.total_steps,
        per_device_train_batch_size=batch_size,
        per_device_eval_batch_size=64,
        lr_scheduler_type="constant",
        seed=run.seed,
        use_cpu=run.device.type == "cpu",
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = LoggedTrainer(
        model, arguments, train_dataset=blocks[:-512], eval_dataset=blocks[-512:-256]
    )
    trainer.run = run
    trainer.add_callback(Follow(run))
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    if run.tests():
        run.report(test_loss=trainer.predict(blocks[-256:]).metrics["test_loss"])
