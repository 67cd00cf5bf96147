"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const cards = [...document.querySelectorAll(".card")];
  const viewer = byId("viewer");
  const toast = byId("toast");
  let shown = { slide: 0, step: 0 };
  let toastTimer = 0;

  // Copying

  const say = (text) => {
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { toast.hidden = true; }, 1600);
  };

  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };

  const copy = async (text, words) => {
    try {
      await navigator.clipboard.writeText(text);
      say(words);
    } catch {
      say(copyBySelection(text) ? words : `Select and copy: ${text}`);
    }
  };

  // The viewer: slide n from 1, step 0 for the finished slide and k for its k-th build step

  const pictureOf = (slide, step) => {
    const part = step ? `[data-step="${step}"]` : ":not([data-step])";
    return document.querySelector(`a[data-slide="${slide}"]${part}`);
  };

  const stepsOf = (slide) => document.querySelectorAll(`a[data-slide="${slide}"][data-step]`).length;

  const describe = (slide, step) => {
    const place = `Slide ${slide} of ${cards.length}`;
    return step ? `${place}, build step ${step} of ${stepsOf(slide)}` : place;
  };

  // The thumbnail stands until the full picture has come, and stays where it cannot.
  const showPicture = (link) => {
    const image = byId("viewer-image");
    const full = new Image();
    image.src = link.querySelector("img").src;
    full.addEventListener("load", () => {
      if (pictureOf(shown.slide, shown.step) === link) image.src = full.src;
    });
    full.src = link.href;
  };

  const show = (slide, step = 0) => {
    const link = pictureOf(slide, step);
    if (!link) return;
    shown = { slide, step };
    showPicture(link);
    byId("viewer-image").alt = describe(slide, step);
    byId("viewer-text").textContent = describe(slide, step);
    byId("viewer-file").href = link.href;
    const time = byId("viewer-time");
    const target = cards[slide - 1].querySelector("a.time");
    time.hidden = !target;
    if (target) { time.href = target.href; time.textContent = `Watch at ${target.firstChild.data}`; }
    byId("previous").disabled = slide === 1;
    byId("next").disabled = slide === cards.length;
    if (!viewer.open) viewer.showModal();
  };

  const turn = (by) => show(shown.slide + by);

  // Steps run from the first build to the finished slide, which is step 0.
  const turnStep = (by) => {
    const count = stepsOf(shown.slide);
    const at = shown.step || count + 1;
    const next = at + by;
    if (next >= 1 && next <= count + 1) show(shown.slide, next > count ? 0 : next);
  };

  const currentCard = () => cards.findIndex((card) => card.classList.contains("current"));

  const goTo = (position) => {
    const card = cards[Math.max(0, Math.min(cards.length - 1, position))];
    if (!card) return;
    cards.forEach((other) => other.classList.toggle("current", other === card));
    card.scrollIntoView({ block: "nearest" });
    card.querySelector(".picture").focus({ preventScroll: true });
  };

  viewer.addEventListener("close", () => goTo(shown.slide - 1));
  viewer.addEventListener("click", (event) => {
    if (event.target.closest(".stage") && event.target.tagName !== "IMG") viewer.close();
  });
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("close").addEventListener("click", () => viewer.close());

  document.addEventListener("click", (event) => {
    const picture = event.target.closest("a[data-slide]");
    const time = event.target.closest("[data-copy]");
    if (picture && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      show(Number(picture.dataset.slide), Number(picture.dataset.step || 0));
    } else if (time) {
      copy(time.dataset.copy, `${time.dataset.copy} copied`);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = viewer.open
      ? { ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), ArrowUp: () => turnStep(-1),
          ArrowDown: () => turnStep(1), Home: () => show(1), End: () => show(cards.length) }
      : { ArrowLeft: () => goTo(currentCard() - 1), ArrowRight: () => goTo(currentCard() + 1) };
    const move = moves[event.key];
    if (!move || !cards.length) return;
    event.preventDefault();
    move();
  });

  // The timeline: whatever lies under the pointer, however narrow its bar

  const timeline = byId("timeline");
  const drawing = timeline.querySelector("svg");
  const peek = byId("peek");
  const cursor = byId("cursor");

  const clock = (time) => {
    const whole = Math.floor(time);
    const pad = (n) => String(n).padStart(2, "0");
    const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
  };

  const slideAt = (time) => {
    const span = data.spans.findLast(([start, end]) => time >= start && time < end);
    return span ? span[2] : 0;
  };

  const light = (slide) => {
    drawing.querySelectorAll(".bar").forEach((bar) => {
      bar.classList.toggle("lit", slide > 0 && Number(bar.dataset.slide) === slide);
    });
  };

  const leave = () => {
    peek.hidden = true;
    cursor.setAttribute("visibility", "hidden");
    light(0);
  };

  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const part = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const slide = slideAt(part * data.duration);
    const thumbnail = slide && pictureOf(slide, 0).querySelector("img").src;
    cursor.setAttribute("x1", `${part * 100}%`);
    cursor.setAttribute("x2", `${part * 100}%`);
    cursor.setAttribute("visibility", "visible");
    byId("peek-image").hidden = !slide;
    if (slide) byId("peek-image").src = thumbnail;
    byId("peek-text").textContent = `${clock(part * data.duration)} · ${slide ? `slide ${slide}` : "no slide"}`;
    peek.hidden = false;
    const half = peek.offsetWidth / 2;
    const x = event.clientX - timeline.getBoundingClientRect().left;
    peek.style.left = `${Math.max(half, Math.min(timeline.clientWidth - half, x))}px`;
    light(slide);
  });
  drawing.addEventListener("pointerleave", leave);
  drawing.addEventListener("click", (event) => {
    const box = drawing.getBoundingClientRect();
    const slide = slideAt(((event.clientX - box.left) / box.width) * data.duration);
    event.preventDefault();
    if (slide) goTo(slide - 1);
  });

  // The list beside the slides: where the reader is

  const entries = [...document.querySelectorAll(".contents a")];
  const targets = new Map(entries.map((entry) => [byId(entry.hash.slice(1)), entry]));
  const watcher = new IntersectionObserver((changes) => {
    changes.forEach((change) => { change.target.dataset.seen = change.isIntersecting ? "1" : ""; });
    const first = entries.find((entry) => byId(entry.hash.slice(1))?.dataset.seen);
    entries.forEach((entry) => {
      if (entry === first) entry.setAttribute("aria-current", "true");
      else entry.removeAttribute("aria-current");
    });
  }, { rootMargin: "0px 0px -55% 0px" });
  targets.forEach((_, target) => { if (target) watcher.observe(target); });

  const copyContents = byId("copy-contents");
  if (copyContents) {
    copyContents.hidden = false;
    copyContents.addEventListener("click", () => {
      const lines = entries.map((entry) => [...entry.children].map((part) => part.textContent).join(" "));
      copy(lines.join("\n"), "List copied");
    });
  }
  const keys = byId("keys");
  if (keys) keys.hidden = false;
})();
