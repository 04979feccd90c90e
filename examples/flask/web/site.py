import os

from flask import Flask, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash

site = Flask(__name__)
site.secret_key = os.environ.get("SECRET_KEY", "only for an example")

# scrypt, Werkzeug's default, needs OpenSSL. A real site would have hashes that were made elsewhere.
passwords = {"ada": generate_password_hash("lovelace", method="pbkdf2:sha256:10000")}


@site.get("/")
def home():
    return render_template("home.html", user=session.get("user"))


@site.get("/double/<int:number>")
def double(number: int):
    return {"number": number, "doubled": number * 2}


@site.post("/login")
def login():
    user = request.form.get("user", "")
    if not check_password_hash(
        passwords.get(user, ""), request.form.get("password", "")
    ):
        return "Wrong name or password.\n", 403
    session["user"] = user
    return redirect(url_for("home"))
