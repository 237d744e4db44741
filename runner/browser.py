"""A desktop's browser, where there is one."""

import os
import subprocess
import sys
import threading

# In a process of its own, which no terminal belongs to: what it prints is lost, and Ctrl-C not its.
_OPEN = """
import os, sys, webbrowser
browser = webbrowser.get()
if os.path.basename(browser.name) not in ("www-browser", "links", "elinks", "lynx", "w3m"):
    browser.open(sys.argv[1])
"""


def is_there() -> bool:
    """Return whether there is a desktop."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def open_page(address: str) -> threading.Thread | None:
    """Open a page in a desktop's browser without waiting for it, and return what waits; where there
    is no desktop, nothing happens."""
    if not is_there():
        return None
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _OPEN, address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()
    return waiting
