#!/usr/bin/env python3
"""Load the read side of a Backstage-compatible catalog API and print a table.

    bench_http.py --base http://127.0.0.1:7107 --token T [--conns 1,16]
        [--seconds 10] [--rounds 2] [--only by-name,facets] [--raw FILE]
        [--pid SERVER_PID] [--pg-pid POSTMASTER_PID] [--label TEXT]

Needs `wrk` (apt-get install wrk). Names, refs and an owner are taken from the
server itself, sorted, so any catalog filled from the same make_org.py output
is asked the same questions. Every case is first asked once and its status,
size and number of items are shown, so that two servers can be seen to do the
same work. With --pid/--pg-pid the table also shows CPU milliseconds per
request of the server and of PostgreSQL, which suffer less from a noisy
machine than req/s do.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_ingest import cpu_seconds, rss_mib  # noqa: E402

TERMS = ["ledger", "refund", "payments", "gateway"]

LUA = """
local reqs = {}
%s
local i = %d
function request()
  i = i %% #reqs + 1
  return reqs[i]
end
function init(args)
  for k = 1, #specs do
    local s = specs[k]
    reqs[k] = wrk.format(s[1], s[2], headers, s[3])
  end
end
function done(summary, latency, requests)
  io.write(string.format(
    "RESULT %%d %%d %%d %%d %%d %%d %%d %%d %%d %%d %%d\\n",
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write,
    summary.errors.timeout, latency.mean))
end
"""


def lua_str(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Client:
    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token

    def ask(self, method, path, body=None):
        req = urllib.request.Request(self.base + path, method=method,
                                     data=body.encode() if body else None)
        if self.token:
            req.add_header("Authorization", "Bearer " + self.token)
        if body:
            req.add_header("Content-Type", "application/json")
        t = time.monotonic()
        try:
            with urllib.request.urlopen(req, timeout=120) as r:
                return r.status, r.read(), time.monotonic() - t
        except urllib.error.HTTPError as e:
            return e.code, e.read(), time.monotonic() - t

    def json(self, path):
        status, data, _ = self.ask("GET", path)
        if status != 200:
            sys.exit("%s answered %d: %s" % (path, status, data[:200]))
        return json.loads(data)


def cases(c):
    q = "/api/catalog/entities/by-query?"
    page = c.json(q + "limit=500&filter=kind=component&orderField=metadata.name,asc&fields=metadata.name")
    names = [e["metadata"]["name"] for e in page["items"]]
    total = page["totalItems"]
    names = names[:: max(1, len(names) // 50)][:50]
    owners = c.json("/api/catalog/entity-facets?facet=relations.ownedBy&filter=kind=component")["facets"]["relations.ownedBy"]
    owner = sorted((x for x in owners if x["value"].startswith("group:")),
                   key=lambda x: (-x["count"], x["value"]))[0]["value"]
    refs = json.dumps({"entityRefs": ["component:default/" + n for n in names]})
    print("components %d, names sampled %d, owner %s" % (total, len(names), owner))
    return [
        ("by-name", [("GET", "/api/catalog/entities/by-name/component/default/" + n, None) for n in names]),
        ("by-refs-50", [("POST", "/api/catalog/entities/by-refs", refs)]),
        ("list-20", [("GET", q + "limit=20&filter=kind=component", None)]),
        # What the catalog page of the web UI asks while one types in its filter box ...
        ("fulltext-20", [("GET", q + "limit=20&filter=kind=component&orderField=metadata.name,asc&fullTextFilterTerm=" + t
                          + "&fullTextFilterFields=metadata.name,metadata.title,spec.profile.displayName", None)
                         for t in TERMS]),
        # ... and without naming fields, where Backstage looks at metadata.uid only and finds nothing.
        ("fulltext-bare-20", [("GET", q + "limit=20&filter=kind=component&fullTextFilterTerm=" + t, None) for t in TERMS]),
        ("filter-order-20", [("GET", q + "limit=20&filter=kind=component,spec.type=service&orderField=metadata.name,asc", None)]),
        # What the catalog page asks for its table and for one of its drop-downs.
        ("ui-table-20", [("GET", q + "limit=20&orderField=metadata.name,asc&filter=kind=component&totalItems=exclude", None)]),
        ("ui-tag-facets", [("GET", "/api/catalog/entity-facets?facet=metadata.tags&filter=kind=component", None)]),
        ("owned-by-20", [("GET", q + "limit=20&filter=kind=component,relations.ownedBy="
                          + urllib.parse.quote(owner, safe=""), None)]),
        ("facets", [("GET", "/api/catalog/entity-facets?facet=kind&facet=spec.type", None)]),
        ("entities-500", [("GET", "/api/catalog/entities?filter=kind=component&limit=500", None)]),
    ]


def describe(data):
    try:
        v = json.loads(data)
    except ValueError:
        return "not JSON"
    if isinstance(v, list):
        return "%d items" % len(v)
    for k in ("items", "results"):
        if isinstance(v.get(k), list):
            n = sum(1 for x in v[k] if x is not None)
            total = v.get("totalItems", v.get("numberOfResults"))
            return "%d items%s" % (n, "" if total is None else " of %s" % total)
    if "facets" in v:
        return "facets %s" % {k: len(x) for k, x in v["facets"].items()}
    return "%s" % v.get("kind", "object")


def run_wrk(c, specs, conns, seconds, start):
    lines = ["local specs = {"]
    for m, p, b in specs:
        lines.append("{%s,%s,%s}," % (lua_str(m), lua_str(p), lua_str(b) if b else "nil"))
    lines.append("}")
    heads = ['["Content-Type"]="application/json"'] if specs[0][2] else []
    if c.token:
        heads.append('["Authorization"]=%s' % lua_str("Bearer " + c.token))
    lines.append("local headers = {%s}" % ",".join(heads))
    with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as fh:
        fh.write(LUA % ("\n".join(lines), start))
    try:
        p = subprocess.run(["wrk", "-t1", "-c%d" % conns, "-d%ds" % seconds, "--timeout", "60s",
                            "-s", fh.name, c.base], capture_output=True, text=True)
    finally:
        os.unlink(fh.name)
    for line in p.stdout.splitlines():
        if line.startswith("RESULT "):
            n, dur, size, p50, p95, p99, mx, status, sock, tmo, mean = map(int, line.split()[1:])
            return {"requests": n, "rps": n / (dur / 1e6) if dur else 0, "mb_s": size / dur if dur else 0,
                    "p50_ms": p50 / 1e3, "p95_ms": p95 / 1e3, "p99_ms": p99 / 1e3, "max_ms": mx / 1e3,
                    "mean_ms": mean / 1e3, "bad_status": status, "socket_errors": sock, "timeouts": tmo}
    sys.exit("wrk failed: %s %s" % (p.stdout[-400:], p.stderr[-400:]))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--base", required=True)
    ap.add_argument("--token", default="")
    ap.add_argument("--conns", default="1,16")
    ap.add_argument("--seconds", type=int, default=10)
    ap.add_argument("--rounds", type=int, default=2)
    ap.add_argument("--warm", type=int, default=5, help="seconds of load before each first measurement")
    ap.add_argument("--only", default="")
    ap.add_argument("--raw", help="append one JSON line per measurement to this file")
    ap.add_argument("--label", default="")
    ap.add_argument("--pid", type=int)
    ap.add_argument("--pg-pid", type=int)
    args = ap.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    c = Client(args.base, args.token)
    todo = cases(c)
    if args.only:
        keep = args.only.split(",")
        todo = [x for x in todo if x[0] in keep]
    print("\n%-16s %6s %9s %8s  %s" % ("case", "status", "bytes", "first ms", "answer"))
    for name, specs in todo:
        status, data, took = c.ask(*specs[0])
        print("%-16s %6d %9d %8.1f  %s" % (name, status, len(data), took * 1e3, describe(data)))
    print("\n%-16s %5s %5s %9s %8s %8s %8s %8s %6s %9s %9s %8s" % (
        "case", "conns", "round", "req/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors",
        "srv cpu ms", "pg cpu ms", "rss MiB"))
    for rnd in range(1, args.rounds + 1):
        for name, specs in todo:
            if rnd == 1 and args.warm:
                run_wrk(c, specs, 2, args.warm, 0)
            for conns in (int(x) for x in args.conns.split(",")):
                s0 = cpu_seconds(args.pid) if args.pid else 0
                p0 = cpu_seconds(args.pg_pid) if args.pg_pid else 0
                r = run_wrk(c, specs, conns, args.seconds, rnd)
                n = max(1, r["requests"])
                r["srv_cpu_ms"] = (cpu_seconds(args.pid) - s0) * 1e3 / n if args.pid else None
                r["pg_cpu_ms"] = (cpu_seconds(args.pg_pid) - p0) * 1e3 / n if args.pg_pid else None
                r["rss_mib"] = rss_mib(args.pid) if args.pid else None
                r.update(case=name, conns=conns, round=rnd, label=args.label)
                bad = r["bad_status"] + r["socket_errors"] + r["timeouts"]
                opt = lambda v, f: "-" if v is None else f % v  # noqa: E731
                print("%-16s %5d %5d %9.1f %8.2f %8.2f %8.2f %8.1f %6d %9s %9s %8s" % (
                    name, conns, rnd, r["rps"], r["p50_ms"], r["p95_ms"], r["p99_ms"], r["max_ms"], bad,
                    opt(r["srv_cpu_ms"], "%.2f"), opt(r["pg_cpu_ms"], "%.2f"), opt(r["rss_mib"], "%.0f")),
                    flush=True)
                if args.raw:
                    with open(args.raw, "a") as fh:
                        fh.write(json.dumps(r) + "\n")


if __name__ == "__main__":
    main()
