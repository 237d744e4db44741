"""Several states of one recipe that train as one program, a row each of stacked tensors.

Source: torch.func's model ensembling; horizontally fused training arrays (Wang et al. 2021,
arXiv:2102.02344). Each row has its own numbers, clipping, dropout and end.
"""

from runner.training.fused.group import Group as Group
from runner.training.fused.likeness import Likeness as Likeness
from runner.training.fused.likeness import likeness as likeness
from runner.training.fused.likeness import unlike as unlike
from runner.training.fused.probe import fastest as fastest
from runner.training.fused.probe import row_bytes as row_bytes
from runner.training.fused.program import chunks as chunks
from runner.training.fused.trying import why_not as why_not
