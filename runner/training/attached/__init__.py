"""A loop in a process of its own: the runner starts a script, which asks for its run.

script   starts the script and hears what it does     attach   what the script calls
messages what they say to each other
"""

from runner.training.attached.attach import attach
from runner.training.attached.script import follow

__all__ = ["attach", "follow"]
