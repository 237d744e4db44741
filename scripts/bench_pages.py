"""The page behind a study's link, beside MLflow's plain page of the same experiment, in Chromium.

Seconds from a fresh tab until the first runs are listed and three charts have their curves, of a
study of 40 trials; what saved views and descriptions cost a study and a run.

python scripts/bench_pages.py --save
"""

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench_common as bench

STUDY = """-m hydra/sweeper=optuna model=mlp train.epochs=2 schedule=cosine study.trials=40
study.confirm_seeds=0 study.name=forty lr=tag(log,interval(1e-3,1e-1))"""
FLAGS = """--headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync
--disable-background-networking --disable-component-update --window-size=1700,1300"""
LOADED = """
const plots = [...document.querySelectorAll('.js-plotly-plot')];
const drawn = plots.filter(one => one.data.some(trace => trace.x && trace.x.length));
return document.body.innerText.includes('trial ') && drawn.length >= 3"""
RUNS = 50  # whose description is written


def opened(driver: Any, address: str) -> float:
    """Return the seconds until a page has content."""
    driver.get("about:blank")
    start = time.perf_counter()
    driver.get(address)
    while not driver.execute_script(LOADED):
        time.sleep(0.02)
    return time.perf_counter() - start


def pages(folder: str, repeats: int) -> dict[str, list[float]]:
    """Open both pages in turn."""
    os.environ["SE_OFFLINE"] = "true"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    words = [sys.executable, "-m", "runner.ui", "--no-browser", "forty"]
    shown = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert shown.stdout is not None
    view = shown.stdout.readline().split()[-1]
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    plain = re.sub("&viewStateShareKey=.*", "", view)
    try:
        for address in (plain, view):
            opened(driver, address)  # once uncounted
        return bench.alternate(
            repeats, plain=lambda: opened(driver, plain), view=lambda: opened(driver, view)
        )
    finally:
        driver.quit()
        shown.terminate()
        shown.wait()


def costs() -> dict[str, float]:
    """Return the milliseconds that views and descriptions add to a study and to a run."""
    from runner.report import descriptions, views
    from runner.results.definition import Definition, Goal
    from runner.results.result import Result, Status
    from runner.space import Space
    from runner.tracking import arrange, describe
    from runner.tracking.mlflow import MLflow

    goals = (Goal("val/accuracy", "maximize"),)
    study = Definition("", {"entries": []}, (), {}, goals, experiment="new", confirm_seeds=5)
    tracker = MLflow()
    tracker.prepare("new")
    start = time.perf_counter()
    wanted = [views.trials("new", study, Space([])), views.confirmations("new", study)]
    arrange([tracker], "new", wanted, print)
    arrange([tracker], "new", wanted, print)  # at its end
    describe([tracker], "new", "new", "an answer\n\n" + "x" * 3000, print)
    of_study = time.perf_counter() - start
    result = Result("trial 1", Status.FINISHED, {"val/accuracy": 0.5}, command="python -m runner")
    start = time.perf_counter()
    for _ in range(RUNS):
        text = descriptions.run("trial 1", {"study": "new"}, result, 100)
        assert text
    made = (time.perf_counter() - start) / RUNS
    from mlflow import MlflowClient
    from mlflow.entities import RunTag

    client = MlflowClient("sqlite:///mlflow.db")
    run = client.create_run(client.get_experiment_by_name("new").experiment_id).info.run_id
    usual = [RunTag("fingerprint", "a" * 64), RunTag("kept_step", "1")]

    def sent(extra: list[RunTag]) -> float:
        start = time.perf_counter()
        client.log_batch(run, tags=[*usual, *extra])
        return time.perf_counter() - start

    more = [RunTag("status", "FINISHED"), RunTag("mlflow.note.content", text)]
    found = bench.alternate(RUNS, without=lambda: sent([]), told=lambda: sent(more))
    added = statistics.median(found["told"]) - statistics.median(found["without"])
    return {
        "of_a_study_ms": round(1000 * of_study, 1),
        "of_a_run_ms": round(1000 * (made + added), 2),
    }


def main() -> None:
    """Make a study, open its pages, and measure what they cost."""
    args = bench.arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "runner", *STUDY.split()]
        subprocess.run(words, check=True, capture_output=True, cwd=folder)
        found = pages(folder, args.repeats)
        Path(folder, "costs").mkdir()
        with contextlib.chdir(Path(folder, "costs")):
            result: dict[str, Any] = costs()
    for name, some in found.items():
        result[f"{name}_s"] = [round(one, 2) for one in some]
    result["view_over_plain"] = bench.ratios(found["view"], found["plain"])
    bench.report("pages", result, args.save)


if __name__ == "__main__":
    main()
