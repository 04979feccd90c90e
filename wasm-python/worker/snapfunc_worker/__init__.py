"""The guest's side of snapfunc: loads an Azure Functions app and runs its functions.

Plain Python on the `azure-functions` SDK. Only `wit` knows that it runs in a WebAssembly component; everything else also runs natively,
which is how its unit tests run.
"""

from . import absent

# Before anything imports `ssl`, which decides once what there is. Does nothing where nothing is absent.
absent.install()
