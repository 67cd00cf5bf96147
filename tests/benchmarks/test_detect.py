"""The bench of detection: outcomes become figures, figures an exit code."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.detect import main, parsed, write_docs
from benchmarks.detection import peers, rivals
from benchmarks.detection.figures import figures
from benchmarks.detection.outcomes import Outcome, peer_on
from benchmarks.detection.peers import Call, Environment, Peer
from benchmarks.detection.results import Results
from benchmarks.detection.tables import tables
from benchmarks.detection.videos import Talk
from benchmarks.measured import Usage
from benchmarks.report import Figure, this_machine
from benchmarks.scoring import Prediction
from benchmarks.talks.make import make_talk

QUICK = Usage(code=0, wall_s=1.0, cpu_s=1.5, peak_mb=120)


def outcome(tool: str = peers.OURS, *, f1: float = 1.0, group: str = "dev", regime: str = "a_cuts",
            error: str | None = None, duration_s: float = 180) -> Outcome:  # fmt: skip
    return Outcome(
        tool=tool, group=group, talk=regime, regime=regime, fps=25, duration_s=duration_s,
        usage=QUICK, f1=f1, slides=19, start_errors_s=[] if error else [0.02, 0.04], error=error,
    )  # fmt: skip


def named(found: list[Figure], name: str) -> Figure:
    return next(figure for figure in found if figure.name == name)


def test_reads_what_slides_extract_prints() -> None:
    text = json.dumps(
        {
            "manifest": "file:///out/manifest.json",
            "slides": [
                {
                    "index": 1,
                    "image": "/out/slides/0001.webp",
                    "spans": [{"start": 1.5, "end": 9}, {"start": 20, "end": 30}],
                }
            ],
        }
    )
    assert peers.read_json(text) == [
        Prediction(start=1.5, end=9, image=Path("/out/slides/0001.webp"))
    ]


def test_a_regime_may_stay_behind_the_best_rival_by_a_little() -> None:
    figure = named(figures([outcome(f1=0.96)], {}), "dev: F1 a_cuts")
    assert figure.floor == pytest.approx(0.97)
    assert figure.goal == 1.0
    assert figure.fails


def test_a_weak_regime_still_has_a_floor() -> None:
    figure = named(figures([outcome(regime="k_typing", f1=0.8)], {}), "dev: F1 k_typing")
    assert figure.floor == 0.85
    assert figure.goal == 0.75


def test_talks_of_a_regime_are_averaged() -> None:
    members = [outcome(group="more", f1=f1) for f1 in (1.0, 0.8)]
    assert named(figures(members, {}), "more: F1 a_cuts").value == pytest.approx(0.9)


def test_rivals_that_were_run_are_what_a_generated_talk_stands_beside() -> None:
    ours, rival = outcome(group="generated", f1=0.9), outcome("tool", group="generated", f1=0.95)
    figure = named(figures([ours, rival], {}), "generated: F1 a_cuts")
    assert (figure.goal, figure.beside) == (0.95, "tool 0.95")


def test_the_long_talk_is_held_against_decoding() -> None:
    limits = {"a_cuts": {"full decode": Usage(code=0, wall_s=56, cpu_s=77, peak_mb=73)}}
    found = figures([outcome(group="long", duration_s=3728)], limits)
    assert named(found, "62 minutes: faster than full decode").value == 56
    assert named(found, "62 minutes: CPU-x").value == pytest.approx(3728 / 1.5)
    assert named(found, "62 minutes: peak memory").verdict == "goal reached"


def test_a_failed_run_is_no_speed_record() -> None:
    found = figures([outcome(f1=0, error="exit code 1")], {})
    assert named(found, "dev: mean CPU-x").value is None
    assert named(found, "dev: mean CPU-x").fails
    assert named(found, "dev: mean F1").value == 0


def test_frames_count_at_hard_cuts_only() -> None:
    found = figures([outcome(), outcome(regime="b_fades")], {})
    assert named(found, "dev: start error at hard cuts, median").value == pytest.approx(0.75)
    assert named(found, "dev: start error, median").value == pytest.approx(0.03)


def test_recorded_rivals_are_complete() -> None:
    assert len(rivals.recorded()) == 10
    assert all(len(rival.f1) == len(rivals.LETTERS) for rival in rivals.recorded())
    assert rivals.best_f1("f") == (0.85, "deck-extract")
    assert rivals.best_f1("k") == (0.75, "vid2slides")
    best = [rivals.best_f1(letter)[0] for letter in rivals.LETTERS]
    assert sum(best) / len(best) == pytest.approx(0.96, abs=0.001)


@pytest.mark.parametrize(
    ("names", "want"),
    [("none", []), ("vid2slides,ffmpeg-scene", ["vid2slides", "ffmpeg-scene"])],
)
def test_chooses_peers(names: str, want: list[str]) -> None:
    assert [peer.name for peer in peers.chosen(names)] == want


def test_unknown_peers_are_refused() -> None:
    with pytest.raises(SystemExit, match="No peer named nobody"):
        peers.chosen("nobody")


def test_peers_without_their_program_say_so(tmp_path: Path) -> None:
    peer = Peer("absent", (), lambda _: [], lambda _: [], system="no-such-program")
    with pytest.raises(peers.PeerMissingError, match="no-such-program is not on this machine"):
        peers.prepare(peer, tmp_path)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return Talk(
        "any", make_talk("a_cuts", 3, tmp_path_factory.mktemp("talk"), seconds=4, height=360)
    )


HERE = Environment(Path(sys.executable).parent, Path(sys.executable))
FIRST_FRAME = (
    "import sys, cv2; ok, frame = cv2.VideoCapture(sys.argv[1]).read(); "
    "assert ok; cv2.imwrite('first.png', frame)"
)


def first_frame(call: Call) -> list[str]:
    return [call.program("python"), "-c", FIRST_FRAME, str(call.video)]


def read_first(call: Call) -> list[Prediction]:
    return [Prediction(start=0, image=call.folder / "first.png")]


def test_scores_what_a_peer_leaves_behind(talk: Talk) -> None:
    result = peer_on(Peer("first", (), first_frame, read_first), HERE, talk)
    assert result.error is None
    assert (result.predicted, result.junk) == (1, 0)
    assert result.precision == 1
    assert 0 < result.f1 < 1
    assert result.spent is not None


def test_a_failing_peer_says_why(talk: Talk) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('out of order')"]
    result = peer_on(Peer("bad", (), lambda _: command, lambda _: []), HERE, talk)
    assert result.error == "exit code 1: out of order"
    assert result.realtime_x is None


def results(*outcomes: Outcome) -> Results:
    found = figures(outcomes, {})
    return Results(
        title="Slide detection", machine=this_machine(2), figures=found, outcomes=list(outcomes),
        limits={}, missing={"deck-extract": "cannot be installed: no network"},
    )  # fmt: skip


def test_tables_show_what_could_not_be_run() -> None:
    shown = {title: lines for title, _, lines in tables(results(outcome()))}
    lines = [line[0] for line in shown["F1 by regime, dev"]]
    assert lines[0] == peers.OURS
    assert "vid2slides (recorded)" in lines
    assert "deck-extract: cannot be installed: no network" in lines


def test_a_saved_run_is_shown_again_with_its_exit_code(tmp_path: Path) -> None:
    saved = tmp_path / "detect.json"
    saved.write_text(results(outcome(f1=0.5)).model_dump_json())
    assert main(["--replay", str(saved)]) == 1


def test_writes_tables_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    source = Path(__file__).parents[2] / "docs" / "benchmarks.md"
    page.write_text(source.read_text())
    write_docs(results(outcome()), page)
    assert "| dev: mean F1 | 1 |" in page.read_text()
    assert "### F1 by regime, dev" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "want"),
    [([], True), (["--only", "x"], False), (["--only", "x", "--long"], True),
     (["--no-long"], False)],
)  # fmt: skip
def test_the_long_talks_are_left_out_when_one_is_asked_for(
    arguments: list[str], want: bool
) -> None:
    assert parsed(arguments).long is want


def test_pdf_pages_need_no_library_of_ours(tmp_path: Path) -> None:
    call = Call(HERE, tmp_path / "talk.mp4", tmp_path)
    assert peers.pdf_pages(call, tmp_path / "absent.pdf") == []


def test_reads_times_that_ffmpeg_logs(tmp_path: Path) -> None:
    (tmp_path / "stderr").write_text("[x] n:0 pts_time:0 ...\n[x] n:1 pts_time:4.2 ...\n")
    for number in (1, 2):
        (tmp_path / f"{number:05d}.png").touch()
    peer = peers.chosen("ffmpeg-keyframes")[0]
    read = peer.read(Call(HERE, tmp_path / "talk.mp4", tmp_path))
    assert [prediction.start for prediction in read] == [0, 4.2]
