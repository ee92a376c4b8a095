"""How does a program of the lab start and end? Whatever happens to us, it ends with us.

Rule: every program is started by one thread that lives as long as this process, in its own session, with the kernel's
order to kill it when that thread ends (PR_SET_PDEATHSIG follows the thread that forked, not the process). So Ctrl-C
reaches only us, and kill -9 of us leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Final

from lab.errors import ProcessError

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_jobs: queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]] = (
    queue.SimpleQueue()
)
_starting: Final = threading.Lock()
_thread: threading.Thread | None = None


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    output: IO[bytes] | int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that dies with this process; `env` is added to ours. Output and errors go to `output`."""
    parent = os.getpid()

    def tie_to_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended between fork and prctl
            os._exit(1)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [os.fspath(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=tie_to_parent,  # noqa: PLW1509 - one system call, prepared before the fork
        )

    answer: Future[subprocess.Popen[bytes]] = Future()
    _ensure_thread()
    _jobs.put((start, answer))
    return answer.result()


def _ensure_thread() -> None:
    global _thread  # noqa: PLW0603 - one starter thread per process
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_start_for_ever, name="lab-starter", daemon=True)
            _thread.start()


def _start_for_ever() -> None:
    while True:
        start, answer = _jobs.get()
        try:
            answer.set_result(start())
        except BaseException as error:
            answer.set_exception(error)


class Process:
    """One program with a fixed command line, so that a restart finds the same ports and data again."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | os.PathLike[str]],
        *,
        log: Path,
        ready: Callable[[], bool] = lambda: True,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`ready` answers whether the started program serves; it may raise nothing but OSError."""
        self.name = name
        self.argv = tuple(argv)
        self.log = log
        self._ready = ready
        self._env = dict(env or {})
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether the program runs (a frozen one does)."""
        return self.pid is not None

    def start(self) -> None:
        """Start it and return at once; does nothing when it runs."""
        if self.running:
            return
        with self.log.open("ab") as output:
            self._child = spawn(self.argv, output=output, env=self._env)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return when it serves. Raises ProcessError with the tail of its log if it ends or `timeout` seconds pass."""
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if self._ready():
                    return
            if not self.running:
                code = self._child.returncode if self._child else "never started"
                raise ProcessError(f"{self.name} ended early (exit code {code}).\n{self.tail()}")
            if time.monotonic() > end:
                raise ProcessError(f"{self.name} was not ready after {timeout:.0f} s.\n{self.tail()}")
            time.sleep(0.05)

    def stop(self, timeout: float = 5.0) -> None:
        """End it: SIGTERM, and SIGKILL after `timeout` seconds. Does nothing when it does not run."""
        self.terminate()
        self.wait_stopped(timeout)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM) and return at once."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)

    def wait_stopped(self, timeout: float = 5.0) -> None:
        """Return when it has ended; kill it after `timeout` seconds."""
        if self._child is None:
            return
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it by SIGKILL and wait until it is gone."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def restart(self, timeout: float = 60.0) -> None:
        """Stop it, start it with the same ports and data, and wait until it serves."""
        self.stop()
        self.start()
        self.wait_ready(timeout)

    def mend(self) -> None:
        """Run again and serve, if it was stopped, killed or frozen."""
        self.thaw()
        self.start()
        self.wait_ready()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: go on after `freeze`."""
        self._signal(signal.SIGCONT)

    def hang_up(self) -> None:
        """SIGHUP: many programs read their configuration again."""
        self._signal(signal.SIGHUP)

    def tail(self, lines: int = 15) -> str:
        """The end of its log, for an error message."""
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join((f"The last lines of {self.log}:", *text[-lines:]))

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(number)
