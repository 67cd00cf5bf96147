// The list stays as it is on the server, and can be walked through by keys.

import { fetchPage, refresh } from "./fresh.js";
import { onKeys } from "./keyboard.js";

const LIVE = ["head", "filters", "live"];
const byId = (id) => document.getElementById(id);

const waitMs = () => 1000 * Number(byId("live").dataset.every);

const update = async () => {
  if (!document.hidden) {
    const page = await fetchPage();
    if (page) refresh(page, LIVE);
    hidePictureless();
  }
  setTimeout(update, waitMs());
};

// A picture that the store no longer has leaves its place empty.
const hidePictureless = () => {
  for (const image of document.querySelectorAll(".cover img")) {
    if (image.complete && image.naturalWidth === 0) image.hidden = true;
    else image.onerror = () => { image.hidden = true; };
  }
};

const links = () => [...document.querySelectorAll(".talk h2 a")];

const step = (by) => {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  all[next]?.focus();
  all[next]?.closest("li").scrollIntoView({ block: "nearest" });
  return all.length > 0;
};

const search = () => {
  byId("search").focus();
  byId("search").select();
  return true;
};

onKeys({
  j: () => step(1),
  k: () => step(-1),
  "/": search,
  n: () => { byId("new").click(); return true; },
});
byId("namespace")?.addEventListener("change", (event) => event.target.form.submit());
hidePictureless();
setTimeout(update, waitMs());
