import json
from importlib.metadata import version

import azure.functions as func
import requests
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

CONNECTION = "DefaultEndpointsProtocol=http;AccountName=example;AccountKey=a2V5;BlobEndpoint=http://localhost/b;QueueEndpoint=http://localhost/q"


def main(req: func.HttpRequest) -> str:
    """Nothing is sent: clients are made, and a request is prepared."""
    asked = requests.Request(
        "GET", "https://example.org/", params={"q": "a b"}
    ).prepare()
    return json.dumps(
        {
            "blob": BlobServiceClient.from_connection_string(CONNECTION)
            .get_blob_client("c", "b.txt")
            .url,
            "queue": QueueServiceClient.from_connection_string(CONNECTION)
            .get_queue_client("q")
            .url,
            "requests": asked.url,
            "versions": {
                name: version(name)
                for name in (
                    "azure-functions",
                    "azure-storage-blob",
                    "requests",
                    "werkzeug",
                )
            },
        }
    )
