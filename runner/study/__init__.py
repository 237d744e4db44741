"""Optuna studies: search, resume, answer. With runner/space the only room that knows Optuna.

plan/    a command line as a checked study, before anything is created
queue/   its trials in a storage; Optuna's private members, locks and heartbeats are here alone
work/    workers: a trial's runs, and who starts workers and looks after them
answer/  fresh seeds, the winner, tables, pictures, a summary

The life of a trial:

1.  queue.create finds the study of a plan or makes it, and queues the baseline, the cells of a
    grid, and a few empty trials ahead of the workers (queue.fill).
2.  A worker claims a waiting trial (claim.claim): the database lets one of them set it running.
    Of more trials than the total has, or of one that was queued twice, the later is dropped.
3.  The claim's heart beats: which process, on which machine, when it last said so.
4.  Its sampler is seeded by the study's seed and the trial's place, and sees the draws before it
    (draws.py), so that a study that was interrupted draws what it would have drawn.
5.  Where another trial trains the same, the value of that one is taken over (claim.copy).
6.  An attempt trains it, seed by seed. Each evaluation of the first seed is an objective so far,
    which is reported by percent of the run; the pruner may stop the trial there.
7.  It ends: complete with the mean over its seeds; pruned; diverged, told as the worst value, so
    that the sampler keeps away; or crashed, and another one is queued in its place.
8.  When the total is reached, the best and the baseline become trials of a second study, with
    fixed values and fresh seeds (confirm.py); they alone look at the test data.
9.  The answer is what they show to be better (results/answer.py); conclude writes and prints it.

What may happen to it on the way:

*   Ctrl-C: the run stops after its step, the trial is given back and its draw queued again.
*   Its worker is killed: the next that looks (a waiting worker or the monitor) finds the process
    ended or its heart silent, ends the trial as lost and queues its draw again. What the worker
    still tells, if it lives after all, is refused, and its runs are marked as lost.
*   It kills three workers: it counts as crashed, or it would take all others.
*   Its worker dies between ending and queueing: the next `fill` finds a lost trial that nothing
    repeats.
*   All is killed: the same command finds the study and goes on at 1.
"""
