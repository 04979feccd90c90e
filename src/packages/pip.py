"""Runs pip for the guest's Python, on the machine's: `python -c THIS POLICY ARGUMENTS…`.

pip can choose wheels for another Python, but it evaluates environment markers for the one that it runs in. So they are answered here. It is
also told what not to install: what the guest brings along, and what some packages are better off without.
"""

import sys

# The folder in which this runs is the app's: its modules are not to be imported here.
sys.path[:] = [folder for folder in sys.path if folder]

import json  # noqa: E402
import os  # noqa: E402
import threading  # noqa: E402


def end_with_the_caller():
    """The caller holds the other end of standard input: when it is gone, nobody wants the packages any more."""
    while os.read(0, 1024):
        pass
    os._exit(1)


threading.Thread(target=end_with_the_caller, daemon=True).start()
policy = json.loads(sys.argv[1])

try:
    from pip._internal.cli.main import main
    from pip._internal.req.req_install import InstallRequirement
    from pip._vendor.packaging import markers
    from pip._vendor.packaging.utils import canonicalize_name

    here = markers.default_environment
    matches = InstallRequirement.match_markers
except (ImportError, AttributeError) as error:
    sys.exit(f"ERROR: this version of pip is not known: {error}. Install pip 25, or name another Python in PYTHON")


def is_left_out(requirement):
    """Whether something is there already, or not wanted by whoever needs it. Of what requirements.txt names itself, `comes_from` is a text."""
    name = canonicalize_name(requirement.name or "")
    if name in policy["provided"]:
        return True
    if name not in policy["left_out"] or not isinstance(requirement.comes_from, InstallRequirement):
        return False
    parent = canonicalize_name(requirement.comes_from.name or "")
    parents = policy["left_out"][name]
    return not parents or parent in parents


def match_markers(self, *arguments, **options):
    if not matches(self, *arguments, **options):
        return False
    if not is_left_out(self):
        return True
    if self.comes_from is not None and canonicalize_name(self.name) in policy["left_out"]:
        print(f"snapfunc: left out {canonicalize_name(self.name)} of {canonicalize_name(self.comes_from.name)}", flush=True)
    return False


if policy["markers"]:
    markers.default_environment = lambda: {**here(), **policy["markers"]}
    InstallRequirement.match_markers = match_markers
sys.exit(main(sys.argv[2:]))
