#!/usr/bin/env python3
"""Writes the letters that 'llmcost share -o card.png' draws with: outlines of DejaVu Sans as text, a letter a line.

    eng/card-letters.py /usr/share/fonts/truetype/dejavu     (Debian: fonts-dejavu-core)

A line is: code point, width, then the outline: M x y, L x y, Q x y x y, each contour closed where the next begins. 2048 units are the size of the font; y points up.
"""
import struct
import sys

LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180)]
GREEK_AND_CYRILLIC = [*range(0x386, 0x3CF), *range(0x400, 0x460)]
SIGNS = [0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2018, 0x2019, 0x201A, 0x201C, 0x201D, 0x201E, 0x2022, 0x2026, 0x2030, 0x20AC, 0x2122, 0x2190, 0x2192, 0x2212, 0x2248, 0x2264, 0x2265, 0xFFFD]


class Font:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        count = struct.unpack_from(">H", self.data, 4)[0]
        self.tables = {}
        for i in range(count):
            tag, _, offset, _ = struct.unpack_from(">4sLLL", self.data, 12 + 16 * i)
            self.tables[tag.decode()] = offset
        assert self.unpack("head", ">H", 18)[0] == 2048
        self.long_offsets = self.unpack("head", ">h", 50)[0] == 1
        self.widths = self.unpack("hhea", ">H", 34)[0]
        self.glyphs = self.read_cmap()

    def unpack(self, table, form, offset):
        return struct.unpack_from(form, self.data, self.tables[table] + offset)

    def read_cmap(self):
        for i in range(self.unpack("cmap", ">H", 2)[0]):
            at = self.unpack("cmap", ">HHL", 4 + 8 * i)[2]
            if self.unpack("cmap", ">H", at)[0] == 4:
                break
        size = self.unpack("cmap", ">H", at + 6)[0] // 2
        ends = self.unpack("cmap", f">{size}H", at + 14)
        starts = self.unpack("cmap", f">{size}H", at + 16 + 2 * size)
        deltas = self.unpack("cmap", f">{size}H", at + 16 + 4 * size)
        ranges = self.unpack("cmap", f">{size}H", at + 16 + 6 * size)
        glyphs = {}
        for i in range(size):
            for code in range(starts[i], ends[i] + 1):
                glyph = code
                if ranges[i]:
                    glyph = self.unpack("cmap", ">H", at + 16 + 6 * size + 2 * i + ranges[i] + 2 * (code - starts[i]))[0]
                    if glyph == 0:
                        continue
                glyph = (glyph + deltas[i]) & 0xFFFF
                if glyph:
                    glyphs[code] = glyph
        return glyphs

    def width(self, glyph):
        return self.unpack("hmtx", ">H", 4 * min(glyph, self.widths - 1))[0]

    def contours(self, glyph):
        """Contours as lists of (x, y, is on the curve)."""
        form, size = (">L", 4) if self.long_offsets else (">H", 2)
        start, end = (self.unpack("loca", form, size * (glyph + i))[0] * (1 if self.long_offsets else 2) for i in (0, 1))
        if start == end:
            return []
        count = self.unpack("glyf", ">h", start)[0]
        return self.parts(start + 10) if count < 0 else self.points(start + 10, count)

    def parts(self, at):
        found, more = [], True
        while more:
            flags, glyph = self.unpack("glyf", ">HH", at)
            dx, dy = self.unpack("glyf", ">hh" if flags & 1 else ">bb", at + 4)
            at += 8 if flags & 1 else 6
            assert flags & 2, "placed by points"
            a, b, c, d = 1.0, 0.0, 0.0, 1.0
            if flags & 8:
                a = d = self.unpack("glyf", ">h", at)[0] / 16384
                at += 2
            elif flags & 0x40:
                a, d = (value / 16384 for value in self.unpack("glyf", ">hh", at))
                at += 4
            elif flags & 0x80:
                a, b, c, d = (value / 16384 for value in self.unpack("glyf", ">hhhh", at))
                at += 8
            found += [[(round(a * x + c * y + dx), round(b * x + d * y + dy), on) for x, y, on in contour] for contour in self.contours(glyph)]
            more = flags & 0x20
        return found

    def points(self, at, count):
        ends = self.unpack("glyf", f">{count}H", at)
        at += 2 * count
        at += 2 + self.unpack("glyf", ">H", at)[0]
        flags = []
        while len(flags) <= ends[-1]:
            flag = self.unpack("glyf", ">B", at)[0]
            at += 1
            times = 1
            if flag & 8:
                times += self.unpack("glyf", ">B", at)[0]
                at += 1
            flags += [flag] * times
        both = []
        for short, same in ((2, 16), (4, 32)):
            value, values = 0, []
            for flag in flags:
                if flag & short:
                    step = self.unpack("glyf", ">B", at)[0]
                    value += step if flag & same else -step
                    at += 1
                elif not flag & same:
                    value += self.unpack("glyf", ">h", at)[0]
                    at += 2
                values.append(value)
            both.append(values)
        points = [(x, y, flag & 1) for x, y, flag in zip(*both, flags)]
        return [points[first:last + 1] for first, last in zip((0, *(end + 1 for end in ends)), ends)]


def outline(contours):
    words = []
    for contour in contours:
        # Between two points off the curve lies one on it.
        full = []
        for (x, y, on), (ax, ay, after) in zip(contour, contour[1:] + contour[:1]):
            full.append((x, y, on))
            if not on and not after:
                full.append(((x + ax) / 2, (y + ay) / 2, 1))
        while not full[0][2]:
            full = full[1:] + full[:1]
        words += ["M", *full[0][:2]]
        i = 1
        while i < len(full):
            if full[i][2]:
                words += ["L", *full[i][:2]]
                i += 1
            else:
                words += ["Q", *full[i][:2], *full[(i + 1) % len(full)][:2]]
                i += 2
    return " ".join(word if isinstance(word, str) else f"{word:g}" for word in words)


def write(font, codes, path):
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write("# Letters of DejaVu Sans 2.37, written by eng/card-letters.py; its licence is in THIRD-PARTY-NOTICES.md.\n")
        for code in codes:
            if code in font.glyphs:
                glyph = font.glyphs[code]
                file.write(f"{code:X} {font.width(glyph)} {outline(font.contours(glyph))}".rstrip() + "\n")


directory = sys.argv[1]
write(Font(f"{directory}/DejaVuSans.ttf"), LATIN + GREEK_AND_CYRILLIC + SIGNS, "src/LlmCostCache.AI.Cli/Drawing/letters.txt")
write(Font(f"{directory}/DejaVuSans-Bold.ttf"), list(range(0x20, 0x7F)), "src/LlmCostCache.AI.Cli/Drawing/letters-bold.txt")
