import azure.functions as func

from library import books


def request(number: str) -> func.HttpRequest:
    return func.HttpRequest(
        method="GET", body=b"", url="/api/books", route_params={"number": number}
    )


def test_a_book_that_is_there():
    resp = books.show_book(request("2"))
    assert (resp.status_code, resp.get_body()) == (200, b"Emma")


def test_a_book_that_is_not():
    assert books.show_book(request("3")).status_code == 404
