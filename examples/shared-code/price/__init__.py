import azure.functions as func

from __app__.SharedCode import catalogue, currency

from . import tax


def main(req: func.HttpRequest) -> func.HttpResponse:
    cents = catalogue.CENTS.get(req.params.get("item", ""))
    if cents is None:
        return func.HttpResponse("We don't have that.", status_code=404)
    return func.HttpResponse(f"{currency.euros(tax.with_tax(cents))} with tax")
