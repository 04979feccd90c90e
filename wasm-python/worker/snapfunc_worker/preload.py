"""Imports what most apps import, so that it is in the component's memory already and costs an app nothing."""

import importlib
import sys

MODULES = (
    "abc argparse array ast asyncio base64 binascii bisect calendar collections.abc concurrent.futures contextlib contextvars copy csv "
    "dataclasses datetime decimal difflib email.message email.mime.multipart email.mime.text email.parser email.utils enum fnmatch "
    "fractions functools gc getpass glob gzip hashlib heapq hmac html http.client http.cookies http.server importlib.metadata "
    "importlib.resources inspect io ipaddress itertools json locale logging.config logging.handlers math mimetypes numbers operator os "
    "pathlib pickle pkgutil platform pprint queue random re secrets select shutil signal socket sqlite3 ssl stat statistics string "
    "struct tempfile textwrap threading time timeit tokenize traceback types typing unicodedata urllib.error urllib.parse "
    "urllib.request urllib.response uuid warnings weakref xml.etree.ElementTree xml.sax.saxutils zipfile zlib zoneinfo azure.functions "
    "werkzeug.datastructures werkzeug.formparser werkzeug.http"
).split()


def run() -> None:
    """Imports all of `MODULES`."""
    for name in MODULES:
        importlib.import_module(name)
    _forget_build_paths()


def _forget_build_paths() -> None:
    """Drops the path entries that only the build has: at run time they would be looked up at each import and never be there."""
    sys.path[:] = [entry for entry in sys.path if entry in ("/python", "/0")]
    sys.path_importer_cache.clear()
