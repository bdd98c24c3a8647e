"""A receiver of Alertmanager's webhooks: prints each alert as one line, "firing NAME key=value …".

Usage: alert_receiver.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in body["alerts"]:
            labels = dict(alert["labels"])
            name = labels.pop("alertname")
            print(alert["status"], name, *(f"{key}={value}" for key, value in sorted(labels.items())), flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
