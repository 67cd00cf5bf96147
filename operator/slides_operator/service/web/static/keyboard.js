// Keys that work everywhere, unless something is being typed.

const isTyping = (target) => target.closest?.("input, select, textarea, [contenteditable]") !== null;

/** Calls what belongs to a pressed key; a function that returns false has not used it. */
export const onKeys = (moves) => {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (moves[event.key]?.() ?? false) event.preventDefault();
  });
  for (const hint of document.querySelectorAll(".keys")) hint.hidden = false;
};
