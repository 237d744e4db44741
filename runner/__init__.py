"""A sweep runner for learning-rate schedules: a run is a recipe and a trace.

`conf/`: the groups, one small file an option; `experiment/` holds the articles
`schedules/`: rates as pure functions of the step (numpy only), a file for each family or a few
    alike; warm-up, join, product and other building blocks; the adapters to and from torch, the
    plot
`runner/results/`: what came out, as plain data: metrics, events, records, results, what a study
    is and its answer
`runner/trial/`: what a run is: a recipe, the numbers that follow schedules, a fingerprint
`runner/training/`: the loop and what it is made of, tasks, models, data sets; what a loop of a
    person's own is given; usable from a notebook
`runner/space/`: search spaces as plain data
`runner/config/`: command line to checked settings; the only place that composes
`runner/states/`: training states on disk by what decides them, so that nothing is trained twice
`runner/tracking/`: records on their way to a tracker, an outbox in front of each; the only
    place that knows MLflow
`runner/build/`: settings to what a run starts with: trial, state, data
`runner/report/`: what people look at: words, tables, pictures
`runner/sweep/`: a grid of runs
`runner/study/`: studies: plan, queue, work, answer; the only place that knows Optuna's studies
`runner/helper/`: the process beside a run that loads and calls MLflow and draws pictures
`runner/plugins/`: what Hydra finds of ours
`runner/*.py`: the entry (`entry`, `run`, `execution`, `identity`, `endings`, `artifacts`,
    `provenance`), the commands
    (`commands`, `preview`, `previews`, `deliver`, `ui`, `worker`,
    `api`, `export_table`, `stored`), the ground (`errors`, `browser`,
    `culprit`, `addresses`, `databases`, `passwords`, `private`, `interrupts`, `moved`, `flat`,
    `pausing`,
    `processes`; `warm`: workers forked from a process that has imported `loaded`)
`tests/`: the same rooms, file for file; `tests/runner/stores/` is what earlier versions left
    behind
`scripts/`: setup, tests, checks (`scripts/check`, `scripts/stress`), benchmarks with their
    results, examples
"""

from runner import moved

__version__ = "0.1.0"

moved.install()
