import io

import azure.functions as func
from dotenv import dotenv_values
from jinja2 import Environment

TEMPLATE = Environment(autoescape=True).from_string(
    "<h1>{{ GREETING }}, {{ name }}!</h1>"
)
SETTINGS = dotenv_values(
    stream=io.StringIO("# as in a file .env\nGREETING='Good morning'\n")
)


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        TEMPLATE.render(SETTINGS, name=req.params.get("name", "world")),
        mimetype="text/html",
    )
