import asyncio
import hashlib

import azure.functions as func


def digest(text: str) -> str:
    """Work that blocks: it has nothing to await."""
    return hashlib.sha256(text.encode()).hexdigest()


async def main(req: func.HttpRequest) -> str:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, digest, req.params.get("text", ""))
