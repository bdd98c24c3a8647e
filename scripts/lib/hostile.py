"""A load of hostile requests against a gateway on 127.0.0.1, with an honest client beside it.

hostile.py PORT SECONDS SERVICE=PID...

Every kind of attack is one coroutine function that sends one request and returns its status. Each has workers of
its own, with a pause between requests and source addresses of its own, so that the rate limit by address does not
end the attack after some seconds. Nothing leaves the loopback interface, and everything stops by itself.
"""

import asyncio
import collections
import itertools
import json
import random
import sys
import time
import uuid

HOST = "127.0.0.1"
ANSWER_BYTES_MAX = 64 * 1024 * 1024  # more than any answer may have: what is read is counted, not kept
REQUEST_SECONDS_MAX = 40
HONEST_ADDRESS = "127.0.0.1"

randomness = random.Random(6)
addresses = itertools.cycle([f"127.0.{net}.{host}" for net in range(1, 5) for host in range(1, 251)])


class Answer:
    """A status, the size of the body, and the body's beginning."""

    def __init__(self, status, size, body):
        self.status = status
        self.size = size
        self.body = body

    def json(self):
        return json.loads(self.body)


async def read_answer(reader):
    """Reads an HTTP/1.1 answer to its end. The body is kept up to 1 MiB; the rest is only counted."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    kept, size = [], 0
    if headers.get("transfer-encoding") == "chunked":
        while True:
            length = int((await reader.readline()).split(b";")[0], 16)
            chunk = await reader.readexactly(length + 2)
            if length == 0:
                break
            size += length
            if size <= 1 << 20:
                kept.append(chunk[:-2])
    else:
        left = int(headers.get("content-length", "0"))
        while left > 0:
            part = await reader.read(min(left, 65536))
            if not part:
                break
            left -= len(part)
            size += len(part)
            if size <= 1 << 20:
                kept.append(part)
    if size > ANSWER_BYTES_MAX:
        raise AssertionError(f"an answer of {size} bytes")
    return Answer(status, size, b"".join(kept))


async def send(port, method, target, body=b"", headers=None, address=None, extra=b""):
    """Sends one request on a connection of its own and reads the answer."""
    lines = {"Host": f"{HOST}:{port}", "Connection": "close", "Content-Length": str(len(body))}
    if body:
        lines["Content-Type"] = "application/json"
    lines.update(headers or {})
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    source = (address or next(addresses), 0)
    reader, writer = await asyncio.open_connection(HOST, port, local_addr=source, limit=1 << 17)
    try:
        writer.write(head.encode("latin-1") + extra + b"\r\n" + body)
        return await asyncio.wait_for(read_answer(reader), REQUEST_SECONDS_MAX)
    finally:
        writer.close()


class Member:
    """A signed-in user."""

    def __init__(self, port, token, email, password):
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"}
        self.email = email
        self.password = password

    async def call(self, method, target, value=None, address=None):
        body = b"" if value is None else json.dumps(value).encode()
        return await send(self.port, method, target, body, self.headers, address)


async def sign_up(port, name):
    email, password = f"{uuid.uuid4().hex}@load.example", uuid.uuid4().hex
    body = {"organizationName": name, "fullName": "Load Test", "email": email, "password": password}
    answer = await send(port, "POST", "/api/auth/signup", json.dumps(body).encode(), address=HONEST_ADDRESS)
    if answer.status != 201:
        raise SystemExit(f"sign-up was answered {answer.status}: {answer.body[:500]}")
    return Member(port, answer.json()["accessToken"], email, password)


def plain_deal():
    return {
        "propertyAddress": {"street": "1 Load Street", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"},
        "dealType": "PURCHASE",
    }


# --- The attacks: each sends one request and returns the answer's status and size --------------------------------


def json_attacks():
    """Bodies that are cheap to send and dear to read."""
    long_name = "k" * 24_000
    duplicates = '{"%s":{%s}}' % (long_name, ",".join(['"a":0'] * 4_000))
    wide_list = '{"email":[' + ",".join(["0"] * 400_000) + "]}"
    deep = '{"a":' * 100_000 + "0" + "}" * 100_000
    members = "{" + ",".join(f'"{index}":0' for index in range(80_000)) + "}"
    nul = '{"email":"' + "\\u0000" * 100_000 + '"}'
    long_duplicate = "{" + ",".join(['"%s":0' % ("n" * 5_000)] * 200) + "}"
    return {
        "JSON: duplicate names below a long one": duplicates,
        "JSON: a list of 400,000 items": wide_list,
        "JSON: 100,000 levels": deep,
        "JSON: 80,000 unknown members": members,
        "JSON: a text of NULs": nul,
        "JSON: long duplicate names": long_duplicate,
    }


def yaml_attacks():
    """Templates that are cheap to send and dear to parse."""
    aliases = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [" + ",".join([f"*a{i - 1}"] * 10) + "]\n" for i in range(1, 9)
    )
    deep = "a: " + "[" * 50_000 + "]" * 50_000
    long_text = "key: " + "x" * 250_000
    tasks = "tasks:\n" + "".join(f"  - key: t{i}\n    title: T\n    depends_on: [t{i - 1}]\n" for i in range(3_000))
    return {
        "YAML: aliases of aliases": aliases,
        "YAML: 50,000 levels": deep,
        "YAML: a text of 250,000 characters": long_text,
        "YAML: 3,000 tasks": tasks,
    }


def attacks(port, attacker):
    """Every attack by name: a function without arguments that sends it once."""
    auth = attacker.headers

    def anonymous_body(text):
        return lambda: send(port, "POST", "/api/auth/login", text.encode())

    def with_token(method, target, body=b"", headers=None):
        return lambda: send(port, method, target, body, {**auth, **(headers or {})})

    def odd_request():
        method = "".join(randomness.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=8))
        host = f"{uuid.uuid4().hex}.example"
        return send(port, method, f"/{uuid.uuid4().hex}", headers={"Host": host})

    def forged_token():
        token = ".".join(uuid.uuid4().hex * 8 for _ in range(3))
        return send(port, "GET", "/api/deals", headers={"Authorization": f"Bearer {token}"})

    def wrong_login():
        body = {"email": f"{uuid.uuid4().hex}@load.example", "password": "a wrong password"}
        return send(port, "POST", "/api/auth/login", json.dumps(body).encode())

    def own_login():
        body = {"email": attacker.email, "password": attacker.password}
        return send(port, "POST", "/api/auth/login", json.dumps(body).encode())

    def invitation():
        body = {"email": f"{uuid.uuid4().hex}@load.example", "fullName": "Prize at evil.example", "role": "BUYER"}
        return send(port, "POST", "/api/users", json.dumps(body).encode(), auth)

    def deal():
        return send(port, "POST", "/api/deals", json.dumps(plain_deal()).encode(), auth)

    def duplicate_authorization():
        extra = f"Authorization: {auth['Authorization']}\r\n".encode()
        return send(port, "GET", "/api/auth/me", headers=auth, extra=extra)

    query = "&".join(f"p{i}=%20%zz{i}" for i in range(4_000))
    cursors = itertools.cycle(["garbage", "%00%00", "eyJ" * 2_000, "LTk5OTktMTItMzE", "0" * 4_000])
    found = {name: anonymous_body(text) for name, text in json_attacks().items()}
    for name, source in yaml_attacks().items():
        found[name] = with_token("POST", "/api/templates", json.dumps({"source": source}).encode())
    found.update(
        {
            "query string of 4,000 parameters": with_token("GET", f"/api/tasks?{query}"),
            "anonymous query string": lambda: send(port, "GET", f"/api/auth/me?{query}"),
            "tampered cursors": lambda: with_token("GET", f"/api/deals?cursor={next(cursors)}")(),
            "instants out of range": with_token("GET", "/api/audit?from=9999-12-31T23:59:59-23:59"),
            "odd methods, paths and hosts": odd_request,
            "forged tokens": forged_token,
            "wrong logins": wrong_login,
            "sessions without end": own_login,
            "invitations to strangers": invitation,
            "deals without end": deal,
            "two Authorization headers": duplicate_authorization,
            "a body over 1 MiB": lambda: send(port, "POST", "/api/auth/login", b'"' + b"x" * (1 << 21) + b'"'),
            "readiness": lambda: send(port, "GET", "/readyz"),
        }
    )
    return found


async def slow_reader(port, attacker, stop):
    """Asks for the audit export and reads one byte a second."""
    while time.monotonic() < stop:
        try:
            reader, writer = await asyncio.open_connection(HOST, port, local_addr=(next(addresses), 0), limit=1024)
            head = f"GET /api/audit/export?format=jsonl HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {attacker.headers['Authorization']}\r\n\r\n"
            writer.write(head.encode())
            while time.monotonic() < stop and await asyncio.wait_for(reader.read(1), 30):
                await asyncio.sleep(1)
            writer.close()
        except (OSError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(0.5)


async def slow_writer(port, stop):
    """Sends the head of a request one byte a second."""
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n" + b"X-Slow: 1\r\n" * 1_000
    while time.monotonic() < stop:
        try:
            _, writer = await asyncio.open_connection(HOST, port, local_addr=(next(addresses), 0))
            for byte in head:
                if time.monotonic() >= stop:
                    break
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(0.2)


# --- What is measured ---------------------------------------------------------------------------------------------


def resident_mib(pid):
    """Resident memory in MiB; None when the process has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


class Memory:
    """Resident memory of the services: before, peak, after."""

    def __init__(self, services):
        self.services = services
        self.before = {name: resident_mib(pid) for name, pid in services.items()}
        self.peak = dict(self.before)
        self.ended = set()

    def sample(self):
        now = {}
        for name, pid in self.services.items():
            now[name] = resident_mib(pid)
            if now[name] is None:
                self.ended.add(name)
            else:
                self.peak[name] = max(self.peak[name] or 0, now[name])
        return now

    async def watch(self, stop):
        while time.monotonic() < stop:
            self.sample()
            await asyncio.sleep(0.2)


class Honest:
    """Milliseconds and failures of an honest client's requests, by phase."""

    def __init__(self):
        self.times = collections.defaultdict(list)
        self.failures = collections.Counter()

    async def work(self, phase, member, deal, stop):
        targets = itertools.cycle(["/api/deals", "/api/tasks", "/api/auth/me", f"/api/deals/{deal}/summary"])
        while time.monotonic() < stop:
            begun = time.monotonic()
            try:
                answer = await member.call("GET", next(targets), address=HONEST_ADDRESS)
                if answer.status != 200:
                    self.failures[f"{phase}: {answer.status}"] += 1
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
                self.failures[f"{phase}: {type(error).__name__}"] += 1
            self.times[phase].append((time.monotonic() - begun) * 1000)
            await asyncio.sleep(0.25)

    def line(self, phase):
        times = sorted(self.times[phase])
        at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
        return f"{phase:8} {len(times):5} requests   p50 {at(0.5):7.1f} ms   p95 {at(0.95):7.1f} ms   max {times[-1]:7.1f} ms"


async def attack(name, send_once, stop, seen, sizes, pause):
    while time.monotonic() < stop:
        try:
            answer = await send_once()
            seen[name][answer.status] += 1
            sizes[name] = max(sizes[name], answer.size)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            seen[name][type(error).__name__] += 1
        await asyncio.sleep(pause)


def print_report(seen, sizes, honest, memory, after):
    print("\nhostile requests: statuses, largest answer")
    for name in sorted(seen):
        statuses = ", ".join(f"{status} × {count}" for status, count in sorted(seen[name].items(), key=str))
        print(f"  {name:42} {sizes[name]:8} B   {statuses}")
    print("\nan honest client of another organization")
    for phase in ("before", "during", "after"):
        print(f"  {honest.line(phase)}")
    for failure, count in sorted(honest.failures.items()):
        print(f"  failed   {failure} × {count}")
    print("\nresident memory, MiB        before     peak    after")
    for name in memory.services:
        values = (memory.before[name], memory.peak[name], after[name])
        print(f"  {name:24}" + "".join("    ended" if value is None else f"{value:9.1f}" for value in values))


async def main():
    port, seconds = int(sys.argv[1]), int(sys.argv[2])
    services = {name: int(pid) for name, pid in (word.split("=") for word in sys.argv[3:])}
    attacker, honest_user = await sign_up(port, "Attacker"), await sign_up(port, "Bystander")
    deal = (await honest_user.call("POST", "/api/deals", plain_deal(), HONEST_ADDRESS)).json()["id"]
    honest, memory = Honest(), Memory(services)
    print(f"an honest client alone for 15 s, then hostile requests for {seconds} s")
    await honest.work("before", honest_user, deal, time.monotonic() + 15)
    memory.before = memory.sample()
    seen, sizes = collections.defaultdict(collections.Counter), collections.Counter()
    stop = time.monotonic() + seconds
    work = [honest.work("during", honest_user, deal, stop), memory.watch(stop)]
    for name, send_once in attacks(port, attacker).items():
        work += [attack(name, send_once, stop, seen, sizes, 0.2) for _ in range(2)]
    work += [slow_reader(port, attacker, stop) for _ in range(16)]
    work += [slow_writer(port, stop) for _ in range(64)]
    await asyncio.gather(*work)
    await asyncio.sleep(15)
    await honest.work("after", honest_user, deal, time.monotonic() + 15)
    after = memory.sample()
    print_report(seen, sizes, honest, memory, after)
    failed = [status for counts in seen.values() for status in counts if status in (500, 502)]
    if failed or memory.ended or honest.failures:
        raise SystemExit("failed: a service ended, answered 500 or 502, or failed the honest client")


asyncio.run(main())
