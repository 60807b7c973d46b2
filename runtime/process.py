"""The life of a process: when to stop, and never to live on with a dead thread or without its parent."""

import multiprocessing
import os
import signal
import threading
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

#: Exit status of a process that ended itself because of a bug (EX_SOFTWARE of sysexits.h).
SOFTWARE_FAILURE = 70


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; call it in the main thread, once, before work begins.

    A further signal changes nothing: Ctrl-C reaches every process of a terminal's group, and a supervisor sends its own
    SIGTERM after it.
    """
    stop = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            log.info("stopping", signal=signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def end_with_threads() -> None:
    """From now on an exception that ends any thread ends the process, with status 70, for a supervisor to restart it.

    The alternative is a process that looks alive and does nothing.
    """

    def fail(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "?"
        error = failure.exc_value or failure.exc_type()
        log.critical("thread_failed", thread=name, exc_info=(failure.exc_type, error, failure.exc_traceback))
        os._exit(SOFTWARE_FAILURE)

    threading.excepthook = fail


def end_with_parent() -> None:
    """From now on this child, which `multiprocessing` has started, ends as soon as its parent is gone.

    A parent that is killed tells nobody, and a worker of a pool would wait for work for ever: it holds both ends of the
    pipe on which work would come.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(SOFTWARE_FAILURE)

    threading.Thread(target=watch, name="parent", daemon=True).start()
