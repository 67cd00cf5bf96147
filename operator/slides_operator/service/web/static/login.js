// Says why signing in would be forgotten at once: the session's cookie needs TLS, or localhost.

document.getElementById("plain").hidden = window.isSecureContext;
