// Brings what is shown up to date with the server's own rendering, and leaves alone what is the same:
// focus, selection, open details and loaded pictures stay.

const KEPT = new Set(["DETAILS", "DIALOG"]);

const syncAttributes = (old, fresh) => {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (fresh.hasAttribute(name) || (name === "open" && KEPT.has(old.nodeName))) continue;
    old.removeAttribute(name);
  }
};

const isSame = (old, fresh) => old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");

const syncChildren = (old, fresh) => {
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = wanted.id ? [...old.children].find((child) => child.id === wanted.id) : null;
    const match = known || (place && !place.id && isSame(place, wanted) ? place : null);
    if (!match) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (match !== place) old.insertBefore(match, place);
    place = match.nextSibling;
    morph(match, wanted);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
};

export const morph = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (!isSame(old, fresh)) old.replaceWith(fresh);
  else if (old.nodeType === Node.ELEMENT_NODE) { syncAttributes(old, fresh); syncChildren(old, fresh); }
  else if (old.data !== fresh.data) old.data = fresh.data;
};

const GONE = 404;

/** Says something in passing, aloud too. */
const tell = (text) => {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.hidden = false;
};

const followLogin = (answer) => {
  if (answer.redirected && new URL(answer.url).pathname === "/ui/login") location.reload();
};

/** The page as the server renders it now; null where it cannot be had. */
export const fetchPage = async (address = location.href) => {
  try {
    const answer = await fetch(address, { cache: "no-cache", headers: { Accept: "text/html" } });
    followLogin(answer);
    if (answer.status === GONE) tell("This is not there any more.");
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
};

/** Brings the elements of these ids up to date; one that came or went is left to a reload. */
export const refresh = (page, ids) => {
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh) morph(old, document.adoptNode(fresh));
  }
};
