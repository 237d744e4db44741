"""A file's hash, and the modules that it imports."""

import ast
import functools
import hashlib
import importlib.util
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.build.code.modules import Module
from runner.errors import Unhashable

_KEPT = 100_000  # files
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTING = ("import_module", "__import__")
_LINE = re.compile(
    r"(?:^|[;:])[ \t]*(?:import[ \t]+(?P<plain>[^#;\n]+)"
    r"|from[ \t]+(?P<base>[.\w]+)[ \t]+import[ \t]*(?:\((?P<several>[^)]*)\)|(?P<one>[^#;\n]+)))",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Source:
    """What a file says.

    digest: SHA-256 of what it says without comments, docstrings and its layout; of all bytes of
    what is no Python. names: what it imports, anywhere, `a.b` for `from a import b` too, and `a.*`.
    listed: what its `__all__` holds. is_open: whether only running it tells what it imports.
    """

    digest: str
    names: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    is_open: bool = False


def source_of(module: Module) -> Source:
    """Return what a module's file says; read once as long as it is not changed.

    Raises Unhashable where the file is not there.
    """
    return _read(*_edition(module), module.package)


def imports_of(module: Module) -> tuple[str, ...]:
    """Return what a module's file seems to import, a line of a docstring maybe among it: 30 times
    as fast as parsing, for the many files of a distribution."""
    return _scanned(*_edition(module), module.package)


def _edition(module: Module) -> tuple[Path, int, int]:
    assert module.file is not None
    try:
        found = module.file.stat()
    except OSError:
        raise Unhashable(f"the file of {module.name} is not there: {module.file}") from None
    return module.file, found.st_mtime_ns, found.st_size


@functools.lru_cache(_KEPT)
def _read(file: Path, mtime_ns: int, size: int, package: str) -> Source:
    content = file.read_bytes()
    raw = Source(hashlib.sha256(content).hexdigest())
    if file.suffix not in (".py", ".pyw"):
        return raw
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what stands in a person's code
            tree = ast.parse(content)
        names = dict.fromkeys(name for node in ast.walk(tree) for name in _named(node, package))
        listed = tuple(_listed(tree))
        is_open = any(map(_is_open, ast.walk(tree))) or any(map(_is_lazy, tree.body))
        text = ast.dump(_without_docstrings(tree))
    except (SyntaxError, ValueError, RecursionError):
        return raw
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return Source(digest, tuple(names), listed, is_open)


@functools.lru_cache(_KEPT)
def _scanned(file: Path, mtime_ns: int, size: int, package: str) -> tuple[str, ...]:
    if file.suffix != ".py":
        return ()
    found: dict[str, None] = {}
    for match in _LINE.finditer(file.read_text(errors="replace")):
        if match["plain"]:
            found |= dict.fromkeys(_words(match["plain"]))
        elif base := _absolute(match["base"], package):
            names = _words(match["several"] or match["one"] or "")
            found |= dict.fromkeys([base, *(f"{base}.{name}" for name in names)])
    return tuple(found)


def _words(text: str) -> list[str]:
    """Return the names of an import.

    >>> _words("os.path as p, sys  # both")
    ['os.path', 'sys']
    """
    parts = re.sub(r"#.*|\\\n", " ", text).split(",")
    return [part.split()[0] for part in parts if part.strip()]


def _named(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the absolute names of what a node of a tree imports."""
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        if base := _absolute("." * node.level + (node.module or ""), package):
            yield base
            yield from (f"{base}.{one.name}" for one in node.names)
    elif (name := _asked(node)) is not None and (found := _absolute(name, package)):
        yield found


def _asked(node: ast.AST) -> str | None:
    """Return the constant name that a call of import_module imports; "" where it is none."""
    if not isinstance(node, ast.Call) or not (node.args or node.keywords):
        return None
    called = node.func
    if getattr(called, "attr", getattr(called, "id", "")) not in _IMPORTING:
        return None
    first = node.args[0] if node.args else None
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if is_text else ""  # type: ignore[union-attr]


def _absolute(name: str, package: str) -> str:
    """Return a name without leading dots; "" for what lies above all packages.

    >>> _absolute("..layers", "net.blocks"), _absolute("net", ""), _absolute(".net", "")
    ('net.layers', 'net', '')
    """
    try:
        return importlib.util.resolve_name(name, package) if name else ""
    except ImportError:
        return ""


def _is_open(node: ast.AST) -> bool:
    return _asked(node) == ""


def _is_lazy(node: ast.stmt) -> bool:
    """Return whether a statement of a module says what it gives as an attribute when asked."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "__getattr__"
    return isinstance(node, ast.Assign) and any(
        isinstance(one, ast.Name) and one.id == "__getattr__"
        for target in node.targets
        for one in ast.walk(target)
    )


def _listed(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            for one in ast.walk(node):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return tree
