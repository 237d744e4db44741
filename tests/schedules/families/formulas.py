"""A person's own formulas, functions and schedulers."""

from math import sqrt

from families.entries import Variant, Worked
from schedules import Expression, FromFunction, FromTorch

FAMILIES = {
    Expression: {"expression": "0.1 / (1 + t / total_steps)"},
    FromFunction: {"function": "schedules.from_function.linear", "arguments": {"lr": 0.1}},
    FromTorch: {"lr": 0.1, "scheduler": "torch.optim.lr_scheduler.PolynomialLR"},
}

BY_HAND = {
    "a formula": Worked(
        Expression(expression="0.2 * (1 - t / total_steps) ** 2", after="hold"),
        {0: 0.2, 1: 0.2 * 0.9801, 50: 0.05, 99: 0.2 * 0.0001, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "a formula over a part of the run": Worked(
        Expression(expression="0.3 / (1 + t // total_steps)", total_steps="1ep"),
        {0: 0.3, 9: 0.3, 10: 0.15, 19: 0.15, 20: 0.1, 10**9: 0.3 / (10**8 + 1)},
    ),
    "a function": Worked(
        FromFunction(function="schedules.from_function.linear", arguments={"lr": 0.2}),
        {0: 0.2, 1: 0.198, 50: 0.1, 99: 0.002, 100: 0.0, 101: 0.0, 10**9: 0.0},
    ),
    "a function up to an end": Worked(
        FromFunction(function="math.sqrt", after="hold", end_steps="4%"),
        {0: 0.0, 1: 1.0, 3: sqrt(3), 4: 2.0, 5: 2.0, 10**9: 2.0},
    ),
    "a scheduler of PyTorch's once an epoch": Worked(
        FromTorch(
            scheduler="torch.optim.lr_scheduler.MultiStepLR",
            lr=0.2,
            arguments={"milestones": ["30%", 5], "gamma": 0.5},
            step_every="1ep",
        ),
        {0: 0.2, 29: 0.2, 30: 0.1, 31: 0.1, 49: 0.1, 50: 0.05, 99: 0.05, 100: 0.05, 10**9: 0.05},
    ),
}

VARIANTS = (
    Variant(
        "expression",
        Expression(expression="0.1 * 0.5 ** (3 * t / total_steps)", after="hold"),
    ),
    Variant(
        "expression_continues",
        Expression(expression="maximum(0.1 * cos(t / (2 * total_steps)) ** 2, 1e-3)"),
        holds=False,
    ),
    Variant(
        "function",
        FromFunction(
            function="schedules.from_function.linear", arguments={"lr": 0.1}, vectorized=True
        ),
    ),
    Variant(
        "torch",
        FromTorch(
            scheduler="torch.optim.lr_scheduler.MultiStepLR",
            lr=0.1,
            arguments={"milestones": ["30%", "6ep"], "gamma": 0.8},
        ),
    ),
)
