"""What can go wrong in the lab, as one small tree. Every message is a sentence for a person.

LabError
├── MissingToolError  a program the lab needs but cannot build is absent or too old
├── BuildError        the Go compiler refused a group
├── ProcessError      a program ended early or never became ready
├── CommandError      kubectl, helm, promtool or a control request was refused
└── WaitError         the awaited state did not come
"""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what it was asked for."""


class MissingToolError(LabError):
    """A program the lab needs but cannot build is absent or too old."""


class BuildError(LabError):
    """The Go compiler refused a group."""


class ProcessError(LabError):
    """A program of the lab ended early or never became ready."""


class CommandError(LabError):
    """A command line program or a control request was refused."""


class WaitError(LabError):
    """The awaited state did not come in time."""
