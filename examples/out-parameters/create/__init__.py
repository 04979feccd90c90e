from urllib.parse import quote

import azure.functions as func


def main(req: func.HttpRequest, response: func.Out[func.HttpResponse]) -> None:
    name = req.get_body().decode().strip()
    if not name:
        response.set(func.HttpResponse("A name, please.", status_code=400))
        return
    headers = {"Location": f"/api/things/{quote(name)}"}
    response.set(
        func.HttpResponse(f"Created {name}.", status_code=201, headers=headers)
    )
