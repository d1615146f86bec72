"""One function for each guarantee. Each yields a sentence for every violation it sees."""

from collections import defaultdict

from model import FOREVER


def oks(coupon):
    return (issue for issue in coupon.issues if issue.type == "ok")


def lost(coupon):
    """Every 200 is in MySQL."""
    for issue in oks(coupon):
        if issue.user not in coupon.row_of:
            yield f"{issue.told} was told 200 with rank {issue.rank} and is not in MySQL"


def wrong_fact(coupon):
    """MySQL has the rank and the time that a 200 or a 409 named."""
    for issue in coupon.issues:
        row = coupon.row_of.get(issue.user)
        if row is None or issue.status not in (200, 409):
            continue
        if issue.rank is not None and issue.rank != row.rank:
            yield f"{issue.told} was told {issue.status} with rank {issue.rank}, MySQL has rank {row.rank}"
        if issue.issued_at is not None and issue.issued_at != row.issued_at:
            yield f"{issue.told} was told {issue.status} issued at {issue.issued_at}, MySQL has {row.issued_at}"


def two_for_one(coupon):
    """Nobody has two coupons, and nobody was promised two."""
    seen = {}
    for row in coupon.rows:
        if row.user in seen:
            yield f"user {row.user} has the ranks {seen[row.user]} and {row.rank} in MySQL"
        seen[row.user] = row.rank
    for user, issues in coupon.by_user.items():
        promised = [issue.rank for issue in issues if issue.type == "ok" and not issue.replayed]
        if len(promised) > 1:
            yield f"user {user} was promised a new coupon {len(promised)} times (ranks {promised})"


def shared_rank(coupon):
    """No two users on one rank, in MySQL or in what they were told."""
    told = ((issue.user, issue.rank) for issue in oks(coupon))
    for where, pairs in (("in MySQL", [(row.user, row.rank) for row in coupon.rows]), ("were told", told)):
        user_at = {}
        for user, rank in pairs:
            other = user_at.setdefault(rank, user)
            if other != user:
                yield f"users {other} and {user} {where} have rank {rank}"


def beyond_stock(coupon):
    """No rank beyond the stock: the final one, and the largest that could be in force when it was told."""
    for row in coupon.rows:
        if not 1 <= row.rank <= coupon.total:
            yield f"user {row.user} has rank {row.rank} in MySQL, the stock is {coupon.total}"
    for issue in oks(coupon):
        stock = coupon.stock_at_most(issue.end)
        if stock is not None and issue.rank > stock:
            yield f"{issue.told} was told rank {issue.rank} while the stock was {stock} at most"


def phantom(coupon):
    """Only who asked has a coupon."""
    for row in coupon.rows:
        if row.user not in coupon.by_user:
            yield f"user {row.user} has rank {row.rank} in MySQL and never asked"


def false_conflict(coupon):
    """A 409 is for somebody who has a coupon, by another key."""
    for issue in coupon.issues:
        if issue.status != 409:
            continue
        if issue.user not in coupon.row_of:
            yield f"{issue.told} was told 409 and has nothing in MySQL"
        others = coupon.by_user[issue.user]
        if not any(o.key != issue.key and o.may_have_happened and o.start <= issue.end for o in others):
            yield f"{issue.told} was told 409 for its own try"


def replay(coupon):
    """The same key gets the same answer, and one original at most."""
    by_key = defaultdict(list)
    for issue in oks(coupon):
        by_key[(issue.user, issue.key)].append(issue)
    for answers in by_key.values():
        first = answers[0]
        for issue in answers[1:]:
            if (issue.rank, issue.issued_at) != (first.rank, first.issued_at):
                yield (
                    f"{issue.told} was told rank {first.rank} of {first.issued_at},"
                    f" then rank {issue.rank} of {issue.issued_at}"
                )
        originals = sum(not issue.replayed for issue in answers)
        if originals > 1:
            yield f"{first.told} got {originals} answers that were not marked as replayed"


def told_no_and_holds(coupon):
    """A holder was told so by some try, or one is unknown; and no holder is told that it is sold out."""
    for user, row in coupon.row_of.items():
        issues = coupon.by_user.get(user, [])
        if issues and not any(issue.may_have_happened for issue in issues):
            statuses = sorted({issue.status for issue in issues})
            yield f"user {user} has rank {row.rank} in MySQL and was only told {statuses}"
        for issue in issues:
            raised_later = any(s.op == "raise" and s.may_have_happened and s.end > issue.start for s in coupon.stocks)
            if is_sold_out(issue) and not raised_later:
                yield f"{issue.told} was told sold out and has rank {row.rank} in MySQL"


def is_sold_out(issue):
    return issue.status == 410 and issue.code != "ended"


def false_sold_out(coupon):
    """Sold out: by then every rank up to the stock was handed out, so its holder had asked before."""
    last_asked = latest_by_rank(coupon)
    highest = max((row.rank for row in coupon.rows), default=0)
    for issue in coupon.issues:
        stock = coupon.stock_surely(issue.start) if is_sold_out(issue) else None
        if stock is None:
            continue
        if highest < stock:
            yield f"{issue.told} was told sold out at a stock of {stock}, the highest rank in MySQL is {highest}"
        asked, user, rank = last_asked(stock)
        if asked > issue.end:
            yield f"{issue.told} was told sold out at a stock of {stock}; {user} asked later and got rank {rank}"


def latest_by_rank(coupon):
    """For a stock: the holder of a rank within it that asked last."""
    ranked = sorted((row.rank, coupon.asked_at[row.user], row.user) for row in coupon.rows
                    if coupon.asked_at[row.user] is not None)
    ranks, latest = [], []
    for rank, asked, user in ranked:
        ranks.append(rank)
        latest.append(max((asked, user, rank), latest[-1]) if latest else (asked, user, rank))

    def find(stock):
        low, high = 0, len(ranks)
        while low < high:
            middle = (low + high) // 2
            if ranks[middle] <= stock:
                low = middle + 1
            else:
                high = middle
        return latest[low - 1] if low else (-FOREVER, "", 0)

    return find


def false_ended(coupon):
    """Ended: somebody had asked for the closing."""
    for issue in coupon.issues:
        if issue.status == 410 and issue.code == "ended":
            if not any(close.start <= issue.end for close in coupon.closes if close.may_have_happened):
                yield f"{issue.told} was told ended before the closing was asked for"


def issued_after_close(coupon):
    """Who asked for the first time after the closing was answered gets nothing."""
    closed = min((close.end for close in coupon.closes if close.type == "ok"), default=FOREVER)
    for user, asked in coupon.asked_at.items():
        if asked is not None and asked > closed:
            yield f"user {user} asked after the closing was answered and has rank {coupon.row_of[user].rank}"


def order(coupon):
    """Ranks follow real time: who had an answer before another one asked has the smaller rank."""
    known_at = {}
    for issue in oks(coupon):
        known_at[issue.user] = min(issue.end, known_at.get(issue.user, FOREVER))
    earliest, by_whom = FOREVER, None
    for row in sorted(coupon.rows, key=lambda row: -row.rank):
        asked = coupon.asked_at[row.user]
        if asked is not None and earliest < asked:
            yield f"user {row.user} has rank {row.rank} and asked after {by_whom} had been told a higher one"
        if known_at.get(row.user, FOREVER) < earliest:
            earliest, by_whom = known_at[row.user], row.user


RULES = (
    lost, wrong_fact, two_for_one, shared_rank, beyond_stock, phantom, false_conflict, replay,
    told_no_and_holds, false_sold_out, false_ended, issued_after_close, order,
)
