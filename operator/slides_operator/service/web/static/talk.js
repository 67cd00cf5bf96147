// A talk's page: progress as it comes, questions asked in place, events and log once they are wanted.

import { fetchPage, morph, refresh } from "./fresh.js";
import { watchSlides } from "./slides.js";

const byId = (id) => document.getElementById(id);
const ENDED = new Set(["completed", "failed"]);
const ANNOUNCED_EVERY = 25;
const LOOK_MS = 4000;

// Questions

const ask = (link) => {
  const dialog = byId(link.dataset.confirm);
  if (!dialog) return false;
  dialog.returnValue = "";
  dialog.showModal();
  return true;
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-confirm]");
  const close = event.target.closest("dialog.ask [data-close]");
  if ((link && ask(link)) || close) event.preventDefault();
  close?.closest("dialog").close();
});

// Events and log

const showActivity = async () => {
  const place = byId("activity");
  const page = await fetchPage(place.dataset.source);
  const fresh = page?.getElementById("activity");
  if (!fresh) return;
  fresh.dataset.source = place.dataset.source;
  morph(place, document.adoptNode(fresh));
};

const whenSeen = (element, act) => {
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    act();
  }, { rootMargin: "200px" }).observe(element);
};

// Progress

let announced = "";

const announce = (state) => {
  const part = Math.floor(state.progress / ANNOUNCED_EVERY) * ANNOUNCED_EVERY;
  const text = `${state.status}, ${part} %`;
  if (text === announced) return;
  announced = text;
  byId("announcement").textContent = text;
};

const number = (n) => n.toLocaleString("en");
const count = (done, all, what) => (all ? `${number(done ?? 0)} of ${number(all)} ${what}` : "");

const detailOf = (state) => {
  if (state.status === "extracting") return count(state.current_frame, state.frame_count, "frames");
  if (state.status === "uploading") return count(state.slides_processed, state.total_slides, "slides");
  return "";
};

const showProgress = (state) => {
  const percent = Math.round(state.progress ?? 0);
  byId("message").textContent = state.message;
  if (byId("progress")) {
    byId("progress").value = percent;
    byId("percent").textContent = `${percent} %`;
  }
  if (byId("detail") && detailOf(state)) byId("detail").textContent = detailOf(state);
  document.title = document.title.replace(/^(\d+ % · )?/, ENDED.has(state.status) ? "" : `${percent} % · `);
  announce(state);
};

const show = (page) => {
  // What a question would do has changed with the state, and slides may have come.
  refresh(page, ["main"]);
  for (const dialog of document.querySelectorAll("dialog")) if (!dialog.open) dialog.remove();
  for (const dialog of page.querySelectorAll("dialog")) {
    if (!byId(dialog.id)) document.body.append(document.adoptNode(dialog));
  }
  watchSlides();
  showActivity();
};

const shownStatus = () => byId("status").dataset.status;

// Stream and look tell of the same change: whichever comes first shows all that came with it.
const bringUpToDate = async () => {
  const page = await fetchPage();
  const status = page?.getElementById("status");
  if (!status) return; // a login page has none
  if (status.dataset.status === shownStatus()) refresh(page, ["status"]);
  else show(page);
};

let source = null;

const follow = (address) => {
  source = new EventSource(address);
  source.onmessage = async (event) => {
    const state = JSON.parse(event.data);
    showProgress(state);
    if (ENDED.has(state.status)) source.close();
    if (state.status !== shownStatus()) await bringUpToDate();
  };
};

// The browser connects again by itself, unless it was refused or the end was told.
const watch = () => {
  const { stream } = byId("status").dataset;
  if (stream && (!source || source.readyState === EventSource.CLOSED)) follow(stream);
};

// What waits says why by its status alone, of which no runner tells.
const look = async () => {
  const { stream, awaited } = byId("status").dataset;
  if (document.hidden || !(stream || awaited)) return;
  await bringUpToDate();
  watch();
};

watchSlides();
whenSeen(byId("activity"), showActivity);
watch();
setInterval(look, LOOK_MS);
