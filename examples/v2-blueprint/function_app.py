import azure.functions as func

from library.books import books
from library.readers import readers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(books)
app.register_functions(readers)


@app.route()
def opening_hours(req: func.HttpRequest) -> str:
    return "9 to 5"
