import azure.functions as func

from SharedCode import catalogue


def main(req: func.HttpRequest) -> str:
    return "\n".join(catalogue.CENTS)
