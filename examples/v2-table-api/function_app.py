import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="things", methods=["POST"])
@app.table_output(
    arg_name="row",
    table_name="Things",
    partition_key="things",
    connection="AzureWebJobsStorage",
)
def create(req: func.HttpRequest, row: func.Out[str]) -> func.HttpResponse:
    thing = req.get_json()
    row.set(
        json.dumps(
            {"RowKey": str(thing["id"]), "Name": thing["name"], "Price": thing["price"]}
        )
    )
    return func.HttpResponse(
        status_code=201, headers={"Location": f"/api/things/{thing['id']}"}
    )


@app.route(route="things/{id}", methods=["GET"])
@app.table_input(
    arg_name="rows",
    table_name="Things",
    partition_key="things",
    row_key="{id}",
    connection="AzureWebJobsStorage",
)
def read(req: func.HttpRequest, rows: str) -> func.HttpResponse:
    found = json.loads(rows)
    if not found:
        return func.HttpResponse("There is no such thing.", status_code=404)
    return answer(described(found[0]))


@app.route(route="things", methods=["GET"])
@app.table_input(
    arg_name="rows",
    table_name="Things",
    partition_key="things",
    filter="Price ge {query.from}",
    connection="AzureWebJobsStorage",
)
def search(req: func.HttpRequest, rows: str) -> func.HttpResponse:
    return answer([described(row) for row in json.loads(rows)])


def described(row: dict) -> dict:
    return {"id": row["RowKey"], "name": row["Name"], "price": row["Price"]}


def answer(value: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), mimetype="application/json")
