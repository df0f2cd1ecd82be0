# SPDX-License-Identifier: GPL-2.0-or-later
"""--metrics: figures over HTTP, as scraped by Prometheus itself."""

import http.client
import json
import shutil
import socket
import urllib.request

import pytest

from harness import LEAKTRACE, NEVER, wait_until

SCRAPE_CONFIG = """
global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}
scrape_configs:
  - job_name: leaktrace
    static_configs: [ {{ targets: [ "{address}" ] }} ]
"""


def metrics_address(tracer):
    """HOST:PORT, of the line on standard error that tells it."""
    index = tracer.stderr.wait(lambda line: "metrics at http://" in line,
                               "address of the metrics")
    line = tracer.stderr.lines[index - 1]
    return line.split("http://")[1].removesuffix("/metrics")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def get(address, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), \
            response.read().decode()
    finally:
        connection.close()


class Prometheus:
    """The real one, scraping one address."""

    def __init__(self, live, directory, address):
        program = shutil.which("prometheus")
        assert program, "prometheus is not installed"
        config = directory / "prometheus.yml"
        config.write_text(SCRAPE_CONFIG.format(address=address))
        self.address = f"127.0.0.1:{free_port()}"
        self.process = live.run(
            program, f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address={self.address}")

    def query(self, expression):
        """[(labels, value)], empty as long as it cannot be asked."""
        url = f"http://{self.address}/api/v1/query?query=" + \
            urllib.parse.quote(expression)
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answer = json.load(response)
        except OSError:
            return []
        return [(entry["metric"], float(entry["value"][1]))
                for entry in answer["data"]["result"]]

    def wait_value(self, expression, value):
        def there():
            values = [found for _, found in self.query(expression)]
            return values == [value]

        wait_until(there, f"{expression} == {value}\n"
                   f"{self.process.stderr.text()[-2000:]}", 60)


def test_prometheus(live, tmp_path):
    program = live.start("planted")
    tracer = live.attach(program, "--metrics", "0")
    prometheus = Prometheus(live, tmp_path, metrics_address(tracer))
    prometheus.wait_value('up{job="leaktrace"}', 1)
    program.tell("alloc apple 100 1000")
    tracer.report_now()
    heap = '{space="heap"}'
    prometheus.wait_value(f"leaktrace_outstanding_bytes{heap}", 100000)
    prometheus.wait_value(f"leaktrace_outstanding_blocks{heap}", 100)
    program.tell("alloc banana 5 10")
    program.tell("free apple 40")
    tracer.report_now()
    prometheus.wait_value(f"leaktrace_outstanding_bytes{heap}", 60050)
    prometheus.wait_value(f"leaktrace_frees_total{heap}", 40)
    prometheus.wait_value("leaktrace_at_least", 0)
    prometheus.wait_value(
        f'leaktrace_target_info{{name="planted",pid="{program.pid}"}}', 1)
    # Nothing of a scrape was refused as malformed.
    assert not [line for line in prometheus.process.stderr.lines
                if "level=error" in line or "level=warn" in line]
    tracer.stop()


def test_http(live):
    program = live.start("planted")
    tracer = live.attach(program, "--metrics", "[::1]:0")
    address = metrics_address(tracer)
    assert address.startswith("[::1]:")
    status, content_type, text = get(address)
    assert (status, text) == (200, "# EOF\n")
    assert content_type.startswith("application/openmetrics-text; version=1")
    assert get(address, "/")[0] == 404
    assert get(address, method="POST")[0] == 405
    assert get(address, method="HEAD")[::2] == (200, "")
    # Clients that say nothing, or nonsense, keep nobody from the figures.
    host, port = address.strip("[").split("]:")
    with socket.create_connection((host, int(port))) as silent, \
            socket.create_connection((host, int(port))) as wrong:
        silent.send(b"GET /met")
        wrong.send(b"\0\xff" * 100 + b"\r\n\r\n" + b"x" * 100000)
        tracer.report_now()
        assert "leaktrace_reports_total 1\n" in get(address)[2]
    tracer.stop()
    with pytest.raises(OSError):
        get(address)


def test_port_in_use(live, tmp_path):
    marker = tmp_path / "ran"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tracer = live.run(LEAKTRACE, "--metrics", str(port), NEVER, "--",
                          "touch", marker)
        assert tracer.wait() == 1
    assert f"127.0.0.1:{port}" in tracer.stderr.text()
    assert "in use" in tracer.stderr.text()
    assert not marker.exists()
