"""The regimes that slide detection is measured in: one maker of a talk for each."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.talks.decks import DeckMaker, Slide
from benchmarks.talks.editors import EDITORS, Editor
from benchmarks.talks.effects import (
    Camera,
    Clock,
    Corner,
    FullFace,
    Inset,
    Player,
    Pointer,
    PointerKind,
    SideColumn,
)
from benchmarks.talks.encode import Encoding
from benchmarks.talks.people import blank_room
from benchmarks.talks.pictures import Picture
from benchmarks.talks.scenes import TURNS, Live, Reel, Scene, Turn, shown_steps, true_states
from benchmarks.talks.truth import TrueSlide, Truth
from benchmarks.talks.wording import CODE

CORNERS: tuple[Corner, ...] = ("right-bottom", "left-bottom", "right-top", "left-top")
POINTERS: tuple[PointerKind, ...] = ("arrow", "black-arrow", "laser", "green-laser", "spotlight")
NAMES = ("Dr. Ada Stein", "Prof. Jonas Okafor", "Mei Tanaka", "Lucia Ferrer, CTO")


@dataclass(frozen=True)
class Setting:
    """What a maker gets: a source of chance, the truth to fill, and the length to reach."""

    rng: random.Random
    truth: Truth
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.truth.size


Maker = Callable[[Setting], Reel]


class Show:
    """Puts the slides of one deck on a reel, with their truth."""

    def __init__(self, setting: Setting, *, effects: Sequence[Live] = ()) -> None:
        self.rng = setting.rng
        self.setting = setting
        self.maker = DeckMaker(setting.rng, setting.size)
        self.reel = Reel(setting.truth, effects=effects)
        self.shown: Picture | None = None
        self._count = 0

    @property
    def running(self) -> bool:
        """Whether the talk is still short of its length."""
        return self.reel.seconds < self.setting.seconds

    def slide(self, *, built: bool = False) -> Slide:
        """Return a new slide; the first one of a talk is its opening."""
        if self._count == 0:
            return self.maker.draw(self.maker.opening())
        return self.maker.draw(self.maker.built_draft() if built else self.maker.any_draft())

    def know(
        self,
        slide: Slide,
        steps: Sequence[int],
        *,
        seen: Callable[[Picture], Picture] | None = None,
        flat: bool = False,
    ) -> list[TrueSlide]:
        """Enter a slide's states into the truth, as they are seen."""
        self._count += 1
        states = true_states(slide, self._count, steps)
        if seen:
            states = [
                TrueSlide(
                    s.id,
                    s.group,
                    s.final,
                    seen(s.picture),
                    flat=s.picture if flat else None,
                    text=s.text,
                )
                for s in states
            ]
        for state in states:
            self.reel.know(state)
        return states

    def present(
        self, slide: Slide, seconds: float, *, turn: Turn | None = None, live: Live | None = None
    ) -> str:
        """Show a finished slide, perhaps after a transition; return its id."""
        state = self.know(slide, [len(slide.steps) - 1])[0]
        self.again(slide.final, state.id, seconds, turn=turn, live=live)
        return state.id

    def again(self, picture: Picture, slide_id: str, seconds: float, *, turn: Turn | None = None,
              live: Live | None = None) -> None:  # fmt: skip
        """Show a slide that is known."""
        if turn and self.shown is not None:
            self.reel.turn(self.shown, picture, self.rng.uniform(0.4, 1.2), turn)
        self.reel.hold(picture, seconds, slide_id, live=live)
        self.shown = picture

    def pair(self, seconds: tuple[float, float], *, turn: Turn | None = None) -> None:
        """Show two slides that differ by one number."""
        for draft in self.maker.changed_number():
            self.present(self.maker.draw(draft), self.rng.uniform(*seconds), turn=turn)


def cuts(setting: Setting) -> Reel:
    """Return a talk of hard cuts."""
    show = Show(setting)
    while show.running:
        show.present(show.slide(), show.rng.uniform(4, 11))
    show.pair((4, 8))
    return show.reel


def fades(setting: Setting) -> Reel:
    """Return a talk of cross-fades, fades through black, wipes and pushes, and a few hard cuts."""
    show = Show(setting)
    favourite = show.rng.choice(TURNS)
    while show.running:
        turn = favourite if show.rng.random() < 0.5 else show.rng.choice(TURNS)
        cut = show.rng.random() < 0.1
        show.present(show.slide(), show.rng.uniform(4, 10), turn=None if cut else turn)
    return show.reel


def insets(setting: Setting) -> Reel:
    """Return a talk with a moving presenter in a corner, round or not, or beside the slide."""
    rng = setting.rng
    side = SideColumn(rng, setting.size) if rng.random() < 0.3 else None
    corners = {0.0: rng.choice(CORNERS)}
    if rng.random() < 0.5:
        corners[setting.seconds * rng.uniform(0.3, 0.7)] = rng.choice(CORNERS)
    presenter = side or Inset(rng, setting.size, corners, round_=rng.random() < 0.4)
    setting.truth.mask = presenter.regions()
    show = Show(setting, effects=[presenter])
    while show.running:
        slide = show.slide()
        state = show.know(slide, [len(slide.steps) - 1], seen=side.laid_out if side else None)[0]
        turn: Turn | None = "fade" if rng.random() < 0.2 else None
        show.again(slide.final, state.id, rng.uniform(4, 12), turn=turn)
    return show.reel


def builds(setting: Setting) -> Reel:
    """Return a talk of slides that are built up: steps that appear, fade in or fly in."""
    show = Show(setting)
    entrance: Turn | None = show.rng.choice((None, None, "fade", "fly-in"))
    while show.running:
        slide = show.slide(built=show.rng.random() < 0.75)
        steps = shown_steps(show.rng, slide, built=len(slide.steps) > 1)
        states = show.know(slide, steps)
        for number, (state, step) in enumerate(zip(states, steps, strict=True)):
            if entrance and number:
                show.reel.turn(slide.steps[step - 1], state.picture, 0.4, entrance)
            show.reel.hold(state.picture, show.rng.uniform(2.2, 6), state.id)
    return show.reel


def revisits(setting: Setting) -> Reel:
    """Return a talk that goes back to its slides, once or more."""
    show = Show(setting)
    known: list[tuple[Picture, str]] = []
    clock = Clock(show.maker.theme, setting.size, left=True) if show.rng.random() < 0.4 else None
    while show.running:
        if len(known) > 2 and show.rng.random() < 0.4:
            picture, slide_id = show.rng.choice(known[:-1])
            show.again(picture, slide_id, show.rng.uniform(3, 8), live=clock)
            continue
        slide = show.slide()
        known.append((slide.final, show.present(slide, show.rng.uniform(4, 9), live=clock)))
    return show.reel


def camera(setting: Setting) -> Reel:
    """Return a talk filmed from the audience, with people who pass before the screen."""
    filmed = Camera(setting.rng, setting.size, setting.seconds)
    setting.truth.mask = filmed.regions()
    show = Show(setting, effects=[filmed])
    while show.running:
        slide = show.slide()
        state = show.know(slide, [len(slide.steps) - 1], seen=filmed.still, flat=True)[0]
        show.again(slide.final, state.id, show.rng.uniform(5, 12))
    return show.reel


def embedded(setting: Setting) -> Reel:
    """Return a talk with a film that plays inside some of the slides."""
    player = Player(setting.rng, setting.size, setting.rng.choice((0.25, 0.38, 0.55)))
    setting.truth.mask = player.regions()
    show = Show(setting)
    while show.running:
        playing = show.rng.random() < 0.6
        show.present(show.slide(), show.rng.uniform(5, 12), live=player if playing else None)
    return show.reel


def pointers(setting: Setting) -> Reel:
    """Return a talk with a mouse or a laser that moves over the slides."""
    show = Show(setting)
    kinds = show.rng.sample(POINTERS, 2)
    makers = [Pointer(show.rng, setting.size, kind, setting.seconds + 20) for kind in kinds]
    clock = Clock(show.maker.theme, setting.size, left=True) if show.rng.random() < 0.4 else None

    def live(pointer: Pointer) -> Live:
        return lambda picture, time_s: pointer(clock(picture, time_s) if clock else picture, time_s)

    while show.running:
        show.present(show.slide(), show.rng.uniform(4, 11), live=live(show.rng.choice(makers)))
    return show.reel


def talking_heads(setting: Setting) -> Reel:
    """Return a talk with a face that fills the picture between slides."""
    show = Show(setting)
    faces = [FullFace(show.rng, setting.size, show.rng.choice((None, *NAMES))) for _ in range(2)]
    nobody = blank_room(*setting.size)
    while show.running:
        face = show.rng.choice(faces)
        show.reel.hold(nobody, show.rng.uniform(4, 10), None, kind="nonslide", live=face)
        show.shown = face(nobody, show.reel.seconds)
        turn: Turn | None = "fade" if show.rng.random() < 0.4 else None
        for _ in range(show.rng.randint(1, 4)):
            show.present(show.slide(), show.rng.uniform(4, 11), turn=turn)
            turn = None
    return show.reel


def flips(setting: Setting) -> Reel:
    """Return a talk with slides of one to two seconds, and some longer ones."""
    show = Show(setting)
    while show.running:
        quick = show.rng.random() < 0.7
        show.present(show.slide(), show.rng.uniform(1, 2) if quick else show.rng.uniform(4, 8))
    return show.reel


def typing(setting: Setting) -> Reel:
    """Return a talk of programs typed live in a dark editor, each left standing for a while."""
    rng, truth = setting.rng, setting.truth
    reel = Reel(truth)
    theme = rng.choice(EDITORS)
    programs = rng.sample(CODE, len(CODE))
    for number, code in enumerate(programs, 1):
        if reel.seconds >= setting.seconds:
            break
        _type_program(setting, reel, theme=EDITORS.index(theme), code=code, name=f"code{number}")
    return reel


def _type_program(setting: Setting, reel: Reel, *, theme: int, code: str, name: str) -> None:
    rng, fps = setting.rng, setting.truth.fps
    editor = Editor(
        rng, setting.size, EDITORS[theme], f"{name}.txt - {rng.choice(NAMES).split()[-1]}"
    )
    pictures = list(editor.type(code))
    for share in (25, 50, 75):
        half = pictures[len(pictures) * share // 100]
        reel.know(TrueSlide(f"{name}p{share}", name, final=False, picture=half, partial=True))
    reel.know(TrueSlide(name, name, final=True, picture=pictures[-1], text=tuple(code.split("\n"))))
    pace = rng.uniform(8, 16)
    frames = round(len(pictures) / pace * fps)
    scene = Scene(frames, lambda n: pictures[min(len(pictures) - 1, n * len(pictures) // frames)])
    reel.play(scene, name, "growing")
    reel.hold(pictures[-1], rng.uniform(4, 8), name)


def long_talk(setting: Setting) -> Reel:
    """Return a whole lecture: faces, an inset presenter, builds, fades, slides returned to."""
    rng = setting.rng
    inset = Inset(rng, setting.size, {0.0: rng.choice(CORNERS)}, round_=False)
    setting.truth.mask = inset.regions()
    show = Show(setting)
    face = FullFace(rng, setting.size, rng.choice(NAMES))
    nobody = blank_room(*setting.size)
    known: list[tuple[Picture, str]] = []
    show.reel.hold(nobody, rng.uniform(20, 40), None, kind="nonslide", live=face)
    while show.running:
        _lecture_step(show, inset, known)
        if rng.random() < 0.08:
            show.reel.hold(nobody, rng.uniform(10, 30), None, kind="nonslide", live=face)
            show.shown = None
    return show.reel


def _lecture_step(show: Show, inset: Inset, known: list[tuple[Picture, str]]) -> None:
    rng = show.rng
    turn: Turn | None = "fade" if rng.random() < 0.2 else None
    live = inset if rng.random() < 0.5 else None
    if len(known) > 3 and rng.random() < 0.15:
        picture, slide_id = rng.choice(known[:-1])
        show.again(picture, slide_id, rng.uniform(8, 25), turn=turn, live=live)
        return
    slide = show.slide(built=rng.random() < 0.3)
    steps = shown_steps(rng, slide, built=rng.random() < 0.4)
    states = show.know(slide, steps)
    shortest, longest = (6, 18) if len(steps) > 1 else (18, 45)
    for state in states:
        seconds = rng.uniform(shortest, longest)
        show.again(state.picture, state.id, seconds, turn=turn, live=live)
        turn = None
    known.append((slide.final, states[-1].id))


REGIMES: dict[str, Maker] = {
    "a_cuts": cuts,
    "b_fades": fades,
    "c_pip": insets,
    "d_builds": builds,
    "e_revisit": revisits,
    "f_camera": camera,
    "g_embedded": embedded,
    "h_pointer": pointers,
    "i_talkhead": talking_heads,
    "j_flips": flips,
    "k_typing": typing,
    "l_long": long_talk,
}
"""Every regime by the name that truth and tables use."""


def encoding_of(regime: str, rng: random.Random) -> Encoding:
    """Return how a talk of a regime is encoded: sizes, rates and GOPs as sites have them."""
    full_hd = regime == "a_cuts" or (regime in {"e_revisit", "j_flips"} and rng.random() < 0.3)
    scenecut = rng.random() < 0.35
    return Encoding(
        fps=rng.choice((25, 25, 30)),
        width=1920 if full_hd else 1280,
        height=1080 if full_hd else 720,
        gop_s=rng.choice((2, 4, 5, 5)),
        scenecut=scenecut,
        crf=rng.randint(23, 28),
    )
