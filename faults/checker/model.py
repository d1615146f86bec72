"""Reads a history and the rows of MySQL. The format of both is described in docs/history.md."""

import json
from collections import defaultdict
from dataclasses import dataclass, field

# Times are whole milliseconds: an operation really ended up to this much later than its line says.
SLACK_MS = 2
FOREVER = float("inf")

OPERATIONS = ("issue", "create", "raise", "close")
ENDS = ("ok", "fail", "unknown")


class Unreadable(Exception):
    """The files are not what docs/history.md describes: nothing can be said about them."""


@dataclass
class Operation:
    id: int
    process: str
    op: str
    coupon: int
    start: int
    user: str = ""
    key: str = ""
    total: int = 0
    # "open": its end was never seen. It may have happened, like an unknown one.
    type: str = "open"
    # Not later than this moment: widened by the slack, for ever when that is not known.
    end: float = FOREVER
    status: int = 0
    rank: int = None
    issued_at: int = None
    replayed: bool = False
    code: str = None

    @property
    def may_have_happened(self):
        return self.type != "fail"

    @property
    def told(self):
        return f"user {self.user}, key {self.key}"


@dataclass
class Row:
    user: str
    rank: int
    issued_at: int


@dataclass
class Coupon:
    """What the two files say about one coupon."""

    id: int
    total: int = None
    issues: list = field(default_factory=list)
    stocks: list = field(default_factory=list)
    closes: list = field(default_factory=list)
    rows: list = field(default_factory=list)

    def finish(self):
        self.by_user = defaultdict(list)
        for issue in self.issues:
            self.by_user[issue.user].append(issue)
        self.row_of = {row.user: row for row in self.rows}
        # When the earliest try of each user that holds a coupon began.
        self.asked_at = {
            row.user: min((issue.start for issue in self.by_user.get(row.user, [])), default=None)
            for row in self.rows
        }

    def stock_surely(self, time):
        """The stock that was in force at this time whatever else happened; None: not known."""
        return max((s.total for s in self.stocks if s.type == "ok" and s.end < time), default=None)

    def stock_at_most(self, time):
        """The largest stock that can have been in force by this time; None: not known."""
        return max((s.total for s in self.stocks if s.may_have_happened and s.start <= time), default=None)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError as error:
                raise Unreadable(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(line, dict):
                raise Unreadable(f"{path}:{number}: not an object")
            yield f"{path}:{number}", line


def need(where, line, name, kind):
    value = line.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Unreadable(f"{where}: {name} is missing or is no {kind.__name__}")
    return value


def read_invoke(where, line):
    op = need(where, line, "op", str)
    if op not in OPERATIONS:
        raise Unreadable(f"{where}: there is no operation {op}")
    one = Operation(
        id=need(where, line, "id", int),
        process=need(where, line, "process", str),
        op=op,
        coupon=need(where, line, "coupon", int),
        start=need(where, line, "time", int),
    )
    if op == "issue":
        one.user, one.key = need(where, line, "user", str), need(where, line, "key", str)
    if op in ("create", "raise"):
        one.total = need(where, line, "total", int)
    return one


def read_end(where, line, one):
    if one.type != "open":
        raise Unreadable(f"{where}: operation {one.id} has ended before")
    if line.get("process") != one.process or line.get("op") != one.op:
        raise Unreadable(f"{where}: not the operation that began as {one.id}")
    end = need(where, line, "time", int)
    if end < one.start:
        raise Unreadable(f"{where}: operation {one.id} ends before it begins")
    one.type = line["type"]
    # What is unknown may also happen later: a request still on its way.
    one.end = FOREVER if one.type == "unknown" else end + SLACK_MS
    if one.op != "issue":
        return
    one.status, one.code = need(where, line, "status", int), line.get("code")
    one.rank, one.issued_at = line.get("rank"), line.get("issuedAt")
    one.replayed = line.get("replayed") is True
    if one.type == "ok":
        need(where, line, "rank", int)


def read_history(path):
    operations = {}
    for where, line in lines_of(path):
        kind = line.get("type")
        if kind == "invoke":
            one = read_invoke(where, line)
            if one.id in operations:
                raise Unreadable(f"{where}: a second operation {one.id}")
            operations[one.id] = one
        elif kind in ENDS:
            one = operations.get(need(where, line, "id", int))
            if one is None:
                raise Unreadable(f"{where}: the end of an operation that never began")
            read_end(where, line, one)
        else:
            raise Unreadable(f"{where}: there is no type {kind}")
    if not operations:
        raise Unreadable(f"{path}: no operation in it")
    return list(operations.values())


def read_coupons(history_path, rows_path):
    """Everything both files say, by coupon."""
    coupons = {}
    for where, line in lines_of(rows_path):
        number = need(where, line, "coupon", int)
        coupon = coupons.setdefault(number, Coupon(number))
        coupon.total = need(where, line, "total", int)
        if "user" in line:
            user, rank = need(where, line, "user", str), need(where, line, "rank", int)
            coupon.rows.append(Row(user, rank, need(where, line, "issuedAt", int)))
    operations = read_history(history_path)
    for one in operations:
        coupon = coupons.get(one.coupon)
        if coupon is None:
            raise Unreadable(f"{rows_path}: coupon {one.coupon} is missing")
        kinds = {"issue": coupon.issues, "create": coupon.stocks, "raise": coupon.stocks, "close": coupon.closes}
        kinds[one.op].append(one)
    for coupon in coupons.values():
        coupon.finish()
    return list(coupons.values()), operations
