import os

import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return "\n".join(sorted(os.environ))
