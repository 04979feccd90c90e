def main(req):
    user = req.params.get("user", "world")
    return f"Hello, {user}!"
