"""A hello as raw ASGI: the ceiling of what a Python server on uvicorn can do."""

from urllib.parse import parse_qs


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    user = parse_qs(scope["query_string"].decode()).get("user", ["world"])[0]
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"Hello, {user}!".encode()})
