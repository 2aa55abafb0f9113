"""Webhooks as the client of mlflow makes them, and a receiver that gets what they send."""

import base64
import hashlib
import hmac
import http.server
import json
import queue
import threading

import mlflow
import pytest
from cairntest import Server, free_port
from mlflow.exceptions import MlflowException

try:
    from mlflow.entities.webhook import WebhookEvent, WebhookStatus
except ModuleNotFoundError:  # these tests are left out then
    WebhookEvent = WebhookStatus = None

pytestmark = pytest.mark.since("mlflow", "3.3", "clients have had webhooks from there on")

SECRET = "of the receiver"
WAIT = 60


class Receiver:
    """An HTTP server that keeps what it gets. It answers the statuses that it is given, and then 200."""

    def __init__(self):
        self.calls, self.statuses = queue.Queue(), queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200 if receiver.statuses.empty() else receiver.statuses.get()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.calls.put((dict(self.headers), body, status))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def next(self):
        """The next call's data, its signature checked as mlflow's documentation says."""
        headers, body, _ = self.calls.get(timeout=WAIT)
        signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.".encode() + body
        mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(mac).decode()
        message = json.loads(body)
        return f"{message['entity']}.{message['action']}", message["data"]

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def cairn(database, receiver, tmp_path):
    """A server that may call the receiver."""
    with Server(tmp_path / "cairn", "--webhook-allow", receiver.origin, *database()) as server:
        mlflow.set_tracking_uri(server.url)
        yield server


def register(client, name):
    """A registered model with one version."""
    client.create_registered_model(name)
    client.create_model_version(name, "s3://models/iris")


def test_the_story_of_a_webhook(cairn, receiver):
    client = mlflow.MlflowClient()
    events = [WebhookEvent.from_str("registered_model.created"), WebhookEvent.from_str("model_version.created")]
    hook = client.create_webhook("of-the-team", receiver.origin + "/hook", events, description="tells us", secret=SECRET)
    assert (hook.name, hook.description, hook.status, hook.secret) == ("of-the-team", "tells us", WebhookStatus.ACTIVE, None)
    assert {str(e) for e in hook.events} == {str(e) for e in events}
    assert client.get_webhook(hook.webhook_id).url == hook.url
    assert [h.webhook_id for h in client.list_webhooks()] == [hook.webhook_id]

    result = client.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status) == (True, 200)
    receiver.next()

    register(client, "iris")
    assert receiver.next() == ("registered_model.created", {"name": "iris", "tags": {}, "description": None})
    event, data = receiver.next()
    assert event == "model_version.created"
    assert (data["name"], data["version"], data["source"], data["run_id"]) == ("iris", "1", "s3://models/iris", None)

    disabled = client.update_webhook(hook.webhook_id, status=WebhookStatus.DISABLED, name="renamed")
    assert (disabled.status, disabled.name) == (WebhookStatus.DISABLED, "renamed")
    register(client, "other")
    client.update_webhook(hook.webhook_id, status=WebhookStatus.ACTIVE)
    register(client, "third")
    assert receiver.next()[1]["name"] == "third", "nothing was told while it was disabled"
    client.delete_webhook(hook.webhook_id)
    with pytest.raises(MlflowException) as refused:
        client.get_webhook(hook.webhook_id)
    assert refused.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_a_kill_loses_no_event(cairn, receiver):
    client = mlflow.MlflowClient()
    for _ in range(2):
        receiver.statuses.put(503)
    client.create_webhook("kept", receiver.origin, [WebhookEvent.from_str("registered_model.created")], secret=SECRET)
    register(client, "iris")
    first = receiver.calls.get(timeout=WAIT)
    assert first[2] == 503
    cairn.kill()
    cairn.start()
    second = receiver.calls.get(timeout=WAIT)
    assert second[0]["X-MLflow-Delivery-Id"] == first[0]["X-MLflow-Delivery-Id"], "the receiver can tell a repetition"
    assert second[1] == first[1]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.2/", "https://169.254.169.254/latest",
                                 "https://10.0.0.1/", "https://[::1]/"])
def test_a_private_address_is_refused(cairn, url):
    with pytest.raises(MlflowException) as refused:
        mlflow.MlflowClient().create_webhook("spy", url, [WebhookEvent.from_str("model_version.created")])
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert mlflow.MlflowClient().list_webhooks() == []
