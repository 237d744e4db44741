"""The code behind a configuration's `_target_`s, as hashes and versions.

reach     what targets reach    targets   from a target to the modules where it begins
modules   where a module lies   source    a file's hash and what it imports
installed which distribution a file belongs to
"""

from runner.build.code.reach import Code as Code
from runner.build.code.reach import code_of as code_of
