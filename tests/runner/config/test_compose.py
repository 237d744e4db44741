"""Hydra's composing, wherever it is asked for."""

from pathlib import Path

from hydra.core.global_hydra import GlobalHydra

from runner.config.composer import compose


def test_composing_inside_a_running_hydra_leaves_it_alone() -> None:
    running = GlobalHydra.instance()
    running.hydra = sentinel = object()
    try:
        assert compose(["seed=4"]).seed == 4
        assert GlobalHydra.instance().hydra is sentinel
    finally:
        GlobalHydra.instance().hydra = None


def test_a_search_path_of_the_command_line_stands_beside_a_config_dir(tmp_path: Path) -> None:
    for folder in ("mine", "theirs"):
        (tmp_path / folder / "model").mkdir(parents=True)
        (tmp_path / folder / "model" / f"{folder}.yaml").write_text(f"_target_: {folder}.Net\n")
    search = f"hydra.searchpath=['file://{tmp_path / 'theirs'}']"
    for name in ("mine", "theirs"):
        config = compose([search, f"model={name}"], str(tmp_path / "mine"))
        assert config.model._target_ == f"{name}.Net"
