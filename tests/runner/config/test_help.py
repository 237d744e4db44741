"""The help says what each key of each option means."""

from pathlib import Path

import yaml

from runner.config.help import keys_and_options
from runner.config.options import CONF
from runner.flat import flat


def test_every_key_of_conf_is_said() -> None:
    text = "\n".join(keys_and_options())
    for file in CONF.glob("[!eh]*/**/*.yaml"):
        content = yaml.safe_load(file.read_text())
        if "study" in content:  # a search
            continue
        group = file.relative_to(CONF).parent.as_posix()
        options = text.partition(f"Options of {group},")[2]
        option = options.partition(f"{group}={file.stem}")[2]
        for key in flat(content):
            name = key.split(".")[0]
            said = f"\n  {name}:" in option.partition("\n\n")[0]
            assert said or name in ("_target_", "defaults"), (file, key)


def test_a_comment_is_what_a_key_means(command) -> None:
    done = command("--help")
    assert done.status == 0
    assert "\n  lr: null              # peak learning rate; null is 1e-3, or the" in done.out
    cosine = "schedule=cosine schedule.floor=1e-6: half a cosine from lr to floor\n  lr: ${lr}"
    assert cosine in done.out
    assert "\n  floor: 0.0               # lowest learning rate, in [0, lr]" in done.out
    assert "\nmodel=mine.Net model.width=8: a class of your own in mine.py, a torch" in done.out
    assert "chosen by its path: model=mine.Net model.width=8)" in done.out
    assert "+experiment=finetune model.weights=RUN_ID: trained layers move slowly" in done.out


def test_options_of_a_persons_own_are_there_too(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("_target_: mine.Net\nwidth: 8  # neurons\n")
    text = "\n".join(keys_and_options(str(tmp_path)))
    assert "\nmine\n  width: 8  # neurons\n" in text
