import azure.functions as func

from ..SharedCode import catalogue, currency


def main(req: func.HttpRequest) -> str:
    return f"One of each: {currency.euros(sum(catalogue.CENTS.values()))}"
