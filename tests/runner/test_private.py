"""What we write is its owner's alone."""

from pathlib import Path

import pytest

from runner import private


@pytest.mark.parametrize("below", [(), ("outbox",), ("studies", "a")])
def test_a_folder_of_ours_that_others_may_read_is_closed(
    tmp_path: Path, below: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o755)
    root = tmp_path / ".runner"
    root.mkdir(mode=0o755)
    made = private.folder(root.joinpath(*below))
    assert made.is_dir()
    modes = [oct(path.stat().st_mode)[-3:] for path in (made, root, tmp_path)]
    assert modes == ["700", "700", "755"]


@pytest.mark.parametrize("below", [("set-aside",), ("studies", "a", "experiment")])
def test_no_link_below_it_is_followed(tmp_path: Path, below: tuple[str, ...]) -> None:
    root = tmp_path / ".runner"
    root.mkdir()
    (tmp_path / "victim").mkdir()
    (root / below[0]).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="must be a folder, not a link"):
        private.folder(root.joinpath(*below))
    assert list((tmp_path / "victim").rglob("*")) == []
