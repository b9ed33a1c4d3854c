"""The application of the system that was here before, as Flask's own tutorial would have it. Says where it listens."""
import datetime
import json
import os
import uuid

from flask import Flask, jsonify, request, session
from markupsafe import Markup
from werkzeug.serving import make_server

options = json.loads(os.environ["FLASK_OPTIONS"])
app = Flask(__name__)
app.secret_key = options["keys"][0]
app.config["SECRET_KEY_FALLBACKS"] = options["keys"][1:]
app.config["SESSION_COOKIE_NAME"] = options.get("cookie", "flask")
if "salt" in options:
    app.session_interface.salt = options["salt"]


@app.get("/sign-in")
def sign_in():
    session["user"] = request.args["user"]
    session["visits"] = 7
    session.permanent = True
    if "guide" in options:
        session.update(user_id=request.args["user"], cart=["tea"], last_seen=datetime.datetime.now(datetime.timezone.utc))
    if "large" in options:
        session["text"] = "x" * options["large"]
    return ""


@app.get("/types")
def types():
    session["tuple"] = (1, (2, "three"))
    session["bytes"] = b"\x00\xff"
    session["uuid"] = uuid.UUID("12345678-1234-5678-1234-567812345678")
    session["datetime"] = datetime.datetime(2026, 1, 15, 12, tzinfo=datetime.timezone.utc)
    session["markup"] = Markup("<b>&amp;</b>")
    session["looks_like_a_tag"] = {" t": {" d": ["no date"]}}
    session["big"] = 9007199254740993
    session["numbers"] = [0, -1, 1.5, 1e300, 9007199254740991]
    session["text"] = 'a "quoted" 12345678901234567890 \\ é \u2028'
    session["nested"] = {"list": [{"tuple": ("x",)}], "none": None, "true": True}
    session["__proto__"] = {"polluted": True}
    return ""


@app.get("/me")
def me():
    return jsonify(user=session.get("user"))


server = make_server("127.0.0.1", 0, app, threaded=True)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
