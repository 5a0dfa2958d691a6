"""Random expressions, and how each of the two languages says them.

An integer is 64 bits wide in both. What it is signed by is the rule of docs/configuration.md: an operation with an unsigned
64-bit operand is unsigned, every other signed. bpftrace has rules of its own, so there each step says by a cast what it is.

Left out, as bpftrace 0.17 has no equal: divisions and shifts to the right of negative numbers (it does both unsigned),
literals above 2^63, strings other than of comm, of the record and of user memory, arrays of bytes. Comparisons of strings are
parts of a filter only: bpftrace unrolls them, and several in one sum are more paths than the verifier follows.

Nothing that bpftrace is given branches but those: from branches LLVM makes loads from an address in the context that was
chosen before, which the verifier refuses.
"""

import dataclasses

MASK = (1 << 64) - 1


@dataclasses.dataclass(frozen=True)
class Integer:
    ours: str  # as a configuration has it
    theirs: str  # as bpftrace has it, of the type int64 or uint64
    unsigned: bool = False
    natural: bool = False  # never negative, and not above 2^63

    @property
    def as_unsigned(self):
        return self.theirs if self.unsigned else f"(uint64){self.theirs}"

    @property
    def as_signed(self):
        return f"(int64){self.theirs}" if self.unsigned else self.theirs

    def wide(self, unsigned):
        return self.as_unsigned if unsigned else self.as_signed


@dataclasses.dataclass(frozen=True)
class String:
    ours: str
    theirs: str


@dataclasses.dataclass(frozen=True)
class Condition:
    """What holds when all of its parts do."""

    ours: str
    theirs: tuple

    def guard(self, statement):
        for part in reversed(self.theirs):
            statement = f"if ({part}) {{ {statement} }}"
        return statement


def made(ours, theirs, unsigned=False, natural=False):
    return Integer(ours, f"({'uint64' if unsigned else 'int64'})({theirs})", unsigned, natural)


def literal(value):
    return Integer(str(value), f"(int64){value}", natural=True)


def field(name, size, signed, prefix="args.", theirs=None):
    """An integer of the record. `int` arguments of system calls are the lower half of what bpftrace reads.

    bpftrace 0.17 widens by the sign of the type that it casts to, not of the one that it casts from.
    """
    unsigned = size == 8 and not signed
    theirs = theirs or f"args->{name}"
    if size < 8:
        theirs = f"(int{8 * size}){theirs}" if signed else f"(uint64)(uint{8 * size}){theirs}"
    return Integer(f"{prefix}{name}", f"({'uint64' if unsigned else 'int64'}){theirs}", unsigned, natural=not signed and size < 8)


def both(op, left, right):
    """Arithmetic or bits."""
    unsigned = left.unsigned or right.unsigned
    natural = op in "&/%" and left.natural and right.natural or op == "&" and (left.natural or right.natural)
    text = f"{left.wide(unsigned)} {op} {right.wide(unsigned)}"
    return made(f"({left.ours} {op} {right.ours})", text, unsigned=unsigned, natural=natural and not unsigned)


def compare(op, left, right):
    unsigned = left.unsigned or right.unsigned
    text = f"{left.wide(unsigned)} {op} {right.wide(unsigned)}"
    return made(f"({left.ours} {op} {right.ours})", text, natural=True)


def truth(operand):
    return f"(int64)({operand.theirs} != 0)"


def logic(op, left, right):
    return made(f"({left.ours} {op} {right.ours})", f"{truth(left)} {op[0]} {truth(right)}", natural=True)


def no(operand):
    return made(f"(!{operand.ours})", f"{operand.theirs} == 0", natural=True)


def negate(operand):
    return made(f"(-{operand.ours})", f"0 - {operand.as_signed}")


def invert(operand):
    if operand.unsigned:
        return made(f"(~{operand.ours})", f"{operand.theirs} ^ (uint64)(0 - 1)", unsigned=True)
    return made(f"(~{operand.ours})", f"(0 - 1) - {operand.theirs}")


def choose(condition, yes, other):
    unsigned = yes.unsigned or other.unsigned
    kind = "uint64" if unsigned else "int64"
    taken = f"({kind}){truth(condition)}"
    return made(
        f"if({condition.ours}, {yes.ours}, {other.ours})",
        f"{taken} * {yes.wide(unsigned)} + (({kind})1 - {taken}) * {other.wide(unsigned)}",
        unsigned,
        yes.natural and other.natural,
    )


def shift(op, left, bits):
    natural = op == ">>" and left.natural
    return made(f"({left.ours} {op} {bits})", f"{left.theirs} {op} {bits}", left.unsigned, natural)


class Expressions:
    """Random ones over `leaves`: Integers and Strings."""

    def __init__(self, random, leaves, texts=()):
        self.random, self.texts = random, texts
        self.integers = [leaf for leaf in leaves if isinstance(leaf, Integer)]
        self.strings = [leaf for leaf in leaves if isinstance(leaf, String)]

    def literal(self):
        return literal(self.random.choice([self.random.randrange(16), self.random.randrange(5000), 2 ** self.random.randrange(33)]))

    def integer(self, depth):
        if depth == 0:
            return self.literal() if self.random.random() < 0.25 else self.random.choice(self.integers)
        kind = self.random.randrange(10)
        if kind < 4:
            return both(self.random.choice("+-*&|^"), self.integer(depth - 1), self.integer(depth - 1))
        if kind == 4:
            return both(self.random.choice("/%"), self.natural(depth - 1), literal(self.random.choice([2, 3, 7, 10, 64, 1000])))
        if kind == 5:
            if self.random.random() < 0.5:
                return shift("<<", self.integer(depth - 1), self.random.randrange(12))
            return shift(">>", self.natural(depth - 1), self.random.randrange(64))
        if kind == 6:
            return choose(self.truth(depth - 1), self.integer(depth - 1), self.integer(depth - 1))
        if kind == 7:
            return self.random.choice([negate, invert])(self.integer(depth - 1))
        if kind == 8:
            return self.truth(depth - 1)
        return self.integer(0)

    def natural(self, depth):
        operand = self.integer(depth)
        return operand if operand.unsigned or operand.natural else both("&", operand, literal(0xFFFFFF))

    def truth(self, depth):
        kind = self.random.randrange(5)
        if kind == 0 and depth > 0:
            return logic(self.random.choice(["&&", "||"]), self.truth(depth - 1), self.truth(depth - 1))
        if kind == 1 and depth > 0:
            return no(self.truth(depth - 1))
        op = self.random.choice(["<", "<=", ">", ">=", "==", "!="])
        return compare(op, self.integer(min(depth, 1)), self.integer(min(depth, 1)))

    def condition(self, depth):
        ours, theirs = [], []
        if self.strings and self.random.random() < 0.4:
            string, text, op = self.random.choice(self.strings), self.random.choice(self.texts), self.random.choice(["==", "!="])
            ours.append(f'{string.ours} {op} "{text}"')
            theirs.append(f'{string.theirs} {op} "{text}"')
        if not ours or self.random.random() < 0.5:
            truth = self.truth(depth)
            ours.append(truth.ours)
            theirs.append(f"{truth.theirs} != 0")
        return Condition(" && ".join(ours), tuple(theirs))

    def small(self, depth):
        """One of a few values, some of them negative."""
        few = both("&", self.integer(depth), literal(self.random.choice([1, 3, 7, 15])))
        return few if few.unsigned or self.random.random() < 0.5 else both("-", few, literal(self.random.randrange(8)))
