#!/usr/bin/env python3
"""Golden values of the hospital ward, from its files alone: python3 tests/golden/ward.py FOLDER > tests/golden/ward.json

FOLDER holds tij_hospital.dat and metadata_hospital.dat. Nothing here is shared with Kith: formulas are written as they
are defined, in floating point.
"""

import datetime, json, math, os, sys
from collections import defaultdict
from itertools import combinations, combinations_with_replacement

FIRST = int(datetime.datetime(2010, 12, 6, 13, tzinfo=datetime.timezone.utc).timestamp())
JOIN, HALF_LIFE, PACE, GAP_MIN, WEIGHT_MAX = 40, 60, 8, 3, 1.5
DAYS = ["2010-12-07", "2010-12-09", "2010-12-11", "2011-06-01"]
WINDOW, CUTS, TOP = 86_400, 6, 20


def read(folder):
    """Roles of people, and the times at which each pair met: rows at most 40 s apart are one meeting, at the first."""
    with open(os.path.join(folder, "metadata_hospital.dat")) as file:
        roles = {person: role for _, person, role in map(str.split, file)}
    rows = defaultdict(list)
    with open(os.path.join(folder, "tij_hospital.dat")) as file:
        for second, one, other in map(str.split, file):
            rows[tuple(sorted((one, other)))].append(int(second))
    met = {}
    for pair, seconds in rows.items():
        seconds.sort()
        first = [second for last, second in zip([-math.inf] + seconds, seconds) if second - last > JOIN]
        met[pair] = [FIRST + second for second in first]
    return roles, met


def score(days, today):
    """Score and decayed days of a pair that was in contact on these days, each with a weight of 1."""
    decayed = sum(2 ** (-(today - day) / HALF_LIFE) for day in days)
    gap = max(GAP_MIN, (max(days) - min(days)) / (len(days) - 1)) if len(days) > 1 else GAP_MIN
    paced = decayed * PACE * gap / (PACE * gap + today - max(days))
    most = WEIGHT_MAX / (1 - 2 ** (-1 / HALF_LIFE))
    return 100 * math.log(1 + paced) / math.log(1 + most), decayed


def table(met, today, until=math.inf):
    """Per pair: score, days in contact, last day and decayed days, of what happened up to a day and a time."""
    rows = {}
    for pair, times in met.items():
        days = sorted({time // 86_400 for time in times if time <= until and time // 86_400 <= today})
        if days:
            value, decayed = score(days, today)
            rows[pair] = (value, len(days), days[-1], decayed)
    return rows


def matching(pairs):
    """The size of a maximum matching between the first and the second people of pairs."""
    near, of = defaultdict(list), {}
    for one, other in pairs:
        near[one].append(other)

    def augment(one, seen):
        for other in near[one]:
            if other not in seen:
                seen.add(other)
                if other not in of or augment(of[other], seen):
                    of[other] = one
                    return True
        return False

    return sum(augment(one, set()) for one in list(near))


def bridges(roles, tied):
    """Between every two roles, and inside each: density, ties, E-I index and redundancy."""
    size, ties = defaultdict(int), defaultdict(list)
    for role in roles.values():
        size[role] += 1
    for one, other in tied:
        one, other = sorted((one, other), key=lambda person: roles[person])
        ties[roles[one], roles[other]].append((one, other))
    across = {role: sum(len(found) for key, found in ties.items() if role in key and key[0] != key[1]) for role in size}
    rows = {}
    for one, other in combinations_with_replacement(sorted(size), 2):
        count = len(ties[one, other])
        inside = len(ties[one, one]) + (len(ties[other, other]) if one != other else 0)
        external = count if one != other else across[one]
        possible = size[one] * size[other] if one != other else size[one] * (size[one] - 1) // 2
        rows[f"{one}-{other}"] = {
            "ties": count,
            "density": count / possible,
            "e_i": (external - inside) / (external + inside),
            "redundancy": matching(ties[one, other]) if one != other else None,
        }
    return rows


def precision(ranked):
    """Average precision of (score, hit); equal scores share a rank. None without a hit."""
    hits = [value for value, hit in ranked if hit]
    above = lambda least: [hit for value, hit in ranked if value >= least]
    precisions = {value: sum(above(value)) / len(above(value)) for value in set(hits)}
    return sum(precisions[value] for value in hits) / len(hits) if hits else None


def evaluation(met):
    """Means over the cuts of average precision, AUC and mean average precision per person."""
    contacts = sorted(time for times in met.values() for time in times)
    sums = [0.0] * 3
    for number in range(CUTS):
        cut = contacts[int((0.3 + 0.5 / (CUTS - 1) * number) * (len(contacts) - 1))]
        scores = {pair: row[0] for pair, row in table(met, cut // 86_400, cut).items()}
        # What is equal by the formula is equal here, whatever the order of adding.
        ranked = [
            (pair, round(value, 6), any(cut < time <= cut + WINDOW for time in met[pair]))
            for pair, value in scores.items()
        ]
        hits = [value for _, value, hit in ranked if hit]
        misses = [value for _, value, hit in ranked if not hit]
        wins = sum((hit > miss) + (hit == miss) / 2 for hit in hits for miss in misses)
        own = defaultdict(list)
        for pair, value, hit in ranked:
            for person in pair:
                own[person].append((value, hit))
        each = [found for found in map(precision, own.values()) if found is not None]
        measured = precision([row[1:] for row in ranked]), wins / len(hits) / len(misses), sum(each) / len(each)
        sums = [total + value / CUTS for total, value in zip(sums, measured)]
    return dict(zip(["average_precision", "auc", "mean_average_precision"], sums))


def rounded(value):
    """A value with numbers of nine digits, the same on every machine."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    return round(value, 9) if isinstance(value, float) else value


def main(folder):
    roles, met = read(folder)
    strength = {}
    for date in DAYS:
        day = (datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days
        rows = table(met, day)
        best = sorted(rows, key=lambda pair: (-rows[pair][0], pair))[:TOP]
        strength[date] = {
            "rows": len(rows),
            "sum_of_scores": sum(row[0] for row in rows.values()),
            "top": [
                {
                    "key": pair,
                    "score": rows[pair][0],
                    "days_in_contact": rows[pair][1],
                    "last_contact": str(datetime.date(1970, 1, 1) + datetime.timedelta(rows[pair][2])),
                    "decayed_days": rows[pair][3],
                }
                for pair in best
            ],
        }
    golden = {
        "people": {role: list(roles.values()).count(role) for role in sorted(set(roles.values()))},
        "meetings": sum(map(len, met.values())),
        "pairs": len(met),
        "bridges": bridges(roles, met),
        "strength": strength,
        "evaluation": {"window": "1d", "cuts": CUTS, **evaluation(met)},
    }
    print(json.dumps(rounded(golden), indent=1))


main(sys.argv[1])
