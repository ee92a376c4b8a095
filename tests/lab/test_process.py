"""Rules of the processes: they end with us, and an early end is explained."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.errors import ProcessError
from lab.home import Home, sweep
from lab.ports import free_port
from lab.process import Process


def sleeper(log: Path, code: str = "import time; time.sleep(600)") -> Process:
    """A Python program that sleeps, unless `code` says otherwise."""
    return Process("sleeper", [sys.executable, "-c", code], log=log)


def test_a_process_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """The kernel kills a child when the thread that forked it ends; ours is forked by a lasting one."""
    process = sleeper(tmp_path / "log")
    asker = threading.Thread(target=process.start)
    asker.start()
    asker.join()
    time.sleep(0.3)
    assert process.running
    process.kill()
    assert not process.running


def test_an_early_end_shows_the_log(tmp_path: Path) -> None:
    """The reason is in the message, not only in a file nobody knows."""
    process = Process(
        "broken", [sys.executable, "-c", "raise SystemExit('no such flag')"], log=tmp_path / "log", ready=lambda: False
    )
    process.start()
    with pytest.raises(ProcessError, match=r"broken ended early \(exit code 1\)[\s\S]*no such flag"):
        process.wait_ready()


def test_a_program_that_never_serves_is_reported(tmp_path: Path) -> None:
    """Running is not serving; waiting has an end."""
    process = sleeper(tmp_path / "log")
    process._ready = lambda: False
    process.start()
    with pytest.raises(ProcessError, match=r"sleeper was not ready after 0 s"):
        process.wait_ready(0.2)
    process.kill()


def test_a_deaf_program_is_killed(tmp_path: Path) -> None:
    """SIGTERM is a request; after the time is up comes SIGKILL."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    process = sleeper(tmp_path / "log", code)
    process.start()
    while "deaf" not in process.tail():
        time.sleep(0.05)
    process.stop(timeout=0.2)
    assert not process.running


def test_a_frozen_program_can_be_stopped(tmp_path: Path) -> None:
    """A stopped process would never see SIGTERM: it is thawed first."""
    process = sleeper(tmp_path / "log")
    process.start()
    process.freeze()
    began = time.monotonic()
    process.stop(timeout=10)
    assert not process.running
    assert time.monotonic() - began < 5


def test_ctrl_c_in_the_terminal_does_not_reach_the_programs(tmp_path: Path) -> None:
    """They live in sessions of their own, so the owner decides the order of the end."""
    process = sleeper(tmp_path / "log")
    process.start()
    assert process.pid is not None
    assert os.getsid(process.pid) != os.getsid(0)
    process.kill()


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    """A client's connection must not take the port of a server that is being restarted."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50
    assert all(port < lowest for port in ports)


def test_folders_of_killed_labs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that nobody holds goes at the next start; one in use and one kept on purpose stay."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    used, kept = Home("used"), Home("kept", keep=True)
    kept.close()
    child = os.fork()
    if child == 0:
        Home("dead")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list(tmp_path.glob("holdfast-lab-dead-*"))) == 1
    sweep()
    assert {path.name.split("-")[2] for path in tmp_path.iterdir()} == {"used", "kept"}
    used.close()
