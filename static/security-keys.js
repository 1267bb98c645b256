// Security keys: a button asks the browser for the key and sends its answer with the form.
(() => {
  "use strict";
  // Browsers lend keys to https (and this machine) alone, and at names alone.
  const isNumbers = /^[\d.]+$|:/.test(location.hostname);
  const isPossible = window.isSecureContext && window.PublicKeyCredential && !isNumbers;
  for (const button of document.querySelectorAll("[data-key]")) {
    button.disabled = !isPossible;
    button.form.querySelector("[data-key-impossible]").hidden = isPossible;
    button.addEventListener("click", async () => {
      const form = button.form;
      const failed = form.querySelector("[data-key-failed]");
      failed.hidden = true;
      button.disabled = true;
      try {
        const speak = window.webauthnJSON[button.dataset.key];
        const answer = await speak(JSON.parse(button.dataset.options));
        document.getElementById(button.dataset.field).value = JSON.stringify(answer);
        form.submit();
      } catch {
        failed.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
