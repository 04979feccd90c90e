import unittest

import azure.functions as func

from greet.httpfunc import my_function


class TestMyFunction(unittest.TestCase):
    def test_name_in_the_query(self):
        # Construct a mock HTTP request.
        req = func.HttpRequest(
            method="GET", body=b"", url="/api/greet", params={"name": "Test"}
        )

        # Call the function.
        resp = my_function(req)

        # Check the output.
        self.assertEqual(resp.get_body(), b"Hello Test")

    def test_name_in_the_body(self):
        req = func.HttpRequest(
            method="POST", body=b'{"name": "Test"}', url="/api/greet"
        )
        resp = my_function(req)
        self.assertEqual((resp.status_code, resp.get_body()), (200, b"Hello Test"))

    def test_no_name(self):
        for body in (b"", b"no JSON", b"[]", b"{}"):
            with self.subTest(body=body):
                req = func.HttpRequest(method="POST", body=body, url="/api/greet")
                resp = my_function(req)
                self.assertEqual(resp.status_code, 400)
                self.assertIn(b"Please pass a name", resp.get_body())

    def test_what_it_logs(self):
        req = func.HttpRequest(method="GET", body=b"", url="/api/greet")
        with self.assertLogs(level="INFO") as logs:
            my_function(req)
        self.assertEqual(len(logs.records), 1)
