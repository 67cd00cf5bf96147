// The slides: a timeline to point at, and a viewer with keys.

import { onKeys } from "./keyboard.js";

const byId = (id) => document.getElementById(id);
const cards = () => [...document.querySelectorAll(".slide")];
let shown = { slide: 0, step: 0 };

const pictureOf = (slide, step) => {
  const part = step ? `[data-step="${step}"]` : ":not([data-step])";
  return document.querySelector(`a[data-slide="${slide}"]${part}`);
};

const stepsOf = (slide) => document.querySelectorAll(`a[data-slide="${slide}"][data-step]`).length;

const describe = (slide, step) => {
  const text = `Slide ${slide} of ${cards().length}`;
  return step ? `${text}, build step ${step} of ${stepsOf(slide)}` : text;
};

const show = (slide, step = 0) => {
  const link = pictureOf(slide, step);
  if (!link) return;
  shown = { slide, step };
  byId("viewer-image").src = link.href;
  byId("viewer-image").alt = describe(slide, step);
  byId("viewer-text").textContent = describe(slide, step);
  byId("viewer-file").href = link.href;
  const target = byId(`slide-${slide}`).querySelector("a.time");
  byId("viewer-time").hidden = !target;
  if (target) {
    byId("viewer-time").href = target.href;
    byId("viewer-time").textContent = `Watch at ${target.firstChild.data.trim()}`;
  }
  byId("previous").disabled = slide === 1;
  byId("next").disabled = slide === cards().length;
  if (!byId("viewer").open) byId("viewer").showModal();
};

const turn = (by) => show(shown.slide + by);

// Steps run from the first build to the finished slide, which is step 0.
const turnStep = (by) => {
  const all = stepsOf(shown.slide);
  const next = (shown.step || all + 1) + by;
  if (next >= 1 && next <= all + 1) show(shown.slide, next > all ? 0 : next);
};

const currentCard = () => cards().findIndex((card) => card.classList.contains("current"));

const goTo = (position) => {
  const all = cards();
  const card = all[Math.max(0, Math.min(all.length - 1, position))];
  if (!card) return false;
  for (const other of all) other.classList.toggle("current", other === card);
  card.scrollIntoView({ block: "nearest" });
  card.querySelector(".picture").focus({ preventScroll: true });
  return true;
};

const either = (inViewer, onPage) => () => {
  if (document.querySelector("dialog.ask[open]") || !byId("viewer")) return false;
  if (byId("viewer").open) { inViewer(); return true; }
  return onPage?.() ?? false;
};

const previousCard = () => goTo(currentCard() < 0 ? 0 : currentCard() - 1);
const nextCard = () => goTo(currentCard() + 1);

onKeys({
  ArrowLeft: either(() => turn(-1), previousCard),
  ArrowRight: either(() => turn(1), nextCard),
  k: either(() => turn(-1), previousCard),
  j: either(() => turn(1), nextCard),
  ArrowUp: either(() => turnStep(-1)),
  ArrowDown: either(() => turnStep(1)),
  Home: either(() => show(1)),
  End: either(() => show(cards().length)),
});

document.addEventListener("click", (event) => {
  const picture = event.target.closest("a[data-slide]");
  if (!picture || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(Number(picture.dataset.slide), Number(picture.dataset.step || 0));
});

const clock = (time) => {
  const whole = Math.floor(time);
  const pad = (n) => String(n).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
};

const readSpans = () => cards().flatMap((card) => card.dataset.spans.split(" ").map((span) => {
  const [start, end] = span.split("-").map(Number);
  return { start, end, slide: Number(card.id.slice("slide-".length)) };
}));

const slideAt = (spans, time) => spans.findLast((span) => time >= span.start && time < span.end)?.slide ?? 0;

const light = (drawing, slide) => {
  for (const bar of drawing.querySelectorAll(".bar")) {
    bar.classList.toggle("lit", slide > 0 && Number(bar.dataset.slide) === slide);
  }
};

const placePeek = (timeline, clientX) => {
  const peek = byId("peek");
  const half = peek.offsetWidth / 2;
  const x = clientX - timeline.getBoundingClientRect().left;
  peek.style.left = `${Math.max(half, Math.min(timeline.clientWidth - half, x))}px`;
};

// Whatever lies under the pointer, however narrow its bar.
const watchTimeline = (timeline) => {
  const drawing = timeline.querySelector("svg");
  const spans = readSpans();
  const duration = Number(timeline.dataset.duration);
  const partAt = (event) => {
    const box = drawing.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  drawing.addEventListener("pointermove", (event) => {
    const part = partAt(event);
    const slide = slideAt(spans, part * duration);
    const cursor = byId("cursor");
    cursor.setAttribute("x1", `${part * 100}%`);
    cursor.setAttribute("x2", `${part * 100}%`);
    cursor.setAttribute("visibility", "visible");
    byId("peek-image").hidden = !slide;
    if (slide) byId("peek-image").src = pictureOf(slide, 0).href;
    byId("peek-text").textContent = `${clock(part * duration)} · ${slide ? `slide ${slide}` : "no slide"}`;
    byId("peek").hidden = false;
    placePeek(timeline, event.clientX);
    light(drawing, slide);
  });
  drawing.addEventListener("pointerleave", () => {
    byId("peek").hidden = true;
    byId("cursor").setAttribute("visibility", "hidden");
    light(drawing, 0);
  });
  drawing.addEventListener("click", (event) => {
    const slide = slideAt(spans, partAt(event) * duration);
    event.preventDefault();
    if (slide) goTo(slide - 1);
  });
};

const watchViewer = (viewer) => {
  viewer.addEventListener("close", () => goTo(shown.slide - 1));
  viewer.addEventListener("click", (event) => {
    if (event.target.closest(".stage") && event.target.tagName !== "IMG") viewer.close();
  });
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("close").addEventListener("click", () => viewer.close());
};

const watched = new WeakSet();

/** Makes timeline and viewer of this page work, where there are any; once for each. */
export const watchSlides = () => {
  for (const [id, start] of [["timeline", watchTimeline], ["viewer", watchViewer]]) {
    const element = byId(id);
    if (!element || watched.has(element)) continue;
    watched.add(element);
    start(element);
  }
};
