#!/usr/bin/env python3
"""check_history.py HISTORY ROWS: decides whether a history of calls and the rows of MySQL fit each other.

Reads these two files and nothing else, needs Python 3.8 and its standard library, shares no code with the service or
its audit. Format and guarantees: docs/history.md. Exit status: 0 they fit, 1 they do not, 2 they cannot be read.
"""

import sys
from collections import Counter

from model import Unreadable, read_coupons
from rules import RULES

SENTENCES_MOST = 5


def check(history_path, rows_path):
    """Prints what is wrong, or what was looked at. Returns the exit status."""
    coupons, operations = read_coupons(history_path, rows_path)
    violations = 0
    for coupon in coupons:
        for rule in RULES:
            sentences = list(rule(coupon))
            violations += len(sentences)
            for sentence in sentences[:SENTENCES_MOST]:
                print(f"{rule.__name__}: coupon {coupon.id}: {sentence}")
            if len(sentences) > SENTENCES_MOST:
                print(f"{rule.__name__}: coupon {coupon.id}: and {len(sentences) - SENTENCES_MOST} more")
    if violations:
        return 1
    kinds = Counter(one.type for one in operations)
    rows = sum(len(coupon.rows) for coupon in coupons)
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in ("ok", "fail", "unknown", "open") if kinds[kind])
    print(f"consistent: {len(operations)} operations ({counted}), {rows} rows, {len(RULES)} rules")
    return 0


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return check(*arguments)
    except (Unreadable, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
