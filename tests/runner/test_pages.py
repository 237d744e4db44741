"""What a person sees behind the printed links: MLflow's page in a real browser."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stress

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --window-size=1700,1300"""
WAIT_SECONDS = 60
SETTLE_SECONDS = 5
OF_MLFLOW = ("users/current", "ResizeObserver")  # errors of its own page, without our views too
GRID = "-m model=mlp train.epochs=1 schedule=cosine,exponential lr=1e-3,3e-3,1e-2"
SEEDS = "-m model=mlp train.epochs=1 schedule=cosine,exponential seed=0,1"
STUDY = "study=quickstart study.trials=8 study.confirm_seeds=2"
SINGLE = "model=mlp train.epochs=1"
ROW = r"^(?:Group: .*|trial \d+ .*|\w+ lr=.*)$"
CURVES = """
return [...document.querySelectorAll('.js-plotly-plot')].map(plot => [
  plot.closest('[data-testid="experiment-view-compare-runs-card"]')?.innerText ?? '',
  plot.data.filter(one => one.x && one.x.length).length])
"""


class Seen:
    """A page in a browser."""

    def __init__(self, driver: Any, base: str) -> None:
        self.driver, self.base = driver, base
        self.opened: list[str] = []

    def open(self, link: str) -> "Seen":
        """Open a printed link at the port that serves it."""
        self.opened.append(f"{self.base}/{link[link.index('#') :]}")
        self.driver.get("about:blank")
        self.driver.get(self.opened[-1])
        return self

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def wait(self, holds: Callable[[], Any], what: str) -> Any:
        """Return what holds, once it does."""
        until = time.monotonic() + WAIT_SECONDS
        while not (found := holds()):
            assert time.monotonic() < until, f"{what} is not on the page:\n{self.text()}"
            time.sleep(0.2)
        return found

    def shows(self, *texts: str) -> "Seen":
        for text in texts:
            self.wait(lambda text=text: text in self.text(), repr(text))  # type: ignore[misc]
        return self

    def rows(self) -> list[str]:
        """The names of the listed runs and groups, from above."""
        found = re.findall(ROW, self.text(), re.MULTILINE)
        return [*dict.fromkeys(name for name in found if not name.endswith(")"))]  # of legends

    def overlaid(self, count: int) -> list[str]:
        """The titles of the first three charts, once each has so many curves."""

        def three() -> list[str] | None:
            found = self.driver.execute_script(CURVES)[:3]
            whole = len(found) == 3 and all(curves >= count for _, curves in found)
            return [title.split("\n")[0] for title, _ in found] if whole else None

        return list(self.wait(three, f"a row of three charts with {count} curves"))

    def said(self) -> list[str]:
        """What was complained of since last asked, but for what MLflow's own page always does."""
        said = [
            one["message"] for one in self.driver.get_log("browser") if one["level"] == "SEVERE"
        ]
        return [one for one in said if not any(known in one for known in OF_MLFLOW)]

    def errors(self) -> list[str]:
        """What the opened pages complain of, twice: a chart drawn before it has a height may."""
        pages, self.opened = self.opened, []
        if said := self.said():
            lines = len(self.text().splitlines())
            for page in pages:
                self.driver.get("about:blank")
                self.driver.get(page)
                time.sleep(SETTLE_SECONDS)
            self.wait(lambda: len(self.text().splitlines()) >= lines, "the page as it was")
            said = self.said()
        return said


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What commands print in one folder, by the command."""
    if BROWSER is None or DRIVER is None:
        pytest.skip("there is no chromium with its chromedriver: apt install chromium-driver")
    folder = tmp_path_factory.mktemp("seen")
    found = {"folder": str(folder)}
    for line in (SINGLE, GRID, SEEDS, STUDY):
        words = [sys.executable, "-m", "runner", *line.split()]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found[line] = done.stdout
    return found


@pytest.fixture(scope="module")
def seen(printed: dict[str, str]) -> Iterator[Seen]:
    """A browser, beside `python -m runner.ui` in that folder."""
    os.environ["SE_OFFLINE"] = "true"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    words = [sys.executable, "-m", "runner.ui", "--no-browser"]
    shown = subprocess.Popen(words, cwd=printed["folder"], stdout=subprocess.PIPE, text=True)
    assert shown.stdout is not None
    base = shown.stdout.readline().split()[-1].partition("/#")[0]
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Seen(driver, base)
    driver.quit()
    shown.terminate()
    shown.communicate()


def look(printed: str, what: str = "look") -> str:
    """Return the last link of a kind that a command has printed."""
    return re.findall(rf"^{what} +(.*)$", printed, re.MULTILINE)[-1]


def listed(link: str) -> str:
    """Return the link of the same view as a table."""
    return link.replace("&compareRunsMode=CHART", "")


def test_a_study_is_seen_best_trial_first(seen: Seen, printed: dict[str, str]) -> None:
    link = look(printed[STUDY])
    assert link.startswith("python -m runner.ui quickstart-")
    page = seen.open(link).shows("curves", "comparison")
    assert page.overlaid(8) == ["train/lr", "val/accuracy", "train/loss"]
    best = re.search(r"^ +1 +(\d+)", printed[STUDY], re.MULTILINE)[1]  # type: ignore[index]
    assert len(page.rows()) == 8
    accuracies = {
        int(number): float(value)
        for number, value in re.findall(r"\] trial (\d+) +val accuracy ([\d.]+) %", printed[STUDY])
    }
    first = int(re.match(r"trial (\d+) ", page.rows()[0])[1])  # type: ignore[index]
    assert accuracies[first] == accuracies[int(best)]
    assert re.match(r"trial \d+ (exponential|piecewise) ", page.rows()[0])
    page.shows("8 matching runs", "over 2 fresh seeds")  # the answer, in the description
    assert not page.errors()


def test_a_view_lists_what_was_searched(seen: Seen, printed: dict[str, str]) -> None:
    keys = ("schedule", "schedule.decay_rate", "warmup.fraction")
    page = seen.open(listed(look(printed[STUDY])))
    page.shows("Duration", "val/accuracy", "val/loss", *keys)
    assert not page.errors()


def test_confirmations_are_seen_by_their_means(seen: Seen, printed: dict[str, str]) -> None:
    link = look(printed[STUDY]).replace("runs?", "runs?") + "-confirmations"
    page = seen.open(link).shows("Group: baseline", "8 matching runs")
    candidates = re.findall(r"^(trial \d+|baseline) +[\d.]+ ±", printed[STUDY], re.MULTILINE)
    assert len(candidates) == 4
    assert sorted(page.rows()) == sorted(f"Group: {name}" for name in candidates)
    assert page.overlaid(4) == ["train/lr", "val/accuracy", "train/loss"]
    assert not page.errors()


def test_a_grid_is_seen_best_run_first(seen: Seen, printed: dict[str, str]) -> None:
    page = seen.open(look(printed[GRID])).shows("curves", "6 matching runs")
    assert page.overlaid(6) == ["train/lr", "val/accuracy", "train/loss"]
    best = re.search(r"^ +1  (\S+ lr=\S+)", printed[GRID], re.MULTILINE)[1]  # type: ignore[index]
    assert page.rows()[0] == best
    page.shows(f"best: {best}")
    seen.open(listed(look(printed[GRID]))).shows("schedule", "lr", "test/accuracy", "status")
    assert not page.errors()


def test_seeds_are_seen_as_one_setting(seen: Seen, printed: dict[str, str]) -> None:
    page = seen.open(look(printed[SEEDS])).shows("Group: cosine", "Group: exponential")
    assert page.overlaid(2) == ["train/lr", "val/accuracy", "train/loss"]
    assert not page.errors()


def test_a_single_run_is_seen_with_what_it_is(seen: Seen, printed: dict[str, str]) -> None:
    link = look(printed[SINGLE])
    page = seen.open(link).shows("lr", "loss", "grad_norm")
    seen.open(link.replace("/model-metrics", "")).shows(
        "Description", "FINISHED; 32 of 32 steps", "python -m runner model=mlp train.epochs=1"
    )
    seen.open(look(printed[SINGLE], "compare")).shows("1 matching run")
    assert page.overlaid(1) == ["train/lr", "val/accuracy", "train/loss"]
    assert not page.errors()


def test_runs_are_compared_by_parameters_and_curves(seen: Seen, printed: dict[str, str]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{Path(printed['folder']) / 'mlflow.db'}")
    name = re.search(r"experiment '(.*)'", printed[GRID])[1]  # type: ignore[index]
    experiment = client.get_experiment_by_name(name).experiment_id
    runs = [run.info.run_id for run in client.search_runs([experiment])][:3]
    asked = {"runs": json.dumps(runs), "experiments": json.dumps([experiment])}
    page = seen.open(f"#/compare-runs?{urllib.parse.urlencode(asked)}")
    page.shows("Comparing 3 Runs", "Parameters", "schedule", "train/lr", "train/grad_norm")
    assert not page.errors()
