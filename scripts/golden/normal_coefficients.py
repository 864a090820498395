"""Makes the polynomial coefficients in src/kernel/normal/polynomial.rs. Python's standard library and elimination.py only.

Each function is interpolated at Chebyshev nodes in 60 digits, which is within a small factor of the best
polynomial, and the coefficients are rounded once. The error printed is that of the polynomial before rounding.
"""

from decimal import Decimal as D, getcontext
from math import cos as fcos, pi as fpi
import struct

from elimination import solve

getcontext().prec = 60
PI = D("3.14159265358979323846264338327950288419716939937510582097494459")


def series(term, ratio):
    """Sums term * product of ratio(n) for n = 1, 2, ... until it no longer changes."""
    total, n = D(0), 0
    while abs(term) > D(10) ** -58:
        total += term
        n += 1
        term *= ratio(n)
    return total


def sin_over_t(z):
    """sin(pi/2 t) / t, z = t^2."""
    q = (PI / 2) ** 2 * z
    return PI / 2 * series(D(1), lambda n: -q / (2 * n * (2 * n + 1)))


def cos_less_one_over_z(z):
    """(cos(pi/2 t) - 1) / t^2."""
    a = (PI / 2) ** 2
    return -a / 2 * series(D(1), lambda n: -a * z / ((2 * n + 1) * (2 * n + 2)))


def log_tail(z):
    """(-2 ln((1 + s) / (1 - s)) / s + 4) / s^2, z = s^2."""
    total, n, power = D(0), 1, D(1)
    while power > D(10) ** -58:
        total += power / (2 * n + 1)
        power *= z
        n += 1
    return -4 * total


def log_over_f(f):
    """-2 ln(1 + f) / f."""
    return D(-2) if f == 0 else -2 * (1 + f).ln() / f


def horner(c, x):
    total = D(0)
    for a in reversed(c):
        total = total * x + a
    return total


def fit(name, function, low, high, count, single=False):
    low, high = D(low), D(high)
    nodes = [(low + high) / 2 + (high - low) / 2 * D(fcos((2 * k + 1) * fpi / (2 * count))) for k in range(count)]
    c = solve([[x**j if j else D(1) for j in range(count)] for x in nodes], [function(x) for x in nodes])
    worst = 0.0
    for k in range(2001):
        x = low + (high - low) * k / 2000
        exact = function(x)
        worst = max(worst, abs(float((horner(c, x) - exact) / exact)))
    narrow = (lambda v: struct.unpack("f", struct.pack("f", v))[0]) if single else float
    print(f"{name}: relative error {worst:.2e}")
    for a in c:
        print(f"    {narrow(float(a))!r},")


fit("LOG", log_tail, 0, "0.0294372515", 7)
fit("SIN", sin_over_t, 0, "0.25", 7)
fit("COS", cos_less_one_over_z, 0, "0.25", 7)
fit("LOG32", log_over_f, "-0.29290", "0.41425", 9, True)
fit("SIN32", sin_over_t, 0, "0.25", 4, True)
fit("COS32", cos_less_one_over_z, 0, "0.25", 4, True)
print("-2 ln 2:", float(-2 * D(2).ln()))
