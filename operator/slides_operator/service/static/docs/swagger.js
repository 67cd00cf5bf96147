// Beside the page, not in it: the page's Content-Security-Policy runs no inline script.
"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  // The password stays in this page: nothing is kept in the browser's storage.
  persistAuthorization: false,
  // What is sent for validation elsewhere would leave the cluster.
  validatorUrl: null,
});
