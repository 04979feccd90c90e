import azure.functions as func

from .catalogue import TITLES

books = func.Blueprint()


@books.route(route="books")
def list_books(req: func.HttpRequest) -> str:
    return "\n".join(TITLES.values())


@books.route(route="books/{number:int}")
def show_book(req: func.HttpRequest) -> func.HttpResponse:
    title = TITLES.get(int(req.route_params["number"]))
    if title is None:
        return func.HttpResponse("We don't have that.", status_code=404)
    return func.HttpResponse(title)
