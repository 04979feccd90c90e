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
import urllib.parse  # noqa: E402
import urllib.request  # noqa: E402


def end_with_the_caller():
    """The caller holds the other end of standard input: when it is gone, nobody wants the packages any more."""
    while os.read(0, 1024):
        pass
    os._exit(1)


threading.Thread(target=end_with_the_caller, daemon=True).start()
policy = json.loads(sys.argv[1])

try:
    from pip._internal.cli.main import main
    from pip._internal.exceptions import InstallationError
    from pip._internal.req import req_file
    from pip._internal.req.req_install import InstallRequirement
    from pip._vendor.packaging import markers
    from pip._vendor.packaging.utils import canonicalize_name

    here = markers.default_environment
    matches = InstallRequirement.match_markers
    parse_file = req_file.RequirementsFileParser.parse
    get_content = req_file.get_file_content
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


# Lines that are no requirements are shown in pip's errors, so an app's files may include no others than its own. Files that the user's settings
# name may.
app = os.path.join(os.path.realpath(os.curdir), "")
of_the_app = True


def is_in_app(file):
    """Whether a path, or an address of a file, leads to a file in the app's folder. Other addresses lead to no file of this machine."""
    scheme, _, path, *_ = urllib.parse.urlsplit(file)
    if scheme.lower() in ("http", "https"):
        return True
    return os.path.realpath(urllib.request.url2pathname(path) if scheme.lower() == "file" else file).startswith(app)


def check(file):
    if of_the_app and not is_in_app(file):
        raise InstallationError(f"{file} leads out of the app's folder, and only what is inside is read: copy the file into the app")


def parse(self, filename, constraint):
    """Reads a file that the command or the user's settings name, and those that it includes."""
    global of_the_app
    of_the_app = is_in_app(filename)
    yield from parse_file(self, filename, constraint)


def get_file_content(url, *arguments, **options):
    check(url)
    location, content = get_content(url, *arguments, **options)
    # An address may have led elsewhere.
    check(location)
    return location, content


req_file.RequirementsFileParser.parse = parse
req_file.get_file_content = get_file_content
if policy["markers"]:
    markers.default_environment = lambda: {**here(), **policy["markers"]}
    InstallRequirement.match_markers = match_markers
sys.exit(main(sys.argv[2:]))
