#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Small changes of a C file, each of which a test should notice.

  mutate.py list FILE             one line each: number, line, function, change
  mutate.py write FILE NUMBER     the file with that change, to stdout

The changes are the same each time, and leave the numbers of lines as they are. They
are made in function bodies only, not to locks, barriers, log lines and what tests
themselves have put in. A change is described by the source line and what becomes of
it, so that the description outlives other changes of the file.
"""
import re
import sys

# Without these there is a race or a log line less, and no other outcome.
LEFT_ALONE = re.compile(
    r"raw_spin_|spin_|rcu_read_|smp_r?w?mb|smp_mb__|lockdep_|nta_stretch_|cpus_read_|pr_|WARN|trace_"
    r"|nta_report_|cond_resched|might_sleep|data_race|barrier|kfree\(|kvfree\(|xa_")

OPERATORS = {
    " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == ",
    " && ": " || ", " || ": " && ", " + ": " - ", " - ": " + ", " << ": " >> ", " >> ": " << ",
    " & ": " | ", " | ": " & ", " &= ": " |= ", " |= ": " &= ", " += ": " -= ", " -= ": " += ",
    "++": "--", "--": "++",
}
# An operator can end a line.
TOKEN = re.compile("|".join(re.escape(op.strip()) if op in ("++", "--") else
                            r"(?<=\s)" + re.escape(op.strip()) + r"(?=\s)" for op in OPERATORS))

WORDS = {
    "true": "false", "false": "true",
    "set_bit": "clear_bit", "clear_bit": "set_bit",
    "cpumask_set_cpu": "cpumask_clear_cpu", "cpumask_clear_cpu": "cpumask_set_cpu",
    "cpumask_subset": "cpumask_intersects", "cpumask_intersects": "cpumask_subset",
    "cpumask_first": "cpumask_last", "cpumask_last": "cpumask_first",
    "nta_group_possible": "nta_group_active", "nta_group_active": "nta_group_possible",
    "nta_group_seen": "nta_group_possible",
    "local_irq_enable": "local_bh_enable", "max": "min", "min": "max",
    "NTA_RULES_DOCUMENTED": "NTA_RULES_OBSERVED",
    "NTA_DO_PLACE_SYSTEM": "NTA_DO_PLACE_USER", "NTA_DO_PLACE_USER": "NTA_DO_PLACE_SYSTEM",
    "NTA_DO_NOTHING": "NTA_DO_PLACE_SYSTEM",
    "DISPATCH_LEVEL": "DEVICE_LEVEL", "DEVICE_LEVEL": "DISPATCH_LEVEL",
}
RING = [
    ["NTA_THREAD_" + flag for flag in
     ("BOUND", "KICKED", "PENDING", "USER_DUE", "DISPLACED", "GIVEN_UP", "USER_LOST", "FALLBACK",
      "IN_FORCE", "LATE")],
    ["NTA_" + reason for reason in
     ("BAD_GROUP", "STRAY_BITS", "ZERO_MASK", "NOT_ACTIVE", "OFFLINE", "BAD_COUNT", "SAME_GROUP")],
    ["NTA_" + reason for reason in ("BOUND_KTHREAD", "DEADLINE", "KERNEL_REFUSED", "OK")],
    ["NTA_NO_THREAD", "NTA_DISPATCH", "NTA_PINNED", "NTA_PASSIVE"],
    ["IN_THREAD", "IN_SOFTIRQ", "IN_HARD_IRQ", "IN_NMI"],
    ["-ENOMEM", "-EINVAL", "-EAGAIN", "-ENOENT", "-ERANGE"],
]
for names in RING:
    for name, other in zip(names, names[1:] + names[:1]):
        WORDS.setdefault(name, other)
WORD = re.compile(r"(?<![\w.>])(?:" + "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True)) +
                  r")\b(?!\s*:)")

DECLARATION = re.compile(
    r"(?:struct|enum|union|unsigned|signed|int|long|bool|char|void|const|static|register|size_t"
    r"|u8|u16|u32|u64|s64|DEFINE_\w+|DECLARE_\w+)\b(?!\()")
STATEMENT = re.compile(r"(?<=\n)(\t+)((?:[A-Za-z_*(][^;{}]*|goto \w+|continue|break|return))(;)")
NO_STATEMENT = re.compile(r"(?:if|for|while|do|switch|case|default|else|return\s+\S)\b|return\s|\w+:|"
                          r"(?:[a-z_]*for_each\w*)\b")


CONTROL = re.compile(r"(?:if|while|\w*for_each\w*|switch) ?\(|else\s+|do\s+")


def statements(body):
    """Begin, end and text of each statement that stands for itself, without what it hangs on."""
    for m in STATEMENT.finditer(body):
        begin, end = m.span(2)
        while True:
            control = CONTROL.match(body, begin, end)
            if not control:
                break
            begin = control.end()
            if control.group().endswith("("):
                begin = closing(body, begin - 1) + 1
            while begin < end and body[begin].isspace():
                begin += 1
        if begin < end:
            yield begin, end, body[begin:end]


def blank(text):
    """The text with comments, strings and preprocessor lines made blanks."""
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
                         r"|(?m:^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)", re.S)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def bodies(code):
    """Name, head, begin and end of each function body."""
    for found in re.finditer(r"^\{\n(.*?)^\}", code, re.M | re.S):
        head = code[:found.start()].rstrip("\n")
        head = head[max(head.rfind("\n\n"), head.rfind("}\n"), head.rfind(";\n")) + 1:]
        name = re.search(r"(\w+)\(", head)
        if name and head.rstrip().endswith(")"):
            yield name.group(1), head[:name.start()], found.start(1), found.end(1)


def closing(code, at):
    """Where the parenthesis that opens at @at closes."""
    depth = 0
    while True:
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if not depth:
            return at
        at += 1


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


def changes(text):
    """(begin, end, new text, description) of each change, and the function."""
    code = blank(text)
    for function, head, begin, end in bodies(code):
        if LEFT_ALONE.match(function):
            continue
        body = code[begin - 1:end]
        base = begin - 1
        spared = [(base + first, base + last) for first, last, statement in statements(body)
                  if LEFT_ALONE.match(statement)]

        def is_spared(at):
            return any(first <= at < last for first, last in spared)

        found = []
        for m in TOKEN.finditer(body):
            op = m.group()
            new = OPERATORS.get(" " + op + " ") or OPERATORS[op]
            found.append((base + m.start(), base + m.end(), new.strip()))
        for m in re.finditer(r"!(?!=)|~", body):
            found.append((base + m.start(), base + m.end(), ""))
        for m in WORD.finditer(body):
            found.append((base + m.start(), base + m.end(), WORDS[m.group()]))
        for m in re.finditer(r"(?<![\w.])(?:0x[0-9a-fA-F]+|\d+)(?:U|UL|ULL)?\b", body):
            number = m.group()
            value = int(re.sub(r"[UL]+$", "", number), 0)
            new = {0: "1", 1: "0"}.get(value, str(value + 1))
            found.append((base + m.start(), base + m.end(), new + number[len(number.rstrip("UL")):]))
        for m in re.finditer(r"\b(?:if|while) \(", body):
            first = base + m.end() - 1
            last = closing(code, first)
            if not code[first + 1:last].startswith("!") or "&&" in code[first:last] or \
               "||" in code[first:last]:
                found.append((first, last + 1, "(!" + text[first:last + 1] + ")"))
        for m in re.finditer(r"\breturn ([^;]+)(?=;)", body):
            value, at = m.group(1), base + m.start(1)
            if re.search(r"\bbool\b", head) and value not in ("true", "false"):
                new = "!(" + text[at:at + len(value)] + ")"
            elif value == "0":
                new = "-EINVAL"
            elif re.fullmatch(r"-E\w+", value):
                new = "0"
            elif "*" in head and value != "NULL":
                new = "NULL"
            else:
                continue
            found.append((at, at + len(value), new))
        for first, last, statement in statements(body):
            if DECLARATION.match(statement) or NO_STATEMENT.match(statement):
                continue
            found.append((base + first, base + last, None))

        seen = {}
        for first, last, new in sorted(set(found), key=lambda f: (f[0], f[1], f[2] or "")):
            if is_spared(first):
                continue
            line_begin = text.rfind("\n", 0, first) + 1
            line = flat(text[line_begin:text.find("\n", first)])
            old = flat(text[first:last])
            if new is None:
                what = "removed"
                # The same number of lines.
                new = "\n" * text[first:last].count("\n")
            elif new.startswith("(!("):
                what = "condition negated"
            elif new.startswith("!(") and first > 7 and code[first - 7:first] == "return ":
                what = "result negated"
            else:
                what = "%s -> %s" % (old, flat(new) or "nothing")
            key = "%s :: %s" % (line, what)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                key += " #%d" % seen[key]
            yield first, last, new, function, key


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as source:
        text = source.read()
    for number, (first, last, new, function, key) in enumerate(changes(text), 1):
        if sys.argv[1] == "list":
            print(number, text.count("\n", 0, first) + 1, function, key, sep="\t")
        elif number == int(sys.argv[3]):
            sys.stdout.write(text[:first] + new + text[last:])
            return
    if sys.argv[1] == "write":
        sys.exit("no change number " + sys.argv[3])


main()
