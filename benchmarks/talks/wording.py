"""Titles, bullets, code and numbers of the decks, put together from small stocks of words."""

import random

SUBJECTS = {
    "rivers": (
        "river delta flood sediment gauge tide basin estuary dam spring meander runoff marsh bank",
        "measure predict model widen map erode compare restore drain observe",
    ),
    "compilers": (
        "parser token register branch loop block type cache linker macro heap stack frame closure",
        "inline lower rewrite allocate schedule fold parse unroll analyse emit",
    ),
    "markets": (
        "price order auction ledger margin trade risk bond index hedge quote spread contract yield",
        "settle match price forecast clear bound estimate rank weigh audit",
    ),
    "bees": (
        "hive queen nectar swarm pollen comb drone brood flower forager scent dance honey winter",
        "gather guard signal feed follow store cool return divide visit",
    ),
    "networks": (
        "packet router queue socket proxy latency cluster shard replica quorum leader retry buffer",
        "route batch retry replicate elect throttle drop measure balance trace",
    ),
    "learning": (
        "gradient layer batch weight loss token embedding sample label kernel epoch model residual",
        "train sample prune tune regularise probe evaluate distil cluster align",
    ),
}
"""Subject: its nouns, its verbs."""

TITLES = (
    "Why the {a} matters",
    "From {a} to {b}",
    "The {a} and its {b}",
    "How we {v} a {a}",
    "{A}: what we know",
    "A closer look at the {a}",
    "{A} versus {b}",
    "Three ways to {v} the {a}",
    "What goes wrong with {a} and {b}",
    "Results for the {a}",
    "Method: {v} every {a}",
    "{A} in practice",
)
BULLETS = (
    "{V} the {a} before the {b}",
    "Each {a} holds {n} of them",
    "A {a} without a {b} fails in {n} of 100 cases",
    "No {a}, no {b}",
    "{A} and {b} grow together",
    "We {v} once, then {w} for every {a}",
    "Older {a}s are {n} % slower",
    "Only the first {a} decides",
    "{V}, {w}, and start over",
    "The {b} explains {n} % of the {a}",
    "Cost falls from {n} to {m} per {a}",
    "{A}s that {v} the {b} survive",
)
SECTIONS = ("Part {k}", "{A}", "Questions?", "Break", "{A} and {b}", "Summary", "Thank you")

CODE = (
    '''class Ledger:
    """Keeps what each account holds."""

    def __init__(self):
        self.totals = {}

    def book(self, account, amount):
        if amount == 0:
            return
        old = self.totals.get(account, 0)
        self.totals[account] = old + amount

    def balance(self):
        return sum(self.totals.values())''',
    """def neighbours(grid, x, y):
    # yields the cells around one cell
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            if dx == 0 and dy == 0:
                continue
            if (x + dx, y + dy) in grid:
                yield x + dx, y + dy


def step(grid):
    counts = count(grid)
    return {c for c in counts
            if alive(counts[c], c in grid)}""",
    """async def fetch_all(urls, limit=8):
    gate = Semaphore(limit)
    pages = []

    async def fetch(url):
        async with gate:
            page = await get(url)
            pages.append(page)

    async with TaskGroup() as group:
        for url in urls:
            group.create_task(fetch(url))
    return pages""",
    """fn longest(words: &[String]) -> usize {
    let mut best = 0;
    for word in words {
        // letters, not bytes
        let letters = word.chars().count();
        if letters > best {
            best = letters;
        }
    }
    best
}

fn main() {
    println!("{}", longest(&read()));
}""",
    """SELECT gauge.name,
       avg(level.metres) AS mean,
       max(level.metres) AS peak
  FROM gauge
  JOIN level ON level.gauge = gauge.id
 WHERE level.day >= '2020-01-01'
   AND gauge.river IN ('Elbe', 'Oder')
 GROUP BY gauge.name
HAVING count(*) > 100
 ORDER BY peak DESC
 LIMIT 10;""",
    """func worker(jobs <-chan Job, out chan<- Result) {
    for job := range jobs {
        start := time.Now()
        value, err := job.Run()
        if err != nil {
            log.Println("failed", job.Name)
            continue
        }
        out <- Result{job.Name, value,
            time.Since(start)}
    }
}""",
    '''import numpy as np


def smooth(signal, width):
    """Running mean, same length."""
    kernel = np.ones(width) / width
    padded = np.pad(signal, width // 2, "edge")
    return np.convolve(padded, kernel, "valid")


def peaks(signal, floor=0.5):
    rising = np.diff(signal) > 0
    turns = np.flatnonzero(rising[:-1] & ~rising[1:])
    return turns[signal[turns] > floor]''',
    """<template>
  <section class="slides">
    <h2>{{ talk.title }}</h2>
    <ol>
      <li v-for="slide in slides">
        <img :src="slide.image">
        <time>{{ slide.start }}</time>
      </li>
    </ol>
    <button @click="download">
      Save as PDF
    </button>
  </section>
</template>""",
)


class Wording:
    """Makes up the texts of one deck about one subject."""

    def __init__(self, rng: random.Random, subject: str | None = None) -> None:
        self._rng = rng
        self.subject = subject or rng.choice(sorted(SUBJECTS))
        nouns, verbs = SUBJECTS[self.subject]
        self._nouns, self._verbs = nouns.split(), verbs.split()

    def fill(self, template: str) -> str:
        """Return a template with its words chosen."""
        a, b = self._rng.sample(self._nouns, 2)
        v, w = self._rng.sample(self._verbs, 2)
        n, m = self._rng.randint(11, 98), self._rng.randint(2, 10)
        words = {"a": a, "b": b, "A": a.capitalize(), "v": v, "V": v.capitalize(), "w": w}
        return template.format(**words, n=n, m=m, k=self._rng.randint(1, 9))

    def title(self) -> str:
        """Return a slide's title."""
        return self.fill(self._rng.choice(TITLES))

    def section(self) -> str:
        """Return a few words that stand alone on a slide."""
        return self.fill(self._rng.choice(SECTIONS))

    def bullets(self, count: int) -> list[str]:
        """Return different bullets."""
        return [self.fill(template) for template in self._rng.sample(BULLETS, count)]

    def paragraph(self, sentences: int) -> str:
        """Return running text."""
        return ". ".join(self.fill(self._rng.choice(BULLETS)) for _ in range(sentences)) + "."

    def noun(self) -> str:
        """Return a word of the subject."""
        return self._rng.choice(self._nouns)

    def code(self) -> str:
        """Return a piece of a program."""
        return self._rng.choice(CODE)
