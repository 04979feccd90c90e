import azure.functions as func
from bs4 import BeautifulSoup


def main(req: func.HttpRequest) -> str:
    page = BeautifulSoup(req.get_body(), "html.parser")
    return "".join(
        f"{link.get_text(strip=True)}: {link['href']}\n"
        for link in page.find_all("a", href=True)
    )
