// The set-up pages in the look that the reader has chosen: before the first paint.
(() => {
  "use strict";
  const chosen = document.querySelector('meta[name="tg-theme"]')?.content;
  document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : "auto";
})();
