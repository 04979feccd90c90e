import azure.functions as func

from . import main


def test_shout() -> None:
    req = func.HttpRequest(method="POST", body="été".encode(), url="/api/shout")
    assert main(req) == "ÉTÉ"
