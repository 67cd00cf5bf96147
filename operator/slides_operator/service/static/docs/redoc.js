// Beside the page, not in it: the page's Content-Security-Policy runs no inline script.
"use strict";

Redoc.init(
  "openapi.json",
  // The search would be a worker made of a string.
  { disableSearch: true, hideDownloadButtons: false, nativeScrollbars: true },
  document.getElementById("docs"),
);
